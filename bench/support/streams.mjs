import { randomTokens } from './prompts.mjs';

/** Asks an engine for answers to random tokens; no two prompts have a prefix in common, nothing comes from a cache. */
export class Streams {
  constructor(engine) {
    this.engine = engine;
    this.seed = 0;
  }

  prompt(tokens) {
    return randomTokens(++this.seed, tokens, this.engine.info.vocabSize);
  }

  /** One answer: its tokens, and when each came, in ms since it was asked for. */
  async answer(ids, maxNewTokens, { onToken, signal } = {}) {
    const asked = performance.now();
    const tokens = [];
    const times = [];
    const request = { prompt: { kind: 'tokens', ids }, maxNewTokens, sampling: { temperature: 0 } };
    for await (const event of this.engine.generate(request, signal)) {
      if (event.type !== 'tokens') continue;
      for (const token of event.ids) {
        tokens.push(token);
        times.push(performance.now() - asked);
        onToken?.();
      }
    }
    return { tokens, times };
  }

  /** Time to first token of a prompt of so many tokens, in ms. */
  async firstToken(tokens) {
    return (await this.answer(this.prompt(tokens), 1)).times[0];
  }
}

/** Answers that run until they are stopped: one that ends is followed by another. */
export class EndlessStreams {
  /** When each token came, by the clock of `performance`, over all streams. */
  times = [];

  constructor(streams, count, { promptTokens, newTokens }) {
    this.started = 0;
    this.allRunning = new Promise((resolve) => (this.tellRunning = resolve));
    this.aborts = Array.from({ length: count }, () => new AbortController());
    const request = { promptTokens, newTokens };
    this.ended = Promise.all(this.aborts.map(({ signal }) => this.run(streams, request, signal)));
  }

  /** Tokens per second over all streams, between two times. */
  pace(from, to) {
    return (1000 * this.times.filter((time) => time > from && time <= to).length) / (to - from);
  }

  async stop() {
    for (const abort of this.aborts) abort.abort();
    await this.ended;
  }

  async run(streams, { promptTokens, newTokens }, signal) {
    let started = false;
    const onToken = () => {
      this.times.push(performance.now());
      if (!started && ++this.started === this.aborts.length) this.tellRunning();
      started = true;
    };
    try {
      while (!signal.aborted) await streams.answer(streams.prompt(promptTokens), newTokens, { onToken, signal });
    } catch (error) {
      if (error.code !== 'cancelled') throw error;
    }
  }
}
