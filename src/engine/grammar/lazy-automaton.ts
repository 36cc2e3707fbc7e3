import { type Automaton, PLACE } from './automaton.js';
import { invalid } from './rules.js';
import { MAX_TOKEN_BYTES, type Vocabulary } from './vocabulary.js';

/** Where calls return to: the way back through the rules that are open. */
interface Stack {
  readonly id: number;
  readonly place: number;
  readonly below: Stack | undefined;
  readonly above: Map<number, Stack>;
}

/** All places where a text may be, seen from the grammar. */
export interface State {
  readonly id: number;
  /** Places that take a byte, with the way back from each. */
  readonly places: readonly number[];
  readonly stacks: readonly Stack[];
  /** Whether the text may end here. */
  readonly accepting: boolean;
  /** One bit for each token, 1 for one that may come next. */
  mask: Uint32Array | undefined;
}

/** How many places a text may be at; a grammar beyond is ambiguous in ever more ways. */
const MAX_PLACES = 2_000;
/** Steps of one mask, which takes a tenth of a second or so then. */
const MAX_WORK = 500_000;
/** A fresh one takes over from then on. */
const MANY_STATES = 20_000;
const MAX_STATES = 5 * MANY_STATES;
const UNKNOWN = -1;
/** The state that no text leads out of, and that is no beginning of one. */
const DEAD = 0;
/** Bytes of masks that are kept. */
const MASK_MEMORY = 16 * 2 ** 20;
/** Pairs of a place and a stack as one number: places are fewer. */
const PLACE_LIMIT = 2 ** 20;

/**
 * An automaton made deterministic where texts lead: sets of places are states, and what was found out about a state is
 * kept, so that the same situation costs next to nothing the second time. All answers with a grammar share one.
 */
export class LazyAutomaton {
  readonly start: State;
  private readonly known = new Map<string, State>();
  private readonly states: State[] = [];
  /** Where each class of bytes leads from each state, by the id of the state. */
  private transitions = new Int32Array(0);
  private readonly bottom: Stack = { id: 0, place: -1, below: undefined, above: new Map() };
  private stackCount = 1;
  private work = 0;
  /** Bytes that no place tells apart have the same class. */
  private readonly classes: Uint8Array;
  private readonly representatives: readonly number[];
  private readonly masked: State[] = [];

  constructor(
    private readonly automaton: Automaton,
    private readonly vocabulary: Vocabulary,
  ) {
    ({ classes: this.classes, representatives: this.representatives } = classify(automaton));
    this.intern(new Map(), false);
    const places = new Map<number, readonly [number, Stack]>();
    this.start = this.intern(places, this.close(automaton.start, this.bottom, places));
  }

  /** Whether it has grown so large that a new one had better take over. */
  get worn(): boolean {
    return this.states.length > MANY_STATES;
  }

  /** Whether nothing can come after a state. */
  isOver(state: State): boolean {
    return state.places.length === 0;
  }

  /** One byte of each kind that may come after a state. */
  bytesAfter(state: State): number[] {
    const { firsts, lasts } = this.automaton;
    return this.representatives.filter((byte) =>
      state.places.some((place) => byte >= firsts[place] && byte <= lasts[place]),
    );
  }

  /**
   * @returns undefined when the bytes cannot come next
   * @throws {EngineError} grammar_invalid when the grammar turns out to be too ambiguous
   */
  advance(state: State, bytes: Iterable<number>): State | undefined {
    this.work = 0;
    let at = state.id;
    for (const byte of bytes) {
      at = this.next(at, this.classes[byte]);
      if (at === DEAD) return undefined;
    }
    return this.states[at];
  }

  /**
   * The tokens that may come next, one bit each.
   *
   * @throws {EngineError} grammar_invalid when the grammar turns out to be too ambiguous
   */
  maskOf(state: State): Uint32Array {
    state.mask ??= this.makeMask(state);
    return state.mask;
  }

  private makeMask(state: State): Uint32Array {
    const { size, bytes, depths, skips, firstIds, ids } = this.vocabulary;
    const { classes } = this;
    const { length: count } = this.representatives;
    this.work = 0;
    const mask = new Uint32Array((size + 31) >> 5);
    const path = new Int32Array(MAX_TOKEN_BYTES + 1);
    path[0] = state.id;
    for (let node = 0; node < bytes.length;) {
      const depth = depths[node];
      const byteClass = classes[bytes[node]];
      let next = this.transitions[path[depth] * count + byteClass];
      if (next === UNKNOWN) next = this.next(path[depth], byteClass);
      if (next === DEAD) {
        node = skips[node];
        continue;
      }
      path[depth + 1] = next;
      node++;
      for (let i = firstIds[node - 1]; i < firstIds[node]; i++) mask[ids[i] >> 5] |= 1 << (ids[i] & 31);
    }
    if (state === this.start && this.vocabulary.stripsSpace) forbidUnlessAlone(mask, this.vocabulary.spaced);
    this.masked.push(state);
    if (this.masked.length * mask.byteLength > MASK_MEMORY) (this.masked.shift() as State).mask = undefined;
    return mask;
  }

