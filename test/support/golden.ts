import { join } from 'node:path';
import type { ChatMessage } from '../../src/engine/index.js';
import { DEMO_MODEL, fixture, type Fixture, readJson } from './folders.js';

/** What torch and transformers computed for a fixture, in float32. */
export interface Golden {
  readonly generate: readonly GoldenGeneration[];
  readonly chat_template: readonly {
    readonly messages: readonly ChatMessage[];
    readonly add_generation_prompt: boolean;
    readonly text: string;
    /** What the template rejects the messages with. */
    readonly error?: string;
  }[];
  readonly tokenizer: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly ids_without_special: readonly number[];
    readonly decoded: string;
    readonly decoded_skip_special: string;
  }[];
}

export interface GoldenGeneration {
  readonly prompt: string;
  readonly chat: boolean;
  readonly input_ids: readonly number[];
  readonly output_ids: readonly number[];
  readonly stops_after: number;
  readonly text: string;
  /** Pairs of token id and logit. */
  readonly first_logits_top10: readonly (readonly [number, number])[];
}

export interface DemoCase {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly unknown[];
  /** Further variables of the template. */
  readonly template?: Readonly<Record<string, unknown>>;
  readonly prompt_text: string;
  readonly input_ids: readonly number[];
  readonly output_ids: readonly number[];
  readonly text: string;
}

export function golden(name: Fixture): Golden {
  return readJson(join(fixture(name), 'golden.json')) as Golden;
}

export function demoCases(): readonly DemoCase[] {
  return (readJson(join(DEMO_MODEL, 'golden.json')) as { cases: DemoCase[] }).cases;
}
