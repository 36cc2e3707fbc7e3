import type { ChatMessage } from '../../inference/inference-provider.js';
import type { RequestBlock, RequestMessage, TextBlock } from './content.js';

/** A conversation as chat templates know it. */
export interface Conversation {
  readonly messages: readonly ChatMessage[];
  /** What the answer begins with already: the text of a last message that is the assistant's. */
  readonly continuation: string | undefined;
}

/** @param system instructions for the whole conversation */
export function toConversation(
  system: string | readonly TextBlock[] | undefined,
  messages: readonly RequestMessage[],
): Conversation {
  const toolNames = new Map<string, string>();
  const chat: ChatMessage[] = system === undefined ? [] : [{ role: 'system', content: textOf(system) }];
  for (const message of messages) chat.push(...toChatMessages(message, toolNames));
  const last = chat.at(-1);
  if (last?.role !== 'assistant' || typeof last.content !== 'string' || 'tool_calls' in last) {
    return { messages: chat, continuation: undefined };
  }
  return { messages: chat.slice(0, -1), continuation: last.content };
}

/** One message, or several where it holds results of tools, which templates know as messages. */
function toChatMessages({ role, content }: RequestMessage, toolNames: Map<string, string>): ChatMessage[] {
  if (typeof content === 'string') return [{ role, content }];
  return role === 'assistant' ? [toAssistantMessage(content, toolNames)] : toUserMessages(role, content, toolNames);
}

function toAssistantMessage(blocks: readonly RequestBlock[], toolNames: Map<string, string>): ChatMessage {
  const text = blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const thoughts = blocks.map((block) => (block.type === 'thinking' ? block.thinking : '')).join('');
  const calls = blocks.flatMap((block) => (block.type === 'tool_use' ? [block] : []));
  for (const { id, name } of calls) toolNames.set(id, name);
  return {
    role: 'assistant',
    content: text,
    ...(thoughts !== '' && { reasoning_content: thoughts }),
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, name, input }) => ({ id, type: 'function', function: { name, arguments: input } })),
    }),
  };
}

function toUserMessages(
  role: string,
  blocks: readonly RequestBlock[],
  toolNames: ReadonlyMap<string, string>,
): ChatMessage[] {
  const messages: ChatMessage[] = [];
  let texts: TextBlock[] = [];
  const endText = (): void => {
    if (texts.length > 0) messages.push({ role, content: textOf(texts) });
    texts = [];
  };
  for (const block of blocks) {
    if (block.type === 'text') texts.push(block);
    if (block.type !== 'tool_result') continue;
    endText();
    const { tool_use_id: id, content } = block;
    messages.push({ role: 'tool', tool_call_id: id, name: toolNames.get(id), content: textOf(content ?? '') });
  }
  endText();
  return messages.length > 0 ? messages : [{ role, content: '' }];
}

function textOf(content: string | readonly TextBlock[]): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('\n');
}
