import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT, TemporaryFolders } from '../support/folders.js';
import { writeLargeModel } from '../support/large-model.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

describe('loading and unloading 20 times in one process', () => {
  it('keeps resident memory flat', async () => {
    const folder = folders.create();
    // 280 MB as float32, in blocks of which the C library keeps many when they are freed: what a load leaves behind shows.
    writeLargeModel(folder, { layers: 12, hidden: 512, vocabulary: 49_152 });
    const script = join(ROOT, 'test/support/reload.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, folder, '20']);
    const [before, ...after] = JSON.parse(stdout) as number[];
    expect(after).toHaveLength(20);
    // What stays are the libraries and their caches, a fraction of the weights.
    expect(Math.max(...after) - before).toBeLessThan(100e6);
    expect(median(after.slice(-5)) - median(after.slice(3, 8))).toBeLessThan(25e6);
  });
});

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
