import { jest } from '@jest/globals';

/**
 * No time that code of ours waits for is over before the test says so, by `jest.advanceTimersByTime`; `jest.useRealTimers`
 * ends that. Clocks go on, and so does what Node does by itself.
 */
export function stopTime(): void {
  const goOn = [
    'Date',
    'hrtime',
    'nextTick',
    'performance',
    'queueMicrotask',
    'setImmediate',
    'clearImmediate',
  ] as const;
  jest.useFakeTimers({ doNotFake: [...goOn] });
}
