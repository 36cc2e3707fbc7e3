import { randomUUID } from 'node:crypto';
import type { TokenLogprobs } from '../../../inference/inference-provider.js';
import type { TurnAnswer, TurnEvent } from '../../chat/turn.service.js';
import type { OutputPart } from '../../output/output-part.js';
import { toChatLogprobs } from '../logprobs.js';
import type { ModelResponse, OutputItem, ResponseUsage } from './dto/response.dto.js';

/** An event of a stream, before it is numbered: `type` and what goes with it, as in OpenAI's API. */
export interface ResponseEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What a response says before anything is generated. */
export type ResponseHead = Omit<
  ModelResponse,
  'status' | 'output' | 'usage' | 'error' | 'incomplete_details' | 'completed_at' | 'warnings'
>;

/** The events of an answer, as they come; the last holds all of it. */
export async function* responseEvents(
  { events, warnings }: TurnAnswer,
  head: ResponseHead,
  now: () => number,
): AsyncGenerator<ResponseEvent, void> {
  const begun: ModelResponse = {
    ...head,
    status: 'in_progress',
    completed_at: null,
    error: null,
    incomplete_details: null,
    output: [],
    usage: null,
    ...(warnings.length > 0 && { warnings }),
  };
  const items = new ItemWriter();
  yield { type: 'response.created', response: begun };
  yield { type: 'response.in_progress', response: begun };
  for await (const event of events) {
    if (event.type === 'parts') {
      yield* items.add(event.parts, event.logprobs ?? []);
      continue;
    }
    const isCut = event.reason === 'length';
    const status = isCut ? 'incomplete' : 'completed';
    yield* items.close(status);
    const response: ModelResponse = {
      ...begun,
      status,
      completed_at: isCut ? null : now(),
      // Also where the context was full: there is no other word for it.
      incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
      output: items.output,
      usage: usageOf(event),
    };
    yield { type: `response.${status}`, response };
  }
}

/** What an answer that failed says in the end. */
export function failedEvent(head: ResponseHead, message: string): ResponseEvent {
  const error = { code: 'server_error', message } as const;
  const response: ModelResponse = {
    ...head,
    status: 'failed',
    completed_at: null,
    error,
    incomplete_details: null,
    output: [],
    usage: null,
  };
  return { type: 'response.failed', response };
}

type Status = 'completed' | 'incomplete';

/** An item that is being written: how it begins, grows and ends. */
interface OpenItem {
  readonly kind: OutputItem['type'];
  readonly begin: () => Generator<ResponseEvent, void>;
  readonly end: (status: Status) => Generator<ResponseEvent, OutputItem>;
  text: string;
  readonly id: string;
}

/** Puts the parts of an answer into items, one after the other. */
class ItemWriter {
  readonly output: OutputItem[] = [];
  private open: OpenItem | undefined;
  /** Of tokens whose text did not come yet. */
  private logprobs: TokenLogprobs[] = [];
  /** Of the message that is being written. */
  private told: object[] = [];

  *add(parts: readonly OutputPart[], logprobs: readonly TokenLogprobs[]): Generator<ResponseEvent, void> {
    this.logprobs.push(...logprobs);
    for (const part of parts) yield* this.addPart(part);
    // Those of thoughts and calls are told nowhere.
    if (parts.length > 0) this.logprobs = [];
  }

  *close(status: Status = 'completed'): Generator<ResponseEvent, void> {
    if (!this.open) return;
    const item = yield* this.open.end(status);
    yield { type: 'response.output_item.done', output_index: this.output.length, item };
    this.output.push(item);
    this.open = undefined;
  }

