import { isObject } from '../../common/fastapi/checks.js';
import type { ConversationRequest } from './dto/messages-request.dto.js';

/** What is read of the parts of a request, by the field that tells what they are. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  text: ['text'],
  thinking: ['thinking', 'signature'],
  redacted_thinking: [],
  tool_use: ['id', 'name', 'input'],
  tool_result: ['tool_use_id', 'content'],
};

const KNOWN_OF_TOOLS = ['type', 'name', 'description', 'input_schema'];

/** Names, in words, what parts of a valid request say that has no effect. */
export function ignoredFields({ system, messages, tools = [] }: ConversationRequest): string[] {
  const fields = new Set<string>();
  const look = (content: unknown): void => {
    if (!Array.isArray(content)) return;
    for (const block of content.filter(isObject)) {
      const type = String(block.type);
      for (const name of Object.keys(block)) {
        if (name !== 'type' && !KNOWN[type].includes(name)) fields.add(`${name} of ${type} blocks`);
      }
      if (type === 'redacted_thinking') fields.add('redacted_thinking');
      look(block.content);
    }
  };
  look(system);
  for (const { content } of messages) look(content);
  for (const tool of tools) {
    for (const name of Object.keys(tool)) if (!KNOWN_OF_TOOLS.includes(name)) fields.add(`${name} of tools`);
  }
  return [...fields].map((field) => `${field} is not known here and was ignored`);
}
