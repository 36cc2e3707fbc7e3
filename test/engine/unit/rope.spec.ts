import { inverseFrequencies, readRope, type RopeSpec, rotaryTables } from '../../../src/engine/graph/rope.js';
import { ConfigReader } from '../../../src/engine/model/config-reader.js';
import { engineErrorOf } from './support/engine-error.js';

const LLAMA3 = {
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
} as const;

function read(config: Record<string, unknown>): RopeSpec {
  return readRope(new ConfigReader(config));
}

/** Equal but for the rounding of a few operations in float32. */
function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(Math.abs(actual[i] - value)).toBeLessThanOrEqual(4e-7 * Math.abs(value)));
}

describe('the rotary settings of config.json', () => {
  it('are plain, with theta 10,000, when nothing is said', () => {
    expect(read({})).toEqual({ type: 'default', theta: 10_000 });
  });

  it('have the theta of the architecture when nothing is said', () => {
    expect(readRope(new ConfigReader({}), 2_000_000)).toEqual({ type: 'default', theta: 2_000_000 });
  });

  it('are read from rope_theta and rope_scaling, as before transformers 5', () => {
    const config = { rope_theta: 500_000, rope_scaling: { rope_type: 'llama3', ...LLAMA3 } };
    expect(read(config)).toEqual({
      type: 'llama3',
      theta: 500_000,
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 8192,
    });
  });

  it('are read from rope_parameters, as since transformers 5', () => {
    const config = { rope_parameters: { rope_type: 'llama3', rope_theta: 500_000, ...LLAMA3 } };
    expect(read(config)).toEqual(read({ rope_theta: 500_000, rope_scaling: { rope_type: 'llama3', ...LLAMA3 } }));
  });

  it('take rope_parameters over rope_scaling and rope_theta when there are both', () => {
    const config = {
      rope_parameters: { rope_type: 'default', rope_theta: 3 },
      rope_scaling: { rope_type: 'linear', factor: 2 },
      rope_theta: 5,
    };
    expect(read(config)).toEqual({ type: 'default', theta: 3 });
  });

  it('take theta from beside rope_parameters when it is not within', () => {
    expect(read({ rope_parameters: { rope_type: 'default' }, rope_theta: 5 }).theta).toBe(5);
  });

  it('are plain when rope_scaling is null', () => {
    expect(read({ rope_theta: 100, rope_scaling: null })).toEqual({ type: 'default', theta: 100 });
  });

  it('name the type `type` in old checkpoints', () => {
    expect(read({ rope_scaling: { type: 'linear', factor: 4 } })).toEqual({ type: 'linear', theta: 10_000, factor: 4 });
  });

  it('prefer `rope_type` to `type` when there are both', () => {
    expect(read({ rope_scaling: { type: 'yarn', rope_type: 'linear', factor: 4 } }).type).toBe('linear');
  });

  it.each(['dynamic', 'yarn', 'longrope', 'su', ''])(
    'are unsupported when the type is %j, which the error names',
    (type) => {
      const { code, message } = engineErrorOf(() => read({ rope_scaling: { rope_type: type, factor: 2 } }));
      expect(code).toBe('model_unsupported');
      expect(message).toContain(`"${type}"`);
      expect(message).toMatch(/known: default, linear, llama3/);
    },
  );

  it('are unsupported when only part of a head is rotated', () => {
    expect(engineErrorOf(() => read({ partial_rotary_factor: 0.5 })).code).toBe('model_unsupported');
    expect(read({ partial_rotary_factor: 1 }).type).toBe('default');
  });

  it.each([
    ['rope_theta', { rope_theta: 0 }],
    ['rope_theta', { rope_theta: '10000' }],
    ['rope_theta', { rope_parameters: { rope_theta: -1 } }],
    ['rope_parameters', { rope_parameters: [] }],
    ['rope_scaling', { rope_scaling: 'linear' }],
    ['rope_type', { rope_scaling: { rope_type: 3 } }],
    ['factor', { rope_scaling: { type: 'linear' } }],
    ['factor', { rope_scaling: { rope_type: 'llama3', ...LLAMA3, factor: null } }],
    ['low_freq_factor', { rope_scaling: { rope_type: 'llama3', ...LLAMA3, low_freq_factor: 'x' } }],
    ['high_freq_factor', { rope_scaling: { rope_type: 'llama3', ...LLAMA3, high_freq_factor: undefined } }],
    [
      'original_max_position_embeddings',
      { rope_scaling: { rope_type: 'llama3', ...LLAMA3, original_max_position_embeddings: 0.5 } },
    ],
  ])('are invalid, naming %s, when they are %j', (field, config) => {
    const { code, message } = engineErrorOf(() => read(config));
    expect(code).toBe('model_invalid');
    expect(message).toContain(field);
  });
});