  private next(id: number, byteClass: number): number {
    const at = id * this.representatives.length + byteClass;
    if (this.transitions[at] !== UNKNOWN) return this.transitions[at];
    const { firsts, lasts, nexts } = this.automaton;
    const state = this.states[id];
    const byte = this.representatives[byteClass];
    const places = new Map<number, readonly [number, Stack]>();
    let accepting = false;
    state.places.forEach((place, i) => {
      if (byte < firsts[place] || byte > lasts[place]) return;
      accepting = this.close(nexts[place], state.stacks[i], places) || accepting;
    });
    this.count(state.places.length);
    const next = this.intern(places, accepting).id;
    this.transitions[at] = next;
    return next;
  }

  /** Goes on to all places that take a byte. @returns whether the text may end */
  private close(from: number, stack: Stack, places: Map<number, readonly [number, Stack]>): boolean {
    const { kinds, firsts, nexts } = this.automaton;
    const seen = new Set<number>();
    const open: [number, Stack][] = [[from, stack]];
    let accepting = false;
    for (let item = open.pop(); item !== undefined; item = open.pop()) {
      const [place, back] = item;
      const key = back.id * PLACE_LIMIT + place;
      if (seen.has(key) || places.has(key)) continue;
      switch (kinds[place]) {
        case PLACE.bytes:
          places.set(key, item);
          break;
        case PLACE.fork:
          seen.add(key);
          open.push([firsts[place], back], [nexts[place], back]);
          break;
        case PLACE.call:
          seen.add(key);
          open.push([firsts[place], this.push(nexts[place], back)]);
          break;
        case PLACE.end:
          seen.add(key);
          if (back.below) open.push([back.place, back.below]);
          else accepting = true;
      }
    }
    this.count(seen.size);
    return accepting;
  }

  /** A call at the end of a rule needs no way back into it, so that a rule that ends with itself stays small. */
  private push(place: number, below: Stack): Stack {
    if (this.automaton.kinds[place] === PLACE.end) return below;
    const known = below.above.get(place);
    if (known) return known;
    const stack: Stack = { id: this.stackCount++, place, below, above: new Map() };
    below.above.set(place, stack);
    return stack;
  }

  private intern(found: ReadonlyMap<number, readonly [number, Stack]>, accepting: boolean): State {
    if (found.size > MAX_PLACES) invalid('the grammar is too ambiguous, or has too many alternatives in one place');
    const sorted = [...found].sort(([a], [b]) => a - b);
    const key = `${accepting} ${sorted.map(([place]) => place).join(' ')}`;
    const known = this.known.get(key);
    if (known) return known;
    const id = this.states.length;
    if (id >= MAX_STATES) invalid('the grammar takes too much memory in this answer');
    const state: State = {
      id,
      places: sorted.map(([, [place]]) => place),
      stacks: sorted.map(([, [, stack]]) => stack),
      accepting,
      mask: undefined,
    };
    this.known.set(key, state);
    this.states.push(state);
    this.reserve();
    return state;
  }

  private reserve(): void {
    const wanted = this.states.length * this.representatives.length;
    if (wanted <= this.transitions.length) return;
    const larger = new Int32Array(Math.max(wanted, 2 * this.transitions.length)).fill(UNKNOWN);
    larger.set(this.transitions);
    this.transitions = larger;
  }

  private count(steps: number): void {
    this.work += steps;
    if (this.work > MAX_WORK) invalid('the grammar takes too long to enforce: it is too ambiguous');
  }
}

/** A space at the beginning of an answer would be lost. */
function forbidUnlessAlone(mask: Uint32Array, ids: Int32Array): void {
  const without = Uint32Array.from(mask);
  for (const id of ids) without[id >> 5] &= ~(1 << (id & 31));
  if (without.some((bits) => bits !== 0)) mask.set(without);
}

function classify({ kinds, firsts, lasts }: Automaton): { classes: Uint8Array; representatives: number[] } {
  const begins = new Uint8Array(257);
  begins[0] = 1;
  kinds.forEach((kind, place) => {
    if (kind !== PLACE.bytes) return;
    begins[firsts[place]] = 1;
    begins[lasts[place] + 1] = 1;
  });
  const classes = new Uint8Array(256);
  const representatives: number[] = [];
  for (let byte = 0; byte < 256; byte++) {
    if (begins[byte]) representatives.push(byte);
    classes[byte] = representatives.length - 1;
  }
  return { classes, representatives };
}
