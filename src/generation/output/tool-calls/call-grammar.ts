import type {
  GenerationRequest,
  Grammar,
  StructuralTagFormat,
  TagFormat,
  ThoughtOptions,
} from '../../../inference/inference-provider.js';
import type { FunctionTool } from '../../chat/chat-request.js';
import type { ToolCallFormat } from '../output-format.js';
import { CALL_SHAPES, type CallShape, SPACE, token } from './call-shapes.js';

/** What calls an answer has to have. */
export interface RequiredCalls {
  readonly format: ToolCallFormat;
  /** Those of the format that the model's template has. */
  readonly markers: readonly string[];
  /** Those that may be called. */
  readonly tools: readonly FunctionTool[];
  /** At least one; if not, calls may come among other text, and their arguments are held to the schemas of strict tools. */
  readonly atLeastOne: boolean;
  readonly atMostOne: boolean;
}

/**
 * What makes an answer have these calls; nothing where it may do as it likes, or where no marker tells that a call begins.
 *
 * @param thought that it may have before
 * @param otherwise what the answer has to be if nothing is called
 */
export function constrainCalls(
  { format, markers, tools, atLeastOne, atMostOne }: RequiredCalls,
  thought: ThoughtOptions | undefined,
  otherwise?: Grammar,
): Pick<GenerationRequest, 'grammar' | 'grammarAfter'> {
  const shape = CALL_SHAPES[format](markers);
  const lenient = tools.map((tool) => (tool.strict ? tool : { name: tool.name }));
  if (atLeastOne) return after(thought, allCalls(shape, tools, atMostOne));
  if (otherwise)
    return after(thought, { type: 'or', elements: [toFormat(otherwise), allCalls(shape, lenient, atMostOne)] });
  const trigger = shape.open ?? shape.begin;
  if (trigger === undefined || !tools.some(({ strict }) => strict)) return {};
  // Calls with something around them come together; those that begin by themselves come one by one.
  const tags =
    shape.open === undefined ? lenient.map((tool) => oneCall(shape, tool)) : [allCalls(shape, lenient, atMostOne)];
  return after(thought, { type: 'triggered_tags', triggers: [trigger], tags, stop_after_first: atMostOne });
}

/** Nothing but calls, one at least. */
function allCalls(shape: CallShape, tools: readonly FunctionTool[], atMostOne: boolean): TagFormat {
  const list: StructuralTagFormat = {
    type: 'tags_with_separator',
    tags: tools.map((tool) => oneCall(shape, tool)),
    separator: shape.separator,
    at_least_one: true,
    stop_after_first: atMostOne,
  };
  const [left, right] = shape.brackets ?? ['', ''];
  const content: TagFormat = { type: 'tag', begin: left, content: list, end: right };
  return { type: 'tag', begin: shape.open ?? '', content, end: shape.close ?? '' };
}

function oneCall({ begin, call, end }: CallShape, tool: FunctionTool): TagFormat {
  return { type: 'tag', begin: begin ?? '', content: call(tool), end: end ?? '' };
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
    elements: [{ type: 'tag', begin: token(begin), content: { type: 'any_text' }, end: token(end) }, spaced],
  };
  return { grammar: { kind: 'structural_tag', format: { type: 'or', elements: [thinking, format] } } };
}
