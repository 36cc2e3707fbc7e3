import {
  mkdirSync,
  renameSync,
  rmSync,
  cpSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  chmodSync,
  readdirSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DEMO_MODEL, editJson, fixture, ROOT, TemporaryFolders } from '../support/folders.js';
import { writeLargeModel } from '../support/large-model.js';
import { readTensors, type Tensor, writeTensors } from '../support/safetensors.js';
import { ENDLESS, type Exit, FAULT_PRELOAD, ServerProcess, SLOW_STEPS } from '../support/server.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

describe('while the model loads', () => {
  let server: ServerProcess;

  beforeAll(() => {
    server = new ServerProcess({ MODEL_PATH: fixture('llama'), NODE_OPTIONS: FAULT_PRELOAD, FAULT: 'stall' });
  });

  it('the port is open, the process is live, and everything else says that the model is not loaded', async () => {
    await server.url();
    const [live, ready, startup, health, generate] = await Promise.all([
      server.fetch('/health/live'),
      server.fetch('/health/ready'),
      server.fetch('/health/startup'),
      server.fetch('/health'),
      server.post('/generate', { prompt: 'x' }),
    ]);
    expect(server.logs.map(({ msg }) => msg)).not.toContain('model ready');
    expect(live.status).toBe(200);
    for (const probe of [ready, startup]) {
      expect(probe.status).toBe(503);
      expect(await probe.json()).toMatchObject({
        status: 'error',
        error: { model: { status: 'down', state: 'loading' } },
      });
    }
    for (const response of [health, generate]) {
      expect(response.status).toBe(503);
      expect(await response.json()).toEqual({ detail: 'Model not loaded' });
    }
  });

  it('its progress is logged: phase, percent, seconds', async () => {
    expect(await server.find(({ phase }) => phase === 'weights')).toMatchObject({
      msg: 'loading',
      percent: expect.any(Number) as number,
      seconds: expect.any(Number) as number,
    });
  });

  it('SIGTERM ends the load and the process, with exit code 0', async () => {
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(server.logs.map(({ msg }) => msg)).not.toContain('model ready');
    expect(server.noise).toEqual([]);
  });
});

describe('a long prompt', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    const folder = folders.create();
    writeLargeModel(folder, { layers: 2 });
    server = await ServerProcess.ready({ MODEL_PATH: folder, PREFILL_CHUNK: '2048' });
  });
  afterAll(() => server.stop());

  /** How many probes are asked and answered one after another, while one run of the network reads all of a prompt. */
  async function probesDuring(prompt: string): Promise<number> {
    let done = false;
    const generate = server.post('/generate', { prompt, max_new_tokens: 1 }).finally(() => (done = true));
    let probes = 0;
    for (; !done; probes++) expect((await server.fetch('/health/live')).status).toBe(200);
    expect((await generate).status).toBe(200);
    return probes;
  }

  it('does not keep the process from answering its probes', async () => {
    let probes = 0;
    // There is only one prompt, unless this process does not get to ask meanwhile.
    for (let i = 0; i < 10 && probes <= 5; i++) probes = await probesDuring(`${i}${'a'.repeat(1500)}`);
    expect(probes).toBeGreaterThan(5);
  });
});

describe('the end of the process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends it before it listens', async (signal) => {
    const early = new ServerProcess();
    await early.log('starting');
    expect(await early.stop(signal)).toEqual({ code: 0, signal: null });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('%s unloads the model and exits with 0', async (signal) => {
    const server = await ServerProcess.ready();
    expect(await server.stop(signal)).toEqual({ code: 0, signal: null });
    expect(server.logs.at(-1)).toMatchObject({ msg: 'model unloaded' });
    expect(server.noise).toEqual([]);
  });

  it('comes in the middle of an answer as well, which is an error then', async () => {
    const env = { MODEL_PATH: fixture('llama'), MAX_NEW_TOKENS: '2000', SHUTDOWN_TIMEOUT: '0' };
    const server = await ServerProcess.ready({ ...env, ...SLOW_STEPS });
    const pending = server.post('/generate', { prompt: 'x', max_new_tokens: 2000 });
    await server.scrapeUntil('vllm:num_requests_running', 1);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect((await pending).status).toBe(503);
  });
});

describe('SIGTERM in the middle of an answer', () => {
  it('lets it go on, and a second one ends the process at once', async () => {
    const env = { MODEL_PATH: fixture('llama'), SHUTDOWN_TIMEOUT: '60' };
    const server = await ServerProcess.ready({ ...env, ...SLOW_STEPS });
    const response = await server.post('/v1/completions', ENDLESS);
    void server.stop();
    await server.log('draining');
    const refused = await server.post('/generate', { prompt: 'x' });
    expect([refused.status, refused.headers.get('connection')]).toEqual([503, 'close']);
    expect(await server.stop()).toEqual({ code: 1, signal: null });
    await expect(response.text()).rejects.toThrow();
  });

  it('loses no accepted answer of ten clients, and refuses no connection before they have theirs', () => {
    const { status, stdout } = spawnSync(process.execPath, [join(ROOT, 'test/reliability/drain.mjs'), '1']);
    expect([status, stdout.toString().trimEnd().split('\n').at(-1)]).toEqual([0, '1 passed, 0 failed']);
  });
});

