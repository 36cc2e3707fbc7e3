import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Deferred } from '../../../src/engine/worker/deferred.js';
import { ROOT } from '../../support/folders.js';

describe('a deferred promise', () => {
  it('is settled by resolve', async () => {
    const deferred = new Deferred<number>();
    deferred.resolve(5);
    await expect(deferred.promise).resolves.toBe(5);
  });

  it('is settled by reject', async () => {
    const deferred = new Deferred<number>();
    deferred.reject(new Error('broken'));
    await expect(deferred.promise).rejects.toThrow('broken');
  });

  it('stays as the first call settled it', async () => {
    const resolved = new Deferred<number>();
    resolved.resolve(1);
    resolved.resolve(2);
    resolved.reject(new Error('late'));
    await expect(resolved.promise).resolves.toBe(1);
    const rejected = new Deferred<number>();
    rejected.reject(new Error('first'));
    rejected.resolve(1);
    await expect(rejected.promise).rejects.toThrow('first');
  });

  it('that is rejected with nobody waiting does not end the process', () => {
    const module = pathToFileURL(join(ROOT, 'dist/engine/worker/deferred.js')).href;
    const script = `
      import { Deferred } from ${JSON.stringify(module)};
      new Deferred().reject(new Error('unheard'));
      setImmediate(() => console.log('alive'));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
    expect(output.trim()).toBe('alive');
  });
});
