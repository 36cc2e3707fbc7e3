import { setTimeout } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import {
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
    // Both clocks are looked at once, or phases would not follow one another by what passes between the looks.
    const epoch = Date.now() - monotonicNow();
    const options = { kind: SpanKind.SERVER, startTime: epoch + began, attributes };
    const span = this.tracer.startSpan(`${method} ${route}`, options, parent);
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    request.traceId = span.spanContext().traceId;
    const within = trace.setSpan(parent, span);
    const tell: TellPhase = (name, from, to, attributes) =>
      this.tracer.startSpan(name, { startTime: epoch + from, attributes }, within).end(epoch + to);
    for (const { from, to } of tokenizations) tell('tokenize', from, to);
    for (const generation of generations) tellPhases(generation, tokenizations.length > 0, tell);
    span.end(epoch + ended);
  }

  /** Sends what is left. */
  async shutdown(): Promise<void> {
    await Promise.race([this.provider.shutdown(), setTimeout(SHUTDOWN_MS)]);
  }
}

/** @param from on the monotonic clock, as `to` */
type TellPhase = (name: string, from: number, to: number, attributes?: Record<string, number>) => void;

/** Each phase ends where the next begins, or where the answer ended before that. */
function tellPhases(generation: GenerationRecord, isTokenized: boolean, tell: TellPhase): void {
  const { timings, ended = monotonicNow(), promptTokens, cachedTokens, newTokens } = generation;
  const { received, queued, started, firstToken, finished } = timings;
  if (received !== undefined && !isTokenized) tell('tokenize', received, queued ?? ended);
  if (queued !== undefined) tell('queue', queued, started ?? ended);
  if (started !== undefined) {
    const attributes = { 'gen_ai.usage.input_tokens': promptTokens, 'roost.cached_tokens': cachedTokens };
    tell('prefill', started, firstToken ?? ended, attributes);
  }
  if (firstToken !== undefined) {
    tell('decode', firstToken, finished ?? ended, { 'gen_ai.usage.output_tokens': newTokens });
  }
}
