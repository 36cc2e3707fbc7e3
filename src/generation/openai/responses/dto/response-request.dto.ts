import {
  checkBoolean,
  checkField,
  checkList,
  checkObject,
  checkOneOf,
  checkString,
  firstOf,
  isObject,
} from '../../../../common/fastapi/checks.js';
import {
  BooleanField,
  CheckedField,
  type Fault,
  IntegerField,
  NumberField,
} from '../../../../common/fastapi/fields.js';
import { NOTHING, RefusedField } from '../../../../common/fastapi/refused-field.js';
import { checkInput, INPUT_SCHEMA, type InputItem } from '../input.js';

const never = (): boolean => false;
const OBJECT_OR_NULL = { type: 'object', nullable: true } as const;

export interface RequestTool {
  readonly type: 'function';
  readonly name: string;
  readonly description?: string | null;
  readonly parameters?: Readonly<Record<string, unknown>> | null;
  readonly strict?: boolean | null;
}

const TOOL_CHOICES = ['none', 'auto', 'required'] as const;
export type RequestToolChoice = (typeof TOOL_CHOICES)[number] | { readonly type: 'function'; readonly name: string };

const FORMATS = ['text', 'json_object', 'json_schema'] as const;
export type RequestFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly name: string;
      readonly schema: Readonly<Record<string, unknown>>;
      readonly strict?: boolean | null;
    };

/** None of those that are told for tools that run on the server. */
export const LOGPROBS = 'message.output_text.logprobs';

function checkTools(value: unknown): Fault | undefined {
  return checkList(value, (tool) => {
    if (!isObject(tool)) return checkObject(tool);
    if (tool.type !== 'function') {
      return {
        type: 'not_supported',
        msg: 'Input should be function: this server has no tools of its own',
        at: ['type'],
      };
    }
    return firstOf(
      checkField(tool, 'name', checkString),
      checkField(tool, 'description', checkString, 'optional'),
      checkField(tool, 'parameters', checkObject, 'optional'),
      checkField(tool, 'strict', checkBoolean, 'optional'),
    );
  });
}

function checkToolChoice(value: unknown): Fault | undefined {
  if (!isObject(value)) return checkOneOf(value, TOOL_CHOICES);
  return checkField(value, 'type', (type) => checkOneOf(type, ['function'])) ?? checkField(value, 'name', checkString);
}

function checkText(value: unknown): Fault | undefined {
  return isObject(value) ? checkField(value, 'format', checkFormat, 'optional') : checkObject(value);
}

function checkFormat(value: unknown): Fault | undefined {
  if (!isObject(value)) return checkObject(value);
  return (
    checkField(value, 'type', (type) => checkOneOf(type, FORMATS)) ??
    (value.type === 'json_schema'
      ? firstOf(checkField(value, 'name', checkString), checkField(value, 'schema', checkObject))
      : undefined)
  );
}

function checkReasoning(value: unknown): Fault | undefined {
  return isObject(value) ? checkField(value, 'effort', checkString, 'optional') : checkObject(value);
}

function checkMetadata(value: unknown): Fault | undefined {
  if (!isObject(value)) return checkObject(value);
  return firstOf(...Object.keys(value).map((name) => checkField(value, name, checkString)));
}

/** The body of `POST /v1/responses`. */
export class ResponseRequest {
  @CheckedField({
    description: 'The model, as `GET /v1/models` names it. There is only one, so it may be left out',
    schema: { type: 'string', nullable: true },
    check: checkString,
  })
  model?: string;

  @CheckedField({
    description: 'A text, or the items of a conversation: messages, calls of functions, their results, thoughts',
    example: 'What is an Inference Endpoint?',
    required: true,
    schema: INPUT_SCHEMA as never,
    check: checkInput,
  })
  input!: string | InputItem[];

  @CheckedField({
    description: 'Instructions that go before the conversation',
    schema: { type: 'string', nullable: true },
    check: checkString,
  })
  instructions?: string;

  @IntegerField({
    description: 'Upper bound on generated tokens, thoughts included; as many as fit if left out',
    example: 64,
    ge: 1,
    le: Number.MAX_SAFE_INTEGER,
  })
  max_output_tokens?: number;

