import type { Prompt, RenderedPrompt } from '../types.js';
import { type ChatInput, ChatTemplate, type ChatTemplateSources } from './chat-template.js';
import { EngineError } from '../errors.js';
import { Tokenizer } from './tokenizer.js';

/** From a prompt in any form to token ids. */
export class PromptEncoder {
  /** @throws {EngineError} model_invalid, naming the file */
  static load(folder: string): PromptEncoder {
    const tokenizer = Tokenizer.load(folder);
    return new PromptEncoder(tokenizer, ChatTemplate.load(folder, tokenizer.config, tokenizer.specialTokens));
  }

  constructor(
    readonly tokenizer: Tokenizer,
    private readonly template: ChatTemplate | undefined,
  ) {}

  get hasChatTemplate(): boolean {
    return this.template !== undefined;
  }

  get chatTemplates(): ChatTemplateSources | undefined {
    return this.template?.sources;
  }

  /** @throws {EngineError} template_failed */
  encode(prompt: Prompt): readonly number[] {
    switch (prompt.kind) {
      case 'tokens':
        return prompt.ids;
      case 'text':
        return this.tokenizer.encode(prompt.text, prompt.addSpecialTokens ?? true);
      case 'chat':
        return this.encodeRendered(this.render(prompt));
    }
  }

  /**
   * The prompt with all that leads to its token ids.
   *
   * @throws {EngineError} template_failed
   */
  explain(prompt: Prompt): RenderedPrompt {
    const ids = this.encode(prompt);
    const decoder = new TextDecoder();
    const pieces = ids.map((id) => decoder.decode(Uint8Array.from(this.tokenizer.bytesOf(id))));
    return { text: this.textOf(prompt), ids, pieces };
  }

  /** The text of token ids, special tokens included. */
  decode(ids: readonly number[]): string {
    return this.tokenizer.decode(ids, false);
  }

  private textOf(prompt: Prompt): string {
    switch (prompt.kind) {
      case 'tokens':
        return this.decode(prompt.ids);
      case 'text':
        return prompt.text;
      case 'chat':
        return this.tokenizer.controlTokens.withoutMarks(this.render(prompt));
    }
  }

  /** What the template makes of a chat, with marks on what reads like a control token (see `ControlTokens`). */
  private render(chat: ChatInput): string {
    if (!this.template) throw new EngineError('template_failed', 'the model has no chat template');
    const { controlTokens } = this.tokenizer;
    try {
      const marked = controlTokens.marked(chat);
      return this.template.render(marked) + (marked.continuation ?? '');
    } catch (error) {
      const { code, message } = EngineError.from(error);
      throw new EngineError(code, controlTokens.withoutMarks(message));
    }
  }

  /** Most templates write the BOS token themselves; a tokenizer that adds one must then not add it again. */
  private encodeRendered(text: string): number[] {
    const { bos_token: bos } = this.tokenizer.specialTokens;
    return this.tokenizer.encodeMarked(text, !(bos && text.startsWith(bos)));
  }
}
