/** How models write calls of tools; see docs/tools-and-reasoning.md. */
export const TOOL_CALL_FORMATS = ['hermes'] as const;
export type ToolCallFormat = (typeof TOOL_CALL_FORMATS)[number];

/** What a thought stands between. */
export interface ThoughtMarkers {
  readonly begin: string;
  readonly end: string;
}

/** How a model writes what is not plain text. */
export interface OutputFormat {
  /** Undefined for a model that knows no tools, or whose way to call them is not known. */
  readonly toolCalls: ToolCallFormat | undefined;
  /** Undefined for a model that does not think, or whose thoughts are left as they are. */
  readonly thought: ThoughtMarkers | undefined;
}
