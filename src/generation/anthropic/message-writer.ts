import type { OutputPart } from '../output/output-part.js';
import type { TurnAnswer, TurnEvent } from '../chat/turn.service.js';
import type { Content, Message, MessageUsage, StopReason } from './dto/message.dto.js';

interface BlockStart {
  readonly type: 'content_block_start';
  readonly index: number;
  readonly content_block: Content;
}
type Delta =
  | { readonly type: 'text_delta'; readonly text: string }
  | { readonly type: 'thinking_delta'; readonly thinking: string }
  | { readonly type: 'signature_delta'; readonly signature: string }
  | { readonly type: 'input_json_delta'; readonly partial_json: string };
type BlockEvent =
  | BlockStart
  | { readonly type: 'content_block_delta'; readonly index: number; readonly delta: Delta }
  | { readonly type: 'content_block_stop'; readonly index: number };

/** An event of a stream, as Anthropic has them. */
export type MessageEvent =
  | { readonly type: 'message_start'; readonly message: Message }
  | { readonly type: 'ping' }
  | BlockEvent
  | {
      readonly type: 'message_delta';
      readonly delta: Pick<Message, 'stop_reason' | 'stop_sequence' | 'stop_details' | 'container'>;
      readonly usage: MessageUsage;
    }
  | { readonly type: 'message_stop' };

/** What a message says before anything is generated. */
export type MessageHead = Pick<Message, 'id' | 'model' | 'system_fingerprint'>;

/**
 * Clients want a signature with each thought, and send it back with the thought. What Anthropic signs is that a thought is
 * its model's own; here a thought is text like any other.
 */
const SIGNATURE = 'unsigned';

/** The events of an answer, as they come. */
export async function* messageEvents(
  { promptTokens, warnings, events }: TurnAnswer,
  head: MessageHead,
): AsyncGenerator<MessageEvent, void> {
  yield {
    type: 'message_start',
    message: {
      ...head,
      type: 'message',
      role: 'assistant',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      container: null,
      // What was cached is known only at the end, and told then.
      usage: usageOf({ promptTokens, cachedTokens: 0, newTokens: 0 }),
      ...(warnings.length > 0 && { warnings }),
    },
  };
  yield { type: 'ping' };
  const blocks = new BlockWriter();
  for await (const event of events) {
    if (event.type === 'parts') {
      for (const part of event.parts) yield* blocks.add(part);
    } else {
      yield* blocks.close();
      yield { type: 'message_delta', delta: toStop(event, blocks.hasCalls), usage: usageOf(event) };
      yield { type: 'message_stop' };
    }
  }
}

/** The message that the events tell of. */
export async function completeMessage(events: AsyncIterable<MessageEvent>): Promise<Message> {
  let message: Message | undefined;
  let text = '';
  for await (const event of events) {
    switch (event.type) {
      case 'message_start':
        message = event.message;
        break;
      case 'content_block_start':
        text = '';
        message?.content.push(event.content_block);
        break;
      case 'content_block_delta':
        text += 'signature' in event.delta ? '' : textOf(event.delta);
        break;
      case 'content_block_stop':
        message?.content.splice(event.index, 1, complete(message.content[event.index], text));
        break;
      case 'message_delta':
        message = message && { ...message, ...event.delta, usage: event.usage };
        break;
      case 'ping':
      case 'message_stop':
    }
  }
  if (!message) throw new Error('an answer without a beginning');
  return message;
}

/** Puts the parts of an answer into blocks, one after the other. */
class BlockWriter {
  hasCalls = false;
  private index = -1;
  private open: Content['type'] | undefined;

  *add(part: OutputPart): Generator<BlockEvent, void> {
    switch (part.type) {
      case 'content':
        if (this.open !== 'text') yield* this.begin({ type: 'text', text: '', citations: null });
        yield this.delta({ type: 'text_delta', text: part.text });
        break;
      case 'reasoning':
        if (this.open !== 'thinking') yield* this.begin({ type: 'thinking', thinking: '', signature: '' });
        yield this.delta({ type: 'thinking_delta', thinking: part.text });
        break;
      case 'tool_call_begin':
        this.hasCalls = true;
        yield* this.begin({ type: 'tool_use', id: part.id, name: part.name, input: {} });
        break;
      case 'tool_call_delta':
        yield this.delta({ type: 'input_json_delta', partial_json: part.arguments });
        break;
      case 'tool_call_end':
        yield* this.close();
    }
  }

  *close(): Generator<BlockEvent, void> {
    if (this.open === undefined) return;
    if (this.open === 'thinking') yield this.delta({ type: 'signature_delta', signature: SIGNATURE });
    this.open = undefined;
    yield { type: 'content_block_stop', index: this.index };
  }

  private *begin(content: Content): Generator<BlockEvent, void> {
    yield* this.close();
    this.open = content.type;
    yield { type: 'content_block_start', index: ++this.index, content_block: content };
  }

  private delta(delta: Delta): BlockEvent {
    return { type: 'content_block_delta', index: this.index, delta };
  }
}

function textOf(delta: Exclude<Delta, { type: 'signature_delta' }>): string {
  switch (delta.type) {
    case 'text_delta':
      return delta.text;
    case 'thinking_delta':
      return delta.thinking;
    case 'input_json_delta':
      return delta.partial_json;
  }
}

function complete(content: Content, text: string): Content {
  switch (content.type) {
    case 'text':
      return { ...content, text };
    case 'thinking':
      return { ...content, thinking: text, signature: SIGNATURE };
    case 'tool_use':
      return { ...content, input: parseInput(text) };
  }
}

/** An answer that was cut within a call has only the beginning of its arguments. */
function parseInput(json: string): Record<string, unknown> {
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch {
    return {};
  }
}

type Finish = Extract<TurnEvent, { type: 'finish' }>;

function toStop(finish: Finish, hasCalls: boolean): Extract<MessageEvent, { type: 'message_delta' }>['delta'] {
  return {
    stop_reason: stopReasonOf(finish, hasCalls),
    stop_sequence: finish.stopString ?? null,
    stop_details: null,
    container: null,
  };
}

function stopReasonOf({ reason, contextFull }: Finish, hasCalls: boolean): StopReason {
  switch (reason) {
    case 'length':
      return contextFull ? 'model_context_window_exceeded' : 'max_tokens';
    case 'stop_string':
      return 'stop_sequence';
    case 'eos':
    case 'stop_token':
      return hasCalls ? 'tool_use' : 'end_turn';
  }
}

function usageOf({
  promptTokens,
  cachedTokens,
  newTokens,
}: Pick<Finish, 'promptTokens' | 'cachedTokens' | 'newTokens'>): MessageUsage {
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: newTokens,
  };
}
