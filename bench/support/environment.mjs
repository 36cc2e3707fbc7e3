import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../dist/config/config.js';

export const DEMO_MODEL = fileURLToPath(new URL('../../models/demo', import.meta.url));

/** Options that every command has that runs the engine or the server. */
export const MODEL_OPTIONS = {
  model: { type: 'string', default: DEMO_MODEL },
  env: { type: 'string', multiple: true, default: [] },
};

/**
 * The server's environment variables: `NAME=VALUE` holds for everything of ours that is started, `TARGET:NAME=VALUE`
 * for one target.
 */
export function environment({ model, env }, target) {
  const pairs = env.flatMap((text) => {
    const [, only, name, value] = /^(?:([^:=]+):)?([^=]+)=(.*)$/s.exec(text) ?? [];
    if (name === undefined) throw new Error(`--env ${text}: not NAME=VALUE`);
    return only === undefined || only === target ? [[name, value]] : [];
  });
  return { MODEL_PATH: model, ...Object.fromEntries(pairs) };
}

/** What the server would make of these variables; the engine takes it as its options. */
export function engineOptions(values, overrides = {}) {
  return { ...loadConfig(environment(values)), ...overrides };
}

/** A list of numbers, as in `1,8`. */
export function numbers(text) {
  const values = text.split(',').map(Number);
  if (!values.every((value) => Number.isSafeInteger(value) && value > 0))
    throw new Error(`not a list of sizes: ${text}`);
  return values;
}
