import { addAll, addCharacter, type Alphabet, emptyAlphabet, isEmpty, isSame, OTHERS, sizeOf } from './alphabet.js';
import type { LazyAutomaton } from './lazy-automaton.js';
import { LONG_SEQUENCES, PLAIN_BYTES, PLAIN_LIMIT } from './plain-characters.js';
import { DEAD } from './state.js';

/** What is known of the plain characters that may come next, whichever they are. */
export interface PlainRun {
  /** The same ones may come at each of the next places, and no others. */
  readonly takes: Alphabet;
  /** Those among them after which it depends; what is said here is not said of texts that they are in. */
  readonly exits: Alphabet;
  /** For how many places that holds. */
  readonly length: number;
  /** And no plain character after them. */
  readonly ends: boolean;
}

/** One character on from a state. */
interface PlainStep {
  readonly takes: Alphabet;
  /** `OTHERS`, if some of those may come and some not. */
  readonly partly: Alphabet;
  /** The states that they lead to. */
  readonly targets: ReadonlyMap<number, Alphabet>;
}

/** Where fewer may come, few tokens begin with them, and those are looked at sooner than known. */
const MIN_SIZE = 16;
/** States that plain characters may lead to, after the same number of them. */
const MAX_WIDTH = 32;
const NONE = emptyAlphabet();

/** Finds out how long plain characters may go on. */
export class PlainRuns {
  /** By the number of the state. */
  private readonly steps: PlainStep[] = [];

  constructor(private readonly automaton: LazyAutomaton) {}

  from(start: number): PlainRun {
    const { takes } = this.step(start);
    const size = sizeOf(takes);
    if (size < MIN_SIZE) return { takes, exits: NONE, length: 0, ends: size === 0 };
    const exits = emptyAlphabet();
    let level = new Set([start]);
    for (let length = 1; length <= PLAIN_LIMIT; length++) {
      const next = new Set<number>();
      const gone = new Set<number>();
      const leaving = emptyAlphabet();
      for (const id of level) {
        const { partly, targets } = this.step(id);
        addAll(exits, partly);
        for (const [to, characters] of targets) {
          if (isSame(this.step(to).takes, takes)) next.add(to);
          else {
            gone.add(to);
            addAll(leaving, characters);
          }
        }
      }
      // Whatever comes at this place, it is the last one.
      if (next.size === 0) {
        return { takes, exits, length, ends: [...gone].every((id) => isEmpty(this.step(id).takes)) };
      }
      addAll(exits, leaving);
      // Nothing new will come.
      if (next.size === level.size && [...level].every((id) => next.has(id))) break;
      if (next.size > MAX_WIDTH) return { takes, exits, length, ends: false };
      level = next;
    }
    return { takes, exits, length: PLAIN_LIMIT, ends: true };
  }

  private step(from: number): PlainStep {
    return (this.steps[from] ??= this.makeStep(from));
  }

  private makeStep(from: number): PlainStep {
    const { automaton } = this;
    const { classes } = automaton;
    const takes = emptyAlphabet();
    const partly = emptyAlphabet();
    const targets = new Map<number, Alphabet>();
    const charactersTo = (to: number): Alphabet => {
      let characters = targets.get(to);
      if (!characters) targets.set(to, (characters = emptyAlphabet()));
      return characters;
    };
    let last: number = DEAD;
    let characters = NONE;
    for (const byte of PLAIN_BYTES) {
      const to = automaton.next(from, classes[byte]);
      if (to === DEAD) continue;
      // Neighbours lead to the same state, most of them.
      if (to !== last) characters = charactersTo((last = to));
      addCharacter(characters, byte);
      addCharacter(takes, byte);
    }
    const { found, some, all } = this.others(from);
    for (const to of found) addCharacter(charactersTo(to), OTHERS);
    if (some) addCharacter(takes, OTHERS);
    if (some && !all) addCharacter(partly, OTHERS);
    return { takes, partly, targets };
  }

  /** Where characters of several bytes lead, and whether some and all of them may come. */
  private others(from: number): { readonly found: ReadonlySet<number>; readonly some: boolean; readonly all: boolean } {
    const { classes } = this.automaton;
    const only = this.automaton.nextLong(from);
    if (only !== undefined) return { found: new Set(only === DEAD ? [] : [only]), some: only !== DEAD, all: true };
    const found = new Set<number>();
    let some = false;
    let all = true;
    for (const ranges of LONG_SEQUENCES) {
      let level = new Set([from]);
      for (const [first, last] of ranges) {
        const next = new Set<number>();
        // Classes are numbered in the order of their bytes.
        for (let byteClass = classes[first]; byteClass <= classes[last]; byteClass++) {
          for (const id of level) next.add(this.automaton.next(id, byteClass));
        }
        if (next.delete(DEAD)) all = false;
        if (next.size > 0) some = true;
        level = next;
      }
      for (const id of level) found.add(id);
    }
    return { found, some, all };
  }
}
