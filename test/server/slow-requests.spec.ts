/** Who takes too long to say what it wants does not keep its socket. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { TestApplication } from '../support/application.js';
import { ScriptedProvider } from '../support/scripted-provider.js';

const HEAD = 'POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
const QUICK = { requestTimeout: 200, checkInterval: 20 };

class Client {
  received = '';
  readonly closed: Promise<unknown>;

  constructor(readonly socket: Socket) {
    socket.on('data', (data) => (this.received += data.toString('latin1')));
    this.closed = once(socket, 'close');
  }

  async until(wanted: RegExp): Promise<void> {
    while (!wanted.test(this.received)) await once(this.socket, 'data');
  }
}

const sockets: Socket[] = [];
let application: TestApplication;

/** Connects, and says this as soon as there is a connection: the time for it has begun. */
function client(bytes: string): Client {
  const socket = connect({ port: application.port, host: '127.0.0.1' });
  sockets.push(socket);
  if (bytes) socket.write(bytes);
  return new Client(socket);
}

beforeEach(async () => (application = await TestApplication.ready(new ScriptedProvider(), {}, QUICK)));
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await application.close();
});

it.each([
  ['nothing comes', ''],
  ['the head does not end', 'POST /v1/completions HTTP/1.1\r\nHo'],
  ['the body does not come', `${HEAD}Content-Length: 99\r\n\r\n`],
  ['the body does not end', `${HEAD}Content-Length: 99\r\n\r\n{"prompt":`],
  ['the chunks do not end', `${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`],
])('a connection is closed when %s', async (_what, bytes) => {
  const slow = client(bytes);
  await slow.closed;
  expect(slow.received).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
});

it('a connection is kept for a request that comes after a while', async () => {
  const kept = client('GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n');
  await kept.until(/^HTTP\/1\.1 200 .*"status":"ok"/s);
  // Long enough for one that says nothing.
  await client('').closed;
  kept.socket.write(`${HEAD}Content-Length: 14\r\n\r\n{"prompt":"x"}`);
  await kept.until(/\}HTTP\/1\.1 200 /);
});
