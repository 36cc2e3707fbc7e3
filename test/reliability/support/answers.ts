import type { PostRoute } from './document.js';
import type { RawAnswer } from './raw.js';

/** Paths, stacks and addresses: of use to an attacker only. */
const SECRETS = [
  /(?:^|[\s"'(])\/(?:work|tmp|home|root|usr|var|app|repository|dist|src)\//,
  /node_modules|file:\/\/|\.[jt]s:\d+/,
  /\bat (?:async )?[\w.<>]+ \(/,
  /\b0x[0-9a-f]{6,}\b/i,
  /\b127\.0\.0\.1\b|\blocalhost\b/,
];

export function expectNoSecrets(body: string): void {
  for (const secret of SECRETS) expect(body).not.toMatch(secret);
}

/**
 * The request was refused for what it says: a status for that, a body as the route's document describes it, and the name
 * of what is wrong.
 */
export function expectRefusal(answer: RawAnswer, route: PostRoute, { statuses = [400, 422], names = '' } = {}): void {
  expect({ status: answer.status, body: answer.body.slice(0, 300) }).toEqual({
    status: statuses.includes(answer.status) ? answer.status : statuses,
    body: expect.any(String) as string,
  });
  expectErrorShape(answer, route);
  expect(answer.body).toContain(names);
}

export function expectErrorShape({ status, headers, body }: RawAnswer, route: PostRoute): void {
  expect(headers['content-type']).toMatch(/^application\/json/);
  const json = JSON.parse(body) as unknown;
  for (const member of route.errorMembers(status)) {
    const value = member.split('.').reduce((at, name) => (at as Record<string, unknown> | undefined)?.[name], json);
    expect({ member, value }).not.toEqual({ member, value: undefined });
  }
  expectNoSecrets(body);
}
