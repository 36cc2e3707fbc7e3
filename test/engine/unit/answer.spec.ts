import { Answer, type AnswerRequest, type AnswerStep } from '../../../src/engine/batching/answer.js';
import { Sequence } from '../../../src/engine/batching/sequence.js';
import { DEFAULT_SAMPLING } from '../../../src/engine/sampling/sampling-parameters.js';
import { type Decode, WindowDetokenizer } from '../../../src/engine/tokens/window-detokenizer.js';
import { bytesOf, decodeBytes } from './support/byte-decoder.js';

const EOS = 10;

interface Options extends Partial<AnswerRequest> {
  readonly eosIds?: readonly number[];
  readonly decode?: Decode;
}

/** What a token says: it is the byte. */
const tokenBytes = (token: number): readonly number[] => [token];

/** Logits over all bytes that leave no doubt. */
function logitsFor(token: number): Float32Array {
  const logits = new Float32Array(256);
  logits[token] = 1;
  return logits;
}

function answerOf({ eosIds = [EOS], decode = decodeBytes, ...request }: Options): Answer {
  const createDetokenizer = (): WindowDetokenizer => new WindowDetokenizer(decode);
  return new Answer(
    new Sequence(1, [1, 2]),
    { maxNewTokens: 100, sampling: DEFAULT_SAMPLING, ...request },
    { eosIds, createDetokenizer, bytesOf: tokenBytes },
  );
}

/** What an answer says when the model wants these tokens, until it ends. */
function stepsOf(tokens: readonly number[], options: Options = {}): AnswerStep[] {
  const answer = answerOf(options);
  const steps: AnswerStep[] = [];
  for (const token of tokens) {
    steps.push(answer.advance(logitsFor(token)));
    if (steps.at(-1)?.finish) break;
  }
  return steps;
}

function textOf(steps: readonly AnswerStep[]): string {
  return steps.map(({ text }) => text).join('');
}

describe('an answer', () => {
  it('grows by a token and its text in every step', () => {
    expect(stepsOf(bytesOf('ab'))).toEqual([
      { text: 'a', token: 97 },
      { text: 'b', token: 98 },
    ]);
  });

  it('adds its tokens to the sequence', () => {
    const answer = answerOf({});
    for (const token of bytesOf('ab')) answer.advance(logitsFor(token));
    expect(answer.sequence.generated).toEqual([97, 98]);
  });

  it('has no text of a character that is not whole', () => {
    expect(stepsOf(bytesOf('é')).map(({ text }) => text)).toEqual(['', 'é']);
  });
});

describe('an answer that ends with the end-of-sequence token', () => {
  it('finishes with eos', () => {
    expect(stepsOf([97, EOS, 98]).at(-1)?.finish).toEqual({ reason: 'eos' });
  });

  it('counts that token, and does not show it', () => {
    const steps = stepsOf([97, EOS]);
    expect(steps.map(({ token }) => token)).toEqual([97, EOS]);
    expect(textOf(steps)).toBe('a');
  });

  it.each([10, 11])('may end with any of several, as with %i', (token) => {
    const steps = stepsOf([97, token], { eosIds: [10, 11] });
    expect(steps.at(-1)).toEqual({ text: '', token, finish: { reason: 'eos' } });
  });

  it('may be empty', () => {
    expect(stepsOf([EOS])).toEqual([{ text: '', token: EOS, finish: { reason: 'eos' } }]);
  });

  it('gives out what was held back for a stop string', () => {
    expect(stepsOf([...bytesOf('ST'), EOS], { stop: ['STOP'] }).map(({ text }) => text)).toEqual(['', '', 'ST']);
  });

  it('gives out the half of a character as U+FFFD', () => {
    expect(stepsOf([97, 0xc3, EOS]).at(-1)?.text).toBe('\uFFFD');
  });

  it('finishes with eos although it is as long as it may be', () => {
    expect(stepsOf([97, EOS], { maxNewTokens: 2 }).at(-1)?.finish).toEqual({ reason: 'eos' });
  });

  it('never ends so when the model has no such token', () => {
    expect(stepsOf([97, EOS, 98], { eosIds: [] })).toHaveLength(3);
  });
});

