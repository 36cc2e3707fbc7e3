import { expectErrorShape, expectNoSecrets, expectRefusal } from './support/answers.js';
import { type NumericField, type OpenApi, PostRoute } from './support/document.js';
import { Subject } from './support/subject.js';

const subject = await Subject.start();
afterAll(() => subject.server.stop());
const { body: json } = await subject.send({ method: 'GET', path: '/openapi.json' });
const document = JSON.parse(json) as OpenApi;

/** As they stand in the body: some are no numbers that JavaScript has. */
const VALUES = ['-1', '0.5', '1e400', '-1e400', '9007199254740993', '"abc"', '"1e999"', 'null', 'true', '[]', '{}'];

/** Whether the document allows it; what goes together, and what the model allows, may be narrower. */
function isAllowed(value: string, { whole, nullable, least, most }: NumericField): boolean {
  if (value === 'null') return nullable;
  const number = JSON.parse(value) as unknown;
  if (typeof number !== 'number' || !Number.isFinite(number)) return false;
  return number >= least && number <= most && (!whole || Number.isSafeInteger(number));
}

/** A body as text, with a value put in just as it is written. */
function bodyWith(body: object, place: readonly string[], value: string): string {
  const change: unknown = place.reduceRight<unknown>((inner, name) => ({ [name]: inner }), '@@');
  const [name] = place;
  const old = (body as Record<string, unknown>)[name];
  const part = (change as Record<string, unknown>)[name];
  // A budget is one of thoughts that are asked for.
  const needed = name === 'thinking' ? { type: 'enabled' } : {};
  const merged = typeof part === 'object' ? { ...needed, ...(old as object | undefined), ...part } : part;
  return JSON.stringify({ ...body, [name]: merged }).replace('"@@"', value);
}

const cases = PostRoute.all(document).flatMap((route) =>
  route.numbers.flatMap((field) =>
    VALUES.map((value) => ({ route, field, value, path: route.path, name: field.place.join('.') })),
  ),
);

describe('numbers that make no sense', () => {
  it('are tried for every number of every route', () => expect(cases.length).toBeGreaterThan(300));

  it.each(cases)('POST $path with $name = $value', async ({ route, field, value }) => {
    const answer = await subject.send({ path: route.path, body: bodyWith(route.body, field.place, value) });
    if (!isAllowed(value, field)) {
      expectRefusal(answer, route, { names: field.place.at(-1) });
    } else {
      expect(answer.status).toBeLessThan(500);
      if (answer.status !== 200) expectErrorShape(answer, route);
    }
    expectNoSecrets(answer.body);
    await subject.isUnharmed();
  });
});
