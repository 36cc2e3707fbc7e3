import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Config } from './config.js';

/** DI token of the `Config`. */
export const CONFIG = Symbol('CONFIG');

/** Makes the configuration injectable everywhere. */
@Global()
@Module({})
export class ConfigModule {
  static forRoot(config: Config): DynamicModule {
    return { module: ConfigModule, providers: [{ provide: CONFIG, useValue: config }], exports: [CONFIG] };
  }
}
