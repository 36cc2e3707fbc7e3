/** Thrown on an attempt to use the model before it is loaded, or after. */
export class ModelNotLoadedError extends Error {
  override readonly name = 'ModelNotLoadedError';

  constructor() {
    super('Model not loaded');
  }
}
