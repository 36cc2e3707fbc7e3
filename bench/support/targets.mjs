import { fileURLToPath } from 'node:url';
import { runClients } from './clients.mjs';
import { DIALECT_NAMES, httpClient, modelName } from './dialects.mjs';
import { environment } from './environment.mjs';
import { ProcessGroup } from './process-group.mjs';
import { Server } from './server.mjs';

const ENGINE_PROCESS = fileURLToPath(new URL('engine-process.mjs', import.meta.url));
/** Kinds of targets without HTTP: the engine as the server calls it, and its step loop without any threads. */
const ENGINE_KINDS = ['engine', 'loop'];
const KINDS = [...ENGINE_KINDS, ...DIALECT_NAMES];

/**
 * Reads `NAME[:KIND][=URL]`; the kind is the name if left out. Ours need no URL: they are started here, and so is every
 * peer that a `NAME=COMMAND` of --start names.
 */
export function parseTargets({ target, start }) {
  const commands = new Map(start.map((text) => split(text, '=')));
  const targets = target.map((text) => {
    const [id, url] = split(text, '=');
    const [name, kind = name] = split(id, ':');
    if (!KINDS.includes(kind)) throw new Error(`--target ${text}: ${kind} is none of ${KINDS.join(', ')}`);
    const command = commands.get(name);
    commands.delete(name);
    if (!url && (command || !['roost', ...ENGINE_KINDS].includes(kind)))
      throw new Error(`--target ${text}: has no URL`);
    return { name, kind, url, command };
  });
  for (const name of commands.keys()) throw new Error(`--start ${name}: there is no such target`);
  return targets;
}

/** Starts a target, or finds it running; it has the cores until it is paused. */
export async function openTarget(target, values) {
  const env = environment(values, target.name);
  if (ENGINE_KINDS.includes(target.kind)) return EngineTarget.start(target, env);
  const { name, kind, url, command } = target;
  if (url && !command) return new HttpTarget(name, kind, url, undefined, await modelName(url, kind));
  const server = await (command ? Server.command(command, url) : Server.own(env));
  return new HttpTarget(name, kind, server.url, server, await modelName(server.url, kind));
}

/** A server, which may be one that was running already: then it stays, and cannot be paused or weighed. */
class HttpTarget {
  constructor(name, kind, url, server, model) {
    Object.assign(this, { name, kind, url, server, model });
  }

  get secondsToReady() {
    return this.server?.secondsToReady;
  }

  get residentBytes() {
    return this.server?.group.residentBytes;
  }

  /** @param work as for runClients, and `newTokens` */
  async load({ newTokens, ...work }) {
    const { ask, close } = httpClient(this.url, this.kind, { newTokens, model: this.model });
    try {
      return await runClients(ask, work);
    } finally {
      // A server that was paused for long closes idle connections the moment it goes on.
      close();
    }
  }

  pause() {
    this.server?.group.pause();
  }

  resume() {
    this.server?.group.resume();
  }

  async close() {
    await this.server?.stop();
  }
}

/** The engine or its loop, in a process of its own. */
class EngineTarget {
  static async start({ name, kind }, env) {
    const group = new ProcessGroup(process.execPath, [ENGINE_PROCESS, kind], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const target = new EngineTarget(name, group);
    await target.message();
    target.secondsToReady = (performance.now() - group.started) / 1000;
    return target;
  }

  constructor(name, group) {
    Object.assign(this, { name, group });
  }

  get residentBytes() {
    return this.group.residentBytes;
  }

  load({ prompts, ...work }) {
    this.group.child.send({ ...work, prompts: prompts.map(({ ids }) => ({ ids })) });
    return this.message();
  }

  pause() {
    this.group.pause();
  }

  resume() {
    this.group.resume();
  }

  close() {
    return this.group.stop();
  }

  /** What the process says next, unless it ends instead. */
  message() {
    const message = new Promise((resolve) => this.group.child.once('message', resolve));
    const ended = this.group.exited.then((reason) => {
      throw new Error(`${this.name} ended (${reason})`);
    });
    return Promise.race([message, ended]);
  }
}

function split(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
