import { Candidates } from '../sampling/candidates.js';
import { type IdLogprob, type IdLogprobs, LogProbabilities } from '../sampling/log-probabilities.js';
import { Sampler } from '../sampling/sampler.js';
import type { SamplingParameters } from '../sampling/sampling-parameters.js';
import type { Detokenizer } from '../tokens/detokenizer.js';
import { StopStrings } from '../tokens/stop-strings.js';
import type { AnswerOptions, Finish, TokenLogprob, TokenLogprobs } from '../types.js';
import type { CompiledGrammar } from '../grammar/compiled-grammar.js';
import { Constraint } from './constraint.js';
import { GrammarCache } from './grammar-cache.js';
import type { Sequence } from './sequence.js';
import { Thought } from './thought.js';

/** How an answer is to be, with nothing left to decide. */
export interface AnswerRequest extends AnswerOptions {
  readonly maxNewTokens: number;
  readonly sampling: SamplingParameters;
  readonly grammar?: CompiledGrammar;
  readonly grammarAfter?: string;
}

/** What the model gives to all answers. */
export interface ModelVoice {
  /** Tokens that end an answer. */
  readonly eosIds: readonly number[];
  readonly createDetokenizer: (skipSpecialTokens: boolean, keptSpecialTokens?: readonly string[]) => Detokenizer;
  /** What a token says by itself, in UTF-8. */
  readonly bytesOf: (token: number) => readonly number[];
}

/** What one step added to an answer. */
export interface AnswerStep {
  readonly text: string;
  /** None when the answer is cut. */
  readonly token?: number;
  /** When they were asked for. */
  readonly logprobs?: TokenLogprobs;
  /** Of the prompt's tokens but the first, with the first step, when they were asked for. */
  readonly promptLogprobs?: readonly TokenLogprobs[];
  readonly finish?: Finish;
  /** With the finish, when the request says how thoughts are recognized: how many tokens the thought had. */
  readonly thoughtTokens?: number;
}

/** What all answers of a loop share: working memory for sampling, as long as the vocabulary, and grammars. */
export class SamplingMemory {
  readonly grammars = new GrammarCache();
  readonly candidates = new Candidates();
  readonly logProbabilities = new LogProbabilities(this.candidates);
}

/** A sequence on its way out: chooses its tokens, turns them into text and knows when it is done. */
export class Answer {
  private readonly sampler: Sampler;
  private readonly detokenizer: Detokenizer;
  private readonly stopStrings: StopStrings;
  private readonly eosIds: ReadonlySet<number>;
  private readonly stopTokenIds: ReadonlySet<number>;
  private readonly endingIds: readonly number[];
  private readonly thought: Thought | undefined;
  private readonly constraint: Constraint | undefined;
  private readonly promptLogprobs: TokenLogprobs[] = [];

  constructor(
    readonly sequence: Sequence,
    private readonly request: AnswerRequest,
    private readonly voice: ModelVoice,
    private readonly memory = new SamplingMemory(),
  ) {
    this.sampler = new Sampler(request.sampling, sequence.prompt, request.seed, memory.candidates);
    this.detokenizer = voice.createDetokenizer(request.skipSpecialTokens ?? true, request.keptSpecialTokens);
    this.stopStrings = new StopStrings(request.stop ?? []);
    this.eosIds = new Set(voice.eosIds);
    this.stopTokenIds = new Set(request.stopTokenIds);
    this.endingIds = [...this.eosIds, ...this.stopTokenIds];
    this.thought = request.thought && new Thought(request.thought);
    this.constraint = this.createConstraint();
  }

  /** Whether a grammar says what may come next. */
  get constrained(): boolean {
    return this.constraint !== undefined;
  }

  /** Tokens that the answer can still have. */
  get room(): number {
    return this.request.maxNewTokens - this.sequence.generated.length;
  }

