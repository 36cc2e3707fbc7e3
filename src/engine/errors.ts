/**
 * Every way in which the engine can fail, and what it means. Callers decide by code, never by message.
 */
export const ENGINE_ERROR_CODES = {
  /** A file of the model folder is missing, unreadable or contradicts another; the message names it. */
  model_invalid: 'the model folder cannot be loaded',
  /** The folder is sound, but this engine has no graph for it. */
  model_unsupported: 'the model is of a kind that this engine does not know',
  /** The wanted device or data type is not available on this machine. */
  device_unavailable: 'the device is not available',
  /** The chat template rejected the messages, or failed on them. */
  template_failed: 'the chat template failed',
  /** The prompt, or the prompt and the tokens asked for, exceed the context length. */
  prompt_too_long: 'the prompt is too long',
  /** A parameter has a value that the engine cannot work with. */
  request_invalid: 'the request is invalid',
  /** A grammar is none, or cannot be enforced, or takes more time or memory than a request may have. */
  grammar_invalid: 'the grammar is invalid',
  /** The caller gave the request up. */
  cancelled: 'the request was cancelled',
  /** The engine is not loaded, or is being unloaded. */
  not_loaded: 'the engine is not loaded',
  /** ONNX Runtime returned an error, or a worker thread failed. */
  runtime_failed: 'the runtime failed',
} as const satisfies Record<string, string>;

export type EngineErrorCode = keyof typeof ENGINE_ERROR_CODES;

/** An error as it travels between threads. */
export interface SerializedEngineError {
  readonly code: EngineErrorCode;
  readonly message: string;
}

export class EngineError extends Error {
  override readonly name = 'EngineError';

  /** @param message may quote untrusted files: it is made one line of bounded length */
  constructor(
    readonly code: EngineErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(oneLine(message), options);
  }

  /** Anything thrown, as an EngineError: what is not one already is a failure of the runtime. */
  static from(thrown: unknown): EngineError {
    if (thrown instanceof EngineError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new EngineError('runtime_failed', message, { cause: thrown });
  }

  static deserialize({ code, message }: SerializedEngineError): EngineError {
    return new EngineError(code, message);
  }

  serialize(): SerializedEngineError {
    return { code: this.code, message: this.message };
  }
}

const MAX_MESSAGE_LENGTH = 800;

function oneLine(message: string): string {
  const line = message.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
  return line.length <= MAX_MESSAGE_LENGTH ? line : `${line.slice(0, MAX_MESSAGE_LENGTH)}…`;
}

/** The error of who asked for something and does not want it any more. */
export function cancelled(): EngineError {
  return new EngineError('cancelled', 'the request was cancelled');
}
