import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Config, ConfigError, DEMO_MODEL, loadConfig, MOUNTED_MODEL, printable } from '../../src/config/config.js';
import { hashOfKey } from '../../src/config/api-keys.js';
import { ROOT, TemporaryFolders } from '../support/folders.js';

type Environment = Parameters<typeof loadConfig>[0];

/** The configuration of an environment on a machine with nothing mounted. */
function load(env: Environment): Config {
  return loadConfig(env, () => false);
}

function messageOf(env: Environment): string {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('the configuration', () => {
  it('has a default for everything', () => {
    expect(load({})).toEqual({
      host: '0.0.0.0',
      port: 8000,
      modelPath: DEMO_MODEL,
      modelSource: 'demo',
      modelId: undefined,
      device: 'auto',
      dtype: 'auto',
      quantization: 'none',
      cacheFolder: join(homedir(), '.cache', 'roost'),
      maxModelLength: undefined,
      maxBatchSize: 8,
      maxNewTokens: 512,
      prefillChunk: 256,
      prefixCaching: true,
      speculativeTokens: 0,
      threads: undefined,
      toolCallFormat: 'auto',
      reasoning: true,
      apiKeyHashes: [],
      publicRoutes: [],
      requestsPerMinute: undefined,
      tokensPerMinute: undefined,
      corsOrigins: [],
      logLevel: 'info',
    });
  });

  it('has no folder for a cache when the user has no home', () => {
    const home = (): string => {
      throw new Error('uv_os_homedir returned ENOENT');
    };
    expect(loadConfig({}, () => false, home).cacheFolder).toBeUndefined();
    expect(loadConfig({ CACHE_DIR: '/cache' }, () => false, home).cacheFolder).toBe('/cache');
  });

  it('cannot be changed', () => {
    const config: { port: number } = load({});
    expect(() => (config.port = 1)).toThrow(TypeError);
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('ignores variables that it does not know', () => {
    expect(load({ PATH: '/bin', port: '1', MODEL: 'x' })).toEqual(load({}));
  });

  const parsed: readonly [string, string, Partial<Config>][] = [
    ['HOST', '127.0.0.1', { host: '127.0.0.1' }],
    ['HOST', '::', { host: '::' }],
    ['PORT', '0', { port: 0 }],
    ['PORT', '65535', { port: 65_535 }],
    ['MODEL_ID', 'my/model', { modelId: 'my/model' }],
    ['DEVICE', 'cpu', { device: 'cpu' }],
    ['DEVICE', 'CUDA', { device: 'cuda' }],
    ['DTYPE', 'float32', { dtype: 'float32' }],
    ['DTYPE', 'float16', { dtype: 'float16' }],
    ['DTYPE', 'BFloat16', { dtype: 'bfloat16' }],
    ['QUANTIZATION', 'none', { quantization: 'none' }],
    ['QUANTIZATION', 'INT8', { quantization: 'int8' }],
    ['QUANTIZATION', 'int4', { quantization: 'int4' }],
    ['CACHE_DIR', 'none', { cacheFolder: undefined }],
    ['CACHE_DIR', '/var/cache/weights', { cacheFolder: '/var/cache/weights' }],
    ['MAX_MODEL_LEN', '2', { maxModelLength: 2 }],
    ['MAX_MODEL_LEN', '131072', { maxModelLength: 131_072 }],
    ['MAX_BATCH_SIZE', '1', { maxBatchSize: 1 }],
    ['MAX_BATCH_SIZE', '256', { maxBatchSize: 256 }],
    ['MAX_NEW_TOKENS', '1', { maxNewTokens: 1 }],
    ['PREFILL_CHUNK', '65536', { prefillChunk: 65_536 }],
    ['PREFIX_CACHING', 'true', { prefixCaching: true }],
    ['PREFIX_CACHING', 'False', { prefixCaching: false }],
    ['SPECULATIVE_TOKENS', '0', { speculativeTokens: 0 }],
    ['SPECULATIVE_TOKENS', '16', { speculativeTokens: 16 }],
    ['THREADS', '16', { threads: 16 }],
    ['TOOL_CALL_FORMAT', 'Mistral', { toolCallFormat: 'mistral' }],
    ['REASONING', 'auto', { reasoning: true }],
    ['REASONING', 'off', { reasoning: false }],
    ['LOG_LEVEL', 'debug', { logLevel: 'debug' }],
    ['LOG_LEVEL', 'silent', { logLevel: 'silent' }],
  ];

  it.each(parsed)('takes %s = %j', (name, value, change) => {
    expect(load({ [name]: value })).toEqual({ ...load({}), ...change });
  });

  it('ignores blanks around a value', () => {
    expect(load({ PORT: ' 9000\n', DEVICE: '\tcpu ', HOST: ' localhost ' })).toMatchObject({
      port: 9000,
      device: 'cpu',
      host: 'localhost',
    });
  });

  it.each(['', ' ', '\t\n', undefined])('takes a variable that is %j as unset', (value) => {
    const names = [...new Set(parsed.map(([name]) => name)), 'MODEL_PATH'];
    expect(load(Object.fromEntries(names.map((name) => [name, value])))).toEqual(load({}));
  });
});

describe('a variable with an impossible value is refused, naming it, the value and what is allowed:', () => {
  const integers: readonly [string, string, number, number][] = [
    ...['-1', '65536', '80.5', '0x50', '1e3', 'eighty', '+80', '8 0', '99999999999999999999', '８０'].map(
      (value): [string, string, number, number] => ['PORT', value, 0, 65_535],
    ),
    ['MAX_MODEL_LEN', '1', 2, 10_000_000],
    ['MAX_MODEL_LEN', '10000001', 2, 10_000_000],
    ['MAX_BATCH_SIZE', '0', 1, 256],
    ['MAX_BATCH_SIZE', '257', 1, 256],
    ['MAX_NEW_TOKENS', '0', 1, 10_000_000],
    ['MAX_NEW_TOKENS', '-5', 1, 10_000_000],
    ['PREFILL_CHUNK', '0', 1, 65_536],
    ['PREFILL_CHUNK', '65537', 1, 65_536],
    ['SPECULATIVE_TOKENS', '17', 0, 16],
    ['THREADS', '0', 1, 1024],
    ['THREADS', '1025', 1, 1024],
    ['THREADS', 'all', 1, 1024],
  ];

  it.each(integers)('%s = %j', (name, value, least, most) => {
    expect(messageOf({ [name]: value })).toBe(
      `${name} is ${JSON.stringify(value)}, but must be a whole number from ${least} to ${most}`,
    );
  });

  it.each([
    ['DEVICE', 'gpu', 'auto, cpu, cuda'],
    ['DEVICE', 'cuda:0', 'auto, cpu, cuda'],
    ['DTYPE', 'int8', 'auto, float32, float16, bfloat16'],
    ['DTYPE', 'fp16', 'auto, float32, float16, bfloat16'],
    ['PREFIX_CACHING', 'yes', 'true, false'],
    ['LOG_LEVEL', 'verbose', 'fatal, error, warn, info, debug, trace, silent'],
    ['LOG_LEVEL', 'constructor', 'fatal, error, warn, info, debug, trace, silent'],
  ])('%s = %j', (name, value, allowed) => {
    expect(messageOf({ [name]: value })).toBe(`${name} is ${JSON.stringify(value)}, but must be one of ${allowed}`);
  });

  it.each([
    ['PORT', 'a\nb'],
    ['DEVICE', 'a\r\nb'],
  ])('%s, in one line, when the value has several', (name, value) => {
    expect(messageOf({ [name]: value })).not.toMatch(/[\r\n]/);
  });
});

describe('the model folder', () => {
  it('is the one that was configured, whatever is mounted', () => {
    expect(loadConfig({ MODEL_PATH: '/models/mine' }, () => true)).toMatchObject({
      modelPath: '/models/mine',
      modelSource: 'configured',
    });
  });

  it('is the mounted one when there is one and nothing is configured', () => {
    const asked: string[] = [];
    const config = loadConfig({ MODEL_PATH: ' ' }, (path) => asked.push(path) > 0);
    expect(config).toMatchObject({ modelPath: '/repository', modelSource: 'mounted' });
    expect(new Set(asked)).toEqual(new Set([MOUNTED_MODEL]));
  });

  it('is the demo model when nothing is configured or mounted', () => {
    expect(load({})).toMatchObject({ modelPath: join(ROOT, 'models/demo'), modelSource: 'demo' });
  });
});

describe('API keys', () => {
  const folders = new TemporaryFolders();
  afterAll(() => folders.remove());

  function fileWith(content: string): string {
    const path = join(folders.create(), 'keys');
    writeFileSync(path, content);
    return path;
  }

  it('come from a variable, a file or both, and only their hashes are kept', () => {
    const config = load({ API_KEY: 'one, two', API_KEY_FILE: fileWith('three\r\n\n two \n') });
    expect(config.apiKeyHashes).toEqual(['one', 'two', 'three'].map(hashOfKey));
    expect(JSON.stringify(printable(config))).not.toMatch(/two|[0-9a-f]{64}/);
    expect(printable(config)).toMatchObject({ apiKeys: 3 });
  });

  it('never leave the server open by mistake', () => {
    expect(messageOf({ API_KEY: ' , ' })).toBe('API_KEY is set, but has no key');
    expect(messageOf({ API_KEY_FILE: fileWith('\n\n') })).toBe('API_KEY_FILE is set, but has no key');
    expect(messageOf({ API_KEY_FILE: '/no/such/file' })).toBe(
      'API_KEY_FILE is "/no/such/file", which cannot be read (ENOENT)',
    );
  });

  it('are not told when they are wrong', () => {
    expect(messageOf({ API_KEY: 'sécret' })).toBe('API_KEY has a key that is not made of visible ASCII characters');
    expect(messageOf({ API_KEY: 'a b' })).toBe('API_KEY has a key that is not made of visible ASCII characters');
  });

  it('need not be sent for the routes that are public', () => {
    expect(load({ PUBLIC_ROUTES: 'docs, Metrics' }).publicRoutes).toEqual(['docs', 'metrics']);
    expect(messageOf({ PUBLIC_ROUTES: 'docs,generate' })).toBe(
      'PUBLIC_ROUTES is "generate", but must be one of docs, metrics',
    );
  });
});

describe('CORS_ORIGIN', () => {
  it('is * or origins', () => {
    expect(load({ CORS_ORIGIN: '*' }).corsOrigins).toEqual(['*']);
    expect(load({ CORS_ORIGIN: 'https://a.example, http://localhost:3000' }).corsOrigins).toEqual([
      'https://a.example',
      'http://localhost:3000',
    ]);
    for (const wrong of ['example.com', 'https://a.example/', 'https://a.example/path', 'null', 'https://a.example,'])
      expect(messageOf({ CORS_ORIGIN: wrong })).toMatch(/^CORS_ORIGIN is ".*", but must be \* or origins/);
  });
});
