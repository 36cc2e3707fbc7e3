import { wrongParameter } from '../../common/fastapi/validation-fault.js';
import type { ChatRequest, ThinkingRequest } from '../chat/chat-request.js';
import type { Turn } from '../chat/turn.service.js';
import { toConversation } from './conversation.js';
import type { ConversationRequest, MessagesRequest } from './dto/messages-request.dto.js';
import { toToolChoice, toTools } from './tools.js';

/**
 * The turn that a valid body asks for.
 *
 * @param warnings what has no effect, so far
 * @throws {RequestValidationError} for parameters that do not go together
 */
export function toTurn(request: MessagesRequest, warnings: readonly string[]): Turn {
  const { max_tokens: maxNewTokens, thinking, output_config: output } = request;
  const budget = thinking?.type === 'enabled' ? (thinking.budget_tokens ?? 0) : 0;
  if (budget >= maxNewTokens) {
    throw wrongParameter('thinking', `budget_tokens should be less than max_tokens, ${maxNewTokens}`, thinking);
  }
  const schema = output?.format?.schema;
  return {
    ...toPromptTurn(request),
    maxNewTokens,
    // Clients of this dialect have to name a bound, and name one for models with other contexts.
    clamped: 'max_tokens',
    options: {
      sampling: { temperature: request.temperature, topP: request.top_p, topK: request.top_k },
      stop: request.stop_sequences,
      ...(schema && { grammar: { kind: 'json_schema', schema } }),
    },
    ...(schema && { grammarParam: 'output_config' }),
    warnings,
  };
}

/** What of it makes the prompt. */
export function toPromptTurn(request: ConversationRequest): Pick<Turn, 'chat' | 'continuation'> {
  const { tools, tool_choice: choice } = request;
  const { messages, continuation } = toConversation(request.system, request.messages);
  const chat: ChatRequest = {
    messages,
    thinking: toThinking(request),
    ...(tools && { tools: toTools(tools) }),
    ...(choice && { toolChoice: toToolChoice(choice), parallelToolCalls: !choice.disable_parallel_tool_use }),
  };
  return { chat, continuation };
}

/** Unlike in other dialects, a model thinks only where it is asked to. */
function toThinking({ thinking, output_config: output }: ConversationRequest): ThinkingRequest {
  const effort = output?.effort ?? undefined;
  return {
    enabled: thinking !== undefined && thinking.type !== 'disabled',
    ...(effort !== undefined && { effort }),
    ...(thinking?.type === 'enabled' && { maxTokens: thinking.budget_tokens }),
  };
}
