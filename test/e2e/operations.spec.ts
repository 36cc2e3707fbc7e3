import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEMO_MODEL, fixture, ROOT } from '../support/folders.js';
import { Scrape } from '../support/metrics.js';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.js';
import { ENDLESS, FAULT_PRELOAD, type LogLine, ServerProcess, SLOW_STEPS } from '../support/server.js';

const JSON_TYPE = { 'content-type': 'application/json' };

let receiver: OtlpReceiver;
let tracing: Record<string, string>;
let server: ServerProcess;

beforeAll(async () => {
  receiver = new OtlpReceiver();
  tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: await receiver.listen(), OTEL_BSP_SCHEDULE_DELAY: '20' };
  server = await ServerProcess.ready({ MODEL_PATH: DEMO_MODEL, MAX_BATCH_SIZE: '1', ...SLOW_STEPS, ...tracing });
});
afterAll(async () => {
  await server.stop();
  receiver.close();
});

/** How much samples grow by what is done. */
async function growth(samples: readonly string[], work: () => Promise<unknown>): Promise<(number | undefined)[]> {
  const before = await server.scrape();
  await work();
  const after = await server.scrape();
  return samples.map((sample) => (after.of(sample) ?? NaN) - (before.of(sample) ?? 0));
}

function lineOf(id: string): Promise<LogLine> {
  return server.find((line) => line.msg === 'request' && line.request_id === id, `the line of request ${id}`);
}

/** Begins an answer that does not end, and has read its first tokens. */
async function beginEndless(id: string): Promise<AbortController> {
  const controller = new AbortController();
  const headers = { ...JSON_TYPE, 'x-request-id': id };
  const response = await server.post('/v1/completions', ENDLESS, { headers, signal: controller.signal });
  await response.body?.getReader().read();
  return controller;
}

