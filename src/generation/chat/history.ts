import { createHash } from 'node:crypto';
import type { ChatMessage } from '../../inference/inference-provider.js';
import type { ToolCallFormat } from '../output/output-format.js';

/** A call in a message of the assistant's, as OpenAI has it: the arguments are a text. */
interface HistoryCall {
  readonly id?: string;
  readonly function: { readonly name: string; readonly arguments?: unknown };
}

/**
 * Messages as chat templates expect them: arguments as objects, thoughts as `reasoning_content`, results with the name of
 * their tool, and ids in the form that the model's own have.
 */
export function toTemplateMessages(
  messages: readonly ChatMessage[],
  format: ToolCallFormat | undefined,
): readonly ChatMessage[] {
  const names = new Map<unknown, string>();
  const idOf = format === 'mistral' ? toMistralId : (id: string): string => id;
  return messages.map(({ reasoning, tool_calls: given, ...message }) => {
    const calls = (given ?? []) as readonly HistoryCall[];
    const id = message.tool_call_id;
    for (const call of calls) names.set(call.id, call.function.name);
    return {
      ...message,
      ...(typeof reasoning === 'string' && { reasoning_content: reasoning }),
      // Many templates only look whether the field is there.
      ...(calls.length > 0 && { tool_calls: calls.map((call) => toTemplateCall(call, idOf)) }),
      ...(typeof id === 'string' && { tool_call_id: idOf(id), name: message.name ?? names.get(id) }),
    };
  });
}

function toTemplateCall({ id, ...call }: HistoryCall, idOf: (id: string) => string): object {
  const { arguments: given } = call.function;
  return {
    ...(id !== undefined && { id: idOf(id) }),
    ...call,
    function: { ...call.function, arguments: typeof given === 'string' ? parseArguments(given) : (given ?? {}) },
  };
}

/** What is no JSON stays a text: a model may have written it so. */
function parseArguments(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Mistral's templates refuse ids that are not nine letters and digits. */
function toMistralId(id: string): string {
  return /^[a-zA-Z0-9]{9}$/.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 9);
}
