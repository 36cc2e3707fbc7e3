import { jest } from '@jest/globals';
import type { LoadProgress } from '../../../src/engine/types.js';
import { LoadMeter } from '../../../src/engine/worker/load-meter.js';

const START = 5_000;

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A meter over memory that the test sets. */
function meterOf() {
  const reports: LoadProgress[] = [];
  const memory = { resident: START };
  const meter = new LoadMeter(
    (progress) => reports.push(progress),
    () => memory.resident,
  );
  /** The percentage told once the memory is so large. */
  const percentAt = (resident: number): number | undefined => {
    memory.resident = resident;
    jest.advanceTimersToNextTimer();
    return reports.at(-1)?.percent;
  };
  return { meter, reports, memory, percentAt };
}

const weights = (expectedGrowth: number) => ({ type: 'phase', phase: 'weights', expectedGrowth }) as const;
const files = { type: 'phase', phase: 'files', expectedGrowth: 0 } as const;

describe('the progress of a load', () => {
  it.each([
    ['files', files, 0],
    ['weights', weights(1_000), 1],
  ])('is told at once when the phase of the %s begins', (phase, message, percent) => {
    const { meter, reports } = meterOf();
    meter.begin(message);
    expect(reports).toEqual([{ phase, percent, seconds: 0 }]);
    meter.end();
  });

  it('grows with the memory towards what is expected', () => {
    const { meter, percentAt } = meterOf();
    meter.begin(weights(1_000));
    expect([START, START + 250, START + 500, START + 900].map(percentAt)).toEqual([1, 26, 51, 91]);
    meter.end();
  });

  it('counts from the memory at the beginning of the phase', () => {
    const { meter, memory, percentAt } = meterOf();
    meter.begin(files);
    memory.resident = 9_000;
    meter.begin(weights(1_000));
    expect(percentAt(9_500)).toBe(51);
    meter.end();
  });

  it.each([1_000, 1_001, 50_000])('is never above 99, even when the memory grew by %i of 1,000', (growth) => {
    const { meter, percentAt } = meterOf();
    meter.begin(weights(1_000));
    expect(percentAt(START + growth)).toBe(99);
    meter.end();
  });

  it('is never below where the phase began, even when the memory shrinks', () => {
    const { meter, percentAt } = meterOf();
    meter.begin(weights(1_000));
    expect(percentAt(START - 4_000)).toBe(1);
    meter.end();
  });

  it('stays where it is in a phase that is not expected to grow', () => {
    const { meter, percentAt } = meterOf();
    meter.begin(files);
    expect(percentAt(START + 1_000)).toBe(0);
    meter.end();
  });

  it('is in whole percent', () => {
    const { meter, percentAt } = meterOf();
    meter.begin(weights(3_000));
    expect(percentAt(START + 1_000)).toBe(34);
    meter.end();
  });

  it('says how long the whole load has taken', () => {
    const { meter, reports } = meterOf();
    jest.advanceTimersByTime(1_500);
    meter.begin(files);
    jest.advanceTimersByTime(3_000);
    meter.begin(weights(1_000));
    expect(reports[0].seconds).toBeCloseTo(1.5, 3);
    expect(reports.at(-1)?.seconds).toBeCloseTo(4.5, 3);
    meter.end();
  });

  it('is told again and again while a phase lasts', () => {
    const { meter, reports } = meterOf();
    meter.begin(weights(1_000));
    jest.advanceTimersByTime(60_000);
    expect(reports.length).toBeGreaterThan(5);
    expect(reports.at(-1)?.phase).toBe('weights');
    meter.end();
  });

  it('is told of one phase at a time', () => {
    const { meter, reports } = meterOf();
    meter.begin(files);
    meter.begin(weights(1_000));
    reports.length = 0;
    jest.advanceTimersByTime(60_000);
    expect(new Set(reports.map(({ phase }) => phase))).toEqual(new Set(['weights']));
    meter.end();
  });

  it('is not told after the end', () => {
    const { meter, reports } = meterOf();
    meter.begin(weights(1_000));
    meter.end();
    reports.length = 0;
    jest.advanceTimersByTime(60_000);
    expect(reports).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('may end before it began', () => {
    const { meter, reports } = meterOf();
    meter.end();
    expect(reports).toEqual([]);
  });

  it('reads the memory of the process when nothing else is given', () => {
    const reports: LoadProgress[] = [];
    const meter = new LoadMeter((progress) => reports.push(progress));
    meter.begin(weights(Number.MAX_SAFE_INTEGER));
    jest.advanceTimersToNextTimer();
    expect(reports.map(({ percent }) => percent)).toEqual([1, 1]);
    meter.end();
  });
});
