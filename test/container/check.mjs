// Checks a built image; run.sh calls it with the image and the folder in which containers live.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.mjs';

const [image, work] = process.argv.slice(2);
const repository = fileURLToPath(new URL('../../', import.meta.url));
const fixture = join(repository, 'test/fixtures/smollm3');
const manifest = readJson(join(repository, 'package.json'));
const counts = { passed: 0, failed: 0 };

const config = JSON.parse(buildah('inspect', '--type', 'image', image)).Docker.config;
for (const part of [checkConfig, checkFiles, checkDemo, checkMounted, checkHardened]) {
  try {
    await part();
  } catch (error) {
    report('FAILED', `${part.name}: ${error.message}`, 'failed');
  }
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed > 0 ? 1 : 0;

function checkConfig() {
  check('runs as a fixed number that is not root', () => assert.match(config.User, /^[1-9]\d*(:[1-9]\d*)?$/));
  check('exposes port 8000', () => assert.deepEqual(Object.keys(config.ExposedPorts), ['8000/tcp']));
  check('has a health check without a shell', () =>
    assert.deepEqual(config.Healthcheck.Test.slice(0, 2), ['CMD', 'node']),
  );
  check('starts Node directly', () =>
    assert.deepEqual(config.Cmd, ['node', '--max-semi-space-size=1', 'dist/main.js']),
  );
  check('has no entry point', () => assert.deepEqual(config.Entrypoint ?? [], []));
  check('declares no volume', () => assert.deepEqual(config.Volumes ?? {}, {}));
  check('is set to production', () => assert.ok(config.Env.includes('NODE_ENV=production')));
  check('sends no telemetry', () => assert.ok(config.Env.includes('ORT_DISABLE_TELEMETRY=1')));
  check('says what it is', () => {
    assert.equal(config.Labels['org.opencontainers.image.title'], manifest.name);
    assert.equal(config.Labels['org.opencontainers.image.licenses'], manifest.license);
  });
}

function checkFiles() {
  const container = buildah('from', '--pull=never', image);
  const root = buildah('mount', container);
  const app = join(root, 'app');
  const packages = join(app, 'node_modules');
  console.log(`  image size: ${size(root)} MB, of which the server is ${size(app)} MB`);
  check('has the production dependencies', () => {
    assert.deepEqual(
      Object.keys(manifest.dependencies).filter((name) => !existsSync(join(packages, name))),
      [],
    );
  });
  check('has no development dependency', () => {
    // Some are also what a production dependency needs, in which case the lock file does not mark them.
    const { packages: locked } = readJson(join(repository, 'package-lock.json'));
    const development = Object.keys(locked).filter((path) => locked[path].dev);
    assert.ok(development.length > 0);
    assert.deepEqual(
      development.filter((path) => existsSync(join(app, path))),
      [],
    );
  });
  check('has the native libraries of its platform only', () => {
    const platforms = readdirSync(join(packages, 'onnxruntime-node/bin'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.name === 'onnxruntime_binding.node')
      .map((entry) => (entry.parentPath ?? entry.path).split('/').slice(-2).join('/'));
    assert.deepEqual(platforms, ['linux/x64']);
  });
  check('has nothing else than the server', () => {
    const expected = ['dist', 'models', 'node_modules', 'package.json'];
    assert.deepEqual(
      readdirSync(app)
        .filter((name) => name !== 'LICENSE')
        .sort(),
      expected,
    );
  });
  check('has no weights but those of the demo model', () => {
    const weights = readdirSync(app, { recursive: true }).filter((path) => /\.(safetensors|onnx|gguf)$/.test(path));
    assert.deepEqual(weights, ['models/demo/model.safetensors']);
  });
  check('has nothing of how the demo model was made', () => {
    const made = readdirSync(join(app, 'models/demo')).filter((name) => /\.py$|^golden|\.md$/.test(name));
    assert.deepEqual(made, []);
  });
  check('leaves /repository to the platform', () => assert.ok(!existsSync(join(root, 'repository'))));
  check('lets everybody read its files, but only root write them', () => {
    const wrong = ['.', ...readdirSync(app, { recursive: true })].filter((path) => {
      const status = lstatSync(join(app, path));
      if (status.isSymbolicLink()) return status.uid !== 0;
      const needed = status.isDirectory() ? 0o555 : 0o444;
      return status.uid !== 0 || (status.mode & 0o022) !== 0 || (status.mode & needed) !== needed;
    });
    assert.deepEqual(wrong, []);
  });
  buildah('rm', container);
}

async function checkDemo() {
  const server = await startServer('the demo model');
  try {
    check('runs as a user that is not root', () => {
      assert.equal(server.run('id', '-u').stdout.trim(), config.User.split(':')[0]);
      assert.notEqual(statSync(`/proc/${server.pid}`).uid, 0);
    });
    await check('answers the health route', async () => {
      assert.deepEqual(await server.request('/health'), { status: 200, body: { message: 'API is running.' } });
    });
    await check('generates with the demo model', async () => {
      const { status, body } = await server.request('/generate', { prompt: 'What is an Inference Endpoint?' });
      assert.equal(status, 200);
      assert.ok(body.response.trim().length > 0);
      console.log(`      ${JSON.stringify(body.response)}`);
    });
    check('is healthy for its health check', () => assert.equal(server.healthCheck(), 0));
    check('cannot write its own files', () => {
      for (const path of ['/app/new', '/app/package.json', '/app/dist/main.js']) server.assertNotWritable(path);
    });
    await checkStop(server);
    check('is not healthy once stopped', () => assert.equal(server.healthCheck(), 1));
  } finally {
    await server.remove();
  }
}

async function checkMounted() {
  const [golden] = readJson(join(fixture, 'golden.json')).generate;
  assert.ok(golden.chat && golden.prompt === 'What is an Inference Endpoint?', 'the fixture has another first case');
  const server = await startServer('a mounted model', '--volume', `${fixture}:/repository:ro`);
  try {
    check('serves the model at /repository', () => assert.equal(server.ready.model, 'repository'));
    await check('generates what the reference generated', async () => {
      const { status, body } = await server.request('/generate', { prompt: golden.prompt, max_new_tokens: 48 });
      assert.equal(status, 200);
      assert.equal(body.response, golden.text);
    });
    check('cannot write the mounted model', () => {
      for (const path of ['/repository/new', '/repository/config.json']) server.assertNotWritable(path);
    });
    await checkStop(server);
  } finally {
    await server.remove();
  }
}

/**
 * As Kubernetes runs it with deploy/: the file system read-only, no capability, no way to get one, and nothing between the
 * kernel and Node, which is process 1. buildah cannot do all of that, so this starts the image's command by itself.
 */
async function checkHardened() {
  console.log('without any right:');
  const container = buildah('from', '--pull=never', image);
  const root = buildah('mount', container);
  const port = await freePort();
  const rights = '--reuid=10001 --regid=10001 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all';
  const environment = [...config.Env, `PORT=${port}`, 'SHUTDOWN_TIMEOUT=60'].map((entry) => `'${entry}'`).join(' ');
  const start = [
    `mount --bind ${root} ${root}`,
    `mount -t proc proc ${root}/proc`,
    `mount --rbind /dev ${root}/dev`,
    `mount -o remount,bind,ro ${root}`,
    `exec chroot ${root} setpriv ${rights} env -i --chdir=/app ${environment} ${config.Cmd.join(' ')}`,
  ].join(' && ');
  const child = spawn('unshare', ['--pid', '--fork', '--kill-child', 'sh', '-c', start], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  try {
    const lines = createInterface(child.stdout);
    const ready = new Promise((resolve) => {
      lines.on('line', (line) => line.includes('"model ready"') && resolve());
    });
    const ended = exit.then(([code]) => Promise.reject(new Error(`the server ended with ${code}`)));
    await within(120, Promise.race([ready, ended]), 'the model');
    const pid = findServer();
    const status = Object.fromEntries(
      readFileSync(`/proc/${pid}/status`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(':\t')),
    );
    check('is process 1', () => assert.equal(status.NSpid.split('\t').at(-1), '1'));
    check('has no capability, and cannot get one', () => {
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.match(status[set], /^0+$/, set);
      assert.equal(status.NoNewPrivs, '1');
      assert.equal(status.Uid, '10001\t10001\t10001\t10001');
    });
    check('has a file system that is read-only', () => {
      assert.throws(() => writeFileSync(join(root, 'new'), ''), { code: 'EROFS' });
    });
    const address = `http://127.0.0.1:${port}/v1/completions`;
    const ask = (body) =>
      fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(60_000),
      });
    await check('drains on SIGTERM: what streams gets its end, what comes is refused, and it ends with 0', async () => {
      // It takes seconds: the signal and a refusal come before its end also where the machine is busy.
      const stream = await ask({ prompt: 'x', max_tokens: 2000, ignore_eos: true, stream: true });
      const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = (await reader.read()).value;
      process.kill(pid, 'SIGTERM');
      await within(60, refused(ask), 'the first refusal');
      for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
      assert.ok(text.endsWith('data: [DONE]\n\n'), text.slice(-200));
      assert.deepEqual(await within(60, exit, 'the end of the server'), [0, null]);
    });
  } finally {
    child.kill('SIGKILL');
    for (const mount of ['dev', 'proc', '']) spawnSync('umount', ['--recursive', '--lazy', join(root, mount)]);
    buildah('rm', container);
  }
}

/** Asks until the server says that it drains. */
async function refused(ask) {
  for (;;) {
    const response = await ask({ prompt: 'x', max_tokens: 1 });
    await response.text();
    if (response.status === 503) return;
  }
}

async function checkStop(server) {
  await check('ends with 0 after SIGTERM', async () => {
    process.kill(server.pid, 'SIGTERM');
    assert.deepEqual(await within(60, server.exit, 'the end of the server'), [0, null]);
  });
}

/** Starts the image's command in a new container with a port of its own and waits until the model is loaded. */
async function startServer(name, ...options) {
  console.log(`${name}:`);
  const port = await freePort();
  const container = buildah('from', '--pull=never', image);
  const run = ['run', '--env', `PORT=${port}`, ...options, container, '--'];
  const child = spawn('buildah', [...run, ...config.Cmd], { stdio: ['ignore', 'pipe', 'inherit'] });
  const server = {
    exit: once(child, 'exit'),
    run: (...command) => spawnSync('buildah', [...run, ...command], { encoding: 'utf8' }),
    healthCheck: () => server.run(...config.Healthcheck.Test.slice(1)).status,
    assertNotWritable(path) {
      const { status, stderr } = server.run('touch', path);
      assert.notEqual(status, 0, `${path} could be written`);
      assert.match(stderr, /Permission denied|Read-only file system/);
    },
    async request(path, body) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        ...(body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(60_000),
      });
      return { status: response.status, body: await response.json() };
    },
    async remove() {
      if (child.exitCode === null) {
        const pid = findServer();
        if (pid) process.kill(pid, 'SIGKILL');
        await within(60, server.exit, 'the end of the server');
      }
      buildah('rm', container);
    },
  };
  const log = [];
  const ready = new Promise((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      log.push(line);
      if (line.includes('"model ready"')) resolve(JSON.parse(line));
    });
  });
  const ended = server.exit.then(([code]) => Promise.reject(new Error(`the server ended with ${code}`)));
  try {
    server.ready = await within(120, Promise.race([ready, ended]), 'the model');
    server.pid = findServer();
    assert.ok(server.pid, 'the server has no process');
    return server;
  } catch (error) {
    console.log(log.join('\n'));
    await server.remove();
    throw error;
  }
}

