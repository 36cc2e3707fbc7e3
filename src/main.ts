import 'reflect-metadata';
import { setTimeout } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { AppModule } from './app.module.js';
import { configureApp, createHttpAdapter } from './app.setup.js';
import { createLogger } from './common/logging/logger.js';
import { NestLogger } from './common/logging/nest-logger.js';
import { type Config, ConfigError, loadConfig, printable } from './config/config.js';
import { ModelService } from './generation/model.service.js';
import { setUpOpenApi } from './openapi.js';

const LAST_ANSWERS_MS = 2_000;

async function main(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config);
  logger.info({ config: printable(config) }, 'starting');
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(config), createHttpAdapter(logger), {
    logger: new NestLogger(logger),
    // Only JSON is read, by a parser of our own (see useJsonBodies).
    bodyParser: false,
  });
  configureApp(app);
  setUpOpenApi(app, config);
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  void app.get(ModelService).failed.then(async (reason) => {
    // Requests that ran get their error before the process goes.
    await Promise.race([app.close(), setTimeout(LAST_ANSWERS_MS)]);
    exitWith(logger, `${config.modelPath}: ${reason.message}`);
  });
  try {
    await app.listen(config.port, config.host);
  } catch (error) {
    // Ends the load in progress: the exit would wait for it.
    await app.close();
    return exitWith(logger, `cannot listen on ${config.host}:${config.port}: ${(error as Error).message}`);
  }
  logger.info({ url: await app.getUrl(), docs: '/docs' }, 'listening');
}

function readConfig(): Config {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return exitWith(createLogger({ logLevel: 'info' }), error.message);
  }
}

/** A server that cannot work does not stay: the platform sees the exit code, the operator the line. */
function exitWith(logger: Logger, message: string): never {
  logger.fatal(message);
  process.exit(1);
}

await main();