describe('/metrics', () => {
  it('is Prometheus’ text format, and begins with nothing done', async () => {
    const response = await server.fetch('/metrics');
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const scraped = new Scrape(await response.text());
    for (const sample of [
      'vllm:num_requests_running',
      'vllm:num_requests_waiting',
      'vllm:kv_cache_usage_perc',
      'vllm:prompt_tokens_total',
      'vllm:request_success_total{finished_reason="length"}',
      'roost_requests_cancelled_total{phase="queue"}',
      'roost_requests_rejected_total{reason="overloaded"}',
      'roost_steps_total{kind="decode"}',
    ]) {
      expect([sample, scraped.of(sample)]).toEqual([sample, 0]);
    }
    expect(scraped.text).toMatch(/^vllm:num_requests_running\{model_name="demo"\} 0$/m);
    expect(scraped.text).toMatch(/^roost_build_info\{version="[^"]+",node="v[^"]+",model="demo",.*\} 1$/m);
    for (const kind of ['resident', 'heap', 'weights', 'kv_cache']) {
      expect(scraped.of(`roost_memory_bytes{kind="${kind}"}`)).toBeGreaterThan(0);
    }
    expect(scraped.of('roost_model_load_seconds')).toBeGreaterThan(0);
    expect(scraped.of('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
  });

  it('counts an answer: its tokens, its steps, its times', async () => {
    const body = { prompt: 'What is it?', max_new_tokens: 7 };
    let promptTokens = 0;
    const samples = [
      'vllm:prompt_tokens_total',
      'vllm:prefix_cache_queries_total',
      'vllm:prefix_cache_hits_total',
      'vllm:generation_tokens_total',
      'vllm:request_success_total{finished_reason="length"}',
      'vllm:time_to_first_token_seconds_count',
      'vllm:inter_token_latency_seconds_count',
      'vllm:e2e_request_latency_seconds_count',
      'roost_batch_size_sum',
      'roost_http_requests_total{route="/generate",method="POST",status="200"}',
    ];
    const ask = async (): Promise<void> => {
      const answer = (await (await server.post('/generate', body)).json()) as { input_token_count: number };
      promptTokens = answer.input_token_count;
    };
    expect(await growth(samples, ask)).toEqual([promptTokens, promptTokens, 0, 7, 1, 1, 6, 1, 6, 1]);
    // The same again: all but the prompt's last token is there, which is a row of a decode step.
    expect(await growth(samples, ask)).toEqual([promptTokens, promptTokens, promptTokens - 1, 7, 1, 1, 6, 1, 7, 1]);
  });

  it('has times that add up', async () => {
    const parts = ['request_queue_time', 'request_prefill_time', 'request_decode_time'];
    const names = ['e2e_request_latency', 'time_to_first_token', ...parts];
    const samples = names.map((name) => `vllm:${name}_seconds_sum`);
    const [total = 0, firstToken = 0, queue = 0, prefill = 0, decode = 0] = await growth(samples, () =>
      server.post('/generate', { prompt: 'Another question', max_new_tokens: 20 }),
    );
    for (const part of [queue, prefill, decode]) expect(part).toBeGreaterThan(0);
    expect(firstToken).toBeGreaterThan(queue + prefill);
    expect(total).toBeCloseTo(firstToken + decode, 6);
  });

  it('tells who runs and who waits, and the phase in which one is given up', async () => {
    const running = await beginEndless('given-up-while-decoding');
    const waiting = new AbortController();
    const headers = { ...JSON_TYPE, 'x-request-id': 'given-up-in-the-queue' };
    const waits = server.post('/v1/completions', ENDLESS, { headers, signal: waiting.signal });
    const scraped = await server.scrapeUntil('vllm:num_requests_waiting', 1);
    expect(scraped.of('vllm:num_requests_running')).toBe(1);
    expect(scraped.of('vllm:kv_cache_usage_perc')).toBeGreaterThan(0);
    waiting.abort();
    await expect(waits).rejects.toThrow('abort');
    await server.scrapeUntil('roost_requests_cancelled_total{phase="queue"}', 1);
    running.abort();
    const last = await server.scrapeUntil('roost_requests_cancelled_total{phase="decode"}', 1);
    expect(last.of('vllm:num_requests_running')).toBe(0);
    expect(last.of('vllm:kv_cache_usage_perc')).toBe(0);
    expect(last.of('vllm:request_success_total{finished_reason="abort"}')).toBe(2);
  });

  it('counts requests that are refused, and no probe among them', async () => {
    const samples = ['invalid', 'not_loaded'].map((reason) => `roost_requests_rejected_total{reason="${reason}"}`);
    const refused = await growth(samples, () =>
      Promise.all([
        server.post('/generate', {}),
        server.post('/v1/completions', { prompt: 'x', n: 0 }),
        server.post('/v1/completions', '{'),
        server.fetch('/health/ready'),
        server.fetch('/nowhere'),
      ]),
    );
    expect(refused).toEqual([3, 0]);
  });

  it('tells what became of every request that was let in', async () => {
    const ended = ['completed', 'failed', 'cancelled'].map(
      (outcome) => `roost_admission_ended_total{outcome="${outcome}"}`,
    );
    const samples = ['roost_admission_accepted_total', ...ended, 'roost_admission_open'];
    const work = async (): Promise<void> => {
      await server.post('/v1/completions', { prompt: 'x', max_tokens: 2, n: 2 });
      await server.post('/v1/completions', { prompt: 'word '.repeat(5000) });
      await server.post('/v1/completions', { prompt: 'x', n: 0 });
      const leaving = await beginEndless('counted-as-cancelled');
      expect((await server.scrape()).of('roost_admission_open')).toBe(1);
      leaving.abort();
      await server.scrapeUntil('roost_admission_open', 0);
    };
    expect(await growth(samples, work)).toEqual([3, 1, 1, 1, 0]);
  });

  it('does not grow with what clients send', async () => {
    const lines = async (): Promise<number> => (await server.scrape()).text.match(/^(vllm|roost)/gm)?.length ?? 0;
    await server.fetch('/nowhere');
    const before = await lines();
    for (const path of ['/a', '/b/c', '/d?e=f']) await server.fetch(path);
    expect(await lines()).toBe(before);
  });
});

describe('the names of metrics', () => {
  /** In a query: everything that has a prefix of ours, or of the libraries that count. */
  const METRIC = /\b(?:vllm:|roost_|process_|nodejs_)[a-z_0-9]+/g;

  it.each(['deploy/grafana/roost.json', 'deploy/kubernetes/base/autoscaler.yaml', 'docs/operations.md'])(
    'in %s are those of metrics that exist',
    async (path) => {
      await server.post('/generate', { prompt: 'x', max_new_tokens: 2 });
      const { names } = await server.scrape();
      const used = readFileSync(join(ROOT, path), 'utf8').match(METRIC) ?? [];
      expect(used.length).toBeGreaterThan(0);
      const known = (name: string): boolean => names.has(name) || names.has(`${name}_count`);
      expect(used.filter((name) => !known(name))).toEqual([]);
    },
  );

  it('are all in docs/operations.md', async () => {
    const documented = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    const ours = [...(await server.scrape()).text.matchAll(/^# TYPE ((?:vllm:|roost_)\S+)/gm)].map(([, name]) => name);
    expect(ours.filter((name) => !documented.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('what deploy/ asks of the server', () => {
  it.each(['deploy/kubernetes/base/deployment.yaml', 'deploy/haproxy/haproxy.cfg'])('in %s is there', async (path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const routes = [...text.matchAll(/(?:path: |GET )(\/[a-z/]+)$/gm)].map(([, route]) => route);
    expect(routes.length).toBeGreaterThan(0);
    for (const route of routes) expect([route, (await server.fetch(route)).status]).toEqual([route, 200]);
  });
});

describe('the log', () => {
  it('has one line of each request, with what it did and no word of the prompt', async () => {
    const headers = { ...JSON_TYPE, 'x-request-id': 'complete' };
    await server.post('/v1/completions', { prompt: 'a secret', max_tokens: 5, n: 2 }, { headers });
    const line = await lineOf('complete');
    expect(line).toMatchObject({ level: 'info', method: 'POST', route: '/v1/completions', status: 200 });
    expect(line).toMatchObject({ outcome: 'length', new_tokens: 10, prompt_tokens: expect.any(Number) as number });
    const [queue, first, total] = [line.queue_ms, line.first_token_ms, line.duration_ms] as number[];
    expect(queue).toBeGreaterThanOrEqual(0);
    expect(first).toBeGreaterThan(0);
    expect(total).toBeGreaterThanOrEqual(first);
    expect(server.logs.filter(({ request_id: id }) => id === 'complete')).toHaveLength(1);
    expect(server.output()).not.toContain('a secret');
  });

  it.each<[string, string, unknown, LogLine | object]>([
    ['a wrong body', '/generate', { prompt: 1 }, { route: '/generate', status: 422, outcome: 'invalid' }],
    ['a body that is not JSON', '/v1/completions', '{', { route: '/v1/completions', status: 400, outcome: 'invalid' }],
    ['a path that is not there', '/nowhere', {}, { status: 404, outcome: 'not_found' }],
    ['a path that cannot be read', '/%zz', {}, { status: 400, outcome: 'invalid' }],
    [
      'a prompt that is too long',
      '/generate',
      { prompt: 'word '.repeat(5000) },
      { route: '/generate', status: 422, outcome: 'prompt_too_long' },
    ],
  ])('has one of %s', async (what, path, body, expected) => {
    const id = what.replaceAll(' ', '-');
    await server.post(path, body, { headers: { ...JSON_TYPE, 'x-request-id': id } });
    expect(await lineOf(id)).toMatchObject(expected);
    expect(server.logs.filter(({ request_id: of }) => of === id)).toHaveLength(1);
  });

  it('has one of each client that goes away, with what it got', async () => {
    expect(await lineOf('given-up-while-decoding')).toMatchObject({ status: 200, outcome: 'cancelled' });
    expect((await lineOf('given-up-while-decoding')).new_tokens).toBeGreaterThan(0);
    expect(await lineOf('given-up-in-the-queue')).toMatchObject({ status: 499, outcome: 'cancelled', new_tokens: 0 });
  });

  it('has no line of probes', async () => {
    await server.fetch('/health/live');
    expect(server.logs.filter(({ route }) => /^\/(health|metrics)/.test(String(route)))).toEqual([]);
  });

  it('has prompts when the operator asks for them', async () => {
    const open = await ServerProcess.ready({ MODEL_PATH: fixture('llama'), LOG_PROMPTS: 'true' });
    await open.post('/v1/completions', { prompt: 'no secret', max_tokens: 1 });
    expect(await open.log('request')).toMatchObject({ prompts: [{ kind: 'text', text: 'no secret' }] });
    await open.stop();
  });
});

describe('a trace', () => {
  const TRACE = '0af7651916cd43dd8448eb211c80319c';
  const PARENT = 'b7ad6b7169203331';
  const ROOT_SPAN = 'POST /v1/completions';

  /** @returns the span of the request, within which the phases are */
  function expectPhases(spans: readonly ReceivedSpan[]): ReceivedSpan {
    const root = spans.find(({ name }) => name === ROOT_SPAN) as ReceivedSpan;
    const phases = spans.filter((span) => span.parentSpanId === root.spanId);
    const ordered = [...phases].sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)));
    expect(ordered.map(({ name }) => name)).toEqual(['tokenize', 'queue', 'prefill', 'decode']);
    for (const { startTimeUnixNano, endTimeUnixNano } of spans) {
      expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
    }
    return root;
  }

  it('goes on from the caller’s, with a span of each phase, one after the other', async () => {
    const headers = { ...JSON_TYPE, traceparent: `00-${TRACE}-${PARENT}-01`, 'x-request-id': 'traced' };
    await server.post('/v1/completions', { prompt: 'x', max_tokens: 3 }, { headers });
    expect(await lineOf('traced')).toMatchObject({ trace_id: TRACE });
    const root = expectPhases(await receiver.trace(TRACE, ROOT_SPAN));
    expect(root.parentSpanId).toBe(PARENT);
    expect(root.attributes).toContainEqual({ key: 'roost.outcome', value: { stringValue: 'length' } });
  });

  it('has them one after the other also while somebody sets the clock', async () => {
    const env = { MODEL_PATH: fixture('llama'), NODE_OPTIONS: FAULT_PRELOAD, FAULT: 'clock' };
    const jumping = await ServerProcess.ready({ ...env, ...tracing });
    await jumping.post('/v1/completions', { prompt: 'x', max_tokens: 3 });
    const { trace_id: traceId } = await jumping.log('request');
    expectPhases(await receiver.trace(traceId as string, ROOT_SPAN));
    await jumping.stop();
  });

  it('has an id of its own without a caller’s, which the log has too', async () => {
    await server.post(
      '/generate',
      { prompt: 'x', max_new_tokens: 2 },
      { headers: { ...JSON_TYPE, 'x-request-id': 'own' } },
    );
    const { trace_id: traceId } = await lineOf('own');
    expect(await receiver.trace(traceId as string, 'POST /generate')).toHaveLength(5);
  });
});
