import {
  checkBoolean,
  checkField,
  checkList,
  checkObject,
  checkOneOf,
  checkString,
  firstOf,
  isObject,
} from '../../common/fastapi/checks.js';
import type { Fault } from '../../common/fastapi/fields.js';
import type { FunctionTool, ToolChoice } from '../chat/chat-request.js';

/** A tool as a client sends it. */
export interface RequestTool {
  readonly name: string;
  readonly description?: string | null;
  readonly input_schema: Readonly<Record<string, unknown>>;
}

const CHOICES = ['auto', 'any', 'tool', 'none'] as const;

export interface RequestToolChoice {
  readonly type: (typeof CHOICES)[number];
  /** With `tool`. */
  readonly name?: string;
  readonly disable_parallel_tool_use?: boolean | null;
}

export function checkTools(value: unknown): Fault | undefined {
  return checkList(value, (tool) => {
    if (!isObject(tool)) return checkObject(tool);
    const { type = 'custom' } = tool;
    if (type !== 'custom' && type !== null) {
      return { type: 'not_supported', msg: 'Only tools of the client’s own, of type custom', at: ['type'] };
    }
    return firstOf(
      checkField(tool, 'name', checkName),
      checkField(tool, 'description', checkString, 'optional'),
      checkField(tool, 'input_schema', checkObject),
    );
  });
}

export function checkToolChoice(value: unknown): Fault | undefined {
  if (!isObject(value)) return checkObject(value);
  return firstOf(
    checkField(value, 'type', (type) => checkOneOf(type, CHOICES)),
    checkField(value, 'disable_parallel_tool_use', checkBoolean, 'optional'),
    value.type === 'tool' ? checkField(value, 'name', checkString) : undefined,
  );
}

const NAME = /^[\w-]{1,128}$/;

function checkName(value: unknown): Fault | undefined {
  return typeof value === 'string' && NAME.test(value)
    ? undefined
    : { type: 'string_pattern_mismatch', msg: 'Input should be 1 to 128 letters, digits, underscores and hyphens' };
}

/** For the document. */
export const TOOLS_SCHEMA = {
  type: 'array',
  nullable: true,
  items: {
    type: 'object',
    required: ['name', 'input_schema'],
    properties: {
      name: { type: 'string', pattern: '^[a-zA-Z0-9_-]{1,128}$' },
      description: { type: 'string', nullable: true },
      input_schema: { type: 'object' },
      type: { type: 'string', nullable: true, enum: ['custom', null] },
    },
  },
};

/** For the document. */
export const TOOL_CHOICE_SCHEMA = {
  type: 'object',
  nullable: true,
  required: ['type'],
  properties: {
    type: { type: 'string', enum: CHOICES },
    name: { type: 'string' },
    disable_parallel_tool_use: { type: 'boolean', nullable: true },
  },
};

export function toTools(tools: readonly RequestTool[]): FunctionTool[] {
  return tools.map(({ name, description, input_schema: parameters }) => ({
    name,
    ...(typeof description === 'string' && { description }),
    parameters,
  }));
}

export function toToolChoice({ type, name = '' }: RequestToolChoice): ToolChoice {
  return type === 'tool' ? { name } : ({ auto: 'auto', any: 'required', none: 'none' } as const)[type];
}
