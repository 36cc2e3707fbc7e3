import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Upper bounds in 1, 2.5 and 5 of each decade. */
function decades(least: number, most: number): number[] {
  const bounds: number[] = [];
  for (let decade = least; decade <= most; decade *= 10) {
    for (const step of [1, 2.5, 5]) if (decade * step <= most) bounds.push(Number((decade * step).toPrecision(2)));
  }
  return bounds;
}

const REQUEST_SECONDS = decades(0.001, 1000);
const STEP_SECONDS = decades(0.001, 10);
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const TOKENS = [1, 8, 32, 128, 512, 2048, 8192, 32768];

/**
 * All metrics of the server. Those that mean what vLLM's mean have its names, `vllm:` included, and its label
 * `model_name`: dashboards and autoscalers made for one then understand the other. The rest begin with `roost_`; those of
 * the process have prom-client's names. Every label has few values, none of which comes from a request.
 */
export class Metrics {
  private readonly shared = new Registry();
  private readonly own = new Registry();

  readonly requestsRunning = this.gauge('vllm:num_requests_running', 'Answers that have a slot.');
  readonly requestsWaiting = this.gauge('vllm:num_requests_waiting', 'Answers that wait for a slot.');
  readonly kvCacheUsage = this.gauge(
    'vllm:kv_cache_usage_perc',
    'The share of the KV cache that running answers take, 0 to 1.',
  );
  readonly prefixCacheQueries = this.counter(
    'vllm:prefix_cache_queries_total',
    'Tokens of prompts that were looked up in the KV cache.',
  );
  readonly prefixCacheHits = this.counter(
    'vllm:prefix_cache_hits_total',
    'Tokens of prompts that were found in the KV cache.',
  );
  readonly promptTokens = this.counter('vllm:prompt_tokens_total', 'Tokens of prompts that got a slot.');
  readonly generationTokens = this.counter('vllm:generation_tokens_total', 'Tokens that were generated.');
  readonly requestSuccess = this.counter('vllm:request_success_total', 'Answers that ended, by why.', [
    'finished_reason',
  ]);
  readonly firstToken = this.histogram(
    'vllm:time_to_first_token_seconds',
    'From the arrival of a request to the first token of an answer.',
    REQUEST_SECONDS,
  );
  readonly interToken = this.histogram(
    'vllm:inter_token_latency_seconds',
    'From one token of an answer to the next.',
    STEP_SECONDS,
  );
  readonly requestLatency = this.histogram(
    'vllm:e2e_request_latency_seconds',
    'From the arrival of a request to the last token of an answer.',
    REQUEST_SECONDS,
  );
  readonly queueTime = this.histogram(
    'vllm:request_queue_time_seconds',
    'How long an answer waited for a slot.',
    REQUEST_SECONDS,
  );
  readonly prefillTime = this.histogram(
    'vllm:request_prefill_time_seconds',
    'From the slot to the first token of an answer.',
    REQUEST_SECONDS,
  );
  readonly decodeTime = this.histogram(
    'vllm:request_decode_time_seconds',
    'From the first token of an answer to the last.',
    REQUEST_SECONDS,
  );
  readonly requestPromptTokens = this.histogram(
    'vllm:request_prompt_tokens',
    'Tokens of the prompt of an answer that was completed.',
    TOKENS,
  );
  readonly requestGenerationTokens = this.histogram(
    'vllm:request_generation_tokens',
    'Tokens of an answer that was completed.',
    TOKENS,
  );
  readonly iterationTokens = this.histogram(
    'vllm:iteration_tokens_total',
    'Tokens that one run of the network took in.',
    TOKENS,
  );
  readonly draftTokens = this.counter('vllm:spec_decode_num_draft_tokens_total', 'Tokens that were drafted.');
  readonly acceptedTokens = this.counter(
    'vllm:spec_decode_num_accepted_tokens_total',
    'Tokens that were drafted and became part of the answer.',
  );

  readonly steps = this.ownCounter('roost_steps_total', 'Runs of the network.', ['kind']);
  readonly stepDuration = this.ownHistogram('roost_step_duration_seconds', 'How long a run took.', STEP_SECONDS, [
    'kind',
  ]);
  readonly batchSize = this.ownHistogram('roost_batch_size', 'Answers that one decode step served.', SIZES);
  readonly sinceLastStep = this.ownGauge(
    'roost_seconds_since_last_step',
    'Since the network ran last; since the model was loaded when it has not run.',
  );
  readonly cancelled = this.ownCounter(
    'roost_requests_cancelled_total',
    'Answers that were given up because the client left, by how far they were.',
    ['phase'],
  );
  readonly failed = this.ownCounter('roost_requests_failed_total', 'Answers that ended with an error, by its code.', [
    'code',
  ]);
  readonly rejected = this.ownCounter(
    'roost_requests_rejected_total',
    'Requests that were refused before the model was asked, by why.',
    ['reason'],
  );
  readonly accepted = this.ownCounter(
    'roost_admission_accepted_total',
    'Requests that were let in, to generate or to work on text.',
  );
  readonly ended = this.ownCounter('roost_admission_ended_total', 'Requests that were let in and have ended, by how.', [
    'outcome',
  ]);
  readonly open = this.ownGauge('roost_admission_open', 'Requests that were let in and have not ended.');
  readonly httpRequests = this.ownCounter(
    'roost_http_requests_total',
    'Requests that ended, whatever they asked for.',
    ['route', 'method', 'status'],
  );
  readonly memory = this.ownGauge('roost_memory_bytes', 'Memory of the process, and of what takes most of it.', [
    'kind',
  ]);
  readonly loadSeconds = this.ownGauge('roost_model_load_seconds', 'How long the load of the model took.');
  readonly modelState = this.ownGauge('roost_model_ready', '1 while the model is loaded, else 0.');
  readonly buildInfo = this.ownGauge('roost_build_info', 'Always 1; the labels say what runs.', [
    'version',
    'node',
    'model',
    'architecture',
    'device',
    'dtype',
    'quantization',
  ]);

  /** @param modelName the label of those that vLLM has too */
  constructor(modelName: string) {
    this.shared.setDefaultLabels({ model_name: modelName });
    collectDefaultMetrics({ register: this.own });
  }

  get contentType(): string {
    return this.own.contentType;
  }

  /** All of them in Prometheus' text format. */
  async text(): Promise<string> {
    return `${await this.shared.metrics()}\n${await this.own.metrics()}`;
  }

  private gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.shared] });
  }

  private counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.shared] });
  }

  private histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.shared] });
  }

  private ownGauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.own] });
  }

  private ownCounter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.own] });
  }

  private ownHistogram(name: string, help: string, buckets: number[], labelNames: string[] = []): Histogram {
    return new Histogram({ name, help, buckets, labelNames, registers: [this.own] });
  }
}
