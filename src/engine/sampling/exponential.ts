/**
 * e to the power of negative numbers. `Math.exp` takes 8 ns, and a step of sampling may need one for every token of the
 * vocabulary; this takes 2 ns at a relative error below 10⁻¹².
 *
 * 2^(-m/256) is looked up, as a whole and a broken power of two; what is left of the exponent is small enough for a
 * Taylor polynomial of degree three.
 */
const STEPS = 256;
const STEPS_PER_UNIT = STEPS / Math.LN2;
const UNITS_PER_STEP = Math.LN2 / STEPS;
const BROKEN_POWERS = Float64Array.from({ length: STEPS }, (_, i) => 2 ** (-i / STEPS));
const WHOLE_POWERS = Float64Array.from({ length: 64 }, (_, i) => 2 ** -i);

/** The largest argument of `expOfMinus`: 50 octaves, at which the result is 2⁻⁵⁰. */
export const MAX_EXPONENT = 50 * Math.LN2;

/** @param x from 0 to `MAX_EXPONENT` */
export function expOfMinus(x: number): number {
  const exact = x * STEPS_PER_UNIT;
  const steps = (exact + 0.5) | 0;
  const rest = (steps - exact) * UNITS_PER_STEP;
  // The masks change nothing: they spare the bounds checks.
  const power = BROKEN_POWERS[steps & 255] * WHOLE_POWERS[(steps >> 8) & 63];
  return power * (1 + rest * (1 + rest * (1 / 2 + rest * (1 / 6))));
}
