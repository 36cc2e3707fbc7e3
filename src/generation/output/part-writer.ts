import type { OutputPart } from './output-part.js';

/** What a reader of tool calls tells. */
export interface CallWriter {
  /** A call begins; there is none unfinished. */
  begin(name: string): void;
  /** More text of its arguments. */
  add(text: string): void;
  end(): void;
}

export interface CallOptions {
  readonly createId: () => string;
  /** More calls than these are left out. */
  readonly most: number;
}

/**
 * Puts the parts of an answer in order. Space that only sets thoughts and calls apart from each other, and from the
 * answer, is nobody's text; space within the content stays, also around a call.
 */
export class PartWriter implements CallWriter {
  private parts: OutputPart[] = [];
  /** Space at the end of the thought or the content so far, which belongs to it only if it goes on. */
  private space = '';
  private hasContent = false;
  /** Whether the last thing that is no space was a thought or a call. */
  private apart = false;
  private calls = 0;

  /** @param options undefined where no call is expected: then space is not held back */
  constructor(private readonly options: CallOptions | undefined) {}

  /** The parts since the last call. */
  take(): OutputPart[] {
    const { parts } = this;
    this.parts = [];
    return parts;
  }

  reasoning(text: string): void {
    const visible = this.withoutEnd(text);
    const told = this.apart ? visible : visible.trimStart();
    if (told === '') return;
    this.apart = true;
    this.pushText('reasoning', told);
  }

  endReasoning(): void {
    this.space = '';
    this.apart = true;
  }

  content(text: string): void {
    const starts = this.apart && !this.hasContent;
    const visible = this.withoutEnd(text);
    if (visible === '' && (starts || this.options)) return;
    const told = (starts ? visible.trimStart() : visible) + (this.options ? '' : this.takeSpace());
    this.hasContent = true;
    this.apart = false;
    this.pushText('content', told);
  }

  begin(name: string): void {
    const index = this.calls++;
    this.apart = true;
    if (this.options && this.counts) {
      this.parts.push({ type: 'tool_call_begin', index, id: this.options.createId(), name });
    }
  }

  add(text: string): void {
    if (!this.counts || text === '') return;
    const index = this.calls - 1;
    const last = this.parts.at(-1);
    const before = last?.type === 'tool_call_delta' ? (this.parts.pop() as typeof last).arguments : '';
    this.parts.push({ type: 'tool_call_delta', index, arguments: before + text });
  }

  end(): void {
    if (this.counts) this.parts.push({ type: 'tool_call_end', index: this.calls - 1 });
  }

  /** The text is at its end. */
  close(): void {
    if (!this.apart) this.pushText('content', this.takeSpace());
  }

  private get counts(): boolean {
    return this.calls <= (this.options?.most ?? 0);
  }

  private withoutEnd(text: string): string {
    const all = this.space + text;
    const visible = all.trimEnd();
    this.space = all.slice(visible.length);
    return visible;
  }

  private takeSpace(): string {
    const { space } = this;
    this.space = '';
    return space;
  }

  private pushText(type: 'reasoning' | 'content', text: string): void {
    if (text === '') return;
    const last = this.parts.at(-1);
    const before = last?.type === type ? (this.parts.pop() as typeof last).text : '';
    this.parts.push({ type, text: before + text });
  }
}
