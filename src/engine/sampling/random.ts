import { getRandomValues } from 'node:crypto';

/**
 * A generator of reproducible random numbers: the same seed gives the same sequence on every machine.
 * Source: sfc32 of Chris Doty-Humphrey's PractRand, seeded by splitmix32.
 */
export class Random {
  private readonly state: Uint32Array;

  /** @param seed a whole number of up to 53 bits; without one, the sequence differs every time */
  constructor(seed?: number) {
    this.state = seed === undefined ? getRandomValues(new Uint32Array(4)) : expandSeed(seed);
    // The first numbers of close seeds resemble each other.
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A number from 0 up to, not including, 1, in steps of 2⁻³². */
  next(): number {
    const { state } = this;
    const sum = (state[0] + state[1] + state[3]) >>> 0;
    state[3] += 1;
    state[0] = state[1] ^ (state[1] >>> 9);
    state[1] = state[2] + (state[2] << 3);
    state[2] = ((state[2] << 21) | (state[2] >>> 11)) + sum;
    return sum / 2 ** 32;
  }
}

/** Two words from each half of the seed, so that no two seeds share a sequence. */
function expandSeed(seed: number): Uint32Array {
  const low = seed >>> 0;
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  return Uint32Array.of(splitmix32(low, 1), splitmix32(low, 2), splitmix32(high, 3), splitmix32(high, 4));
}

function splitmix32(seed: number, step: number): number {
  const word = (seed + Math.imul(step, 0x9e3779b9)) | 0;
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x21f0aaad);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
