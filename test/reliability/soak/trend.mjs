/** 97.5 % of a normal distribution lies below. */
const Z = 1.96;

/**
 * The trend of a series by Theil and Sen: the median of the slopes between all pairs of points, which a few outliers do
 * not move, with Sen's interval of 95 % (1968; as if the points were independent of each other).
 *
 * @param {[number, number][]} points
 * @returns {{ slope: number, low: number, high: number }} in units of y for each unit of x
 */
export function trendOf(points) {
  const slopes = points.flatMap(([x, y], i) => points.slice(i + 1).map(([x2, y2]) => (y2 - y) / (x2 - x)));
  slopes.sort((a, b) => a - b);
  const n = points.length;
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank) => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(rank)))];
  const middle = (slopes.length - 1) / 2;
  return { slope: at(middle), low: at(middle - spread / 2), high: at(middle + spread / 2) };
}
