import type { Config } from '../../config/config.js';
import type { ChatTemplateSources, ModelInfo } from '../../inference/inference-provider.js';
import { TOOL_CALL_SYNTAXES } from './tool-calls/tool-call-syntax.js';

/** How models write calls of tools; see docs/tools-and-reasoning.md. */
export type ToolCallFormat = Exclude<Config['toolCallFormat'], 'auto'>;

/** What a thought stands between. */
export interface ThoughtMarkers {
  readonly begin: string;
  readonly end: string;
}

/** How a model writes what is not plain text. */
export interface OutputFormat {
  /** Undefined for a model whose way to call tools is not known, or that knows none. */
  readonly toolCalls: ToolCallFormat | undefined;
  /** Undefined for a model that does not think. */
  readonly thought: ThoughtMarkers | undefined;
}

/** What in a template tells a format; the first that fits counts. */
const FORMAT_SIGNS: readonly (readonly [ToolCallFormat, (template: string) => boolean])[] = [
  ['mistral', (template) => template.includes('[TOOL_CALLS]')],
  // With <function=, calls are XML within the same markers.
  ['hermes', (template) => template.includes('<tool_call>') && !template.includes('<function=')],
  ['pythonic', (template) => /<\|tool_call_start\|>|<\|python_start\|>|\[func_name1\(/.test(template)],
  ['llama3', (template) => /<\|python_tag\|>|"parameters": ?(dictionary|['"])/.test(template)],
];

const THOUGHTS: readonly ThoughtMarkers[] = [
  { begin: '<think>', end: '</think>' },
  { begin: '[THINK]', end: '[/THINK]' },
];

/** How the model writes, as its chat templates show it, unless the configuration says otherwise. */
export function readOutputFormat(
  { chatTemplates = {} }: ModelInfo,
  { toolCallFormat }: Pick<Config, 'toolCallFormat'>,
): OutputFormat {
  const template = templateWithTools(chatTemplates);
  return {
    toolCalls: toolCallFormat === 'auto' ? FORMAT_SIGNS.find(([, fits]) => fits(template))?.[0] : toolCallFormat,
    thought: THOUGHTS.find(({ end }) => template.includes(end)),
  };
}

/** The markers of a format that the chat template has. */
export function callMarkersOf({ chatTemplates = {} }: ModelInfo, format: ToolCallFormat): readonly string[] {
  const template = templateWithTools(chatTemplates);
  return TOOL_CALL_SYNTAXES[format].markers.filter((marker) => template.includes(marker));
}

/** Whether the chat template tells the model of tools. */
export function rendersTools({ chatTemplates = {} }: ModelInfo): boolean {
  return /\btools\b/.test(templateWithTools(chatTemplates));
}

/** Some models have a template of its own for chats with tools. */
function templateWithTools(templates: ChatTemplateSources): string {
  return templates.tool_use ?? templates.default ?? '';
}
