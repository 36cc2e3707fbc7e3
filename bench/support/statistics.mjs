/** @param {number[]} values @param {number} q 0 to 1 */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

/** @param {number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/** The usual three of a latency, and of how many it was taken. */
export function summarize(values) {
  return { count: values.length, p50: median(values), p99: quantile(values, 0.99), max: Math.max(...values) };
}
