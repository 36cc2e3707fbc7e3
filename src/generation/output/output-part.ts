/**
 * What an answer is made of, in the order in which the model wrote it. Parts of the same kind that follow each other
 * belong together; where one ends depends on how the text came.
 */
export type OutputPart =
  /** What the model thought before it answered. */
  | { readonly type: 'reasoning'; readonly text: string }
  /** What it says. */
  | { readonly type: 'content'; readonly text: string }
  /** It calls a tool; calls of an answer are counted from 0, and one ends before the next begins. */
  | { readonly type: 'tool_call_begin'; readonly index: number; readonly id: string; readonly name: string }
  /** More of the arguments: all of them together are the text of a JSON object, or its beginning if the answer is cut. */
  | { readonly type: 'tool_call_delta'; readonly index: number; readonly arguments: string }
  | { readonly type: 'tool_call_end'; readonly index: number };