/** The containers share this machine's process table; a server is the Node whose root is in the folder of this run. */
function findServer() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => {
      try {
        return (
          readlinkSync(`/proc/${pid}/root`).startsWith(`${work}/`) && /\/node$/.test(readlinkSync(`/proc/${pid}/exe`))
        );
      } catch {
        return false; // It has ended meanwhile.
      }
    });
}

/** Waits for a promise, but not for longer than some seconds. */
async function within(seconds, promise, what) {
  const timer = new AbortController();
  const late = sleep(1000 * seconds, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`waited ${seconds} s for ${what}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    late.catch(() => undefined);
    timer.abort();
  }
}

/** Runs one check and counts it; a promise only for a check that returns one. */
function check(name, test) {
  const pass = () => report('ok', name, 'passed');
  const fail = (error) => report('FAILED', `${name}: ${error.message}`, 'failed');
  try {
    const result = test();
    return result instanceof Promise ? result.then(pass, fail) : pass();
  } catch (error) {
    return fail(error);
  }
}

function report(verdict, text, count) {
  console.log(`  ${verdict} ${text}`);
  counts[count] += 1;
}

function buildah(...args) {
  return execFileSync('buildah', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }).trim();
}

/** In megabytes. */
function size(path) {
  return Math.round(Number(execFileSync('du', ['-s', '--bytes', path], { encoding: 'utf8' }).split('\t')[0]) / 1e6);
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
