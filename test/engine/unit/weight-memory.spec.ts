import koffi from 'koffi';
import { OrtRuntime } from '../../../src/engine/ort/runtime.js';
import { WeightMemory } from '../../../src/engine/weights/weight-memory.js';
import { partsOf, type WeightFormat, type WeightPlan } from '../../../src/engine/weights/weight-plan.js';

function planOf(name: string, rows: number, format: WeightFormat = 'float32'): WeightPlan {
  return { name, sources: [], shape: [rows, 1024], format };
}

const PLANS = [planOf('floats', 64), planOf('int8', 256, { bits: 8, blockSize: 16 }), planOf('small', 2)];
const PARTS = PLANS.flatMap(partsOf);
const ALL = ['floats', 'int8', 'int8.scales', 'small'];

describe('the memory of weights', () => {
  let runtime: OrtRuntime;
  let memory: WeightMemory;

  beforeEach(() => {
    runtime = new OrtRuntime();
    memory = new WeightMemory(runtime, PLANS);
    for (const name of ALL) bytesOf(name).fill(1);
  });

  afterEach(() => {
    memory.dispose();
    runtime.dispose();
  });

  /** What lies at the address that threads write to. */
  function bytesOf(name: string): Uint8Array {
    const bytes = PARTS.find((part) => part.name === name)?.bytes ?? 0;
    return new Uint8Array(koffi.view(memory.address(name), bytes));
  }

  const lastFloat = (name: string): number => new Float32Array(bytesOf(name).buffer).at(-1) as number;
  const names = (): string[] => [...memory.tensors.keys()];

  function expectKept(compute: () => Float32Array): void {
    memory.freeUnread(compute);
    expect(names()).toEqual(ALL);
    for (const name of ALL) expect(bytesOf(name).every((byte) => byte === 1)).toBe(true);
  }

  it('has a tensor for every part', () => {
    expect(PARTS.map(({ name }) => name)).toEqual(ALL);
    expect(names()).toEqual(ALL);
  });

  it('is given back when nothing reads it any more, but for what is small', () => {
    memory.freeUnread(() => Float32Array.of(1, 2));
    expect(names()).toEqual(['small']);
  });

  it.each(['floats', 'int8', 'int8.scales'])('is kept, as it was, when %s is still read', (name) => {
    expectKept(() => Float32Array.of(0, bytesOf(name).at(-1) as number));
  });

  it('is kept when floats are read that meet a zero', () => {
    expectKept(() => Float32Array.of(lastFloat('floats') * 0));
  });

  it('is kept when scales are read that meet a zero', () => {
    expectKept(() => Float32Array.of(lastFloat('int8.scales') * 0));
  });

  it.each([NaN, Infinity])('is kept when the network computes %d, which tells nothing', (odd) => {
    expectKept(() => Float32Array.of(1, odd));
  });
});

describe('native memory', () => {
  it('may be larger than what JavaScript can look at in one piece', () => {
    const runtime = new OrtRuntime();
    const size = 5 * 2 ** 30;
    const memory = runtime.allocate(size);
    new Uint8Array(memory.view(size - 4, 4)).set([1, 2, 3, 4]);
    expect([...new Uint8Array(koffi.view(memory.address + BigInt(size - 2), 2))]).toEqual([3, 4]);
    memory.dispose();
    runtime.dispose();
  });
});
