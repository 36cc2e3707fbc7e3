import type { OutputPart } from './output-part.js';

export interface CollectedCall {
  readonly id: string;
  readonly name: string;
  /** Text of a JSON object, or its beginning if the answer was cut. */
  readonly arguments: string;
}

/** All parts of an answer together. */
export class CollectedOutput {
  reasoning = '';
  content = '';
  private readonly collected: { id: string; name: string; arguments: string }[] = [];

  get calls(): readonly CollectedCall[] {
    return this.collected;
  }

  add(parts: readonly OutputPart[]): void {
    for (const part of parts) {
      switch (part.type) {
        case 'reasoning':
          this.reasoning += part.text;
          break;
        case 'content':
          this.content += part.text;
          break;
        case 'tool_call_begin':
          this.collected[part.index] = { id: part.id, name: part.name, arguments: '' };
          break;
        case 'tool_call_delta':
          this.collected[part.index].arguments += part.arguments;
          break;
        case 'tool_call_end':
      }
    }
  }
}
