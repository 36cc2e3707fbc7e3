import type { ChatRequest } from '../chat/chat-request.js';
import type { ChatService } from '../chat/chat.service.js';
import type { ChatCompletionRequest } from './dto/chat-completion-request.dto.js';
import { toChatMessages } from './messages.js';
import { toToolChoice, toTools } from './tools.js';

export function toChatRequest(request: ChatCompletionRequest): ChatRequest {
  return {
    messages: toChatMessages(request.messages),
    tools: toTools(request.tools),
    toolChoice: toToolChoice(request.tool_choice),
    parallelToolCalls: request.parallel_tool_calls,
    thinking: {
      enabled: request.enable_thinking,
      effort: request.reasoning_effort,
      maxTokens: request.thinking_token_budget,
    },
    addGenerationPrompt: request.add_generation_prompt,
    variables: request.chat_template_kwargs,
  };
}

/** Parameters that have no effect on a model that does not think. */
export function thinkingWarnings(request: ChatCompletionRequest, chats: ChatService): string[] {
  if (chats.format.thought) return [];
  return (['thinking_token_budget', 'reasoning_effort', 'enable_thinking'] as const)
    .filter((name) => request[name] !== undefined)
    .map((name) => `${name} had no effect: thoughts of this model are not known`);
}
