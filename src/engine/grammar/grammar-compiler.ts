import type { Tokenizer } from '../tokens/tokenizer.js';
import type { Automaton } from './automaton.js';
import { compileGrammar } from './compile.js';
import type { CompiledGrammar } from './compiled-grammar.js';
import type { Grammar } from './grammar.js';
import { LazyAutomaton } from './lazy-automaton.js';
import { invalid } from './rules.js';
import type { TokenNames } from './token-names.js';
import { buildVocabulary, type Vocabulary } from './vocabulary.js';

/** Places of automatons that are kept, 13 bytes each, the latest used ones. */
const MAX_KEPT_PLACES = 2_000_000;
const MAX_KEPT = 200;

/** Compiles grammars for one model and keeps them. Nothing is made before the first one. */
export class GrammarCompiler {
  private vocabulary: Vocabulary | undefined;
  private readonly kept = new Map<string, CompiledGrammar>();
  private places = 0;
  private lastId = 0;

  /** @param vocabSize how many logits the model has */
  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly vocabSize: number,
  ) {}

  /** @throws {EngineError} grammar_invalid, saying what is wrong with it */
  compile(grammar: Grammar): CompiledGrammar {
    const key = JSON.stringify(grammar);
    const known = this.kept.get(key);
    if (known) {
      this.kept.delete(key);
      this.kept.set(key, known);
      return known;
    }
    const automaton = compileGrammar(grammar, this.names);
    this.vocabulary ??= this.readVocabulary();
    probe(automaton, this.vocabulary);
    const compiled = { id: ++this.lastId, automaton, vocabulary: this.vocabulary };
    this.keep(key, compiled);
    return compiled;
  }

  private get names(): TokenNames {
    const { tokenizer } = this;
    return {
      size: this.vocabSize,
      idOf: (token) => tokenizer.addedIdOf(token),
      isSpecial: (id) => tokenizer.specialIds.has(id),
    };
  }

  private readVocabulary(): Vocabulary {
    const { tokenizer } = this;
    if (!tokenizer.hasPlainPieces) {
      invalid('the tokenizer of this model makes text of tokens in a way that no grammar can follow');
    }
    return buildVocabulary(this.vocabSize, (id) => tokenizer.plainBytesOf(id), tokenizer.stripsSpace);
  }

  private keep(key: string, compiled: CompiledGrammar): void {
    this.kept.set(key, compiled);
    this.places += compiled.automaton.kinds.length;
    for (const [oldest, { automaton }] of this.kept) {
      if (oldest === key || (this.places <= MAX_KEPT_PLACES && this.kept.size <= MAX_KEPT)) return;
      this.kept.delete(oldest);
      this.places -= automaton.kinds.length;
    }
  }
}

const PROBES = 4;
const PROBE_BYTES = 48;

/**
 * Goes some ways through a grammar: one that is far too ambiguous shows it now, and not in the middle of an answer.
 *
 * @throws {EngineError} grammar_invalid
 */
function probe(automaton: Automaton, vocabulary: Vocabulary): void {
  const lazy = new LazyAutomaton(automaton, vocabulary);
  lazy.maskOf(lazy.start);
  for (let round = 0; round < PROBES; round++) {
    let state = lazy.start;
    for (let i = 0; i < PROBE_BYTES; i++) {
      const bytes = lazy.bytesAfter(state);
      const tokens = lazy.namedAfter(state);
      const ways = bytes.length + tokens.length;
      if (ways === 0) break;
      // The first way each time, the last, then ways between.
      const choice = round === 0 ? 0 : round === 1 ? ways - 1 : (i * 7 + round * 3) % ways;
      const next =
        choice < bytes.length
          ? lazy.advance(state, [bytes[choice]])
          : lazy.accept(state, tokens[choice - bytes.length], []);
      state = next ?? lazy.start;
    }
    lazy.maskOf(state);
  }
}
