/** Where a cut goes through values, when those above it must have a certain mass. */
export interface Threshold {
  /** The largest value for which all values of at least it have the mass. */
  readonly value: number;
  /** The mass of the values above it, which is less. */
  readonly above: number;
}

/**
 * Finds the threshold without sorting, in a time proportional to the number of values (Hoare's quickselect, with the
 * pivot's equals set apart as in Dijkstra's Dutch flag: a flat distribution has many).
 *
 * @param values their first `count` are looked at, and change places
 * @param mass of one value: itself, or 1
 * @returns a value of −Infinity when all values together do not have the mass
 */
export function findThreshold(values: Float64Array, count: number, wanted: number, mass: 'value' | 'one'): Threshold {
  const weighted = mass === 'value';
  let start = 0;
  let end = count;
  let above = 0;
  while (start < end) {
    const pivot = medianOfThree(values[start], values[(start + end) >> 1], values[end - 1]);
    // Larger ones in [start, equal), the pivot's equals in [equal, i), smaller ones in [smaller, end).
    let equal = start;
    let smaller = end;
    let larger = 0;
    for (let i = start; i < smaller;) {
      const value = values[i];
      if (value > pivot) {
        larger += weighted ? value : 1;
        values[i++] = values[equal];
        values[equal++] = value;
      } else if (value < pivot) {
        values[i] = values[--smaller];
        values[smaller] = value;
      } else {
        i++;
      }
    }
    const reached = above + larger + (smaller - equal) * (weighted ? pivot : 1);
    if (above + larger >= wanted) {
      end = equal;
    } else if (reached >= wanted) {
      return { value: pivot, above: above + larger };
    } else {
      above = reached;
      start = smaller;
    }
  }
  return { value: -Infinity, above };
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
