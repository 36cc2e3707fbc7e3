const SMALLEST_NORMAL = 2 ** -1022;

/**
 * The tokens that are most typical of a distribution (Meister et al. 2022, `TypicalLogitsWarper` of transformers): those
 * whose surprise, the negative logarithm of their probability, is nearest to the entropy, which is what to expect of it.
 *
 * @param weights of the tokens, all above 0
 * @param total of the weights
 * @param typicalP the probabilities of the tokens have to reach this sum
 * @returns which tokens those are, by their weight
 */
export function typicalOf(weights: Float64Array, total: number, typicalP: number): (weight: number) => boolean {
  const logTotal = Math.log(total);
  let sum = 0;
  for (const weight of weights) sum += weight * (logTotal - Math.log(weight));
  const entropy = sum / total;
  const distanceOf = (weight: number): number => Math.abs(logTotal - Math.log(weight) - entropy);
  // Never nothing, as for the nucleus.
  const wanted = Math.max(typicalP * total, SMALLEST_NORMAL);
  const limit = findLimit(weights.map(distanceOf), weights.slice(), wanted);
  return (weight) => distanceOf(weight) <= limit;
}

/**
 * The least distance within which there is the mass that is wanted; infinite if all together do not have it. Hoare's
 * quickselect as in `findThreshold`, but what is counted here is not what is ordered.
 *
 * @param distances change places, and the masses with them
 */
function findLimit(distances: Float64Array, masses: Float64Array, wanted: number): number {
  const swap = (a: number, b: number): void => {
    [distances[a], distances[b]] = [distances[b], distances[a]];
    [masses[a], masses[b]] = [masses[b], masses[a]];
  };
  let [start, end, within] = [0, distances.length, 0];
  while (start < end) {
    const pivot = distances[(start + end) >> 1];
    // Nearer ones in [start, equal), the pivot's equals in [equal, i), farther ones in [farther, end).
    let [equal, farther, nearer, same] = [start, end, 0, 0];
    for (let i = start; i < farther;) {
      const distance = distances[i];
      if (distance < pivot) {
        nearer += masses[i];
        swap(i++, equal++);
      } else if (distance > pivot) {
        swap(i, --farther);
      } else {
        same += masses[i++];
      }
    }
    if (within + nearer >= wanted) {
      end = equal;
    } else if (within + nearer + same >= wanted) {
      return pivot;
    } else {
      within += nearer + same;
      start = farther;
    }
  }
  return Infinity;
}
