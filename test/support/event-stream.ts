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
