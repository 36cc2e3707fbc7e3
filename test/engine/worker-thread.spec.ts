import { jest } from '@jest/globals';
import { Worker } from 'node:worker_threads';
import { WorkerThread } from '../../src/engine/worker/worker-thread.js';
import { DEMO_MODEL } from '../support/folders.js';

afterEach(() => {
  jest.restoreAllMocks();
});

it('a thread that has only just been started is ended once it has said something', async () => {
  const emit = jest.spyOn(Worker.prototype, 'emit');
  const terminate = jest.spyOn(Worker.prototype, 'terminate');
  const failures: Error[] = [];
  const thread = new WorkerThread(
    './text-worker.js',
    { modelPath: DEMO_MODEL },
    { onMessage: () => undefined, onFailure: (error) => failures.push(error) },
  );
  await thread.terminate();
  const events = emit.mock.calls.map(([event]) => event);
  const said = emit.mock.invocationCallOrder[events.indexOf('message')];
  expect(said).toBeLessThan(terminate.mock.invocationCallOrder[0]);
  expect(events).toContain('exit');
  expect(failures).toEqual([]);
});
