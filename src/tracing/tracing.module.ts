import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Activity } from '../generation/activity/activity.js';
import { GenerationModule } from '../generation/generation.module.js';
import type { RequestTracer } from './request-tracer.js';

const TRACER = Symbol('TRACER');

/** Traces of requests, sent by OTLP; without an address to send them to, none of it is even loaded. */
@Module({
  imports: [GenerationModule],
  providers: [
    {
      provide: TRACER,
      inject: [CONFIG, Activity],
      useFactory: async ({ tracing }: Config, activity: Activity): Promise<RequestTracer | undefined> => {
        if (!tracing) return undefined;
        const { RequestTracer } = await import('./request-tracer.js');
        const tracer = new RequestTracer();
        activity.listen(tracer);
        return tracer;
      },
    },
  ],
})
export class TracingModule implements OnApplicationShutdown {
  constructor(@Inject(TRACER) private readonly tracer: RequestTracer | undefined) {}

  async onApplicationShutdown(): Promise<void> {
    await this.tracer?.shutdown();
  }
}