describe('rotary frequencies', () => {
  it('fall from 1 by equal factors, one for each pair of values', () => {
    expectClose(inverseFrequencies({ type: 'default', theta: 10_000 }, 8), [1, 0.1, 0.01, 0.001]);
  });

  it('are divided by the factor when they are scaled linearly', () => {
    expectClose(inverseFrequencies({ type: 'linear', theta: 10_000, factor: 4 }, 8), [0.25, 0.025, 0.0025, 0.00025]);
  });

  describe('of llama3, for a head of 8, theta 10,000 and 1,000 positions at first', () => {
    const rope: RopeSpec = {
      type: 'llama3',
      theta: 10_000,
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 1_000,
    };
    const frequencies = inverseFrequencies(rope, 8);

    it('are kept where the wavelength is below 1,000 / 4', () => {
      // 2π / 1 = 6.28, 2π / 0.1 = 62.8
      expectClose(frequencies.slice(0, 2), [1, 0.1]);
    });

    it('are blended where the wavelength is between', () => {
      // 2π / 0.01 = 628.3; smooth = (1000 / 628.3 − 1) / (4 − 1) = 0.1972; 0.8028 × 0.01 / 8 + 0.1972 × 0.01
      expectClose(frequencies.slice(2, 3), [0.002975352506846947]);
    });

    it('are divided by the factor where the wavelength is over 1,000 / 1', () => {
      // 2π / 0.001 = 6283
      expectClose(frequencies.slice(3), [0.000125]);
    });
  });

  it('of Llama 3.1 are those of the published formula', () => {
    const rope: RopeSpec = {
      type: 'llama3',
      theta: 500_000,
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 8192,
    };
    const frequencies = inverseFrequencies(rope, 128);
    expect(frequencies).toHaveLength(64);
    // Kept, blended at both ends of that region and in its middle, stretched.
    const wanted: Readonly<Record<number, number>> = {
      0: 1,
      20: 0.016560440080994446,
      28: 0.003211445994752591,
      29: 0.002166570763503359,
      32: 0.0005248461609929547,
      34: 0.0001785078127679964,
      35: 9.556212353964683e-5,
      63: 3.068925988914511e-7,
    };
    for (const [i, value] of Object.entries(wanted)) expect(frequencies[Number(i)] / value).toBeCloseTo(1, 5);
  });
});

describe('rotary tables', () => {
  const { cos, sin } = rotaryTables({ type: 'default', theta: 10_000 }, 8, 6);

  it('have a row of headDim / 2 values for each position', () => {
    expect([cos.length, sin.length]).toEqual([24, 24]);
  });

  it('rotate nothing at position 0', () => {
    expect([...cos.slice(0, 4), ...sin.slice(0, 4)]).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
  });

  it.each([
    [1, [0.5403023059, 0.9950041653, 0.9999500004, 0.9999995], [0.8414709848, 0.0998334166, 0.0099998333, 0.001]],
    [3, [-0.9899924966, 0.9553364891, 0.9995500337, 0.9999955], [0.1411200081, 0.2955202067, 0.0299955002, 0.003]],
    [5, [0.2836621855, 0.8775825619, 0.9987502604, 0.9999875], [-0.9589242747, 0.4794255386, 0.0499791693, 0.005]],
  ])('hold cosine and sine of position %i times each frequency', (position, cosines, sines) => {
    const row = (table: Float32Array): number[] => [...table.slice(4 * position, 4 * position + 4)];
    expect(row(cos)).toEqual(cosines.map((value) => expect.closeTo(value, 6) as number));
    expect(row(sin)).toEqual(sines.map((value) => expect.closeTo(value, 6) as number));
  });

  it('follow the scaled frequencies', () => {
    const scaled = rotaryTables({ type: 'linear', theta: 10_000, factor: 5 }, 8, 6);
    expect(scaled.cos[4 * 5]).toBeCloseTo(cos[4], 6);
    expect(scaled.sin[4 * 5]).toBeCloseTo(sin[4], 6);
  });
});
