import { type Automaton, PLACE } from './automaton.js';
import { invalid } from './rules.js';
import type { Stack, State } from './state.js';

/** Steps of one mask or one token, which take a tenth of a second or so then. */
const MAX_WORK = 500_000;
/** Pairs of a place and a stack as one number: places are fewer. */
const PLACE_LIMIT = 2 ** 20;

/** Finds the places that take a byte or a token, from others on and without reading anything. */
export class Closure {
  /** What was found since `begin`: places, with the way back from each, as numbers and as they are. */
  readonly keys: number[] = [];
  readonly places: number[] = [];
  readonly stacks: Stack[] = [];
  /** Whether the text may end. */
  accepting = false;
  readonly bottom: Stack = { id: 0, place: -1, below: undefined, above: new Map() };
  private stackCount = 1;
  private work = 0;
  private readonly seen = new Set<number>();
  private readonly openPlaces: number[] = [];
  private readonly openStacks: Stack[] = [];

  constructor(private readonly automaton: Automaton) {}

  /** Forgets what was found. */
  begin(): void {
    this.accepting = false;
    this.seen.clear();
    this.keys.length = this.places.length = this.stacks.length = 0;
  }

  /** Work is counted from here on. */
  beginWork(): void {
    this.work = 0;
  }

  /** @throws {EngineError} grammar_invalid when that was too much */
  count(steps: number): void {
    this.work += steps;
    if (this.work > MAX_WORK) invalid('the grammar takes too long to enforce: it is too ambiguous');
  }

  follow(from: number, stack: Stack): void {
    const { kinds, firsts, nexts } = this.automaton;
    const { openPlaces, openStacks, seen } = this;
    const before = seen.size;
    let place = from;
    let back = stack;
    for (;;) {
      const key = back.id * PLACE_LIMIT + place;
      if (!seen.has(key)) {
        seen.add(key);
        switch (kinds[place]) {
          case PLACE.bytes:
          case PLACE.token:
            this.found(key, place, back);
            break;
          case PLACE.fork:
            openPlaces.push(firsts[place]);
            openStacks.push(back);
            place = nexts[place];
            continue;
          case PLACE.call:
            back = this.push(nexts[place], back);
            place = firsts[place];
            continue;
          case PLACE.end:
            if (!back.below) {
              this.accepting = true;
              break;
            }
            place = back.place;
            back = back.below;
            continue;
        }
      }
      if (openPlaces.length === 0) break;
      place = openPlaces.pop() as number;
      back = openStacks.pop() as Stack;
    }
    this.count(seen.size - before);
  }

  /** Takes over what a state has found. */
  add({ places, stacks, accepting }: State): void {
    places.forEach((place, i) => {
      const key = stacks[i].id * PLACE_LIMIT + place;
      if (!this.seen.has(key)) this.found(key, place, stacks[i]);
      this.seen.add(key);
    });
    this.accepting ||= accepting;
  }

  private found(key: number, place: number, back: Stack): void {
    this.keys.push(key);
    this.places.push(place);
    this.stacks.push(back);
  }

  /** Goes on after what was called. */
  returnFrom({ place, below }: Stack): void {
    if (below) this.follow(place, below);
    else this.accepting = true;
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
}
