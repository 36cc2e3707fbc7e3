import type { LazyAutomaton } from './lazy-automaton.js';
import { PLAIN_LIMIT, PLAIN_SEQUENCES } from './plain-characters.js';
import { DEAD, type State } from './state.js';
import type { TokenTree } from './token-tree.js';
import { MAX_TOKEN_BYTES, type Vocabulary } from './vocabulary.js';

/** What comes after a state: any plain character, leading to one of these states; none; or some and others not. */
type PlainStep = readonly number[] | 'none' | 'mixed';

/** Any so many plain characters may come next. */
interface PlainRun {
  readonly length: number;
  /** And no plain character after them. */
  readonly ends: boolean;
}

/** Bytes of masks that are kept. */
const MASK_MEMORY = 16 * 2 ** 20;
/** States that plain characters may lead to, after the same number of them. */
const MAX_WIDTH = 32;
const FOREVER: PlainRun = { length: PLAIN_LIMIT, ends: true };

/**
 * The tokens that may come next in a state, one bit each.
 *
 * Within strings, most tokens may come, and each is as good as another of its length. So it is looked first how long any
 * plain characters may go on: the tokens that are no longer are known, and if no plain character may come after, so it is
 * known of the longer ones that they may not. Only the other tokens are looked at one by one, in a walk over their tree.
 */
export class TokenMasks {
  private readonly masks = new Map<State, Uint32Array>();
  /** By the number of the state. */
  private readonly plainSteps: PlainStep[] = [];

  constructor(
    private readonly automaton: LazyAutomaton,
    private readonly vocabulary: Vocabulary,
  ) {}

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
    const { plain, plainMasks, other, spaced, stripsSpace } = this.vocabulary;
    const { length, ends } = this.plainRun(state.id);
    const mask = Uint32Array.from(plainMasks[length]);
    if (!ends) this.walk(plain, state.id, length, mask);
    this.walk(other, state.id, 0, mask);
    for (const id of this.automaton.namedAfter(state)) mask[id >> 5] |= 1 << (id & 31);
    if (state === this.automaton.start && stripsSpace) forbidUnlessAlone(mask, spaced);
    return mask;
  }

  /** @param known tokens of so many characters need not be looked at */
  private walk(tree: TokenTree, from: number, known: number, mask: Uint32Array): void {
    const { automaton } = this;
    const { bytes, depths, skips, lengths, firstIds, ids } = tree;
    const { classes } = automaton;
    const path = new Int32Array(MAX_TOKEN_BYTES + 1);
    path[0] = from;
    for (let node = 0; node < bytes.length;) {
      const depth = depths[node];
      const next = lengths[node] <= known ? DEAD : automaton.next(path[depth], classes[bytes[node]]);
      if (next === DEAD) {
        node = skips[node];
        continue;
      }
      path[depth + 1] = next;
      node++;
      for (let i = firstIds[node - 1]; i < firstIds[node]; i++) mask[ids[i] >> 5] |= 1 << (ids[i] & 31);
    }
  }

  private plainRun(from: number): PlainRun {
    let level: readonly number[] = [from];
    for (let length = 0; length < PLAIN_LIMIT; length++) {
      const steps = level.map((id) => (this.plainSteps[id] ??= this.plainStep(id)));
      if (steps.every((step) => step === 'none')) return { length, ends: true };
      const next = new Set<number>();
      for (const step of steps) {
        if (typeof step === 'string') return { length, ends: false };
        for (const id of step) next.add(id);
      }
      // Nothing new will come.
      if (next.size === level.length && level.every((id) => next.has(id))) return FOREVER;
      if (next.size > MAX_WIDTH) return { length: length + 1, ends: false };
      level = [...next];
    }
    return FOREVER;
  }

  private plainStep(from: number): PlainStep {
    const next = this.automaton.nextPlain(from);
    if (next !== undefined) return next === DEAD ? 'none' : [next];
    const { classes } = this.automaton;
    const found = new Set<number>();
    let some = false;
    let all = true;
    for (const ranges of PLAIN_SEQUENCES) {
      let level = new Set([from]);
      ranges.forEach(([first, last], i) => {
        const next = new Set<number>();
        // Classes are numbered in the order of their bytes.
        for (let byteClass = classes[first]; byteClass <= classes[last]; byteClass++) {
          for (const id of level) next.add(this.automaton.next(id, byteClass));
        }
        if (next.delete(DEAD)) all = false;
        if (i === 0 && next.size > 0) some = true;
        level = next;
      });
      if (some && !all) return 'mixed';
      for (const id of level) found.add(id);
    }
    return some ? [...found] : 'none';
  }
}

/** A space at the beginning of an answer would be lost. */
function forbidUnlessAlone(mask: Uint32Array, ids: Int32Array): void {
  const without = Uint32Array.from(mask);
  for (const id of ids) without[id >> 5] &= ~(1 << (id & 31));
  if (without.some((bits) => bits !== 0)) mask.set(without);
}
