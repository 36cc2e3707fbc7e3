import { dataEvent } from '../../common/http/event-stream.js';
import type { Answers } from '../answers.js';
import { AnswerText, type DescribedToken, FINISH_REASONS, type FinishEvent, toPrefillToken } from './answer-text.js';
import type { PrefillToken, StreamDetails, TgiResponse } from './dto/answer.dto.js';
import type { TgiRequest } from './dto/request.dto.js';

export interface WriterOptions {
  readonly request: Pick<TgiRequest, 'inputs' | 'parameters'>;
  readonly warnings: readonly string[];
  /** Of each answer; null when nothing is drawn at random. */
  readonly seeds: readonly (number | null)[];
  readonly specialIds: readonly number[];
  /** Tokens of the prompt that were read. */
  readonly inputLength: number;
  /** The first of them, when they are told. */
  readonly firstToken: PrefillToken | undefined;
}

/** A complete answer, and how the one that was chosen came about. */
export interface CompleteAnswer {
  readonly response: TgiResponse;
  readonly finish: FinishEvent;
}

type FinishedAnswer = AnswerText & { readonly finish: FinishEvent };

/** Writes down the answer to a request, complete or as it comes. */
export class AnswerWriter {
  private readonly texts: readonly AnswerText[];

  constructor(
    private readonly answers: Answers,
    private readonly options: WriterOptions,
  ) {
    const specialIds = new Set(options.specialIds);
    this.texts = options.seeds.map(() => new AnswerText(specialIds));
  }

  /** The answer as one JSON value: of several, the one whose tokens are the most probable on average. */
  async complete(): Promise<CompleteAnswer> {
    for await (const { index, event } of this.answers.events) {
      if (event.type === 'tokens') this.texts[index].add(event);
      if (event.type === 'finish') this.texts[index].end(event);
    }
    const answers = this.texts as readonly FinishedAnswer[];
    const best = answers.reduce((a, b) => (b.meanLogprob > a.meanLogprob ? b : a));
    const { request, warnings } = this.options;
    const { details = false, decoder_input_details: prefill = false } = request.parameters ?? {};
    const response = {
      generated_text: this.fullText(best),
      ...((details || prefill) && { details: this.detailsOf(best, answers) }),
      ...(warnings.length > 0 && { warnings }),
    };
    return { response, finish: best.finish };
  }

  /** The one answer as the text of server-sent events, one for each token. */
  async *stream(): AsyncGenerator<string, void> {
    const [answer] = this.texts;
    let index = 0;
    const chunk = ({ token, top }: DescribedToken, end?: object): string => {
      const tokens = { index: ++index, token, ...(top.length > 0 && { top_tokens: top }) };
      return dataEvent({ ...tokens, generated_text: null, details: null, ...end });
    };
    for await (const { event } of this.answers.events) {
      if (event.type === 'tokens') {
        const added = answer.add(event);
        // The last one comes with the end.
        for (const token of event.last ? added.slice(0, -1) : added) yield chunk(token);
      }
      if (event.type === 'finish')
        yield chunk(answer.end(event, index === answer.tokens.length), this.endOf(answer as FinishedAnswer));
    }
  }

  private endOf(answer: FinishedAnswer): object {
    const { request, seeds, inputLength } = this.options;
    const details: StreamDetails = { ...describeEnd(answer, seeds[0]), input_length: inputLength };
    return {
      generated_text: this.fullText(answer),
      details: request.parameters?.details ? details : null,
      ...(this.options.warnings.length > 0 && { warnings: this.options.warnings }),
    };
  }

  private fullText({ text }: AnswerText): string {
    const { inputs, parameters } = this.options.request;
    return parameters?.return_full_text ? inputs + text : text;
  }

  private detailsOf(best: FinishedAnswer, answers: readonly FinishedAnswer[]): TgiResponse['details'] {
    const { firstToken, seeds, request } = this.options;
    const describe = (answer: FinishedAnswer) => ({
      ...describeEnd(answer, seeds[answers.indexOf(answer)]),
      prefill: firstToken ? [firstToken, ...answer.promptLogprobs.map(toPrefillToken)] : [],
      tokens: answer.tokens.map(({ token }) => token),
      ...(request.parameters?.top_n_tokens && { top_tokens: answer.tokens.map(({ top }) => top) }),
    });
    const others = answers.filter((answer) => answer !== best);
    return {
      ...describe(best),
      ...(others.length > 0 && {
        best_of_sequences: others.map((other) => ({ generated_text: this.fullText(other), ...describe(other) })),
      }),
    };
  }
}

function describeEnd({ finish, tokens }: FinishedAnswer, seed: number | null) {
  return { finish_reason: FINISH_REASONS[finish.reason], generated_tokens: tokens.length, seed };
}
