/** Where calls return to: the way back through the rules that are open. */
export interface Stack {
  readonly id: number;
  readonly place: number;
  readonly below: Stack | undefined;
  readonly above: Map<number, Stack>;
}

/** All places where a text may be, seen from the grammar. */
export interface State {
  readonly id: number;
  /** Places that take a byte or a token, with the way back from each. */
  readonly places: readonly number[];
  readonly stacks: readonly Stack[];
  /** Whether the text may end here. */
  readonly accepting: boolean;
}

/** The number of the state that no text leads out of, and that is no beginning of one. */
export const DEAD = 0;
