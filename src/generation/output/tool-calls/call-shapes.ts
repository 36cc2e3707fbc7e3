import type { JsonSchema, StructuralTagFormat, TokenFormat } from '../../../inference/inference-provider.js';
import type { FunctionTool } from '../../chat/chat-request.js';
import type { ToolCallFormat } from '../output-format.js';
import { keywordArguments } from './keyword-arguments.js';

/** How a model writes calls, for a grammar. Its markers are tokens of their own where the model has such. */
export interface CallShape {
  /** Around all calls: markers, and brackets within them. */
  readonly open?: TokenFormat;
  readonly close?: TokenFormat;
  readonly brackets?: readonly [string, string];
  /** Around each call. */
  readonly begin?: TokenFormat;
  readonly end?: TokenFormat;
  readonly separator: string;
  readonly call: (tool: FunctionTool) => StructuralTagFormat;
}

/** By the markers that the model's template has: some formats have come in several forms. */
export const CALL_SHAPES: Readonly<Record<ToolCallFormat, (markers: readonly string[]) => CallShape>> = {
  hermes: () => ({
    begin: token('<tool_call>'),
    end: token('</tool_call>'),
    separator: '\n',
    call: (tool) => sequence(SPACE, jsonCall(tool, 'arguments'), SPACE),
  }),
  llama3: () => ({ separator: '; ', call: (tool) => jsonCall(tool, 'parameters') }),
  mistral: (markers) => (markers.includes('[ARGS]') ? namedMistral(markers.includes('[CALL_ID]')) : LISTED_MISTRAL),
  pythonic: (markers) => ({
    ...PYTHONIC_MARKERS.find(({ open }) => markers.includes(open.token)),
    brackets: ['[', ']'],
    separator: ', ',
    call: ({ name, parameters }) => sequence(text(`${name}(`), keywordArguments(parameters), text(')')),
  }),
};

/** White space that models write around a call. */
export const SPACE: StructuralTagFormat = { type: 'regex', pattern: '[ \\n]{0,2}' };

const LISTED_MISTRAL: CallShape = {
  open: token('[TOOL_CALLS]'),
  brackets: ['[', ']'],
  separator: ', ',
  call: (tool) => jsonCall(tool, 'arguments'),
};

function namedMistral(withIds: boolean): CallShape {
  const id = withIds ? [token('[CALL_ID]'), { type: 'regex', pattern: '[a-zA-Z0-9]{9}' } as const] : [];
  return {
    begin: token('[TOOL_CALLS]'),
    separator: '',
    call: (tool) => sequence(text(tool.name), ...id, token('[ARGS]'), schemaOf(tool)),
  };
}

const PYTHONIC_MARKERS = [
  { open: token('<|tool_call_start|>'), close: token('<|tool_call_end|>') },
  { open: token('<|python_start|>'), close: token('<|python_end|>') },
];

function jsonCall(tool: FunctionTool, key: 'arguments' | 'parameters'): StructuralTagFormat {
  return sequence(text(`{"name": ${JSON.stringify(tool.name)}, "${key}": `), schemaOf(tool), text('}'));
}

function schemaOf({ parameters }: FunctionTool): StructuralTagFormat {
  return { type: 'json_schema', json_schema: (parameters ?? { type: 'object' }) as JsonSchema };
}

export function token(name: string): TokenFormat {
  return { type: 'token', token: name };
}

function text(value: string): StructuralTagFormat {
  return { type: 'const_string', value };
}

function sequence(...elements: readonly StructuralTagFormat[]): StructuralTagFormat {
  return { type: 'sequence', elements };
}
