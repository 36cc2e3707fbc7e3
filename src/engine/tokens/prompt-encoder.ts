import type { Prompt } from '../types.js';
import { type ChatInput, ChatTemplate } from './chat-template.js';
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
    private readonly tokenizer: Tokenizer,
    private readonly template: ChatTemplate | undefined,
  ) {}

  get hasChatTemplate(): boolean {
    return this.template !== undefined;
  }

  /** @throws {EngineError} template_failed */
  encode(prompt: Prompt): readonly number[] {
    switch (prompt.kind) {
      case 'tokens':
        return prompt.ids;
      case 'text':
        return this.tokenizer.encode(prompt.text, prompt.addSpecialTokens ?? true);
      case 'chat':
        return this.encodeChat(prompt);
    }
  }

  /** The text of token ids, special tokens included. */
  decode(ids: readonly number[]): string {
    return this.tokenizer.decode(ids, false);
  }

  private encodeChat(chat: ChatInput): number[] {
    if (!this.template) throw new EngineError('template_failed', 'the model has no chat template');
    const { controlTokens } = this.tokenizer;
    let text: string;
    try {
      text = this.template.render(controlTokens.marked(chat));
    } catch (error) {
      const { code, message } = EngineError.from(error);
      throw new EngineError(code, controlTokens.withoutMarks(message));
    }
    // Most templates write the BOS token themselves; a tokenizer that adds one must then not add it again.
    const { bos_token: bos } = this.tokenizer.specialTokens;
    return this.tokenizer.encodeMarked(text, !(bos && text.startsWith(bos)));
  }
}
