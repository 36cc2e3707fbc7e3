import { ConfigReader } from '../../../src/engine/model/config-reader.js';
import { engineErrorOf } from './support/engine-error.js';

type Read = (config: ConfigReader) => unknown;

/** Each kind of field, with values that it takes and values that it does not. */
const KINDS: readonly { kind: string; read: Read; good: readonly unknown[]; bad: readonly unknown[] }[] = [
  {
    kind: 'a count',
    read: (config) => config.count('field'),
    good: [1, 2048],
    bad: [0, -1, 1.5, '1', true, [1], 2 ** 53],
  },
  { kind: 'a size', read: (config) => config.size('field'), good: [0, 50], bad: [-1, 0.5, '0', false, [0], 2 ** 53] },
  { kind: 'a fraction', read: (config) => config.fraction('field'), good: [0, 0.05, 1], bad: [-0.1, 1.1, '0.5', true] },
  { kind: 'a positive number', read: (config) => config.positive('field'), good: [1e-6, 2], bad: [0, -1, '1', true] },
  { kind: 'a flag', read: (config) => config.flag('field', true), good: [true, false], bad: [0, 1, 'true', []] },
  { kind: 'a text', read: (config) => config.text('field'), good: ['silu', ''], bad: [1, true, ['silu'], {}] },
  { kind: 'a list', read: (config) => config.list('field'), good: [[], [1, 'a']], bad: [1, 'a', {}, true] },
];

describe.each(KINDS)('$kind of config.json', ({ read, good, bad }) => {
  it.each(good.map((value) => [value]))('may be %j', (value) => {
    expect(read(new ConfigReader({ field: value }))).toEqual(value);
  });

  it.each(bad.map((value) => [value]))('may not be %j, which the error names along with the field', (value) => {
    const { code, message } = engineErrorOf(() => read(new ConfigReader({ field: value })));
    expect(code).toBe('model_invalid');
    expect(message).toContain(`config.json: field is ${JSON.stringify(value)}, but must be`);
  });
});

describe('a field of config.json', () => {
  const required: readonly [string, Read][] = [
    ['count', (config) => config.count('field')],
    ['size', (config) => config.size('field')],
    ['fraction', (config) => config.fraction('field')],
    ['positive', (config) => config.positive('field')],
    ['text', (config) => config.text('field')],
  ];

  it.each(required)('that is required (%s) and missing is named', (_, read) => {
    const { code, message } = engineErrorOf(() => read(new ConfigReader({})));
    expect(code).toBe('model_invalid');
    expect(message).toMatch(/^config\.json: field is missing, but must be/);
  });

  const optional: readonly [string, Read, unknown][] = [
    ['count', (config) => config.count('field', 7), 7],
    ['size', (config) => config.size('field', 0), 0],
    ['fraction', (config) => config.fraction('field', 0), 0],
    ['positive', (config) => config.positive('field', 0.5), 0.5],
    ['flag', (config) => config.flag('field', false), false],
    ['text', (config) => config.text('field', 'silu'), 'silu'],
    ['list', (config) => config.list('field'), undefined],
    ['section', (config) => config.section('field'), undefined],
  ];

  it.each(optional)('that is optional (%s) has its fallback when it is missing or null', (_, read, fallback) => {
    expect(read(new ConfigReader({}))).toBe(fallback);
    expect(read(new ConfigReader({ field: null }))).toBe(fallback);
  });

  it('is there when it is neither missing nor null', () => {
    const config = new ConfigReader({ zero: 0, off: false, nothing: null });
    expect(['zero', 'off', 'nothing', 'missing'].map((name) => config.has(name))).toEqual([true, true, false, false]);
  });

  it('is quoted in part when it is long', () => {
    const { message } = engineErrorOf(() => new ConfigReader({ field: 'x'.repeat(5000) }).count('field'));
    expect(message.length).toBeLessThan(200);
  });
});

describe('sizes of config.json', () => {
  it.each([
    [2, [2]],
    [0, [0]],
    [
      [2, 5],
      [2, 5],
    ],
    [[], []],
  ])('may be %j', (value, sizes) => {
    expect(new ConfigReader({ field: value }).sizes('field')).toEqual(sizes);
  });

  it.each([['2'], [-1], [[1, '2']], [[-1]], [[[1]]], [{}], [null], [undefined]])('may not be %j', (value) => {
    const { code, message } = engineErrorOf(() => new ConfigReader({ field: value }).sizes('field'));
    expect(code).toBe('model_invalid');
    expect(message).toMatch(/config\.json: field/);
  });
});

describe('a section of config.json', () => {
  it('names itself in the errors of its fields', () => {
    const section = new ConfigReader({ rope_scaling: { factor: 'x' } }).section('rope_scaling') as ConfigReader;
    expect(() => section.positive('factor')).toThrow('config.json: rope_scaling: factor is "x", but must be');
  });

  it.each([1, 'x', true, [[]]])('may not be %j', (value) => {
    const { code, message } = engineErrorOf(() => new ConfigReader({ field: value }).section('field'));
    expect(code).toBe('model_invalid');
    expect(message).toContain('field');
  });
});

describe('a feature without an implementation', () => {
  it('is refused as unsupported, naming the file', () => {
    const { code, message } = engineErrorOf(() => new ConfigReader({}, 'file.json').unsupported('feature x'));
    expect({ code, message }).toEqual({ code: 'model_unsupported', message: 'file.json: feature x' });
  });
});
