import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readApiKeys } from './api-keys.js';
import { ConfigError } from './config-error.js';

export { ConfigError };

const DEVICES = ['auto', 'cpu', 'cuda'] as const;
const DTYPES = ['auto', 'float32', 'float16', 'bfloat16'] as const;
const QUANTIZATIONS = ['none', 'int8', 'int4'] as const;
const TOOL_CALL_FORMATS = ['auto', 'hermes', 'llama3', 'mistral', 'pythonic'] as const;
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const PUBLIC_ROUTES = ['docs', 'metrics'] as const;

/** Where Inference Endpoints and its like mount the model. */
export const MOUNTED_MODEL = '/repository';
/** The model that ships with the server. */
export const DEMO_MODEL = fileURLToPath(new URL('../../models/demo', import.meta.url));

export type ModelSource = 'configured' | 'mounted' | 'demo';

/** Everything that can be set from outside, checked and complete. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly modelPath: string;
  readonly modelSource: ModelSource;
  readonly modelId: string | undefined;
  readonly device: (typeof DEVICES)[number];
  readonly dtype: (typeof DTYPES)[number];
  readonly quantization: (typeof QUANTIZATIONS)[number];
  /** Where quantized weights are kept for the next start. */
  readonly cacheFolder: string | undefined;
  readonly maxModelLength: number | undefined;
  readonly maxBatchSize: number;
  readonly maxNewTokens: number;
  /** Answers that may wait for a slot. */
  readonly maxQueueSize: number;
  /** Tokens of prompts that may wait to be read. */
  readonly maxQueueTokens: number;
  /** Seconds that a request may wait for a slot; 0 for ever, as with the three that follow. */
  readonly queueTimeout: number;
  /** Seconds that a request may wait for its first token. */
  readonly firstTokenTimeout: number;
  /** Seconds that an answer may take; it is then cut. */
  readonly requestTimeout: number;
  /** Seconds that a client may leave unread what it was sent. */
  readonly readTimeout: number;
  /** Seconds that running requests have to finish when the process is to end. */
  readonly shutdownTimeout: number;
  /** Seconds without progress, while there is work, after which the process is not live. */
  readonly livenessTimeout: number;
  readonly prefillChunk: number;
  readonly prefixCaching: boolean;
  readonly speculativeTokens: number;
  readonly threads: number | undefined;
  /** How the model writes calls of tools; by default, what its chat template shows. */
  readonly toolCallFormat: (typeof TOOL_CALL_FORMATS)[number];
  /** Whether thoughts are told apart from answers, where the chat template has them. */
  readonly reasoning: boolean;
  /** SHA-256 of each key that opens the server, in hexadecimal; none, and it is open to all. */
  readonly apiKeyHashes: readonly string[];
  /** Routes that need no key though there are keys. */
  readonly publicRoutes: readonly (typeof PUBLIC_ROUTES)[number][];
  /** Most requests of a client in a minute. */
  readonly requestsPerMinute: number | undefined;
  /** Most tokens of a client in a minute, those of prompts and of answers. */
  readonly tokensPerMinute: number | undefined;
  /** Pages of which other sites may use this server from a browser; none, if empty. */
  readonly corsOrigins: readonly string[];
  /** Whether traces are sent; OpenTelemetry's exporter reads its variables by itself. */
  readonly tracing: boolean;
  /** Whether the log has the prompts, which may be confidential. */
  readonly logPrompts: boolean;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

