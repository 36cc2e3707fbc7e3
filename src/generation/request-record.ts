import type { FastifyRequest } from 'fastify';
import { InferenceError } from '../inference/inference-provider.js';

/** What a request made the model do, for the one line that the log has of it. */
export class RequestRecord {
  promptTokens = 0;
  newTokens = 0;
  /** How it ended: a finish reason or the code of an error. */
  outcome = 'cancelled';
  private readonly started = performance.now();
  private written = false;

  /** @param name of the route, which is the line's message */
  constructor(
    private readonly request: FastifyRequest,
    private readonly name: string,
  ) {}

  fail(error: unknown): void {
    this.outcome = error instanceof InferenceError ? error.code : 'failed';
  }

  /** Writes the line, once. */
  write(fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.written) return;
    this.written = true;
    const line = {
      outcome: this.outcome,
      client: this.request.client,
      prompt_tokens: this.promptTokens,
      new_tokens: this.newTokens,
      ...fields,
      duration_ms: Math.round(100 * (performance.now() - this.started)) / 100,
    };
    this.request.log.info(line, this.name);
    this.request.quota?.spend('tokens', this.promptTokens + this.newTokens);
  }
}
