import { setTimeout } from 'node:timers/promises';
import { randomNumbers } from '../../../bench/support/random.mjs';
import { TRAFFIC } from './traffic.mjs';

/** Pauses between requests, at most, in ms: the server also has nothing to do at times. */
const LONGEST_PAUSE = 250;

/** Chance that can be had again. */
function seeded(seed) {
  const integer = randomNumbers(seed);
  return { integer, pick: (list) => list[integer(list.length)] };
}

/**
 * Asks for one thing after the other until the time is over.
 *
 * @param tally { [kind]: how often } which is added to
 * @param faults of answers that were not what they must be; added to as well
 */
export async function runClient(http, { seed, until, tally, faults }) {
  const random = seeded(seed);
  const kinds = Object.keys(TRAFFIC);
  // Each kind once, so that a short run has them all; then by chance.
  for (let i = 0; i < kinds.length || performance.now() < until; i++) {
    const kind = i < kinds.length ? kinds[(i + seed) % kinds.length] : random.pick(kinds);
    tally[kind] = (tally[kind] ?? 0) + 1;
    try {
      await TRAFFIC[kind](http, random);
    } catch (error) {
      faults.push(`${kind}: ${error.message}`);
    }
    await setTimeout(random.integer(LONGEST_PAUSE));
  }
}