describe('an answer that reaches its length', () => {
  it('finishes with length, its last token shown', () => {
    const steps = stepsOf(bytesOf('abcd'), { maxNewTokens: 3 });
    expect(steps.at(-1)).toEqual({ text: 'c', token: 99, finish: { reason: 'length' } });
    expect(steps).toHaveLength(3);
  });

  it('may be of one token', () => {
    expect(stepsOf([97, 98], { maxNewTokens: 1 })).toEqual([{ text: 'a', token: 97, finish: { reason: 'length' } }]);
  });

  it('gives out what was held back for a stop string', () => {
    const steps = stepsOf(bytesOf('aSTO'), { maxNewTokens: 4, stop: ['STOP'] });
    expect(textOf(steps)).toBe('aSTO');
    expect(steps.at(-1)?.finish).toEqual({ reason: 'length' });
  });

  it('gives out the half of a character as U+FFFD', () => {
    expect(textOf(stepsOf([97, 0xe2, 0x82], { maxNewTokens: 3 }))).toBe('a\uFFFD');
  });

  it('gives out text of the last token, what was held and half a character in order', () => {
    const decodeWords = (ids: readonly number[]): string => decodeBytes(ids.flatMap((id) => WORDS[id]));
    const WORDS = [bytesOf('xS'), [...bytesOf('yS'), 0xc3]];
    const steps = stepsOf([0, 1], { maxNewTokens: 2, stop: ['STOP', '\uFFFD!'], decode: decodeWords });
    expect(steps.map(({ text }) => text)).toEqual(['x', 'SyS\uFFFD']);
  });
});

describe('an answer in which a stop string appears', () => {
  it('finishes with stop_string and says which', () => {
    expect(stepsOf(bytesOf('ab.c'), { stop: ['!', '.'] }).at(-1)).toEqual({
      text: '',
      token: 46,
      finish: { reason: 'stop_string', stopString: '.' },
    });
  });

  it('ends before it', () => {
    expect(textOf(stepsOf(bytesOf('one STOP two'), { stop: ['STOP'] }))).toBe('one ');
  });

  it('ends before it although the token that completes it goes on', () => {
    const decode = (ids: readonly number[]): string => ids.map((id) => ['a', 'b<', '/s>c'][id]).join('');
    const steps = stepsOf([0, 1, 2], { stop: ['</s>'], decode });
    expect(textOf(steps)).toBe('ab');
    expect(steps.at(-1)?.finish?.stopString).toBe('</s>');
  });

  it('finishes with stop_string although it is as long as it may be', () => {
    expect(stepsOf(bytesOf('a.'), { stop: ['.'], maxNewTokens: 2 }).at(-1)?.finish?.reason).toBe('stop_string');
  });

  it.each([
    ['eos', [97, 0xc3, EOS], {}],
    ['its length', [97, 0xc3], { maxNewTokens: 2 }],
  ])('that only %s completes finishes with stop_string', (_, tokens, options) => {
    const steps = stepsOf(tokens, { ...options, stop: ['\uFFFD'] });
    expect(steps.at(-1)?.finish).toEqual({ reason: 'stop_string', stopString: '\uFFFD' });
    expect(textOf(steps)).toBe('a');
  });

  it('is not ended by one that appeared in the prompt', () => {
    expect(textOf(stepsOf(bytesOf('OPx'), { stop: ['STOP'] }))).toBe('OPx');
  });
});

describe('an answer that ends with a stop token', () => {
  it('finishes with stop_token and says which; the token counts, and is not shown', () => {
    expect(stepsOf([97, 98, 99, 100], { stopTokenIds: [1, 99] })).toEqual([
      { text: 'a', token: 97 },
      { text: 'b', token: 98 },
      { text: '', token: 99, finish: { reason: 'stop_token', stopTokenId: 99 } },
    ]);
  });

  it('finishes with eos when the token is that as well', () => {
    expect(stepsOf([97, EOS], { stopTokenIds: [EOS] }).at(-1)?.finish).toEqual({ reason: 'eos' });
  });

  it('gives out what was held back for a stop string', () => {
    expect(textOf(stepsOf([...bytesOf('ST'), 120], { stop: ['STOP'], stopTokenIds: [120] }))).toBe('ST');
  });
});

