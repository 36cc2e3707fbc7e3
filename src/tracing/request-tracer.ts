import { setTimeout } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import {
  type Context,
  defaultTextMapGetter,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ActivityListener } from '../generation/activity/activity.js';
import type { GenerationRecord } from '../generation/activity/generation-record.js';
import type { RequestRecord } from '../generation/activity/request-record.js';
import { monotonicNow } from '../inference/inference-provider.js';
import { version } from '../version.js';

/** The last spans have this long to get out. */
const SHUTDOWN_MS = 2_000;

/**
 * Sends a trace of each request when it has ended: a span of the request, and within it spans of `tokenize`, `queue`,
 * `prefill` and `decode`. Where to, and how, is said by OpenTelemetry's own variables, which the exporter reads.
 */
export class RequestTracer implements ActivityListener {
  private readonly logger = new Logger(RequestTracer.name);
  private readonly propagator = new W3CTraceContextPropagator();
  private readonly provider: BasicTracerProvider;
  private readonly tracer: Tracer;

  constructor() {
    const tell = (message: string): void => this.logger.warn(message);
    diag.setLogger(
      { error: tell, warn: tell, info: () => undefined, debug: () => undefined, verbose: () => undefined },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    this.provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'roost', 'service.version': version }).merge(
        detectResources({ detectors: [envDetector] }),
      ),
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
    });
    this.tracer = this.provider.getTracer('roost', version);
  }

  onRequestEnd(request: RequestRecord): void {
    const { method, route = 'none', status, began, ended, traceparent, generations, tokenizations, outcomes } = request;
    if (request.isProbe) return;
    const parent = this.propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);
    const attributes = {
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': status,
      'roost.outcome': outcomes.join(', '),
    };
    const startTime = toEpoch(began);
    const span = this.tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, startTime, attributes }, parent);
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    request.traceId = span.spanContext().traceId;
    const within = trace.setSpan(parent, span);
    for (const { from, to } of tokenizations) this.phase('tokenize', from, to, within);
    for (const generation of generations) this.phases(generation, within, tokenizations.length > 0);
    span.end(toEpoch(ended));
  }

  /** Sends what is left. */
  async shutdown(): Promise<void> {
    await Promise.race([this.provider.shutdown(), setTimeout(SHUTDOWN_MS)]);
  }

  /** Each phase ends where the next begins, or where the answer ended before that. */
  private phases(generation: GenerationRecord, within: Context, isTokenized: boolean): void {
    const { timings, ended = monotonicNow(), promptTokens, cachedTokens, newTokens } = generation;
    const { received, queued, started, firstToken, finished } = timings;
    if (received !== undefined && !isTokenized) this.phase('tokenize', received, queued ?? ended, within);
    if (queued !== undefined) this.phase('queue', queued, started ?? ended, within);
    if (started !== undefined) {
      const attributes = { 'gen_ai.usage.input_tokens': promptTokens, 'roost.cached_tokens': cachedTokens };
      this.phase('prefill', started, firstToken ?? ended, within, attributes);
    }
    if (firstToken !== undefined) {
      this.phase('decode', firstToken, finished ?? ended, within, { 'gen_ai.usage.output_tokens': newTokens });
    }
  }

  private phase(name: string, from: number, to: number, within: Context, attributes?: Record<string, number>): void {
    this.tracer.startSpan(name, { startTime: toEpoch(from), attributes }, within).end(toEpoch(to));
  }
}

/** A moment of the monotonic clock in milliseconds since 1970. */
function toEpoch(moment: number): number {
  return Date.now() - (monotonicNow() - moment);
}
