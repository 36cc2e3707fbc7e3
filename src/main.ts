import { createLogger } from './common/logging/logger.js';
import { type Config, ConfigError, loadConfig, printable } from './config/config.js';
import { EarlyLoad } from './inference/early-load.js';

const config = readConfig();
const logger = createLogger(config);
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
