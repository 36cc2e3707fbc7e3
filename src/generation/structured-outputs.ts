import { isObject } from '../common/fastapi/checks.js';
import type { Fault } from '../common/fastapi/fields.js';
import { wrongParameter } from '../common/fastapi/validation-fault.js';
import { type Grammar, InferenceError } from '../inference/inference-provider.js';

type Fields = Readonly<Record<string, unknown>>;

/** OpenAI's `response_format`. */
export type ResponseFormat =
  | { readonly type: 'text' | 'json_object' }
  | { readonly type: 'json_schema'; readonly json_schema: { readonly name?: string; readonly schema?: Fields | null } };

/** vLLM's `structured_outputs`: exactly one of these. */
export interface StructuredOutputs {
  /** A JSON Schema, or one as text. */
  readonly json?: Fields | boolean | string | null;
  readonly json_object?: boolean | null;
  readonly regex?: string | null;
  readonly choice?: readonly string[] | null;
  /** GBNF. */
  readonly grammar?: string | null;
}

const MAX_CHOICES = 10_000;

const NULLABLE = { nullable: true } as const;

/** For the document. */
export const RESPONSE_FORMAT_SCHEMA = {
  oneOf: [
    { type: 'object', required: ['type'], properties: { type: { type: 'string', enum: ['text', 'json_object'] } } },
    {
      type: 'object',
      required: ['type', 'json_schema'],
      properties: {
        type: { type: 'string', enum: ['json_schema'] },
        json_schema: {
          type: 'object',
          properties: {
            name: { type: 'string', ...NULLABLE },
            schema: { type: 'object', additionalProperties: true, ...NULLABLE },
            strict: { type: 'boolean', ...NULLABLE },
          },
        },
      },
    },
    { type: 'null' },
  ],
} as const;

/** For the document. */
export const STRUCTURED_OUTPUTS_SCHEMA = {
  type: 'object',
  ...NULLABLE,
  additionalProperties: false,
  properties: {
    json: {
      oneOf: [
        { type: 'object', additionalProperties: true },
        { type: 'boolean' },
        { type: 'string' },
        { type: 'null' },
      ],
    },
    json_object: { type: 'boolean', ...NULLABLE },
    regex: { type: 'string', ...NULLABLE },
    choice: { type: 'array', ...NULLABLE, minItems: 1, maxItems: MAX_CHOICES, items: { type: 'string' } },
    grammar: { type: 'string', ...NULLABLE },
  },
} as const;

export function checkResponseFormat(value: unknown): Fault | undefined {
  if (!isObject(value)) return { type: 'dict_type', msg: 'Input should be an object' };
  const { type, json_schema: given } = value;
  if (type === 'text' || type === 'json_object') return undefined;
  if (type !== 'json_schema') {
    return { type: 'enum', msg: 'Input should be text, json_object or json_schema', at: ['type'] };
  }
  if (!isObject(given)) return { type: 'dict_type', msg: 'Input should be an object', at: ['json_schema'] };
  const { name = null, schema = null, strict = null } = given;
  if (name !== null && typeof name !== 'string') return text('json_schema', 'name');
  if (schema !== null && !isObject(schema)) {
    return { type: 'dict_type', msg: 'Input should be an object', at: ['json_schema', 'schema'] };
  }
  if (strict === null || typeof strict === 'boolean') return undefined;
  return { type: 'bool_type', msg: 'Input should be a valid boolean', at: ['json_schema', 'strict'] };
}