/** What of the configuration may be logged. */
export function printable({ apiKeyHashes, ...config }: Config): object {
  return { ...config, apiKeys: apiKeyHashes.length };
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration from environment variables; this is the only place that knows their names. An empty variable
 * counts as unset.
 *
 * @throws {ConfigError} naming the variable, its value and what is allowed
 */
export function loadConfig(
  env: Environment = process.env,
  exists: (path: string) => boolean = existsSync,
  home: () => string = homedir,
): Config {
  const modelPath = text(env, 'MODEL_PATH');
  const mounted = exists(MOUNTED_MODEL);
  return Object.freeze({
    host: text(env, 'HOST') ?? '0.0.0.0',
    port: integer(env, 'PORT', 0, 65_535) ?? 8000,
    modelPath: modelPath ?? (mounted ? MOUNTED_MODEL : DEMO_MODEL),
    modelSource: modelPath ? 'configured' : mounted ? 'mounted' : 'demo',
    modelId: text(env, 'MODEL_ID'),
    device: oneOf(env, 'DEVICE', DEVICES) ?? 'auto',
    dtype: oneOf(env, 'DTYPE', DTYPES) ?? 'auto',
    quantization: oneOf(env, 'QUANTIZATION', QUANTIZATIONS) ?? 'none',
    cacheFolder: cacheFolder(env, home),
    maxModelLength: integer(env, 'MAX_MODEL_LEN', 2, 10_000_000),
    maxBatchSize: integer(env, 'MAX_BATCH_SIZE', 1, 256) ?? 8,
    maxNewTokens: integer(env, 'MAX_NEW_TOKENS', 1, 10_000_000) ?? 512,
    maxQueueSize: integer(env, 'MAX_QUEUE_SIZE', 0, 1_000_000) ?? 256,
    maxQueueTokens: integer(env, 'MAX_QUEUE_TOKENS', 1, 1_000_000_000) ?? 262_144,
    queueTimeout: integer(env, 'QUEUE_TIMEOUT', 0, 86_400) ?? 120,
    firstTokenTimeout: integer(env, 'FIRST_TOKEN_TIMEOUT', 0, 86_400) ?? 600,
    requestTimeout: integer(env, 'REQUEST_TIMEOUT', 0, 86_400) ?? 3600,
    readTimeout: integer(env, 'READ_TIMEOUT', 0, 86_400) ?? 60,
    shutdownTimeout: integer(env, 'SHUTDOWN_TIMEOUT', 0, 86_400) ?? 30,
    livenessTimeout: integer(env, 'LIVENESS_TIMEOUT', 1, 86_400) ?? 300,
    prefillChunk: integer(env, 'PREFILL_CHUNK', 1, 65_536) ?? 256,
    prefixCaching: oneOf(env, 'PREFIX_CACHING', ['true', 'false']) !== 'false',
    speculativeTokens: integer(env, 'SPECULATIVE_TOKENS', 0, 16) ?? 0,
    threads: integer(env, 'THREADS', 1, 1024),
    toolCallFormat: oneOf(env, 'TOOL_CALL_FORMAT', TOOL_CALL_FORMATS) ?? 'auto',
    reasoning: oneOf(env, 'REASONING', ['auto', 'off']) !== 'off',
    apiKeyHashes: readApiKeys(text(env, 'API_KEY'), text(env, 'API_KEY_FILE')),
    publicRoutes: someOf(env, 'PUBLIC_ROUTES', PUBLIC_ROUTES),
    requestsPerMinute: integer(env, 'RATE_LIMIT_REQUESTS', 1, 1_000_000_000),
    tokensPerMinute: integer(env, 'RATE_LIMIT_TOKENS', 1, 1_000_000_000_000),
    corsOrigins: corsOrigins(env),
    tracing: text(env, 'OTEL_EXPORTER_OTLP_ENDPOINT') !== undefined,
    logPrompts: oneOf(env, 'LOG_PROMPTS', ['true', 'false']) === 'true',
    logLevel: oneOf(env, 'LOG_LEVEL', LOG_LEVELS) ?? 'info',
  });
}

/** `*`, or origins with commas between. */
function corsOrigins(env: Environment): string[] {
  const origins = text(env, 'CORS_ORIGIN')?.split(',') ?? [];
  return origins.map((given) => {
    const origin = given.trim();
    if (origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)) return origin;
    const wanted = 'must be * or origins as https://example.com, with commas between';
    throw new ConfigError(`CORS_ORIGIN is ${JSON.stringify(given)}, but ${wanted}`);
  });
}

function cacheFolder(env: Environment, home: () => string): string | undefined {
  const configured = text(env, 'CACHE_DIR');
  if (configured !== undefined) return configured === 'none' ? undefined : resolve(configured);
  try {
    return resolve(home(), '.cache', 'roost');
  } catch {
    // A user that a container or a service manager made up has no home.
    return undefined;
  }
}

function text(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

function integer(env: Environment, name: string, least: number, most: number): number | undefined {
  const value = text(env, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most) {
    throw new ConfigError(`${name} is ${JSON.stringify(value)}, but must be a whole number from ${least} to ${most}`);
  }
  return number;
}

function oneOf<const T extends string>(env: Environment, name: string, allowed: readonly T[]): T | undefined {
  const value = text(env, name);
  if (value === undefined) return undefined;
  const found = allowed.find((candidate) => candidate === value.toLowerCase());
  if (found === undefined)
    throw new ConfigError(`${name} is ${JSON.stringify(value)}, but must be one of ${allowed.join(', ')}`);
  return found;
}

/** A list with commas between. */
function someOf<const T extends string>(env: Environment, name: string, allowed: readonly T[]): T[] {
  const values = text(env, name)?.split(',') ?? [];
  return values.flatMap((value) => oneOf({ [name]: value }, name, allowed) ?? []);
}
