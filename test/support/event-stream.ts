/** What a body of server-sent events says: the values of its `data`, and its comments. */
export interface ParsedEvents {
  readonly data: readonly string[];
  readonly comments: readonly string[];
}

/** Reads server-sent events as strictly as this server writes them. */
export function parseEvents(body: string): ParsedEvents {
  expect(body.endsWith('\n\n')).toBe(true);
  const events = body.slice(0, -2).split('\n\n');
  for (const event of events) expect(event).toMatch(/^(data: [^\n]+|: [^\n]+)$/);
  return {
    data: events.filter((event) => event.startsWith('data: ')).map((event) => event.slice('data: '.length)),
    comments: events.filter((event) => event.startsWith(': ')).map((event) => event.slice(2)),
  };
}

/** Reads events that have a name, which their data repeats as its `type`. */
export function parseNamedEvents<T extends { readonly type: string }>(body: string): T[] {
  expect(body.endsWith('\n\n')).toBe(true);
  return body
    .slice(0, -2)
    .split('\n\n')
    .map((event) => {
      const [, name, data] = /^event: ([\w.]+)\ndata: ([^\n]+)$/.exec(event) ?? [];
      const value = JSON.parse(data) as T;
      expect(value.type).toBe(name);
      return value;
    });
}