  private *addPart(part: OutputPart): Generator<ResponseEvent, void> {
    switch (part.type) {
      case 'content':
        if (this.open?.kind !== 'message') yield* this.begin(this.message());
        yield this.textDelta(part.text);
        break;
      case 'reasoning':
        if (this.open?.kind !== 'reasoning') yield* this.begin(this.thought());
        yield this.delta('response.reasoning_text', part.text, { content_index: 0 });
        break;
      case 'tool_call_begin':
        yield* this.begin(this.call(part.id, part.name));
        break;
      case 'tool_call_delta':
        yield this.delta('response.function_call_arguments', part.arguments);
        break;
      case 'tool_call_end':
        yield* this.close();
    }
  }

  private *begin(item: OpenItem): Generator<ResponseEvent, void> {
    yield* this.close();
    this.open = item;
    yield* item.begin();
  }

  private textDelta(text: string): ResponseEvent {
    const logprobs = toChatLogprobs(this.logprobs)?.content ?? [];
    this.logprobs = [];
    this.told.push(...logprobs);
    return this.delta('response.output_text', text, { content_index: 0, logprobs });
  }

  private delta(of: string, delta: string, fields: object = {}): ResponseEvent {
    if (this.open) this.open.text += delta;
    return { type: `${of}.delta`, ...this.place(), ...fields, delta };
  }

  private place(): { item_id: string; output_index: number } {
    return { item_id: this.open?.id ?? '', output_index: this.output.length };
  }

  private added(item: OutputItem | object): ResponseEvent {
    return { type: 'response.output_item.added', output_index: this.output.length, item };
  }

  private message(): OpenItem {
    const id = newId('msg');
    const part = (text: string) =>
      ({ type: 'output_text', text, annotations: [], logprobs: text === '' ? [] : this.told }) as const;
    const item = { id, type: 'message', role: 'assistant' } as const;
    const { added, place } = this.bound();
    this.told = [];
    return {
      kind: 'message',
      id,
      text: '',
      *begin() {
        yield added({ ...item, status: 'in_progress', content: [] });
        yield { type: 'response.content_part.added', ...place(), content_index: 0, part: part('') };
      },
      *end(status) {
        const { text, logprobs } = part(this.text);
        yield { type: 'response.output_text.done', ...place(), content_index: 0, text, logprobs };
        yield { type: 'response.content_part.done', ...place(), content_index: 0, part: part(text) };
        return { ...item, status, content: [part(text)] };
      },
    };
  }

  private thought(): OpenItem {
    const id = newId('rs');
    const part = (text: string) => ({ type: 'reasoning_text', text }) as const;
    const item = { id, type: 'reasoning', summary: [] } as const;
    const { added, place } = this.bound();
    return {
      kind: 'reasoning',
      id,
      text: '',
      *begin() {
        yield added({ ...item, status: 'in_progress', content: [] });
        yield { type: 'response.content_part.added', ...place(), content_index: 0, part: part('') };
      },
      *end(status) {
        const { text } = this;
        yield { type: 'response.reasoning_text.done', ...place(), content_index: 0, text };
        yield { type: 'response.content_part.done', ...place(), content_index: 0, part: part(text) };
        return { ...item, status, content: [part(text)] };
      },
    };
  }

  private call(callId: string, name: string): OpenItem {
    const id = newId('fc');
    const item = { id, type: 'function_call', call_id: callId, name } as const;
    const { added, place } = this.bound();
    return {
      kind: 'function_call',
      id,
      text: '',
      *begin() {
        yield added({ ...item, status: 'in_progress', arguments: '' });
      },
      *end(status) {
        const { text } = this;
        yield { type: 'response.function_call_arguments.done', ...place(), name, arguments: text };
        return { ...item, status, arguments: text };
      },
    };
  }

  private bound() {
    return { added: (item: object) => this.added(item), place: () => this.place() };
  }
}

function newId(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}

function usageOf({
  promptTokens,
  cachedTokens,
  newTokens,
  reasoningTokens,
}: Extract<TurnEvent, { type: 'finish' }>): ResponseUsage {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: newTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: promptTokens + newTokens,
  };
}
