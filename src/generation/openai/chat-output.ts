import { CollectedOutput } from '../output/collected-output.js';
import type { OutputPart } from '../output/output-part.js';
import type { ChatAnswerMessage } from './dto/chat-completion.dto.js';

interface ToolCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly type?: 'function';
  readonly function: { readonly name?: string; arguments: string };
}

interface Delta {
  reasoning_content?: string;
  content?: string;
  tool_calls?: ToolCallDelta[];
}

/** The parts of a complete answer as a message. */
export function toMessage(parts: readonly OutputPart[]): ChatAnswerMessage {
  const output = new CollectedOutput();
  output.add(parts);
  const calls = output.calls.map(({ id, ...call }) => ({ id, type: 'function', function: call }) as const);
  return {
    role: 'assistant',
    // Null is for an answer that says nothing because it calls tools.
    content: output.content === '' && calls.length > 0 ? null : output.content,
    refusal: null,
    ...(output.reasoning !== '' && { reasoning_content: output.reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/** Some parts of an answer as what is new in a stream: who a call is for is told once, when it begins. */
export function toDelta(parts: readonly OutputPart[]): Delta {
  const delta: Delta = {};
  for (const part of parts) {
    switch (part.type) {
      case 'reasoning':
        delta.reasoning_content = (delta.reasoning_content ?? '') + part.text;
        break;
      case 'content':
        delta.content = (delta.content ?? '') + part.text;
        break;
      case 'tool_call_begin': {
        const { index, id, name } = part;
        (delta.tool_calls ??= []).push({ index, id, type: 'function', function: { name, arguments: '' } });
        break;
      }
      case 'tool_call_delta': {
        const calls = (delta.tool_calls ??= []);
        if (calls.at(-1)?.index !== part.index) calls.push({ index: part.index, function: { arguments: '' } });
        (calls.at(-1) as ToolCallDelta).function.arguments += part.arguments;
        break;
      }
      case 'tool_call_end':
    }
  }
  return delta;
}
