import { EngineError } from '../../../../src/engine/errors.js';

/** The EngineError that a call ends with; whatever else it throws comes through and fails the test. */
export function engineErrorOf(call: () => unknown): EngineError {
  try {
    call();
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