  /**
   * Notes how probable a token of the prompt was.
   *
   * @param index of the token; past the end of the prompt, nothing is noted
   * @param logits that the network had for its place, one for each of the vocabulary
   * @throws {EngineError} runtime_failed when they are no numbers
   */
  describePrompt(index: number, logits: Float32Array): void {
    const { prompt } = this.sequence;
    if (index >= prompt.length) return;
    const { logProbabilities } = this.memory;
    logProbabilities.capture(logits);
    this.promptLogprobs.push(this.withText(logProbabilities.of(prompt[index], this.request.promptLogprobs ?? 0)));
  }

  /**
   * @param logits of the next token, one for each of the vocabulary; changed by this call
   * @throws {EngineError} runtime_failed when no token can be chosen from them, grammar_invalid when the grammar is to
   * blame
   */
  advance(logits: Float32Array): AnswerStep {
    const { logprobs: top, promptLogprobs } = this.request;
    const { logProbabilities } = this.memory;
    const isFirst = this.sequence.generated.length === 0;
    if (top !== undefined) logProbabilities.capture(logits);
    const token = this.thought?.forced() ?? this.sampler.next(logits, this.forbidden(), this.constraint?.apply);
    return {
      ...this.withThought(this.append(token)),
      ...(top !== undefined && { logprobs: this.withText(logProbabilities.of(token, top)) }),
      ...(isFirst && promptLogprobs !== undefined && { promptLogprobs: this.promptLogprobs }),
    };
  }

  /** Ends the answer where it is. */
  cut(finish: Finish): AnswerStep {
    return this.withThought(this.end(undefined, '', finish));
  }

  private withThought(step: AnswerStep): AnswerStep {
    return step.finish && this.thought ? { ...step, thoughtTokens: this.thought.tokens } : step;
  }

  private withText({ top, ...chosen }: IdLogprobs): TokenLogprobs {
    const addText = (of: IdLogprob): TokenLogprob => ({ ...of, bytes: this.voice.bytesOf(of.token) });
    return { ...addText(chosen), top: top.map(addText) };
  }

  private createConstraint(): Constraint | undefined {
    const { grammar, grammarAfter, ignoreEos } = this.request;
    if (!grammar) return undefined;
    return new Constraint(this.memory.grammars.get(grammar), {
      after: grammarAfter ?? '',
      bytesOf: this.voice.bytesOf,
      controlIds: this.voice.eosIds,
      endingIds: ignoreEos ? [...this.stopTokenIds] : this.endingIds,
    });
  }

  /** While the answer is shorter than it must be, what would end it; end-of-sequence even where that is ignored. */
  private forbidden(): readonly number[] {
    return this.sequence.generated.length < (this.request.minTokens ?? 0) ? this.endingIds : [];
  }

  private append(token: number): AnswerStep {
    const { sequence, request } = this;
    sequence.generated.push(token);
    if (this.eosIds.has(token) && !request.ignoreEos) return this.end(token, '', { reason: 'eos' });
    if (this.stopTokenIds.has(token)) return this.end(token, '', { reason: 'stop_token', stopTokenId: token });
    this.constraint?.accept(token);
    const piece = this.detokenizer.push(token);
    this.thought?.push(piece);
    const { text, stop } = this.stopStrings.push(piece);
    if (stop !== undefined) return { text, token, finish: { reason: 'stop_string', stopString: stop } };
    if (this.constraint?.isOver) return this.end(token, text, { reason: 'eos' });
    return this.room > 0 ? { text, token } : this.end(token, text, { reason: 'length' });
  }

  /** What was held back can no longer change, but may still complete a stop string. */
  private end(token: number | undefined, before: string, finish: Finish): AnswerStep {
    const { text, stop } = this.stopStrings.push(this.detokenizer.flush());
    if (stop !== undefined) return { text: before + text, token, finish: { reason: 'stop_string', stopString: stop } };
    return { text: before + text + this.stopStrings.flush(), token, finish };
  }
}
