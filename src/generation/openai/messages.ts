import { isObject } from '../../common/fastapi/checks.js';
import type { Fault } from '../../common/fastapi/fields.js';
import type { ChatMessage } from '../../inference/inference-provider.js';

export const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;

/** A part of a message's content; of the kinds that OpenAI has, only text. */
export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

/** A message as a client sends it. */
export interface RequestMessage {
  readonly role: (typeof ROLES)[number];
  readonly content?: string | readonly TextPart[] | null;
  readonly [field: string]: unknown;
}

const TEXT_SCHEMAS = [
  { type: 'string' },
  {
    type: 'array',
    items: {
      type: 'object',
      required: ['type', 'text'],
      properties: { type: { type: 'string', enum: ['text'] }, text: { type: 'string' } },
    },
  },
] as const;

const TOOL_CALL_SCHEMA = {
  type: 'object',
  required: ['function'],
  properties: {
    id: { type: 'string' },
    type: { type: 'string', enum: ['function'] },
    function: {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string' }, arguments: { oneOf: [{ type: 'string' }, { type: 'object' }] } },
    },
  },
} as const;

/** For the document. */
export const MESSAGES_SCHEMA = {
  type: 'array',
  minItems: 1,
  items: {
    oneOf: [
      {
        type: 'object',
        required: ['role', 'content'],
        properties: {
          role: { type: 'string', enum: ROLES.filter((role) => role !== 'assistant') },
          content: { oneOf: TEXT_SCHEMAS },
          tool_call_id: { type: 'string' },
        },
      },
      {
        type: 'object',
        required: ['role'],
        properties: {
          role: { type: 'string', enum: ['assistant'] },
          content: { oneOf: [...TEXT_SCHEMAS, { type: 'null' }] },
          tool_calls: { oneOf: [{ type: 'array', items: TOOL_CALL_SCHEMA }, { type: 'null' }] },
          reasoning_content: { type: 'string', nullable: true },
        },
      },
    ],
  },
} as const;

export function checkMessages(value: unknown): Fault | undefined {
  if (!Array.isArray(value)) return { type: 'list_type', msg: 'Input should be a valid list' };
  if (value.length === 0) return { type: 'too_short', msg: 'List should have at least 1 item' };
  return firstFault(value, checkMessage);
}

/** Messages as chat templates know them: content is one text, and a developer is who templates call the system. */
export function toChatMessages(messages: readonly RequestMessage[]): ChatMessage[] {
  return messages.map((message) => ({
    ...message,
    role: message.role === 'developer' ? 'system' : message.role,
    ...(Array.isArray(message.content) && { content: joinParts(message.content as readonly TextPart[]) }),
  }));
}

/** As vLLM and llama-server join them. */
function joinParts(parts: readonly TextPart[]): string {
  return parts.map(({ text }) => text).join('\n');
}

function checkMessage(message: unknown): Fault | undefined {
  if (!isObject(message)) return { type: 'dict_type', msg: 'Input should be an object' };
  const { role, content } = message;
  if (!ROLES.some((known) => known === role)) {
    return { type: 'enum', msg: `Input should be one of ${ROLES.join(', ')}`, at: ['role'] };
  }
  const fault = role === 'assistant' ? checkToolCalls(message) : checkToolCallId(message);
  if (fault) return fault;
  // One that only calls tools, or refused.
  if ((content === null || content === undefined) && role === 'assistant') return undefined;
  if (typeof content === 'string') return undefined;
  if (!Array.isArray(content)) {
    return { type: 'string_type', msg: 'Input should be a string or a list of text parts', at: ['content'] };
  }
  return within('content', firstFault(content, checkPart));
}

function checkToolCallId({ tool_call_id: id = null }: Readonly<Record<string, unknown>>): Fault | undefined {
  if (id === null || typeof id === 'string') return undefined;
  return { type: 'string_type', msg: 'Input should be a valid string', at: ['tool_call_id'] };
}

function checkToolCalls({ tool_calls: calls = null }: Readonly<Record<string, unknown>>): Fault | undefined {
  if (calls === null) return undefined;
  if (!Array.isArray(calls)) return { type: 'list_type', msg: 'Input should be a valid list', at: ['tool_calls'] };
  return within('tool_calls', firstFault(calls, checkToolCall));
}

function checkToolCall(call: unknown): Fault | undefined {
  if (!isObject(call)) return { type: 'dict_type', msg: 'Input should be an object' };
  const { id, type = 'function', function: called } = call;
  if (id !== undefined && typeof id !== 'string') {
    return { type: 'string_type', msg: 'Input should be a valid string', at: ['id'] };
  }
  if (type !== 'function') return { type: 'not_supported', msg: 'Input should be "function"', at: ['type'] };
  if (!isObject(called)) return { type: 'dict_type', msg: 'Input should be an object', at: ['function'] };
  if (typeof called.name !== 'string') {
    return { type: 'string_type', msg: 'Input should be a valid string', at: ['function', 'name'] };
  }
  const { arguments: given = '' } = called;
  if (typeof given === 'string' || isObject(given)) return undefined;
  return { type: 'string_type', msg: 'Input should be the text of a JSON object', at: ['function', 'arguments'] };
}

function within(field: string, fault: Fault | undefined): Fault | undefined {
  return fault && { ...fault, at: [field, ...(fault.at ?? [])] };
}

function checkPart(part: unknown): Fault | undefined {
  if (!isObject(part)) return { type: 'dict_type', msg: 'Input should be an object' };
  if (part.type !== 'text') {
    return { type: 'not_supported', msg: 'Input should be "text": this model reads only text', at: ['type'] };
  }
  if (typeof part.text === 'string') return undefined;
  return { type: 'string_type', msg: 'Input should be a valid string', at: ['text'] };
}

/** The first thing wrong in a list, with the place where it is. */
function firstFault(values: readonly unknown[], check: (value: unknown) => Fault | undefined): Fault | undefined {
  for (const [index, value] of values.entries()) {
    const fault = check(value);
    if (fault) return { ...fault, at: [index, ...(fault.at ?? [])] };
  }
  return undefined;
}
