/** Who takes too long to say what it wants does not keep its socket. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { TestApplication } from '../support/application.js';
import { ScriptedProvider } from '../support/scripted-provider.js';

const HEAD = 'POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
const QUICK = { requestTimeout: 200, checkInterval: 20 };

let application: TestApplication;
let socket: Socket;

beforeEach(async () => {
  application = await TestApplication.ready(new ScriptedProvider(), {}, QUICK);
  socket = connect({ port: application.port, host: '127.0.0.1' });
  await once(socket, 'connect');
});
afterEach(async () => {
  socket.destroy();
  await application.close();
});

it.each([
  ['the head does not end', 'POST /v1/completions HTTP/1.1\r\nHo'],
  ['the body does not come', `${HEAD}Content-Length: 99\r\n\r\n`],
  ['the body does not end', `${HEAD}Content-Length: 99\r\n\r\n{"prompt":`],
  ['the chunks do not end', `${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`],
])('a connection is closed when %s', async (_what, bytes) => {
  let received = '';
  socket.on('data', (data) => (received += data.toString('latin1')));
  socket.write(bytes);
  await once(socket, 'close');
  expect(received).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
});

it('a connection is kept for a request that comes after a while', async () => {
  socket.write('GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  socket.write(`${HEAD}Content-Length: 14\r\n\r\n{"prompt":"x"}`);
  const [data] = (await once(socket, 'data')) as [Buffer];
  expect(data.toString('latin1')).toMatch(/^HTTP\/1\.1 200 /);
});
