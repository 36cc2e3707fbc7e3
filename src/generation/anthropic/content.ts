import {
  checkField,
  checkList,
  checkObject,
  checkOneOf,
  checkString,
  firstOf,
  isObject,
} from '../../common/fastapi/checks.js';
import type { Fault } from '../../common/fastapi/fields.js';

export interface TextBlock {
  readonly type: 'text';
  readonly text: string;
}

export interface ThinkingBlock {
  readonly type: 'thinking';
  readonly thinking: string;
  readonly signature: string;
}

export interface ToolUseBlock {
  readonly type: 'tool_use';
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export interface ToolResultBlock {
  readonly type: 'tool_result';
  readonly tool_use_id: string;
  readonly content?: string | readonly TextBlock[] | null;
  readonly is_error?: boolean | null;
}

/** What a client may send; a thought whose text is kept from it has nothing for the model to read. */
export type RequestBlock =
  TextBlock | ThinkingBlock | { readonly type: 'redacted_thinking' } | ToolUseBlock | ToolResultBlock;

export const ROLES = ['user', 'assistant', 'system'] as const;

/** A message as a client sends it. */
export interface RequestMessage {
  readonly role: (typeof ROLES)[number];
  readonly content: string | readonly RequestBlock[];
}

type Check = (value: unknown) => Fault | undefined;
type Block = Readonly<Record<string, unknown>>;

const BLOCKS: Readonly<Record<RequestBlock['type'], (block: Block) => Fault | undefined>> = {
  text: (block) => checkField(block, 'text', checkString),
  thinking: (block) => checkField(block, 'thinking', checkString),
  redacted_thinking: () => undefined,
  tool_use: (block) =>
    firstOf(
      checkField(block, 'id', checkString),
      checkField(block, 'name', checkString),
      checkField(block, 'input', checkObject),
    ),
  tool_result: (block) =>
    firstOf(checkField(block, 'tool_use_id', checkString), checkField(block, 'content', checkText, 'optional')),
};

const BLOCKS_OF: Readonly<Record<(typeof ROLES)[number], readonly RequestBlock['type'][]>> = {
  user: ['text', 'tool_result'],
  assistant: ['text', 'thinking', 'redacted_thinking', 'tool_use'],
  system: ['text'],
};

/** The conversation. */
export function checkMessages(value: unknown): Fault | undefined {
  if (Array.isArray(value) && value.length === 0) return { type: 'too_short', msg: 'At least one message is required' };
  return checkList(value, checkMessage);
}

/** A text, or blocks of nothing but text. */
export function checkText(value: unknown): Fault | undefined {
  return typeof value === 'string' ? undefined : checkBlocks(value, ['text']);
}

function checkMessage(message: unknown): Fault | undefined {
  if (!isObject(message)) return checkObject(message);
  const fault = checkField(message, 'role', (role) => checkOneOf(role, ROLES));
  if (fault) return fault;
  const known = BLOCKS_OF[message.role as keyof typeof BLOCKS_OF];
  return checkField(message, 'content', (content) =>
    typeof content === 'string' ? undefined : checkBlocks(content, known),
  );
}

function checkBlocks(value: unknown, known: readonly RequestBlock['type'][]): Fault | undefined {
  if (!Array.isArray(value)) return { type: 'string_type', msg: 'Input should be a string or a list of blocks' };
  return checkList(value, checkBlock(known));
}

function checkBlock(known: readonly RequestBlock['type'][]): Check {
  return (block) => {
    if (!isObject(block)) return checkObject(block);
    const { type } = block;
    const isKnown = known.find((one) => one === type);
    if (isKnown) return BLOCKS[isKnown](block);
    const msg = `Input should be one of ${known.join(', ')}: this model reads only text`;
    return { type: 'not_supported', msg, at: ['type'] };
  };
}

const block = (type: string, properties: Readonly<Record<string, object>>, optional: readonly string[] = []) => ({
  type: 'object',
  required: ['type', ...Object.keys(properties).filter((name) => !optional.includes(name))],
  properties: { type: { type: 'string', enum: [type] }, ...properties },
});

const STRING = { type: 'string' };
const TEXT_BLOCK = block('text', { text: STRING });
const NULL = { type: 'null' };

/** For the document: a text, or blocks of it. */
export const TEXT_SCHEMA = { oneOf: [STRING, { type: 'array', items: TEXT_BLOCK }] };

const BLOCK_SCHEMAS: Readonly<Record<RequestBlock['type'], object>> = {
  text: TEXT_BLOCK,
  thinking: block('thinking', { thinking: STRING }),
  redacted_thinking: block('redacted_thinking', {}),
  tool_use: block('tool_use', { id: STRING, name: STRING, input: { type: 'object' } }),
  tool_result: block('tool_result', { tool_use_id: STRING, content: { oneOf: [...TEXT_SCHEMA.oneOf, NULL] } }, [
    'content',
  ]),
};

/** For the document. */
export const MESSAGES_SCHEMA = {
  type: 'array',
  minItems: 1,
  items: {
    oneOf: ROLES.map((role) => {
      const items = { oneOf: BLOCKS_OF[role].map((type) => BLOCK_SCHEMAS[type]) };
      return {
        type: 'object',
        required: ['role', 'content'],
        properties: {
          role: { type: 'string', enum: [role] },
          content: { oneOf: [STRING, { type: 'array', items }] },
        },
      };
    }),
  },
};
