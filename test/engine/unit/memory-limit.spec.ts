import { checkMemory, type MemoryLimit, memoryLimit } from '../../../src/engine/model/memory-limit.js';
import { engineErrorOf } from './support/engine-error.js';

const GIB = 2 ** 30;
const group = (bytes: number): MemoryLimit => ({ bytes, hard: true });
const machine = (bytes: number): MemoryLimit => ({ bytes, hard: false });

describe('what the process may have', () => {
  it.each([
    ['the limit of its control group', 2 * GIB, 16 * GIB, group(2 * GIB)],
    ['what the machine has, when the limit is more', 2 ** 64, 16 * GIB, machine(16 * GIB)],
    ['what the machine has, when there is no limit', 0, 16 * GIB, machine(16 * GIB)],
  ])('is %s', (_what, constrained, physical, expected) => {
    expect(memoryLimit(constrained, physical)).toEqual(expected);
  });
});

describe('a model', () => {
  it('that fits is loaded without a word', () => {
    for (const limit of [group(2.1 * GIB), machine(2.1 * GIB)]) {
      expect(checkMemory({ weightBytes: GIB, kvCacheBytes: GIB }, limit)).toBeUndefined();
    }
  });

  it('whose KV cache may not fit is loaded with a warning', () => {
    for (const limit of [group(2.5 * GIB), machine(2.5 * GIB)]) {
      expect(checkMemory({ weightBytes: GIB, kvCacheBytes: 1.5 * GIB }, limit)).toMatch(
        /weights take 1\.00 GiB and the KV cache up to 1\.50 GiB, but .* 2\.50 GiB/,
      );
    }
  });

  it.each([
    ['weights do not fit', machine(2 * GIB)],
    ['weights do not fit, in a control group', group(2 * GIB)],
    ['weights fit once, but not twice as while they load, in a control group', group(6 * GIB)],
  ])('whose %s is refused, with what it needs and what to do', (_what, limit) => {
    const { code, message } = engineErrorOf(() => checkMemory({ weightBytes: 3 * GIB, kvCacheBytes: GIB }, limit));
    expect(code).toBe('device_unavailable');
    expect(message).toBe(
      'the weights take 3.00 GiB and the server needs more than 6.06 GiB to load them, but the process may have ' +
        `${limit.bytes / GIB}.00 GiB of memory: give it more, or quantize the weights`,
    );
  });

  it('whose weights fit once is loaded where nothing but the machine is the limit, which may swap for a while', () => {
    expect(checkMemory({ weightBytes: 3 * GIB, kvCacheBytes: GIB }, machine(6 * GIB))).toBeUndefined();
  });
});
