/** Milliseconds of the machine's monotonic clock: the same in all threads, and setting the date does not move it. */
export function monotonicNow(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return 1e3 * seconds + nanoseconds / 1e6;
}