export function checkStructuredOutputs(value: unknown): Fault | undefined {
  if (!isObject(value)) return { type: 'dict_type', msg: 'Input should be an object' };
  const given = Object.keys(value).filter((name) => value[name] !== null && value[name] !== undefined);
  const unknown = Object.keys(value).find((name) => !(name in STRUCTURED_OUTPUTS_SCHEMA.properties));
  if (unknown !== undefined) {
    return { type: 'not_supported', msg: 'This is not supported by this server', at: [unknown.slice(0, 100)] };
  }
  if (given.length !== 1) {
    const names = Object.keys(STRUCTURED_OUTPUTS_SCHEMA.properties).join(', ');
    return { type: 'value_error', msg: `Input should have exactly one of ${names}` };
  }
  const { json, json_object: anyObject, regex = '', choice = [''], grammar = '' } = value;
  if (typeof json === 'string' && parseSchema(json) === undefined) {
    return { type: 'json_invalid', msg: 'Input should be a JSON Schema', at: ['json'] };
  }
  if (!['string', 'boolean', 'undefined'].includes(typeof json) && json !== null && !isObject(json)) {
    return { type: 'dict_type', msg: 'Input should be a JSON Schema', at: ['json'] };
  }
  if ((anyObject ?? true) !== true) return { type: 'value_error', msg: 'Input should be true', at: ['json_object'] };
  if (regex !== null && typeof regex !== 'string') return text('regex');
  if (grammar !== null && typeof grammar !== 'string') return text('grammar');
  const isChoice = Array.isArray(choice) && choice.length > 0 && choice.every((one) => typeof one === 'string');
  if (choice === null || (isChoice && choice.length <= MAX_CHOICES)) return undefined;
  return { type: 'list_type', msg: `Input should be a list of 1 to ${MAX_CHOICES} texts`, at: ['choice'] };
}

/** What a request asks for with one of these, and which of them it was. */
export interface AskedGrammar {
  readonly grammar: Grammar;
  readonly param: string;
}

/**
 * @returns undefined when anything may come
 * @throws {RequestValidationError} for both at once
 */
export function askedGrammar(
  responseFormat: ResponseFormat | null | undefined,
  structuredOutputs: StructuredOutputs | null | undefined,
): AskedGrammar | undefined {
  const ofFormat = responseFormat && grammarOfFormat(responseFormat);
  if (!structuredOutputs) return ofFormat ? { grammar: ofFormat, param: 'response_format' } : undefined;
  if (ofFormat) {
    throw wrongParameter('structured_outputs', 'Not together with response_format', structuredOutputs);
  }
  return { grammar: grammarOfOutputs(structuredOutputs), param: 'structured_outputs' };
}

/**
 * Names the parameter that an unusable grammar came from.
 *
 * @throws {RequestValidationError} instead of what the engine says of the grammar
 */
export async function blameGrammar<T>(answers: Promise<T>, param: string | undefined): Promise<T> {
  try {
    return await answers;
  } catch (error) {
    if (param === undefined || !(error instanceof InferenceError) || error.code !== 'grammar_invalid') throw error;
    throw wrongParameter(param, error.message, null);
  }
}

function grammarOfFormat(format: ResponseFormat): Grammar | undefined {
  switch (format.type) {
    case 'text':
      return undefined;
    case 'json_object':
      return { kind: 'json_object' };
    case 'json_schema': {
      const { schema } = format.json_schema;
      return schema ? { kind: 'json_schema', schema } : { kind: 'json_object' };
    }
  }
}

function grammarOfOutputs({ json, regex, choice, grammar }: StructuredOutputs): Grammar {
  if (typeof json === 'string') return { kind: 'json_schema', schema: parseSchema(json) ?? true };
  if (json !== undefined && json !== null) return { kind: 'json_schema', schema: json };
  if (typeof regex === 'string') return { kind: 'regex', pattern: regex };
  if (choice) return { kind: 'choice', choices: choice };
  if (typeof grammar === 'string') return { kind: 'ebnf', text: grammar };
  return { kind: 'json_object' };
}

function parseSchema(json: string): Fields | boolean | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) || typeof value === 'boolean' ? value : undefined;
  } catch {
    return undefined;
  }
}

function text(...at: string[]): Fault {
  return { type: 'string_type', msg: 'Input should be a string', at };
}
