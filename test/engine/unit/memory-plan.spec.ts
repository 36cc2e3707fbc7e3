import { planKvCache } from '../../../src/engine/model/memory-plan.js';
import { engineErrorOf } from './support/engine-error.js';

/** Half of the free memory is 6,250 tokens for each of 8 slots. */
const INPUT = { bytesPerToken: 1_000, freeBytes: 100_000_000, maxPositions: 100_000, maxBatchSize: 8 };

describe('the KV cache', () => {
  it('has as many slots as sequences may run at the same time', () => {
    expect(planKvCache({ ...INPUT, maxBatchSize: 3 }).slots).toBe(3);
  });

  it('takes half of the free memory, shared by all slots', () => {
    expect(planKvCache(INPUT)).toEqual({ slots: 8, capacity: 6_250 });
  });

  it('counts whole tokens', () => {
    expect(planKvCache({ ...INPUT, freeBytes: 100_015_999 }).capacity).toBe(6_250);
    expect(planKvCache({ ...INPUT, freeBytes: 100_016_000 }).capacity).toBe(6_251);
  });

  it('is never longer than the model was made for', () => {
    expect(planKvCache({ ...INPUT, maxPositions: 4_096 }).capacity).toBe(4_096);
  });

  it.each([0, -5_000_000_000])('holds a useful context even with %i free bytes', (freeBytes) => {
    expect(planKvCache({ ...INPUT, freeBytes }).capacity).toBe(2_048);
  });

  it('is short for a model that was made for less than a useful context', () => {
    expect(planKvCache({ ...INPUT, freeBytes: 0, maxPositions: 512 }).capacity).toBe(512);
  });

  it.each([2, 6_251, 100_000])('is as long as asked for, at %i tokens, whatever the memory', (maxModelLength) => {
    expect(planKvCache({ ...INPUT, maxModelLength })).toEqual({ slots: 8, capacity: maxModelLength });
  });

  it('is refused, naming both lengths, when more is asked for than the model was made for', () => {
    const { code, message } = engineErrorOf(() => planKvCache({ ...INPUT, maxModelLength: 100_001 }));
    expect(code).toBe('model_invalid');
    expect(message).toMatch(/100001.*100000/);
  });
});
