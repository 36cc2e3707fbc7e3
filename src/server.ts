import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { AppModule } from './app.module.js';
import { configureApp, createHttpAdapter } from './app.setup.js';
import { NestLogger } from './common/logging/nest-logger.js';
import type { Config } from './config/config.js';
import { collectGarbage } from './engine/index.js';
import { ModelService } from './generation/model.service.js';
import type { EarlyLoad } from './inference/early-load.js';
import { setUpOpenApi } from './openapi.js';
import { close, exitOnSignals } from './shutdown.js';

/** Runs the server until the process ends. */
export async function serve(config: Config, logger: Logger, earlyLoad: EarlyLoad): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(config, earlyLoad),
    createHttpAdapter(logger),
    {
      logger: new NestLogger(logger),
      // Only JSON is read, by a parser of our own (see useJsonBodies).
      bodyParser: false,
    },
  );
  configureApp(app);
  setUpOpenApi(app, config);
  exitOnSignals(app, config, logger);
  void app.get(ModelService).failed.then(async (reason) => {
    // Requests that ran get their error before the process goes.
    await close(app);
    exitWith(logger, `${config.modelPath}: ${reason.message}`);
  });
  try {
    await app.listen(config.port, config.host);
  } catch (error) {
    // Ends the load in progress: the exit would wait for it.
    await close(app);
    return exitWith(logger, `cannot listen on ${config.host}:${config.port}: ${(error as Error).message}`);
  }
  logger.info({ url: await app.getUrl(), docs: '/docs' }, 'listening');
  // What was imported leaves much behind, and while the model still loads, nobody waits for this thread.
  collectGarbage();
}

/** A server that cannot work does not stay: the platform sees the exit code, the operator the line. */
function exitWith(logger: Logger, message: string): never {
  logger.fatal(message);
  process.exit(1);
}
