import type {
  GenerationRequest,
  Grammar,
  JsonSchema,
  StructuralTagFormat,
  TagFormat,
  ThoughtOptions,
} from '../../../inference/inference-provider.js';
import type { FunctionTool } from '../../chat/chat-request.js';
import type { ToolCallFormat } from '../output-format.js';
import { keywordArguments } from './keyword-arguments.js';

/** What calls an answer has to have. */
export interface RequiredCalls {
  readonly format: ToolCallFormat;
  /** Those that may be called. */
  readonly tools: readonly FunctionTool[];
  /** At least one; if not, calls may come among other text, and their arguments are held to the schemas of strict tools. */
  readonly atLeastOne: boolean;
  readonly atMostOne: boolean;
}

/** How a format writes calls; markers that are special tokens are left out, since no grammar can ask for them. */
interface CallShape {
  readonly call: (tool: FunctionTool) => TagFormat;
  readonly separator: string;
  /** Around all calls. */
  readonly open?: string;
  readonly close?: string;
}

const SPACE: StructuralTagFormat = { type: 'regex', pattern: '[ \\n]{0,2}' };

const HERMES_MARKER = '<tool_call>';
const SHAPES: Readonly<Record<ToolCallFormat, CallShape>> = {
  hermes: {
    call: (tool) => ({
      type: 'tag',
      begin: HERMES_MARKER,
      content: { type: 'sequence', elements: [SPACE, jsonCall(tool, 'arguments'), SPACE] },
      end: '</tool_call>',
    }),
    separator: '\n',
  },
  llama3: { call: (tool) => jsonCall(tool, 'parameters'), separator: '; ' },
  mistral: { call: (tool) => jsonCall(tool, 'arguments'), separator: ', ', open: '[', close: ']' },
  pythonic: {
    call: (tool) => ({ type: 'tag', begin: `${tool.name}(`, content: keywordArguments(tool.parameters), end: ')' }),
    separator: ', ',
    open: '[',
    close: ']',
  },
};

/**
 * What makes an answer have these calls; nothing where it may do as it likes, or where no text tells that a call begins.
 *
 * @param thought that it may have before
 * @param otherwise what the answer has to be if nothing is called
 */
export function constrainCalls(
  { format, tools, atLeastOne, atMostOne }: RequiredCalls,
  thought: ThoughtOptions | undefined,
  otherwise?: Grammar,
): Pick<GenerationRequest, 'grammar' | 'grammarAfter'> {
  const { call, separator, open = '', close = '' } = SHAPES[format];
  const lenient = tools.map((tool) => call(tool.strict ? tool : { name: tool.name }));
  if (!atLeastOne && !otherwise) {
    if (format !== 'hermes' || !tools.some(({ strict }) => strict)) return {};
    const triggers = [HERMES_MARKER];
    return after(thought, { type: 'triggered_tags', triggers, tags: lenient, stop_after_first: atMostOne });
  }
  const list: StructuralTagFormat = {
    type: 'tags_with_separator',
    tags: atLeastOne ? tools.map(call) : lenient,
    separator,
    at_least_one: true,
    stop_after_first: atMostOne,
  };
  const calls: StructuralTagFormat = { type: 'tag', begin: open, content: list, end: close };
  if (atLeastOne || !otherwise) return after(thought, calls);
  return after(thought, { type: 'or', elements: [toFormat(otherwise), calls] });
}

/** A grammar as part of another. */
function toFormat(grammar: Grammar): StructuralTagFormat {
  switch (grammar.kind) {
    case 'json_object':
      return { type: 'json_schema', json_schema: { type: 'object' } };
    case 'json_schema':
      return { type: 'json_schema', json_schema: grammar.schema };
    case 'regex':
      return { type: 'regex', pattern: grammar.pattern };
    case 'choice':
      return { type: 'or', elements: grammar.choices.map((value) => ({ type: 'const_string', value })) };
    case 'ebnf':
      return { type: 'grammar', grammar: grammar.text };
    case 'structural_tag':
      return grammar.format;
  }
}

/** A thought comes first: the rest of one that the prompt began, or one that the model may begin. */
function after(
  thought: ThoughtOptions | undefined,
  format: StructuralTagFormat,
): Pick<GenerationRequest, 'grammar' | 'grammarAfter'> {
  if (!thought) return { grammar: { kind: 'structural_tag', format } };
  const spaced: StructuralTagFormat = { type: 'sequence', elements: [SPACE, format] };
  if (thought.open) return { grammar: { kind: 'structural_tag', format: spaced }, grammarAfter: thought.end };
  const { begin, end } = thought;
  const thinking: StructuralTagFormat = {
    type: 'sequence',
    elements: [{ type: 'tag', begin, content: { type: 'any_text' }, end }, spaced],
  };
  return { grammar: { kind: 'structural_tag', format: { type: 'or', elements: [thinking, format] } } };
}

function jsonCall({ name, parameters }: FunctionTool, key: 'arguments' | 'parameters'): TagFormat {
  return {
    type: 'tag',
    begin: `{"name": ${JSON.stringify(name)}, "${key}": `,
    content: { type: 'json_schema', json_schema: (parameters ?? { type: 'object' }) as JsonSchema },
    end: '}',
  };
}
