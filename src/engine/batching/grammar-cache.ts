import type { CompiledGrammar } from '../grammar/compiled-grammar.js';
import { LazyAutomaton } from '../grammar/lazy-automaton.js';

const MAX_KEPT = 16;

/** The automatons of the grammars that were used last: answers with the same grammar share what was found out. */
export class GrammarCache {
  private readonly kept = new Map<number, LazyAutomaton>();

  get({ id, automaton, vocabulary }: CompiledGrammar): LazyAutomaton {
    const known = this.kept.get(id);
    const lazy = known && !known.worn ? known : new LazyAutomaton(automaton, vocabulary);
    this.kept.delete(id);
    this.kept.set(id, lazy);
    if (this.kept.size > MAX_KEPT) this.kept.delete(this.kept.keys().next().value as number);
    return lazy;
  }
}
