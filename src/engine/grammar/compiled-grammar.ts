import type { Automaton } from './automaton.js';
import type { Vocabulary } from './vocabulary.js';

/** A grammar, ready to be enforced on the tokens of a model. A message takes it to another thread without a copy. */
export interface CompiledGrammar {
  /** The same for the same grammar. */
  readonly id: number;
  readonly automaton: Automaton;
  readonly vocabulary: Vocabulary;
}