  @NumberField({ description: 'Randomness: 0 always takes the most probable token', example: 0.7, ge: 0, le: 2 })
  temperature?: number;

  @NumberField({
    description: 'Draw only from the most probable tokens whose probabilities reach this sum',
    example: 0.95,
    positive: true,
    le: 1,
  })
  top_p?: number;

  @IntegerField({
    description: 'How many of the most probable tokens are told at each place',
    example: 2,
    ge: 0,
    le: 20,
  })
  top_logprobs?: number;

  @CheckedField({
    description: `What else to tell; only \`${LOGPROBS}\` is known`,
    schema: { type: 'array', nullable: true, items: { type: 'string' } },
    check: (value) => checkList(value, checkString),
  })
  include?: string[];

  @CheckedField({
    description: '`format`: what the answer has to be: `text`, `json_object`, or a `json_schema`',
    schema: {
      ...OBJECT_OR_NULL,
      properties: {
        format: {
          oneOf: [
            {
              type: 'object',
              required: ['type'],
              properties: { type: { type: 'string', enum: ['text', 'json_object'] } },
            },
            {
              type: 'object',
              required: ['type', 'name', 'schema'],
              properties: {
                type: { type: 'string', enum: ['json_schema'] },
                name: { type: 'string' },
                schema: { type: 'object' },
              },
            },
            NOTHING,
          ],
        },
      },
    },
    check: checkText,
  })
  text?: { readonly format?: RequestFormat | null };

  @CheckedField({
    description: 'Functions that the model may call, if its chat template knows any',
    schema: {
      type: 'array',
      nullable: true,
      items: {
        type: 'object',
        required: ['type', 'name'],
        properties: {
          type: { type: 'string', enum: ['function'] },
          name: { type: 'string' },
          description: { type: 'string', nullable: true },
          parameters: OBJECT_OR_NULL,
          strict: { type: 'boolean', nullable: true },
        },
      },
    } as never,
    check: checkTools,
  })
  tools?: RequestTool[];

  @CheckedField({
    description: 'Whether it may call them, must not, has to call one, or a certain one',
    schema: {
      oneOf: [
        { type: 'string', enum: [...TOOL_CHOICES] },
        {
          type: 'object',
          required: ['type', 'name'],
          properties: { type: { type: 'string', enum: ['function'] }, name: { type: 'string' } },
        },
        NOTHING,
      ],
    },
    check: checkToolChoice,
  })
  tool_choice?: RequestToolChoice;

  @BooleanField({ description: 'Whether an answer may have several calls; true if left out', example: true })
  parallel_tool_calls?: boolean;

  @CheckedField({
    description: '`effort`: how much to think, for templates that know it; `none` turns thinking off',
    schema: { ...OBJECT_OR_NULL, properties: { effort: { type: 'string', nullable: true } } } as never,
    check: checkReasoning,
  })
  reasoning?: { readonly effort?: string | null; readonly summary?: unknown };

  @CheckedField({
    description: 'Comes back with the answer',
    example: {},
    schema: { ...OBJECT_OR_NULL, additionalProperties: { type: 'string' } },
    check: checkMetadata,
  })
  metadata?: Readonly<Record<string, string>>;

  @BooleanField({ description: 'Whether the answer comes as server-sent events', example: false })
  stream?: boolean;

  @BooleanField({ description: 'Nothing is ever stored, whatever this says', example: false })
  store?: boolean;

  @RefusedField({ type: 'string', nullable: true, enum: ['disabled', null] }, (value) => value === 'disabled')
  truncation?: unknown;

  @RefusedField({ type: 'boolean', nullable: true, enum: [false, null] }, (value) => value === false)
  background?: unknown;

  @RefusedField(NOTHING, never)
  previous_response_id?: unknown;

  @RefusedField(NOTHING, never)
  conversation?: unknown;

  @RefusedField(NOTHING, never)
  prompt?: unknown;

  @RefusedField(NOTHING, never)
  context_management?: unknown;
}
