import { isObject } from '../../common/fastapi/checks.js';
import type { Fault } from '../../common/fastapi/fields.js';
import type { FunctionTool, ToolChoice } from '../chat/chat-request.js';

const MAX_TOOLS = 128;
const TOOL_NAME = /^[a-zA-Z0-9_.-]{1,128}$/;
const CHOICES = ['none', 'auto', 'required'] as const;

/** A tool as a client sends it. */
export interface RequestTool {
  readonly type: 'function';
  readonly function: { readonly name: string } & {
    readonly [field in keyof FunctionTool]?: FunctionTool[field] | null;
  };
}

/** What a client sends as `tool_choice`. */
export type RequestToolChoice =
  (typeof CHOICES)[number] | { readonly type: 'function'; readonly function: { readonly name: string } };

const NULLABLE = { nullable: true } as const;
const NAME = { type: 'string', pattern: TOOL_NAME.source } as const;

/** For the document. */
export const TOOLS_SCHEMA = {
  type: 'array',
  ...NULLABLE,
  maxItems: MAX_TOOLS,
  items: {
    type: 'object',
    required: ['type', 'function'],
    properties: {
      type: { type: 'string', enum: ['function'] },
      function: {
        type: 'object',
        required: ['name'],
        properties: {
          name: NAME,
          description: { type: 'string', ...NULLABLE },
          parameters: { type: 'object', ...NULLABLE },
          strict: { type: 'boolean', ...NULLABLE },
        },
      },
    },
  },
} as const;

/** For the document. */
export const TOOL_CHOICE_SCHEMA = {
  oneOf: [
    { type: 'string', enum: CHOICES },
    {
      type: 'object',
      required: ['type', 'function'],
      properties: {
        type: { type: 'string', enum: ['function'] },
        function: { type: 'object', required: ['name'], properties: { name: NAME } },
      },
    },
    { type: 'null' },
  ],
} as const;

export function checkTools(value: unknown): Fault | undefined {
  if (!Array.isArray(value)) return { type: 'list_type', msg: 'Input should be a valid list' };
  if (value.length > MAX_TOOLS) return { type: 'too_long', msg: `List should have at most ${MAX_TOOLS} items` };
  const names = new Set<unknown>();
  for (const [index, tool] of value.entries()) {
    const fault = checkTool(tool);
    if (fault) return { ...fault, at: [index, ...(fault.at ?? [])] };
    const { name } = (tool as RequestTool).function;
    if (names.has(name))
      return { type: 'value_error', msg: 'Another tool has this name', at: [index, 'function', 'name'] };
    names.add(name);
  }
  return undefined;
}

export function checkToolChoice(value: unknown): Fault | undefined {
  if (CHOICES.some((choice) => choice === value)) return undefined;
  const isNamed = isObject(value) && value.type === 'function' && isObject(value.function);
  if (isNamed && typeof (value.function as { name?: unknown }).name === 'string') return undefined;
  return { type: 'enum', msg: `Input should be one of ${CHOICES.join(', ')}, or name a function` };
}

export function toTools(tools: readonly RequestTool[] | undefined): FunctionTool[] | undefined {
  return tools?.map(({ function: { name, description, parameters, strict } }) => ({
    name,
    description: description ?? undefined,
    parameters: parameters ?? undefined,
    strict: strict ?? undefined,
  }));
}

export function toToolChoice(choice: RequestToolChoice | undefined): ToolChoice | undefined {
  return typeof choice === 'object' ? { name: choice.function.name } : choice;
}

function checkTool(tool: unknown): Fault | undefined {
  if (!isObject(tool)) return { type: 'dict_type', msg: 'Input should be an object' };
  if (tool.type !== 'function') {
    return { type: 'not_supported', msg: 'Input should be "function": there are no other tools', at: ['type'] };
  }
  if (!isObject(tool.function)) return { type: 'dict_type', msg: 'Input should be an object', at: ['function'] };
  const { name, description = null, parameters = null, strict = null } = tool.function;
  if (typeof name !== 'string' || !TOOL_NAME.test(name)) {
    const msg = 'Input should be a name of up to 128 letters, digits, dots, hyphens and underscores';
    return { type: 'string_pattern_mismatch', msg, at: ['function', 'name'] };
  }
  if (description !== null && typeof description !== 'string') {
    return { type: 'string_type', msg: 'Input should be a valid string', at: ['function', 'description'] };
  }
  if (parameters !== null && !isObject(parameters)) {
    return { type: 'dict_type', msg: 'Input should be a JSON Schema', at: ['function', 'parameters'] };
  }
  if (strict === null || typeof strict === 'boolean') return undefined;
  return { type: 'bool_type', msg: 'Input should be a valid boolean', at: ['function', 'strict'] };
}
