import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsInt,
  IsNumber,
  IsPositive,
  IsString,
  Max,
  Min,
  MinLength,
  ValidateBy,
  type ValidateByOptions,
  ValidateIf,
} from 'class-validator';
import type { ValidationFault } from './validation-fault.js';

/** What is wrong with a value; `at` leads from the field to the place within it. */
export interface Fault extends Pick<ValidationFault, 'type' | 'msg' | 'ctx'> {
  readonly at?: readonly (string | number)[];
}

/** What a validator puts into its context: the fault it stands for, once the value is known. */
export type FaultOf = (input: unknown) => Fault;

interface FieldOptions {
  readonly description: string;
  readonly example?: unknown;
  readonly default?: unknown;
}

interface NumberRange {
  /** Greater than or equal to. */
  readonly ge?: number;
  /** Greater than zero. */
  readonly positive?: boolean;
  /** Less than or equal to. */
  readonly le?: number;
}

/**
 * Fields of a request body: each decorator validates as pydantic would, with its words, and documents the field with
 * the same limits.
 */
export function StringField({
  minLength,
  ...options
}: FieldOptions & { readonly minLength: number }): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ ...options, type: 'string', minLength }),
    IsString({ context: fault('string_type', 'Input should be a valid string') }),
    MinLength(minLength, {
      context: fault(
        'string_too_short',
        `String should have at least ${minLength} ${minLength === 1 ? 'character' : 'characters'}`,
        {
          min_length: minLength,
        },
      ),
    }),
  );
}

export function IntegerField({ ge, le, ...options }: FieldOptions & NumberRange): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      ...options,
      type: 'integer',
      nullable: isNullable(options),
      required: false,
      minimum: ge,
      maximum: le,
    }),
    OptionalField(options),
    AcceptNumericString(/^\s*[+-]?\d+(\.0+)?\s*$/),
    IsInt({ context: { faultOf: integerFault } }),
    ...rangeValidators({ ge, le }),
  );
}

export function NumberField({ ge, le, positive, ...options }: FieldOptions & NumberRange): PropertyDecorator {
  const documented = { minimum: ge, maximum: le, ...(positive && { exclusiveMinimum: 0 }) };
  return applyDecorators(
    ApiProperty({
      ...options,
      type: 'number',
      nullable: isNullable(options),
      required: false,
      ...documented,
    } as unknown as ApiPropertyOptions),
    OptionalField(options),
    AcceptNumericString(/^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i),
    IsNumber({ allowNaN: false, allowInfinity: false }, { context: { faultOf: numberFault } }),
    ...rangeValidators({ ge, le, positive }),
  );
}

/** A string, or a list of them; always a list for the one who reads it. */
export function StringListField({
  maxItems,
  ...options
}: FieldOptions & { readonly maxItems: number }): PropertyDecorator {
  const item = { type: 'string', minLength: 1 };
  return applyDecorators(
    ApiProperty({
      ...options,
      required: false,
      oneOf: [item, { type: 'array', items: item, maxItems }, { type: 'null' }],
    }),
    OptionalField(options),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? [value] : value)),
    IsArray({ context: fault('list_type', 'Input should be a valid list') }),
    ArrayMaxSize(maxItems, {
      context: fault('too_long', `List should have at most ${maxItems} items`, { max_length: maxItems }),
    }),
    IsString({ each: true, context: fault('string_type', 'Input should be a list of valid strings') }),
    MinLength(1, {
      each: true,
      context: fault('string_too_short', 'Strings should have at least 1 character', { min_length: 1 }),
    }),
  );
}

export function BooleanField(options: FieldOptions): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ ...options, type: 'boolean', nullable: isNullable(options), required: false }),
    OptionalField(options),
    IsBoolean({ context: fault('bool_type', 'Input should be a valid boolean') }),
  );
}

interface CheckedFieldOptions extends FieldOptions {
  readonly required?: boolean;
  /** What the check accepts, for the document. */
  readonly schema: ApiPropertyOptions;
  readonly check: (value: unknown) => Fault | undefined;
}

/** A field of a shape of its own. */
export function CheckedField({ required, schema, check, ...options }: CheckedFieldOptions): PropertyDecorator {
  const validator: ValidateByOptions = {
    name: 'checked',
    // Without a message of any kind, class-validator forgets the context.
    validator: { validate: (value) => check(value) === undefined, defaultMessage: () => 'Input is wrong' },
  };
  return applyDecorators(
    ApiProperty({ ...options, ...schema, required: required ?? false } as ApiPropertyOptions),
    ...(required ? [] : [OptionalField(options)]),
    ValidateBy(validator, { context: { faultOf: check } }),
  );
}

function fault(type: string, msg: string, ctx?: Record<string, unknown>): { faultOf: FaultOf } {
  return { faultOf: () => ({ type, msg, ...(ctx && { ctx }) }) };
}

const integerFault: FaultOf = (input) => {
  if (typeof input === 'string') {
    return { type: 'int_parsing', msg: 'Input should be a valid integer, unable to parse string as an integer' };
  }
  if (typeof input === 'number' && Number.isFinite(input)) {
    return { type: 'int_from_float', msg: 'Input should be a valid integer, got a number with a fractional part' };
  }
  if (typeof input === 'number') return { type: 'finite_number', msg: 'Input should be a finite number' };
  return { type: 'int_type', msg: 'Input should be a valid integer' };
};

const numberFault: FaultOf = (input) => {
  if (typeof input === 'string') {
    return { type: 'float_parsing', msg: 'Input should be a valid number, unable to parse string as a number' };
  }
  if (typeof input === 'number') return { type: 'finite_number', msg: 'Input should be a finite number' };
  return { type: 'float_type', msg: 'Input should be a valid number' };
};

function rangeValidators({ ge, le, positive }: NumberRange): PropertyDecorator[] {
  const validators: PropertyDecorator[] = [];
  if (ge !== undefined) {
    const context = fault('greater_than_equal', `Input should be greater than or equal to ${ge}`, { ge });
    validators.push(Min(ge, { context }));
  }
  if (positive) {
    validators.push(IsPositive({ context: fault('greater_than', 'Input should be greater than 0', { gt: 0 }) }));
  }
  if (le !== undefined) {
    const context = fault('less_than_equal', `Input should be less than or equal to ${le}`, { le });
    validators.push(Max(le, { context }));
  }
  return validators;
}

/**
 * A field that may be left out. With a default, null is a value, and a wrong one; without, null says the same as
 * leaving it out, as many clients do.
 */
function OptionalField(options: FieldOptions): PropertyDecorator {
  if (!isNullable(options)) return ValidateIf((_, value) => value !== undefined);
  return applyDecorators(
    Transform(({ value }: { value: unknown }) => value ?? undefined),
    ValidateIf((_, value) => value !== undefined),
  );
}

function isNullable({ default: fallback }: FieldOptions): boolean {
  return fallback === undefined;
}

/** Of a number that is written as a string, in characters: what is longer is not looked at. */
const MAX_NUMBER_LENGTH = 100;

/** pydantic takes a number that is written as a string, and clients have come to rely on it. */
function AcceptNumericString(pattern: RegExp): PropertyDecorator {
  return Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && value.length <= MAX_NUMBER_LENGTH && pattern.test(value) ? Number(value) : value,
  );
}
