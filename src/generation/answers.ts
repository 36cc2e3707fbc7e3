import { setMaxListeners } from 'node:events';
import type { GenerationEvent, GenerationRequest, Prompt } from '../inference/inference-provider.js';
import { estimateTokens } from './admission/estimate.js';
import type { Ticket } from './admission/ticket.js';
import type { ModelService } from './model.service.js';

/** What happened to one of several answers, counted from 0. */
export interface AnswerEvent {
  readonly index: number;
  readonly event: GenerationEvent;
}

/** Answers to prompts that one request asks for, and that are generated at the same time. */
export interface AnswersRequest {
  readonly prompts: readonly Prompt[];
  /** How many answers each prompt is to have; 1 if left out. */
  readonly answersPerPrompt?: number;
  /** The requests for a prompt, once its token ids are known; answers are counted in their order. */
  readonly requestsFor: (
    ids: readonly number[],
  ) => readonly GenerationRequest[] | Promise<readonly GenerationRequest[]>;
}

export interface Answers {
  /** Of each prompt. */
  readonly promptIds: readonly (readonly number[])[];
  /** As they come; leaving the iteration ends all that are not finished, and so does an error of one. */
  readonly events: AsyncGenerator<AnswerEvent, void>;
}

/**
 * Begins answers. A request that is too much for the server is turned away before anything is done. Returns when all are
 * accepted: what is wrong with a request is an error here, before anything is sent.
 *
 * @param signal ends all of them, whether anybody reads on or not
 * @throws {ModelNotLoadedError}
 * @throws {RefusedError}
 * @throws {InferenceError} here or while iterating
 */
export async function beginAnswers(
  models: ModelService,
  { prompts, answersPerPrompt = 1, requestsFor }: AnswersRequest,
  signal: AbortSignal,
): Promise<Answers> {
  const ticket = models.admit({
    answers: prompts.length * answersPerPrompt,
    promptTokens: estimateTokens(prompts),
  });
  const controller = new AbortController();
  // Every answer listens.
  setMaxListeners(0, controller.signal);
  const end = (): void => {
    signal.removeEventListener('abort', end);
    controller.abort();
    ticket.cancel();
  };
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  try {
    const promptIds = await Promise.all(prompts.map((prompt) => models.encode(prompt, controller.signal)));
    const promptTokens = promptIds.reduce((sum, ids) => sum + ids.length, 0);
    const requests = (await Promise.all(promptIds.map(async (ids) => requestsFor(ids)))).flat();
    ticket.correct({ answers: requests.length, promptTokens });
    const answers = requests.map((request) => models.answer(request, controller.signal)[Symbol.asyncIterator]());
    await Promise.all(answers.map((answer) => answer.next()));
    return { promptIds, events: readAll(answers, ticket, end) };
  } catch (error) {
    ticket.fail(error);
    end();
    throw error;
  }
}

async function* readAll(
  answers: readonly AsyncIterator<GenerationEvent>[],
  ticket: Ticket,
  end: () => void,
): AsyncGenerator<AnswerEvent, void> {
  try {
    for await (const answerEvent of merge(answers)) {
      ticket.note(answerEvent.index, answerEvent.event);
      yield answerEvent;
    }
    ticket.complete();
  } catch (error) {
    ticket.fail(error);
    throw error;
  } finally {
    end();
  }
}

/** Whatever comes next from any of them; those that come together take turns. */
async function* merge(answers: readonly AsyncIterator<GenerationEvent>[]): AsyncGenerator<AnswerEvent, void> {
  const next = async (index: number) => ({ index, result: await answers[index].next() });
  const pending = new Map(answers.map((_, index) => [index, next(index)]));
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values());
      pending.delete(index);
      if (result.done) continue;
      pending.set(index, next(index));
      yield { index, event: result.value };
    }
  } finally {
    // Those that fail after the first, or after everybody left.
    for (const answer of pending.values()) answer.catch(() => undefined);
  }
}
