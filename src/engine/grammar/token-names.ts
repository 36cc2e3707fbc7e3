/** The tokens of a model that a grammar may name. */
export interface TokenNames {
  /** How many ids there are. */
  readonly size: number;
  /** The id of the added token that is written exactly so; undefined if there is none. */
  readonly idOf: (token: string) => number | undefined;
  /** Whether a token is no text: then its name, written with other tokens, is not the same. */
  readonly isSpecial: (id: number) => boolean;
}

/** For grammars that are compiled without a model. */
export const NO_TOKENS: TokenNames = { size: 0, idOf: () => undefined, isSpecial: () => false };
