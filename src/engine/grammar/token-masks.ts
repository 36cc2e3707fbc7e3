import { type Alphabet, emptyAlphabet, meets, without } from './alphabet.js';
import type { LazyAutomaton } from './lazy-automaton.js';
import { type PlainRun, PlainRuns } from './plain-run.js';
import { DEAD, type State } from './state.js';
import type { TokenTree } from './token-tree.js';
import { maskLength, MAX_TOKEN_BYTES, type Vocabulary } from './vocabulary.js';

/** Bytes of masks that are kept. */
const MASK_MEMORY = 16 * 2 ** 20;
/** Masks that several states begin with, for this many alphabets and lengths. */
const MAX_BEGINNINGS = 64;
const NOTHING = { exits: emptyAlphabet(), length: 0, ends: false };

/**
 * The tokens that may come next in a state, one bit each.
 *
 * Within strings, most tokens may come, and each is as good as another of its length. So it is looked first how long plain
 * characters may go on, any or any of some: the tokens that are no longer are known by the characters that they have, and
 * if no plain character may come after, so it is known of the longer ones that they may not. Only the other tokens are
 * looked at one by one, in a walk over their tree.
 */
export class TokenMasks {
  private readonly masks = new Map<State, Uint32Array>();
  /** By an alphabet and a number of characters. */
  private readonly beginnings = new Map<string, Uint32Array>();
  private readonly runs: PlainRuns;

  constructor(
    private readonly automaton: LazyAutomaton,
    private readonly vocabulary: Vocabulary,
  ) {
    this.runs = new PlainRuns(automaton);
  }

  of(state: State): Uint32Array {
    const known = this.masks.get(state);
    if (known) return known;
    const mask = this.make(state);
    this.masks.set(state, mask);
    const [[oldest]] = this.masks;
    if (this.masks.size * mask.byteLength > MASK_MEMORY) this.masks.delete(oldest);
    return mask;
  }

  private make(state: State): Uint32Array {
    const { plain, other, spaced, stripsSpace } = this.vocabulary;
    const run = this.runs.from(state.id);
    const mask = Uint32Array.from(this.beginning(without(run.takes, run.exits), run.length));
    this.walk(plain, state.id, mask, run);
    this.walk(other, state.id, mask);
    for (const id of this.automaton.namedAfter(state)) mask[id >> 5] |= 1 << (id & 31);
    if (state === this.automaton.start && stripsSpace) forbidUnlessAlone(mask, spaced);
    return mask;
  }

  /** The tokens of no more plain characters than so many, all of an alphabet. */
  private beginning(alphabet: Alphabet, length: number): Uint32Array {
    const key = `${length} ${alphabet.join(' ')}`;
    const known = this.beginnings.get(key);
    if (known) return known;
    const { size, plain } = this.vocabulary;
    const { ids, idLengths, idAlphabets } = plain;
    const mask = new Uint32Array(maskLength(size));
    const outside = alphabet.map((word) => ~word);
    for (let i = 0; length > 0 && i < ids.length; i++) {
      if (idLengths[i] <= length && !meets(idAlphabets, i, outside)) mask[ids[i] >> 5] |= 1 << (ids[i] & 31);
    }
    this.beginnings.set(key, mask);
    const [oldest] = this.beginnings.keys();
    if (this.beginnings.size > MAX_BEGINNINGS) this.beginnings.delete(oldest);
    return mask;
  }

  /** @param known what need not be looked at */
  private walk(tree: TokenTree, from: number, mask: Uint32Array, known?: PlainRun): void {
    const { automaton } = this;
    const { bytes, depths, skips, lengths, alphabets, firstIds, ids } = tree;
    const { exits, length, ends } = known ?? NOTHING;
    const isKnown = (node: number): boolean => (ends || lengths[node] <= length) && !meets(alphabets, node, exits);
    const { classes } = automaton;
    const path = new Int32Array(MAX_TOKEN_BYTES + 1);
    path[0] = from;
    for (let node = 0; node < bytes.length;) {
      const depth = depths[node];
      const next = isKnown(node) ? DEAD : automaton.next(path[depth], classes[bytes[node]]);
      if (next === DEAD) {
        node = skips[node];
        continue;
      }
      path[depth + 1] = next;
      node++;
      for (let i = firstIds[node - 1]; i < firstIds[node]; i++) mask[ids[i] >> 5] |= 1 << (ids[i] & 31);
    }
  }
}

/** A space at the beginning of an answer would be lost. */
function forbidUnlessAlone(mask: Uint32Array, ids: Int32Array): void {
  const without = Uint32Array.from(mask);
  for (const id of ids) without[id >> 5] &= ~(1 << (id & 31));
  if (without.some((bits) => bits !== 0)) mask.set(without);
}
