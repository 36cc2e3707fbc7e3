import { OrtApi, type Pointer } from './c-api.js';

/** Addresses of the option objects, to be sent to the thread that creates the session and runs it. */
export interface InterruptHandles {
  readonly sessionOptions: Pointer;
  readonly runOptions: Pointer;
}

/**
 * Stops native code of another thread: a session in the making, or a run in progress. The thread that may want to do
 * so owns the option objects and lends them out; it disposes of them when the other thread has ended.
 */
export class OrtInterrupt {
  readonly handles: InterruptHandles;

  constructor(private readonly api: OrtApi = new OrtApi()) {
    this.handles = {
      sessionOptions: api.create('CreateSessionOptions'),
      runOptions: api.create('CreateRunOptions'),
    };
  }

  /** From now on, creating a session and running it end with an error. */
  raise(): void {
    this.api.call('SessionOptionsSetLoadCancellationFlag', this.handles.sessionOptions, true);
    this.api.call('RunOptionsSetTerminate', this.handles.runOptions);
  }

  dispose(): void {
    this.api.release('ReleaseSessionOptions', this.handles.sessionOptions);
    this.api.release('ReleaseRunOptions', this.handles.runOptions);
  }
}
