import { createLogger } from './common/logging/logger.js';
import { type Config, ConfigError, loadConfig, printable } from './config/config.js';
import { EarlyLoad } from './inference/early-load.js';
import { onSignals } from './signals.js';

const config = readConfig();
const logger = createLogger(config);
// Nothing runs yet that would have to come to its end.
onSignals(() => process.exit(0));
logger.info({ config: printable(config) }, 'starting');
const earlyLoad = new EarlyLoad(config);
// Only now: half of the model is loaded by the time that all of the framework is imported.
const { serve } = await import('./server.js');
await serve(config, logger, earlyLoad);

function readConfig(): Config {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    createLogger({ logLevel: 'info' }).fatal(error.message);
    process.exit(1);
  }
}
