import { setTimeout } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import type { Config } from './config/config.js';
import { Admission } from './generation/admission/admission.js';
import { onSignals } from './signals.js';

/** For what is left to do once no request runs: the last answers, the log, freeing memory. */
const CLOSE_MS = 10_000;

/**
 * Ends the process on a signal: nothing new is let in, and the port stays open to say so; what runs gets its time to
 * finish, then an error each. A second signal ends it at once.
 */
export function exitOnSignals(
  app: NestFastifyApplication,
  { shutdownTimeout }: Pick<Config, 'shutdownTimeout'>,
  logger: Logger,
): void {
  let ending = false;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (ending) {
      logger.fatal(`${signal} again: the process ends at once`);
      process.exit(1);
    }
    ending = true;
    const admission = app.get(Admission);
    logger.info({ signal, running: admission.counts.running, seconds: shutdownTimeout }, 'draining');
    await atMost(1000 * shutdownTimeout, admission.drain());
    const { running } = admission.counts;
    if (running > 0) logger.warn({ running }, 'the time to drain is over: requests are ended');
    if (await close(app)) process.exit(0);
    logger.fatal('the server could not be closed in time');
    process.exit(1);
  };
  onSignals((signal) => void end(signal));
}

/**
 * Closes the application before the process ends: what has to be told, and freed, is.
 *
 * @returns whether that was done in time
 */
export async function close(app: NestFastifyApplication): Promise<boolean> {
  return atMost(CLOSE_MS, app.close());
}

/** @returns whether the work was done in time */
async function atMost(ms: number, work: Promise<void>): Promise<boolean> {
  return Promise.race([work.then(() => true), setTimeout(ms, false)]);
}
