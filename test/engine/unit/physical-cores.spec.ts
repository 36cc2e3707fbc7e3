import { availableParallelism } from 'node:os';
import { physicalCores } from '../../../src/engine/model/physical-cores.js';

describe('the number of physical cores', () => {
  it('is a whole number, at least one', () => {
    expect(Number.isInteger(physicalCores())).toBe(true);
    expect(physicalCores()).toBeGreaterThanOrEqual(1);
  });

  it('is no more than the process may run threads at once', () => {
    expect(physicalCores()).toBeLessThanOrEqual(availableParallelism());
  });
});
