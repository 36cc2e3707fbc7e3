const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

let handle: ((signal: NodeJS.Signals) => void) | undefined;

/**
 * Says what the signals that end a process do from now on. As the first process of a container, one that does not say
 * so is not ended by them.
 */
export function onSignals(handler: (signal: NodeJS.Signals) => void): void {
  if (!handle) for (const signal of SIGNALS) process.on(signal, (name) => handle?.(name));
  handle = handler;
}
