import {
  checkField,
  checkInteger,
  checkObject,
  checkOneOf,
  checkString,
  isObject,
} from '../../../common/fastapi/checks.js';
import {
  BooleanField,
  CheckedField,
  type Fault,
  IntegerField,
  NumberField,
  StringListField,
} from '../../../common/fastapi/fields.js';
import { EMPTY_LIST, isEmptyList, NOTHING, RefusedField } from '../../../common/fastapi/refused-field.js';
import {
  checkMessages,
  checkText,
  MESSAGES_SCHEMA,
  type RequestMessage,
  TEXT_SCHEMA,
  type TextBlock,
} from '../content.js';
import {
  checkToolChoice,
  checkTools,
  type RequestTool,
  type RequestToolChoice,
  TOOL_CHOICE_SCHEMA,
  TOOLS_SCHEMA,
} from '../tools.js';

const never = (): boolean => false;

const THINKING_TYPES = ['enabled', 'adaptive', 'disabled'] as const;

export interface RequestThinking {
  readonly type: (typeof THINKING_TYPES)[number];
  /** With `enabled`. */
  readonly budget_tokens?: number;
}

function checkThinking(value: unknown): Fault | undefined {
  if (!isObject(value)) return checkObject(value);
  return (
    checkField(value, 'type', (type) => checkOneOf(type, THINKING_TYPES)) ??
    (value.type === 'enabled' ? checkField(value, 'budget_tokens', (budget) => checkInteger(budget, 1)) : undefined)
  );
}

const EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;

export interface RequestOutputConfig {
  readonly effort?: (typeof EFFORTS)[number] | null;
  readonly format?: { readonly schema: Readonly<Record<string, unknown>> } | null;
}

function checkOutputConfig(value: unknown): Fault | undefined {
  if (!isObject(value)) return checkObject(value);
  return (
    checkField(value, 'effort', (effort) => checkOneOf(effort, EFFORTS), 'optional') ??
    checkField(value, 'format', checkFormat, 'optional')
  );
}

function checkFormat(value: unknown): Fault | undefined {
  if (!isObject(value)) return checkObject(value);
  return (
    checkField(value, 'type', (type) => checkOneOf(type, ['json_schema'])) ?? checkField(value, 'schema', checkObject)
  );
}

/** What both routes take: all that the prompt is made of. The body of `POST /v1/messages/count_tokens`. */
export class ConversationRequest {
  @CheckedField({
    description: 'The model, as `GET /v1/models` names it. There is only one, so it may be left out',
    schema: { type: 'string', nullable: true },
    check: checkString,
  })
  model?: string;

  @CheckedField({
    description:
      'The conversation. Content is a text or a list of blocks. When the last message is the assistant’s, the answer goes on from it',
    example: [{ role: 'user', content: 'What is an Inference Endpoint?' }],
    required: true,
    schema: MESSAGES_SCHEMA as never,
    check: checkMessages,
  })
  messages!: RequestMessage[];

  @CheckedField({
    description: 'Instructions for the whole conversation: a text, or blocks of text',
    schema: { oneOf: [...TEXT_SCHEMA.oneOf, NOTHING] },
    check: checkText,
  })
  system?: string | TextBlock[];

  @CheckedField({
    description: 'Tools that the model may call, if its chat template knows any',
    schema: TOOLS_SCHEMA as never,
    check: checkTools,
  })
  tools?: RequestTool[];

  @CheckedField({
    description: 'Whether it may call them, has to call one (`any`), or a certain one',
    schema: TOOL_CHOICE_SCHEMA as never,
    check: checkToolChoice,
  })
  tool_choice?: RequestToolChoice;

  @CheckedField({
    description: 'Whether the model thinks before it answers, if it can; it does not if left out',
    schema: {
      type: 'object',
      nullable: true,
      required: ['type'],
      properties: {
        type: { type: 'string', enum: [...THINKING_TYPES] },
        budget_tokens: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
      },
    },
    check: checkThinking,
  })
  thinking?: RequestThinking;

  @CheckedField({
    description: '`effort`: how much to think, for templates that know it; `format`: a JSON schema for the answer',
    schema: {
      type: 'object',
      nullable: true,
      properties: {
        effort: { type: 'string', nullable: true, enum: [...EFFORTS, null] },
        format: {
          oneOf: [
            {
              type: 'object',
              required: ['type', 'schema'],
              properties: { type: { type: 'string', enum: ['json_schema'] }, schema: { type: 'object' } },
            },
            NOTHING,
          ],
        },
      },
    } as never,
    check: checkOutputConfig,
  })
  output_config?: RequestOutputConfig;

  @RefusedField(EMPTY_LIST, isEmptyList)
  mcp_servers?: unknown;

  @RefusedField(NOTHING, never)
  container?: unknown;

  @RefusedField(NOTHING, never)
  context_management?: unknown;
}

/** The body of `POST /v1/messages`. */
export class MessagesRequest extends ConversationRequest {
  @CheckedField({
    description: 'Upper bound on generated tokens; where fewer fit, fewer are the bound, and a warning says so',
    example: 64,
    required: true,
    schema: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    check: (value) => checkInteger(value, 1),
  })
  max_tokens!: number;

  @NumberField({ description: 'Randomness: 0 always takes the most probable token', example: 0.7, ge: 0, le: 1 })
  temperature?: number;

  @NumberField({
    description: 'Draw only from the most probable tokens whose probabilities reach this sum',
    example: 0.95,
    positive: true,
    le: 1,
  })
  top_p?: number;

  @IntegerField({
    description: 'Draw only from this many of the most probable tokens; 0 for all',
    example: 50,
    ge: 0,
    le: 1_000_000,
  })
  top_k?: number;

  @StringListField({
    description: 'The answer ends before the first of these that it would contain',
    example: ['END'],
    maxItems: 16,
  })
  stop_sequences?: string[];

  @BooleanField({ description: 'Whether the answer comes as server-sent events', example: false })
  stream?: boolean;
}
