import { basename, resolve } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Activity, type ActivityListener } from '../generation/activity/activity.js';
import { type GenerationRecord, PHASES } from '../generation/activity/generation-record.js';
import type { RequestRecord } from '../generation/activity/request-record.js';
import { Admission } from '../generation/admission/admission.js';
import { OUTCOMES } from '../generation/admission/ledger.js';
import { ModelService } from '../generation/model.service.js';
import { type FinishReason, monotonicNow, type StepReport } from '../inference/inference-provider.js';
import { version } from '../version.js';
import { Metrics } from './metrics.js';

/** vLLM's `finished_reason`. */
const FINISHED: Readonly<Record<FinishReason | 'cancelled', string>> = {
  eos: 'stop',
  stop_token: 'stop',
  stop_string: 'stop',
  length: 'length',
  timeout: 'timeout',
  cancelled: 'abort',
};

/** Outcomes of a request that the model was not asked for anything. */
const REJECTIONS = ['invalid', 'unauthorized', 'rate_limited', 'overloaded', 'draining', 'not_loaded'] as const;

/** Counts what the server does, and asks it how it is when somebody wants to know. */
@Injectable()
export class MetricsService implements ActivityListener {
  private readonly metrics: Metrics;
  private lastStep: number | undefined;
  private readySince: number | undefined;

  constructor(
    @Inject(CONFIG) { modelId, modelPath }: Config,
    private readonly models: ModelService,
    private readonly activity: Activity,
    private readonly admission: Admission,
  ) {
    this.metrics = new Metrics(modelId ?? basename(resolve(modelPath)));
    // What has not happened yet is 0, not missing.
    for (const reason of new Set(Object.values(FINISHED)))
      this.metrics.requestSuccess.inc({ finished_reason: reason }, 0);
    for (const kind of ['prefill', 'decode']) this.metrics.steps.inc({ kind }, 0);
    for (const phase of PHASES) this.metrics.cancelled.inc({ phase }, 0);
    for (const reason of REJECTIONS) this.metrics.rejected.inc({ reason }, 0);
    activity.listen(this);
  }

  get contentType(): string {
    return this.metrics.contentType;
  }

  /** Everything in Prometheus' text format. */
  async text(): Promise<string> {
    this.observeLedger();
    this.observeRequests();
    this.observeModel();
    return this.metrics.text();
  }

  onStep(report: StepReport): void {
    const { metrics } = this;
    const { kind, began, ended, sequences, tokens } = report;
    this.lastStep = ended;
    metrics.steps.inc({ kind });
    metrics.stepDuration.observe({ kind }, (ended - began) / 1000);
    metrics.iterationTokens.observe(tokens);
    if (kind === 'decode') metrics.batchSize.observe(sequences);
    metrics.promptTokens.inc(report.promptTokens);
    metrics.prefixCacheQueries.inc(report.promptTokens);
    metrics.prefixCacheHits.inc(report.cachedTokens);
    metrics.generationTokens.inc(report.newTokens);
    metrics.draftTokens.inc(report.drafted);
    metrics.acceptedTokens.inc(report.accepted);
    for (const gap of report.tokenGaps) metrics.interToken.observe(gap / 1000);
  }

  onFirstToken({ began, timings: { firstToken = monotonicNow() } }: GenerationRecord): void {
    this.metrics.firstToken.observe((firstToken - began) / 1000);
  }

  onGenerationEnd(generation: GenerationRecord): void {
    const { metrics } = this;
    const { outcome } = generation;
    if (outcome === undefined) return;
    if (!(outcome in FINISHED)) return metrics.failed.inc({ code: outcome });
    metrics.requestSuccess.inc({ finished_reason: FINISHED[outcome as keyof typeof FINISHED] });
    if (outcome === 'cancelled') return metrics.cancelled.inc({ phase: generation.phase });
    metrics.requestPromptTokens.observe(generation.promptTokens);
    metrics.requestGenerationTokens.observe(generation.newTokens);
    this.observeTimings(generation);
  }

  onRequestEnd({ route = 'none', method, status, generations, outcomes, isProbe }: RequestRecord): void {
    this.metrics.httpRequests.inc({ route, method, status });
    if (generations.length > 0 || isProbe) return;
    const [outcome] = outcomes;
    const reason = REJECTIONS.find((known) => known === outcome);
    if (reason) this.metrics.rejected.inc({ reason });
  }

  private observeTimings({ began, timings }: GenerationRecord): void {
    const { metrics } = this;
    const { queued, started, firstToken, finished } = timings;
    // A provider that does not tell its times.
    if (queued === undefined || started === undefined || firstToken === undefined || finished === undefined) return;
    metrics.requestLatency.observe((finished - began) / 1000);
    metrics.queueTime.observe((started - queued) / 1000);
    metrics.prefillTime.observe((firstToken - started) / 1000);
    metrics.decodeTime.observe((finished - firstToken) / 1000);
  }

  /** All at the same moment: what was let in is what ended and what is open. */
  private observeLedger(): void {
    const { accepted, ended, open } = this.metrics;
    const { running, ...counts } = this.admission.counts;
    for (const counter of [accepted, ended]) counter.reset();
    accepted.inc(counts.accepted);
    for (const outcome of OUTCOMES) ended.inc({ outcome }, counts[outcome]);
    open.set(running);
  }

  private observeRequests(): void {
    let [running, waiting, tokens] = [0, 0, 0];
    for (const { timings, promptTokens, newTokens } of this.activity.open) {
      if (timings.started === undefined) {
        waiting += 1;
        continue;
      }
      running += 1;
      tokens += promptTokens + newTokens;
    }
    const { state } = this.models;
    const capacity = state === 'ready' ? this.models.model.slots * this.models.model.contextLength : Infinity;
    this.metrics.requestsRunning.set(running);
    this.metrics.requestsWaiting.set(waiting);
    this.metrics.kvCacheUsage.set(tokens / capacity);
  }

  private observeModel(): void {
    const { metrics, models } = this;
    const isReady = models.state === 'ready';
    const { rss, heapUsed } = process.memoryUsage();
    metrics.modelState.set(Number(isReady));
    metrics.memory.set({ kind: 'resident' }, rss);
    metrics.memory.set({ kind: 'heap' }, heapUsed);
    metrics.buildInfo.reset();
    if (!isReady) {
      this.readySince = undefined;
      return metrics.buildInfo.set({ version, node: process.version }, 1);
    }
    this.readySince ??= monotonicNow();
    const { id: model, architecture, device, dtype, quantization, kvCacheBytes, weightMemoryBytes } = models.model;
    metrics.buildInfo.set({ version, node: process.version, model, architecture, device, dtype, quantization }, 1);
    if (weightMemoryBytes !== undefined) metrics.memory.set({ kind: 'weights' }, weightMemoryBytes);
    metrics.memory.set({ kind: 'kv_cache' }, kvCacheBytes);
    metrics.loadSeconds.set(models.loadSeconds ?? 0);
    metrics.sinceLastStep.set((monotonicNow() - (this.lastStep ?? this.readySince)) / 1000);
  }
}
