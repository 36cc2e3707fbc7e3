import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT, TemporaryFolders } from '../support/folders.js';
import { writeLargeModel } from '../support/large-model.js';

/** Of the model below, as float32, in bytes. */
const WEIGHTS = 290e6;

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

describe('loading and unloading 20 times in one process', () => {
  it('keeps resident memory flat', async () => {
    const folder = folders.create();
    // In blocks of which the C library keeps many when they are freed: what a load leaves behind shows.
    writeLargeModel(folder, { layers: 12, hidden: 512, vocabulary: 49_152 });
    const script = join(ROOT, 'test/support/reload.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, folder, '20']);
    const [before, ...after] = JSON.parse(stdout) as number[];
    expect(after).toHaveLength(20);
    // The first load may leave caches behind, and V8's pool of pages (Node 24: 40 MB for the next threads, for some seconds).
    const [first] = after;
    expect(first - before).toBeLessThan(WEIGHTS / 2);
    // Without `malloc_trim` the others add more than all of the weights.
    expect(median(after.slice(-5)) - first).toBeLessThan(WEIGHTS / 4);
    expect(median(after.slice(-5)) - median(after.slice(0, 5))).toBeLessThan(WEIGHTS / 10);
    // Twenty loads of a model that is not small, also where others have the cores.
  }, 300_000);
});

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
