import { type Automaton, PLACE, LONG_SET } from './automaton.js';
import { Closure } from './closure.js';
import { takesLongLead } from './plain-characters.js';
import { invalid } from './rules.js';
import { DEAD, type State } from './state.js';
import { TokenMasks } from './token-masks.js';
import type { Vocabulary } from './vocabulary.js';

/** How many places a text may be at; a grammar beyond is ambiguous in ever more ways. */
const MAX_PLACES = 2_000;
/** A fresh one takes over from then on. */
const MANY_STATES = 20_000;
const MAX_STATES = 5 * MANY_STATES;
const UNKNOWN = -1;

/**
 * An automaton made deterministic where texts lead: sets of places are states, and what was found out about a state is
 * kept, so that the same situation costs next to nothing the second time. All answers with a grammar share one.
 */
export class LazyAutomaton {
  readonly start: State;
  private readonly known = new Map<string, number>();
  private readonly states: State[] = [];
  /** Where each class of bytes leads from each state, by the id of the state. */
  private transitions = new Int32Array(0);
  private readonly closure: Closure;
  /** Bytes that no place tells apart have the same class. */
  readonly classes: Uint8Array;
  readonly classCount: number;
  private readonly representatives: readonly number[];
  private readonly masks: TokenMasks;
  private readonly texts: Uint32Array;

  constructor(
    private readonly automaton: Automaton,
    vocabulary: Vocabulary,
  ) {
    ({ classes: this.classes, representatives: this.representatives } = classify(automaton));
    this.classCount = this.representatives.length;
    this.masks = new TokenMasks(this, vocabulary);
    this.texts = vocabulary.texts;
    this.closure = new Closure(automaton);
    // The first one is without a place.
    this.intern();
    this.closure.follow(automaton.start, this.closure.bottom);
    this.start = this.states[this.intern()];
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
    const { kinds, firsts, lasts } = this.automaton;
    return this.representatives.filter((byte) =>
      state.places.some((place) => kinds[place] === PLACE.bytes && byte >= firsts[place] && byte <= lasts[place]),
    );
  }

  /** The tokens that the grammar names and that may come after a state. */
  namedAfter({ places }: State): number[] {
    const { kinds, firsts } = this.automaton;
    return places.filter((place) => kinds[place] === PLACE.token).map((place) => firsts[place]);
  }

  /**
   * Goes on with a token: with the one that the grammar names, with the text that it is, or both.
   *
   * @param bytes what it says
   * @returns undefined when it cannot come next
   * @throws {EngineError} grammar_invalid when the grammar turns out to be too ambiguous
   */
  accept(state: State, token: number, bytes: Iterable<number>): State | undefined {
    const { kinds, firsts, nexts } = this.automaton;
    const isText = (this.texts[token >> 5] >>> (token & 31)) & 1;
    const asText = isText ? this.advance(state, bytes) : undefined;
    const { places, stacks } = state;
    const named = [...places.keys()].filter((i) => kinds[places[i]] === PLACE.token && firsts[places[i]] === token);
    if (named.length === 0) return asText;
    this.closure.begin();
    for (const i of named) this.closure.follow(nexts[places[i]], stacks[i]);
    if (asText) this.closure.add(asText);
    return this.states[this.intern()];
  }

  /**
   * Goes on with bytes, of whatever tokens.
   *
   * @returns undefined when they cannot come next
   * @throws {EngineError} grammar_invalid when the grammar turns out to be too ambiguous
   */
  advance(state: State, bytes: Iterable<number>): State | undefined {
    this.closure.beginWork();
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
    this.closure.beginWork();
    return this.masks.of(state);
  }

  /**
   * Where a class of bytes leads from a state, by their numbers.
   *
   * @throws {EngineError} grammar_invalid when the grammar turns out to be too ambiguous
   */
  next(id: number, byteClass: number): number {
    const known = this.transitions[id * this.classCount + byteClass];
    return known === UNKNOWN ? this.explore(id, byteClass) : known;
  }

  /**
   * The one state that any plain character of several bytes leads to; undefined if there is none, or if it takes looking
   * at all bytes to know. Within strings this is how one gets from character to character, without the states between
   * their bytes.
   */
  nextLong(id: number): number | undefined {
    const { kinds, lasts, longs } = this.automaton;
    const { places, stacks } = this.states[id];
    const isOther = (place: number): boolean => kinds[place] === PLACE.bytes && longs[place] === LONG_SET.no;
    if (places.some((place) => isOther(place) && takesLongLead(lasts[place]))) return undefined;
    this.closure.begin();
    places.forEach((place, i) => {
      if (longs[place] === LONG_SET.head) this.closure.returnFrom(stacks[i]);
    });
    return this.intern();
  }

  private explore(id: number, byteClass: number): number {
    const { kinds, firsts, lasts, nexts } = this.automaton;
    const { classes, closure } = this;
    const { places, stacks } = this.states[id];
    const byte = this.representatives[byteClass];
    closure.begin();
    closure.count(places.length);
    /** All classes from here up to, not including, there lead to the same state. */
    let from = 0;
    let to = this.classCount;
    for (let i = 0; i < places.length; i++) {
      if (kinds[places[i]] === PLACE.token) continue;
      const first = firsts[places[i]];
      const last = lasts[places[i]];
      if (last < byte) from = Math.max(from, classes[last] + 1);
      else if (first > byte) to = Math.min(to, classes[first]);
      else {
        from = Math.max(from, classes[first]);
        to = Math.min(to, classes[last] + 1);
        closure.follow(nexts[places[i]], stacks[i]);
      }
    }
    const next = this.intern();
    this.transitions.fill(next, id * this.classCount + from, id * this.classCount + to);
    return next;
  }

  /** The number of the state that the closure is. */
  private intern(): number {
    const { keys, places, stacks, accepting } = this.closure;
    if (keys.length > MAX_PLACES) invalid('the grammar is too ambiguous, or has too many alternatives in one place');
    const order = Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b]);
    const key = `${accepting ? '+' : '-'}${order.map((i) => keys[i]).join(' ')}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const id = this.states.length;
    if (id >= MAX_STATES) invalid('the grammar takes too much memory in this answer');
    this.known.set(key, id);
    this.states.push({ id, places: order.map((i) => places[i]), stacks: order.map((i) => stacks[i]), accepting });
    this.reserve();
    return id;
  }

  private reserve(): void {
    const wanted = this.states.length * this.classCount;
    if (wanted <= this.transitions.length) return;
    const larger = new Int32Array(Math.max(wanted, 2 * this.transitions.length)).fill(UNKNOWN);
    larger.set(this.transitions);
    this.transitions = larger;
  }
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
