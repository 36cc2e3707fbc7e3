import {
  checkField,
  checkList,
  checkObject,
  checkOneOf,
  checkString,
  firstOf,
  isObject,
} from '../../../common/fastapi/checks.js';
import type { Fault } from '../../../common/fastapi/fields.js';
import type { ChatMessage } from '../../../inference/inference-provider.js';

const ROLES = ['user', 'assistant', 'system', 'developer'] as const;
/** Of a message, of the result of a tool; all hold `text`. */
const PARTS = ['input_text', 'output_text', 'text'] as const;

type Content = string | readonly { readonly text: string }[];

interface MessageItem {
  readonly type?: 'message';
  readonly role: (typeof ROLES)[number];
  readonly content: Content;
}

interface FunctionCallItem {
  readonly type: 'function_call';
  readonly call_id: string;
  readonly name: string;
  /** JSON, as text. */
  readonly arguments: string;
}

interface FunctionCallOutputItem {
  readonly type: 'function_call_output';
  readonly call_id: string;
  readonly output: Content;
}

interface ReasoningItem {
  readonly type: 'reasoning';
  readonly content?: readonly { readonly text: string }[] | null;
}

/** A part of the conversation as a client sends it. */
export type InputItem = MessageItem | FunctionCallItem | FunctionCallOutputItem | ReasoningItem;

export function checkInput(value: unknown): Fault | undefined {
  if (typeof value === 'string') return undefined;
  if (!Array.isArray(value)) return { type: 'string_type', msg: 'Input should be a string or a list of items' };
  if (value.length === 0) return { type: 'too_short', msg: 'List should have at least 1 item' };
  return checkList(value, checkItem);
}

function checkItem(item: unknown): Fault | undefined {
  if (!isObject(item)) return checkObject(item);
  const { type = 'message' } = item;
  switch (type) {
    case 'message':
      return firstOf(
        checkField(item, 'role', (role) => checkOneOf(role, ROLES)),
        checkField(item, 'content', checkContent),
      );
    case 'function_call':
      return firstOf(...['call_id', 'name', 'arguments'].map((name) => checkField(item, name, checkString)));
    case 'function_call_output':
      return firstOf(checkField(item, 'call_id', checkString), checkField(item, 'output', checkContent));
    case 'reasoning':
      return checkField(item, 'content', checkThoughts, 'optional');
    default: {
      const msg = `Input should be one of ${Object.keys(ITEM_SCHEMAS).join(', ')}: nothing else is known or stored here`;
      return { type: 'not_supported', msg, at: ['type'] };
    }
  }
}

function checkContent(value: unknown): Fault | undefined {
  if (typeof value === 'string') return undefined;
  return checkList(value, (part) => {
    if (!isObject(part)) return checkObject(part);
    if (!PARTS.some((type) => type === part.type)) {
      return { type: 'not_supported', msg: 'Input should be input_text: this model reads only text', at: ['type'] };
    }
    return checkField(part, 'text', checkString);
  });
}

function checkThoughts(value: unknown): Fault | undefined {
  return checkList(value, (part) => (isObject(part) ? checkField(part, 'text', checkString) : checkObject(part)));
}

const STRING = { type: 'string' };
const CONTENT_SCHEMA = {
  oneOf: [
    STRING,
    {
      type: 'array',
      items: {
        type: 'object',
        required: ['type', 'text'],
        properties: { type: { type: 'string', enum: PARTS }, text: STRING },
      },
    },
  ],
};

const item = (type: string, properties: Readonly<Record<string, object>>, required = Object.keys(properties)) => ({
  type: 'object',
  required: ['type', ...required],
  properties: { type: { type: 'string', enum: [type] }, ...properties },
});

const ITEM_SCHEMAS = {
  message: {
    type: 'object',
    required: ['role', 'content'],
    properties: {
      type: { type: 'string', enum: ['message'] },
      role: { type: 'string', enum: ROLES },
      content: CONTENT_SCHEMA,
    },
  },
  function_call: item('function_call', { call_id: STRING, name: STRING, arguments: STRING }),
  function_call_output: item('function_call_output', { call_id: STRING, output: CONTENT_SCHEMA }),
  reasoning: item(
    'reasoning',
    {
      content: {
        type: 'array',
        nullable: true,
        items: { type: 'object', required: ['text'], properties: { text: STRING } },
      },
    },
    [],
  ),
};

/** For the document. */
export const INPUT_SCHEMA = {
  oneOf: [STRING, { type: 'array', minItems: 1, items: { oneOf: Object.values(ITEM_SCHEMAS) } }],
};

/** The conversation in the form of chat completions, where thoughts, text and calls of one answer are one message. */
export function toChatMessages(instructions: string | undefined, input: string | readonly InputItem[]): ChatMessage[] {
  const messages: ChatMessage[] = instructions === undefined ? [] : [{ role: 'system', content: instructions }];
  if (typeof input === 'string') return [...messages, { role: 'user', content: input }];
  let answer: AnswerMessage | undefined;
  for (const one of input) {
    switch (one.type) {
      case 'reasoning':
        answer = new AnswerMessage();
        answer.reasoning = (one.content ?? []).map(({ text }) => text).join('\n');
        messages.push(answer.message);
        break;
      case 'function_call':
        if (!answer) messages.push((answer = new AnswerMessage()).message);
        answer.call(one);
        break;
      case 'function_call_output':
        answer = undefined;
        messages.push({ role: 'tool', tool_call_id: one.call_id, content: textOf(one.output) });
        break;
      case 'message':
      case undefined:
        if (one.role !== 'assistant') {
          answer = undefined;
          messages.push({ role: one.role === 'developer' ? 'system' : one.role, content: textOf(one.content) });
          break;
        }
        if (!answer || answer.hasContent) messages.push((answer = new AnswerMessage()).message);
        answer.content = textOf(one.content);
    }
  }
  return messages;
}

/** An answer of the model's that is put together again. */
class AnswerMessage {
  hasContent = false;
  readonly message: ChatMessage;
  private readonly fields: Record<string, unknown> & { role: string } = { role: 'assistant', content: '' };
  private readonly calls: object[] = [];

  constructor() {
    this.message = this.fields;
  }

  set reasoning(text: string) {
    if (text !== '') this.fields.reasoning_content = text;
  }

  set content(text: string) {
    this.fields.content = text;
    this.hasContent = true;
  }

  call({ call_id: id, name, arguments: text }: FunctionCallItem): void {
    // What is said after a call is the next message.
    this.hasContent = true;
    this.calls.push({ id, type: 'function', function: { name, arguments: text } });
    this.fields.tool_calls = this.calls;
  }
}

function textOf(content: Content): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('\n');
}
