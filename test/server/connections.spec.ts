/** The end of the server does not wait for connections on which nothing is due, nor for ever on any. */
import { jest } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { TestApplication } from '../support/application.js';
import { ScriptedProvider } from '../support/scripted-provider.js';
import { stopTime } from '../support/time.js';

const BODY = JSON.stringify({ prompt: 'x', stream: true });
const STREAM = `POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

let provider: ScriptedProvider;
let application: TestApplication;
let socket: Socket;

beforeEach(async () => {
  provider = new ScriptedProvider();
  application = await TestApplication.ready(provider);
  provider.automatic = false;
  const accepted = once(application.app.getHttpServer(), 'connection');
  socket = connect({ port: application.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  await accepted;
});
afterEach(async () => {
  await application.close();
  socket.destroy();
  jest.useRealTimers();
});

describe('the server ends although a connection', () => {
  it('never brought a request', () => application.close());

  it('brought half a head', async () => {
    socket.write('POST /generate HTTP/1.1\r\nHo');
    await application.close();
  });

  it('brought half a body, of which the log has told by then', async () => {
    const asked = once(application.app.getHttpServer(), 'request');
    socket.write('POST /generate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{');
    await asked;
    await application.close();
    const lines = application.logs.filter(({ msg }) => msg === 'request');
    expect(lines).toEqual([expect.objectContaining({ route: '/generate', status: 499, outcome: 'cancelled' })]);
  });

  it('is kept by a client that has its answer', async () => {
    socket.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    await application.close();
  });

  it('is kept by a client that has read its stream to the end', async () => {
    socket.write(STREAM);
    (await provider.answer(0)).finish();
    let received = '';
    while (!received.includes('0\r\n\r\n'))
      received += ((await once(socket, 'data')) as [Buffer])[0].toString('latin1');
    await application.close();
  });

  it('is kept by a client that asks for the next stream while the server ends', async () => {
    socket.write(STREAM);
    (await provider.answer(0)).finish();
    await once(socket, 'data');
    const closing = application.close();
    socket.write(STREAM);
    await closing;
  });

  it.each([1, 20])('is one of %i that a client keeps, having left a stream in the middle', async (clients) => {
    for (let i = 0; i < clients; i++) {
      const leaving = new AbortController();
      const asked = application.post('/v1/completions', undefined, { body: BODY, signal: leaving.signal });
      const answer = await provider.answer(i);
      const response = await asked;
      await response.body?.getReader().read();
      // Kept by the client for its next request.
      await (await application.fetch('/health')).text();
      leaving.abort();
      if (i % 2 === 0) await answer.ended;
    }
    await application.close();
  });

  it('is half closed', async () => {
    socket.end(STREAM);
    await provider.answer(0);
    await application.close();
  });

  it('has a client that does not read its stream', async () => {
    socket.pause();
    socket.write(STREAM);
    const answer = await provider.answer(0);
    const text = 'x'.repeat(100_000);
    for (let i = 0; i < 200; i++) answer.say(text);
    await application.close();
  });
});

it('an answer that is on its way is waited for', async () => {
  // However long it takes here, its time is not over.
  stopTime();
  socket.write(STREAM);
  const answer = await provider.answer(0);
  const text = 'x'.repeat(100_000);
  for (let i = 0; i < 50; i++) answer.say(text);
  answer.finish();
  let received = '';
  socket.on('data', (data) => (received += data.toString('latin1')));
  const ended = once(socket, 'end');
  await application.close();
  await ended;
  expect(received).toContain('data: [DONE]');
});
