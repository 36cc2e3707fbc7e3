/**
 * Turns a growing sequence of tokens into text piece by piece. A token may end in the middle of a character: what
 * could still change is held back, so the pieces never hold half a character and together are the text of the whole.
 */
export interface Detokenizer {
  /** The text that became certain with this token; often a word, sometimes nothing. */
  push(id: number): string;
  /** The rest, at the end of the sequence: a character that never completed becomes U+FFFD, as in any decoder. */
  flush(): string;
}