describe('a load that fails', () => {
  async function fails(env: Record<string, string>): Promise<{ exit: Exit; message: string }> {
    const server = new ServerProcess(env);
    const exit = await server.exited;
    const fatal = server.logs.filter(({ level }) => level === 'fatal');
    expect(fatal).toHaveLength(1);
    expect(fatal[0].msg).not.toContain('\n');
    expect(server.logs.filter(({ level }) => level === 'error')).toEqual([]);
    expect(server.noise).toEqual([]);
    return { exit, message: fatal[0].msg };
  }

  function damaged(name: 'llama' | 'qwen3', damage: (folder: string) => void): string {
    const folder = folders.copyOf(fixture(name));
    damage(folder);
    return folder;
  }

  const remove = (name: string) => (folder: string) => rmSync(join(folder, name));

  /** The last step before the logits has nothing but NaN. */
  function spoilNorm(folder: string): void {
    const tensors = [...readTensors(folder)].map(([name, tensor]): [string, Tensor] => {
      if (name !== 'model.norm.weight') return [name, tensor];
      expect(tensor.dtype).toBe('F32');
      return [name, { ...tensor, data: Buffer.alloc(tensor.data.length, 0xff) }];
    });
    writeTensors(join(folder, 'model.safetensors'), tensors);
  }

  it.each<[string, string, RegExp]>([
    ['no folder', '/nowhere/model', /\/nowhere\/model: the folder does not exist/],
    ['a file for a folder', join(DEMO_MODEL, 'config.json'), /is not a folder/],
    ['no config', damaged('llama', remove('config.json')), /config\.json: not found/],
    [
      'a config that is no JSON',
      damaged('llama', (f) => writeFileSync(join(f, 'config.json'), '{')),
      /config\.json: is not valid JSON/,
    ],
    [
      'a config that is a list',
      damaged('llama', (f) => writeFileSync(join(f, 'config.json'), '[]')),
      /config\.json: is not a JSON object/,
    ],
    [
      'an unknown architecture',
      fixture('qwen3'),
      /config\.json: .*Qwen3ForCausalLM.*LlamaForCausalLM, SmolLM3ForCausalLM/,
    ],
    [
      'a quantized checkpoint',
      damaged('llama', (f) => editJson(join(f, 'config.json'), { quantization_config: { quant_method: 'gptq' } })),
      /config\.json: .*gptq/,
    ],
    [
      'a field of the wrong type',
      damaged('llama', (f) => editJson(join(f, 'config.json'), { hidden_size: '64' })),
      /config\.json: hidden_size is "64"/,
    ],
    [
      'an unknown rope type',
      damaged('llama', (f) => editJson(join(f, 'config.json'), { rope_parameters: { rope_type: 'yarn' } })),
      /rope type "yarn"/,
    ],
    ['no weights', damaged('llama', remove('model.safetensors')), /model\.safetensors: not found/],
    [
      'only a pickle',
      damaged('llama', (f) => renameSync(join(f, 'model.safetensors'), join(f, 'pytorch_model.bin'))),
      /pytorch_model\.bin is a pickle/,
    ],
    [
      'weights that are cut off',
      damaged('llama', (f) => truncateSync(join(f, 'model.safetensors'), 100_000)),
      /model\.safetensors: .*cut off/,
    ],
    [
      'a header that is cut off',
      damaged('llama', (f) => truncateSync(join(f, 'model.safetensors'), 100)),
      /model\.safetensors: its header claims/,
    ],
    [
      'empty weights',
      damaged('llama', (f) => truncateSync(join(f, 'model.safetensors'), 0)),
      /model\.safetensors: is no safetensors file/,
    ],
    [
      'a shape that the config does not call for',
      damaged('llama', (f) => editJson(join(f, 'config.json'), { intermediate_size: 100 })),
      /model\.safetensors: tensor .* has shape \[176, 64\], but config\.json calls for \[100, 64\]/,
    ],
    [
      'more layers than weights',
      damaged('llama', (f) => editJson(join(f, 'config.json'), { num_hidden_layers: 4 })),
      /lack tensor model\.layers\.3/,
    ],
    ['no tokenizer', damaged('llama', remove('tokenizer.json')), /tokenizer\.json: not found/],
    [
      'a tokenizer that is none',
      damaged('llama', (f) => writeFileSync(join(f, 'tokenizer.json'), '{}')),
      /tokenizer\.json: cannot be used/,
    ],
    [
      'a template with a syntax error',
      damaged('llama', (f) => writeFileSync(join(f, 'chat_template.jinja'), '{% for %}')),
      /chat_template\.jinja: the chat template has an error/,
    ],
    ['weights of which no token can be made', damaged('llama', spoilNorm), /the logit of token \d+ is not a number/],
    [
      'a generation config of the wrong type',
      damaged('llama', (f) => editJson(join(f, 'generation_config.json'), { eos_token_id: 'end' })),
      /generation_config\.json: eos_token_id is "end"/,
    ],
  ])('because of %s exits with 1 and one line that says what is wrong', async (_, modelPath, message) => {
    const failed = await fails({ MODEL_PATH: modelPath });
    expect(failed.exit).toEqual({ code: 1, signal: null });
    expect(failed.message).toMatch(message);
  });

  it('because of a missing shard, an index that leads out of the folder, or a tensor that no shard has', async () => {
    const config = { architectures: ['LlamaForCausalLM'] };
    const index = 'model.safetensors.index.json';
    const shard = 'model-00003-of-00009.safetensors';
    const cases: [(folder: string) => void, RegExp][] = [
      [remove(shard), /model-00003-of-00009\.safetensors: not found/],
      [(f) => editJson(join(f, index), { weight_map: { a: '../x.safetensors' } }), /names "\.\.\/x\.safetensors"/],
      [(f) => editJson(join(f, index), { weight_map: { 'model.norm.weight': shard } }), /does not list/],
    ];
    for (const [damage, message] of cases) {
      const folder = damaged('qwen3', (copy) => {
        editJson(join(copy, 'config.json'), config);
        damage(copy);
      });
      const failed = await fails({ MODEL_PATH: folder });
      expect(failed.exit.code).toBe(1);
      expect(failed.message).toMatch(message);
    }
  });

  it.each<[Record<string, string>, RegExp]>([
    [{ DEVICE: 'cuda' }, /device cuda is not available/],
    [{ DTYPE: 'float16' }, /dtype float16 is not available/],
    [{ MAX_MODEL_LEN: '4096' }, /4096 tokens.*2048/],
    [{ PORT: 'eighty' }, /PORT is "eighty", but must be a whole number/],
    [{ DEVICE: 'tpu' }, /DEVICE is "tpu", but must be one of auto, cpu, cuda/],
  ])('or a start with %j', async (env, message) => {
    const failed = await fails(env);
    expect(failed.exit.code).toBe(1);
    expect(failed.message).toMatch(message);
  });

  it('or a port that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const server = new ServerProcess({ PORT: String(port) });
    expect((await server.exited).code).toBe(1);
    taken.close();
    const { msg } = await server.find(({ level }) => level === 'fatal');
    expect(msg).toMatch(/cannot listen on 127\.0\.0\.1:\d+.*EADDRINUSE/);
  });
});

