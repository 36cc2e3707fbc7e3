/** Pearson's statistic of observed counts against expected probabilities. */
export function chiSquare(counts: readonly number[], probabilities: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count, i) => {
    const expected = total * probabilities[i];
    return sum + (count - expected) ** 2 / expected;
  }, 0);
}

/** What the statistic exceeds once in ten thousand times (Wilson and Hilferty's approximation). */
export function chiSquareLimit(degreesOfFreedom: number): number {
  const z = 3.719;
  const part = 2 / (9 * degreesOfFreedom);
  return degreesOfFreedom * (1 - part + z * Math.sqrt(part)) ** 3;
}
