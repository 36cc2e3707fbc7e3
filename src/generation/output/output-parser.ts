import type { OutputFormat, ThoughtMarkers } from './output-format.js';
import type { OutputPart } from './output-part.js';
import { PartWriter } from './part-writer.js';
import { type Parsing, TextReader } from './text-reader.js';
import { type CallContext, TOOL_CALL_SYNTAXES, type ToolCallSyntax } from './tool-calls/tool-call-syntax.js';

/** What is expected of one answer. */
export interface Expected {
  /** Names of the tools that may be called; none if left out: then calls are content. */
  readonly tools?: readonly string[];
  /** Whether several calls may come; if not, all but the first are left out. True if left out. */
  readonly parallelToolCalls?: boolean;
  /** Whether the answer is nothing but calls: then they may lack what usually begins them. */
  readonly mustCall?: boolean;
  /** Whether thoughts are told apart; else they are text like any other. True if left out. */
  readonly thoughts?: boolean;
  /** Whether the prompt already ends within a thought. */
  readonly inThought?: boolean;
}

/**
 * Makes parts of the text of one answer, as it comes. The parts are the same however the text is cut, but for where one
 * part is split in two. What looks like a call and is none is content: nothing is lost.
 */
export class OutputParser {
  private readonly reader = new TextReader();
  private readonly writer: PartWriter;
  private readonly syntax: ToolCallSyntax | undefined;
  private readonly parsing: Parsing<void>;

  constructor(
    format: OutputFormat,
    private readonly expected: Expected = {},
  ) {
    const { tools = [], parallelToolCalls = true, thoughts = true, inThought = false } = expected;
    this.syntax = format.toolCalls && tools.length > 0 ? TOOL_CALL_SYNTAXES[format.toolCalls] : undefined;
    const most = parallelToolCalls ? Infinity : 1;
    this.writer = new PartWriter(this.syntax && { createId: this.syntax.createId, most });
    this.parsing = this.parse(thoughts ? format.thought : undefined, inThought);
  }

  /** @param text what follows; may be empty */
  push(text: string): OutputPart[] {
    this.reader.add(text);
    this.parsing.next();
    return this.writer.take();
  }

  /** Nothing follows. */
  end(): OutputPart[] {
    this.reader.end();
    this.parsing.next();
    return this.writer.take();
  }

  private *parse(thought: ThoughtMarkers | undefined, inThought: boolean): Parsing<void> {
    if (thought) yield* this.readThought(thought, inThought);
    yield* this.readContent();
    this.writer.close();
  }

  /** A thought is only what the answer begins with. */
  private *readThought({ begin, end }: ThoughtMarkers, inThought: boolean): Parsing<void> {
    const { reader, writer } = this;
    if (!inThought) {
      yield* reader.whitespace();
      if ((yield* reader.match([begin])) === undefined) return;
    }
    reader.take();
    yield* reader.until([end], (text) => writer.reasoning(text));
    reader.take();
    writer.endReasoning();
  }

  private *readContent(): Parsing<void> {
    const { reader, writer, syntax } = this;
    const { tools = [], mustCall = false } = this.expected;
    const tell = (text: string): void => writer.content(text);
    tell(reader.take());
    if (!syntax) return void (yield* reader.until([], tell));
    const context = { reader, calls: writer, isTool: (name: string) => tools.includes(name) };
    if (mustCall) {
      yield* reader.whitespace();
      yield* reader.match(syntax.beginMarkers);
      yield* syntax.read(context);
      tell(reader.take());
    }
    do {
      if (syntax.readUnmarked) {
        yield* syntax.readUnmarked(context);
        tell(reader.take());
      }
    } while (yield* this.readMarked(syntax, context, tell));
  }

  /** @returns whether there was a marker */
  private *readMarked(syntax: ToolCallSyntax, context: CallContext, tell: (text: string) => void): Parsing<boolean> {
    if ((yield* this.reader.until(syntax.beginMarkers, tell)) === undefined) return false;
    yield* syntax.read(context);
    tell(this.reader.take());
    return true;
  }
}
