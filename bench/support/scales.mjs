/** Axes: where a value lies between 0 and 1, and which values are worth a line. */

/** From 0 in steps of 1, 2 or 5 times a power of ten, to at least the largest value. */
export function linearScale(values) {
  const largest = Math.max(...values);
  const step = niceAtLeast(largest / 6);
  const ticks = Array.from({ length: Math.ceil(largest / step) + 1 }, (_, i) => tidy(i * step));
  return { ticks, of: (value) => value / ticks.at(-1) };
}

/** 1, 2 and 5 times powers of ten, from at most the smallest value to at least the largest. */
export function logScale(values) {
  const largest = Math.max(...values);
  const ticks = [niceAtLeast(Math.min(...values) / 2.5)];
  while (ticks.at(-1) < largest) ticks.push(niceAtLeast(1.5 * ticks.at(-1)));
  return { ticks, of: (value) => Math.log(value / ticks[0]) / Math.log(ticks.at(-1) / ticks[0]) };
}

/** The values themselves, each a power of two or so; evenly spread when they double. */
export function doublingScale(values) {
  const ticks = [...new Set(values)].sort((a, b) => a - b);
  const span = Math.log(ticks.at(-1) / ticks[0]) || 1;
  return { ticks, of: (value) => Math.log(value / ticks[0]) / span };
}

function niceAtLeast(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return tidy(power * [1, 2, 5, 10].find((factor) => factor * power >= value));
}

/** Without the last digits of binary fractions. */
function tidy(value) {
  return Number(value.toPrecision(6));
}