describe('a model folder', () => {
  async function serves(folder: string): Promise<void> {
    const server = await ServerProcess.ready({ MODEL_PATH: folder });
    expect((await server.post('/generate', { prompt: 'Hello' })).status).toBe(200);
    await server.stop();
  }

  it('may be a Hugging Face cache, whose files are links to blobs', async () => {
    const cache = folders.create();
    const [blobs, snapshot] = [join(cache, 'blobs'), join(cache, 'snapshots/abc')];
    for (const path of [blobs, snapshot]) mkdirSync(path, { recursive: true });
    for (const name of readdirSync(folders.copyOf(fixture('llama')))) {
      const blob = `${Buffer.from(name).toString('hex')}`;
      cpSync(join(fixture('llama'), name), join(blobs, blob));
      symlinkSync(`../../blobs/${blob}`, join(snapshot, name));
    }
    await serves(snapshot);
  });

  it('may be read-only', async () => {
    const folder = folders.copyOf(fixture('smollm3'));
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o444);
    chmodSync(folder, 0o555);
    await serves(folder);
    chmodSync(folder, 0o755);
  });
});

describe('without MODEL_PATH', () => {
  it('the demo model is served, and the log says so and how to mount another', async () => {
    const server = await ServerProcess.ready();
    const { path, source } = await server.log('loading the model');
    expect(path).toBe(DEMO_MODEL);
    expect(source).toMatch(/demo model.*MODEL_PATH/);
    expect(await server.log('model ready')).toMatchObject({
      model: 'demo',
      dtype: 'float32',
      parameters: 5_180_672,
      weight_bytes: 10_361_344,
      context_length: 2048,
      slots: 8,
      kv_cache_bytes: 100_663_296,
    });
    await server.stop();
  });
});

describe('ONNX Runtime', () => {
  it('is kept from reporting what it runs to its maker: it leaves no trace of telemetry in the home folder', async () => {
    const home = folders.create();
    const server = await ServerProcess.ready({ HOME: home });
    expect((await server.post('/generate', { prompt: 'Hello' })).status).toBe(200);
    await server.stop();
    expect(readdirSync(home)).toEqual([]);
  });
});
