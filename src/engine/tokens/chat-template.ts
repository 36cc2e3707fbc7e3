import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { EngineError } from '../errors.js';
import { isJsonObject, readOptionalText, type JsonObject } from '../model/json.js';
import { redirectStripCalls, STRIP_FUNCTIONS } from './strip-calls.js';
import type { SpecialTokens } from './tokenizer.js';

/** A message as chat templates know it; what else it may hold (tool calls, a name) is up to the template. */
export interface ChatMessage {
  readonly role: string;
  readonly [field: string]: unknown;
}

export interface ChatInput {
  readonly messages: readonly ChatMessage[];
  /** Whether the text ends where the assistant's answer begins. */
  readonly addGenerationPrompt: boolean;
  /** What the answer begins with already, which follows the rendered text as it is. */
  readonly continuation?: string;
  /** Tools as JSON schemas, for templates that know them. */
  readonly tools?: readonly unknown[];
  /** Further variables, for example `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** Templates as they are written, by name; the one for chats without tools is `default`. */
export type ChatTemplateSources = Readonly<Record<string, string>>;

const TEMPLATE_FILE = 'chat_template.jinja';
const CONFIG_FILE = 'tokenizer_config.json';

/** The chat template of a model folder. */
export class ChatTemplate {
  /**
   * Finds the template: `chat_template.jinja`, or `chat_template` in tokenizer_config.json, which is one template or a
   * list of named ones.
   *
   * @returns undefined when the folder has none
   * @throws {EngineError} model_invalid, naming the file, for a template with a syntax error
   */
  static load(folder: string, tokenizerConfig: JsonObject, specialTokens: SpecialTokens): ChatTemplate | undefined {
    const file = readOptionalText(join(folder, TEMPLATE_FILE));
    if (file !== undefined) return new ChatTemplate({ default: file }, specialTokens, () => TEMPLATE_FILE);
    const { chat_template: configured } = tokenizerConfig;
    if (configured === undefined || configured === null) return undefined;
    if (typeof configured === 'string')
      return new ChatTemplate({ default: configured }, specialTokens, () => CONFIG_FILE);
    const named = readNamedTemplates(configured);
    if (!named)
      throw new EngineError(
        'model_invalid',
        `${CONFIG_FILE}: chat_template is neither a template nor a list of named ones with a default`,
      );
    return new ChatTemplate(named, specialTokens, (name) => `${CONFIG_FILE}: chat_template "${name}"`);
  }

  private readonly templates: Readonly<Record<string, Template>>;

  private constructor(
    /** By name: `default`, and for some `tool_use`. */
    readonly sources: ChatTemplateSources,
    private readonly specialTokens: SpecialTokens,
    labelOf: (name: string) => string,
  ) {
    const entries = Object.entries(sources);
    this.templates = Object.fromEntries(entries.map(([name, source]) => [name, parse(source, labelOf(name))]));
  }

  /**
   * The prompt for a chat.
   *
   * @throws {EngineError} template_failed with the template's own words when it rejects the messages
   */
  render({ messages, addGenerationPrompt, tools, variables }: ChatInput): string {
    const template = (tools && this.templates.tool_use) ?? this.templates.default;
    try {
      return template.render({
        ...this.specialTokens,
        ...variables,
        messages,
        ...(tools && { tools }),
        add_generation_prompt: addGenerationPrompt,
        ...STRIP_FUNCTIONS,
      });
    } catch (error) {
      throw new EngineError('template_failed', `the chat template failed: ${(error as Error).message}`);
    }
  }
}

function readNamedTemplates(list: unknown): ChatTemplateSources | undefined {
  if (!Array.isArray(list)) return undefined;
  const templates: Record<string, string> = {};
  for (const entry of list as unknown[]) {
    if (!isJsonObject(entry) || typeof entry.name !== 'string' || typeof entry.template !== 'string') return undefined;
    templates[entry.name] = entry.template;
  }
  return templates.default === undefined ? undefined : templates;
}

function parse(source: string, label: string): Template {
  try {
    const template = new Template(source);
    redirectStripCalls(template);
    return template;
  } catch (error) {
    throw new EngineError('model_invalid', `${label}: the chat template has an error (${(error as Error).message})`);
  }
}
