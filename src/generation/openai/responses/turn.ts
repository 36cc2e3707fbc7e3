import type { Grammar } from '../../../inference/inference-provider.js';
import type { Turn } from '../../chat/turn.service.js';
import { LOGPROBS, type RequestFormat, type ResponseRequest } from './dto/response-request.dto.js';
import { toChatMessages } from './input.js';

/**
 * The turn that a valid body asks for.
 *
 * @param warnings what has no effect, so far
 */
export function toTurn(request: ResponseRequest, warnings: readonly string[]): Turn {
  const { tools, tool_choice: choice, reasoning, top_logprobs: topLogprobs } = request;
  const effort = reasoning?.effort ?? undefined;
  const tellsLogprobs = topLogprobs !== undefined || request.include?.includes(LOGPROBS);
  const grammar = toGrammar(request.text?.format ?? undefined);
  return {
    chat: {
      messages: toChatMessages(request.instructions, request.input),
      ...(tools && {
        tools: tools.map(({ name, description, parameters, strict }) => ({
          name,
          ...(typeof description === 'string' && { description }),
          ...(parameters && { parameters }),
          // Unlike in chat completions.
          strict: strict ?? true,
        })),
      }),
      ...(choice !== undefined && { toolChoice: typeof choice === 'string' ? choice : { name: choice.name } }),
      parallelToolCalls: request.parallel_tool_calls,
      ...(effort !== undefined && { thinking: { effort } }),
    },
    maxNewTokens: request.max_output_tokens,
    options: {
      sampling: { temperature: request.temperature, topP: request.top_p },
      ...(tellsLogprobs && { logprobs: topLogprobs ?? 0 }),
      ...(grammar && { grammar }),
    },
    ...(grammar && { grammarParam: 'text' }),
    warnings: [...warnings, ...ignoredFields(request)],
  };
}

function toGrammar(format: RequestFormat | undefined): Grammar | undefined {
  switch (format?.type) {
    case 'json_object':
      return { kind: 'json_object' };
    case 'json_schema':
      return { kind: 'json_schema', schema: format.schema };
    case 'text':
    case undefined:
      return undefined;
  }
}

/** What is known here, but has no effect. */
function ignoredFields({ include = [], reasoning, store }: ResponseRequest): string[] {
  const others = include
    .filter((name) => name !== LOGPROBS)
    .map((name) => `include: ${name.slice(0, 100)} is not known`);
  return [
    ...others,
    ...(store ? ['store has no effect: nothing is stored'] : []),
    ...((reasoning?.summary ?? null) === null
      ? []
      : ['reasoning.summary has no effect: thoughts are told as they are']),
  ];
}