describe('an answer that ignores the end-of-sequence token', () => {
  it('goes on after it, its text shown', () => {
    const steps = stepsOf([97, EOS, 98], { ignoreEos: true, maxNewTokens: 3 });
    expect(textOf(steps)).toBe('a\nb');
    expect(steps.at(-1)?.finish).toEqual({ reason: 'length' });
  });

  it('ends with it when it is a stop token', () => {
    const steps = stepsOf([97, EOS], { ignoreEos: true, stopTokenIds: [EOS] });
    expect(steps.at(-1)?.finish).toEqual({ reason: 'stop_token', stopTokenId: EOS });
  });
});

describe('an answer of at least some tokens', () => {
  /** Logits that want this token, and the letter z if that cannot be. */
  function wanting(token: number): Float32Array {
    const logits = logitsFor(token);
    logits[122] = 0.5;
    return logits;
  }

  function tokensOf(tokens: readonly number[], options: Options): number[] {
    const answer = answerOf(options);
    return tokens.map((token) => answer.advance(wanting(token)).token as number);
  }

  it('does not choose an end-of-sequence token before', () => {
    expect(tokensOf([97, EOS, EOS, EOS], { minTokens: 3 })).toEqual([97, 122, 122, EOS]);
  });

  it('does not choose a stop token before', () => {
    expect(tokensOf([99, 99, 99], { minTokens: 2, stopTokenIds: [99] })).toEqual([122, 122, 99]);
  });

  it('chooses another even where end-of-sequence is ignored, as vLLM does', () => {
    expect(tokensOf([EOS, EOS], { minTokens: 1, ignoreEos: true })).toEqual([122, EOS]);
  });

  it('may be shorter when a stop string appears', () => {
    const steps = stepsOf(bytesOf('a.b'), { minTokens: 3, stop: ['.'] });
    expect(steps.at(-1)?.finish?.reason).toBe('stop_string');
  });
});

describe('the log probabilities of an answer', () => {
  it('are not there unless asked for', () => {
    expect(stepsOf([97])[0]).not.toHaveProperty('logprobs');
  });

  it('are of the chosen token, and the most probable ones', () => {
    const [step] = stepsOf([97], { logprobs: 1 });
    const logprob = 1 - Math.log(Math.E + 255);
    expect(step.logprobs).toEqual({
      token: 97,
      bytes: [97],
      logprob: expect.closeTo(logprob, 6) as number,
      top: [{ token: 97, bytes: [97], logprob: expect.closeTo(logprob, 6) as number }],
    });
  });

  it('may be of the chosen token only', () => {
    expect(stepsOf([97], { logprobs: 0 })[0].logprobs?.top).toEqual([]);
  });

  it('are those of the model, before bias, penalties and cuts', () => {
    const sampling = {
      ...DEFAULT_SAMPLING,
      doSample: true,
      temperature: 0.1,
      topK: 1,
      repetitionPenalty: 2,
      logitBias: new Map([[98, 50]]),
    };
    const [plain] = stepsOf([97], { logprobs: 2 });
    const [biased] = stepsOf([97], { logprobs: 2, sampling, minTokens: 5 });
    expect(biased.token).toBe(98);
    expect(biased.logprobs?.top).toEqual(plain.logprobs?.top);
    expect(biased.logprobs?.logprob).toBeCloseTo(-Math.log(Math.E + 255), 6);
  });

  it('are there for the last token as well', () => {
    expect(stepsOf([EOS], { logprobs: 0 })[0].logprobs?.token).toBe(EOS);
  });
});

describe('the text of an answer', () => {
  it.each([
    [undefined, true],
    [true, true],
    [false, false],
  ])('with skipSpecialTokens %p is of a detokenizer that skips them: %p', (skipSpecialTokens, expected) => {
    const asked: boolean[] = [];
    const createDetokenizer = (skips: boolean): WindowDetokenizer => {
      asked.push(skips);
      return new WindowDetokenizer(decodeBytes);
    };
    const request = { maxNewTokens: 1, sampling: DEFAULT_SAMPLING, skipSpecialTokens };
    new Answer(new Sequence(1, [1]), request, { eosIds: [], createDetokenizer, bytesOf: tokenBytes });
    expect(asked).toEqual([expected]);
  });
});
