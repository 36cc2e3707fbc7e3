import { expectNoSecrets } from './support/answers.js';
import { exchange, statusesIn } from './support/raw.js';
import { Subject } from './support/subject.js';

const KEY = 'the-key-of-a-test';
const open = await Subject.start();
const guarded = await Subject.start({ API_KEY: KEY }, { 'x-api-key': KEY });
afterAll(() => Promise.all([open, guarded].map(({ server }) => server.stop())));

const BODY = '{"prompt":"x","max_new_tokens":1}';
const post = (headers: string, body = BODY): string =>
  `POST /generate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n${headers}\r\n\r\n${body}`;
const length = `Content-Length: ${BODY.length}`;
const chunked = 'Transfer-Encoding: chunked';
const chunk = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;

/** A request that two servers in a row might read differently, and so let a second one through unseen. */
const ambiguous: Readonly<Record<string, string>> = {
  'two lengths that differ': post(`${length}\r\nContent-Length: 5`),
  'the same length twice': post(`${length}\r\n${length}`),
  'a list of lengths': post(`Content-Length: ${BODY.length}, ${BODY.length}`),
  'a length with a sign': post(`Content-Length: +${BODY.length}`),
  'a negative length': post('Content-Length: -1'),
  'a length in hexadecimal': post('Content-Length: 0x21'),
  'a length beyond 64 bits': post('Content-Length: 99999999999999999999999'),
  'a length that is no number': post('Content-Length: many'),
  'a length and chunks': post(`${length}\r\n${chunked}`, chunk),
  'chunks and a length': post(`${chunked}\r\n${length}`, chunk),
  'an encoding that is not there': post('Transfer-Encoding: xchunked', chunk),
  'chunks that are not last': post('Transfer-Encoding: chunked, identity', chunk),
  'chunks twice': post(`${chunked}\r\n${chunked}`, chunk),
  'a space before the colon': post(`Content-Length : ${BODY.length}`),
  'a tab before the colon': post(`Transfer-Encoding\t: chunked`, chunk),
  'a folded header': post(`X-A: b\r\n c: d\r\n${length}\r\n\u0000`),
  'line feeds alone': post(length).replaceAll('\r\n', '\n'),
  'a carriage return alone': post(`X-A: b\rContent-Length: 0\r\n${length}`),
  'a NUL in a header': post(`X-A: b\0c\r\n${length}`),
  'a chunk of no size': post(chunked, `\r\n${BODY}\r\n0\r\n\r\n`),
  'a chunk of negative size': post(chunked, `-1\r\n${BODY}\r\n0\r\n\r\n`),
  'a chunk of a size beyond 64 bits': post(chunked, `fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`),
  'a chunk that is longer than it says': post(chunked, `1\r\n${BODY}\r\n0\r\n\r\n`),
  'no host': post(length).replace('Host: a\r\n', ''),
  'a version that is not there': post(length).replace('HTTP/1.1', 'HTTP/9.9'),
  'no version': 'GET /health/live\r\n\r\n',
  'a method that is not there': post(length).replace('POST', 'STEAL'),
  'a header without a name': post(`: x\r\n${length}`),
  'a header of 20 KB': post(`X-A: ${'a'.repeat(20_000)}\r\n${length}`),
  '3,000 headers': post(`${'X-A: b\r\n'.repeat(3_000)}${length}`),
  'the beginning of TLS': '\u0016\u0003\u0001\u0002\u0000\u0001',
  'the beginning of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
};

describe('a request that can be read in two ways', () => {
  it.each(Object.entries(ambiguous))('is refused: %s', async (_, bytes) => {
    // Whatever follows on the connection is not looked at.
    const answer = await exchange(open.url, `${bytes}GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    const statuses = statusesIn(answer);
    expect(statuses.length).toBeLessThanOrEqual(1);
    for (const status of statuses) expect([400, 405, 413, 431, 501, 505]).toContain(status);
    expectNoSecrets(answer);
    await open.isUnharmed();
  });
});

describe('with a key, none of these passes without it', () => {
  const secret = [
    '/v1/models',
    '/generate',
    '/openapi.json',
    '/docs',
    '/docs/swagger-ui.css',
    '/docs/swagger-ui-init.js',
    '/openapi.yaml',
    '/metrics',
    '/',
    '/nothing',
  ];
  const odd = secret.flatMap((path) => [
    path,
    `/${path}`,
    `/.${path}`,
    `/health/..${path}`,
    `/health/live/..${path}`,
    `/health/%2e%2e${path}`,
    `/health/live;${path}`,
    `/health/live%00${path}`,
    `${path}/`,
    `${path}?/health/live`,
    `${path}#/health/live`,
    `${path}%2f`,
    path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    path.toUpperCase(),
    path.replaceAll('/', '\\'),
    `http://a${path}`,
    `http://a/health/live/..${path}`,
  ]);

  it.each([...new Set(odd)])('%s', async (path) => {
    for (const method of ['GET', 'POST', 'HEAD', 'PUT']) {
      const answer = await exchange(
        guarded.url,
        `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
      const [status] = statusesIn(answer);
      expect({ method, path, status }).toEqual({ method, path, status: status === 400 ? 400 : 401 });
      expect(answer).not.toMatch(/swagger|"object":|# HELP/i);
    }
  });

  it.each([
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Original-URL', '/health/live'],
    ['X-Rewrite-URL', '/health/live'],
    ['X-HTTP-Method-Override', 'OPTIONS'],
    ['Authorization', 'Bearer'],
    ['Authorization', 'Bearer undefined'],
    ['Authorization', `Bearer ${KEY} ${KEY}`],
    ['Authorization', `Basic ${Buffer.from(`user:${KEY}`).toString('base64')}`],
    ['Cookie', `key=${KEY}`],
    ['X-Api-Key', `${KEY},${KEY}`],
  ])('%s: %s', async (name, value) => {
    const answer = await exchange(
      guarded.url,
      `GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${name}: ${value}\r\n\r\n`,
    );
    expect(statusesIn(answer)).toEqual([401]);
    expect(answer).not.toContain(KEY);
  });

  it('reads no body of who has none, and answers nothing that is hidden in it', async () => {
    const hidden = `GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${KEY}\r\nConnection: close\r\n\r\n`;
    const answer = await exchange(
      guarded.url,
      `POST /generate HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    );
    expect(statusesIn(answer)).toEqual([401]);
  });

  it('lets the key in, and never writes it to the log', async () => {
    await guarded.isUnharmed();
    expect(guarded.server.output()).not.toContain(KEY);
  });
});
