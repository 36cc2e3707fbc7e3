import type { Grammar, JsonSchema, StructuralTagFormat, TagFormat } from '../../../inference/inference-provider.js';
import type { FunctionTool } from '../../chat/chat-request.js';
import type { ToolCallFormat } from '../output-format.js';

const ANYTHING: JsonSchema = { type: 'object' };

/** How a call of one tool is written around its arguments, and what stands between two calls. */
interface CallShape {
  readonly begin: (name: string) => string;
  readonly end: string;
  readonly separator: string;
}

const HERMES: CallShape = {
  begin: (name) => `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": `,
  end: '}\n</tool_call>',
  separator: '\n',
};
