import { checkMemory, memoryLimit } from '../../../src/engine/model/memory-limit.js';
import { engineErrorOf } from './support/engine-error.js';

const GIB = 2 ** 30;

describe('what the process may have', () => {
  it.each([
    ['the limit of its control group', 2 * GIB, 16 * GIB, 2 * GIB],
    ['what the machine has, when the limit is more', 2 ** 64, 16 * GIB, 16 * GIB],
    ['what the machine has, when there is no limit', 0, 16 * GIB, 16 * GIB],
  ])('is %s', (_what, constrained, physical, expected) => {
    expect(memoryLimit(constrained, physical)).toBe(expected);
  });
});

describe('a model', () => {
  it('that fits is loaded without a word', () => {
    expect(checkMemory({ weightBytes: GIB, kvCacheBytes: GIB }, 2 * GIB + 1)).toBeUndefined();
  });

  it('whose KV cache may not fit is loaded with a warning', () => {
    expect(checkMemory({ weightBytes: GIB, kvCacheBytes: 1.5 * GIB }, 2 * GIB)).toMatch(
      /weights take 1\.00 GiB and the KV cache up to 1\.50 GiB, but .* 2\.00 GiB/,
    );
  });

  it('whose weights do not fit is refused, with both sizes and what to do', () => {
    const { code, message } = engineErrorOf(() => checkMemory({ weightBytes: 3 * GIB, kvCacheBytes: GIB }, 2 * GIB));
    expect(code).toBe('device_unavailable');
    expect(message).toMatch(/weights take 3\.00 GiB, but the process may have 2\.00 GiB.*quantize/);
  });
});
