import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { EngineError } from '../../src/engine/errors.js';
import { readDecoderSpec } from '../../src/engine/graph/architectures/index.js';
import { readGenerationDefaults } from '../../src/engine/model/generation-config.js';
import { PromptEncoder } from '../../src/engine/tokens/prompt-encoder.js';
import { readSafetensorsHeader } from '../../src/engine/weights/safetensors.js';
import { fixture, readJson, TemporaryFolders } from '../support/folders.js';
import { type OpenApi, PostRoute } from './support/document.js';
import { Subject } from './support/subject.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

/** It does what it does or ends with an error that says why: nothing else, and in time. */
function isTold(action: () => unknown): void {
  const started = performance.now();
  try {
    action();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    expect(error.message).not.toMatch(/[\r\n]/);
  }
  expect(performance.now() - started).toBeLessThan(10_000);
}

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(-1, 0.5, 1e9, 2 ** 53, 1e308, '', null, [], {}, 'SmolLM3ForCausalLM', ['LlamaForCausalLM']),
  fc.integer({ min: -10, max: 100_000 }),
);

/** An object with some of its fields, of its own or made up, replaced. */
const changed = (object: unknown) => {
  const names = Object.keys(object as object);
  const name = fc.oneof(fc.constantFrom(...names), fc.string());
  return fc.dictionary(name, odd, { maxKeys: 4 }).map((changes) => ({ ...(object as object), ...changes }));
};

describe('model folders of any kind', () => {
  const folder = folders.copyOf(fixture('llama'));
  const json = (name: string): unknown => readJson(join(fixture('llama'), name));
  const write = (name: string, content: unknown) => writeFileSync(join(folder, name), JSON.stringify(content));

  it('have a header that is read or refused', () => {
    const path = join(folder, 'x.safetensors');
    const entry = fc.record(
      {
        dtype: fc.constantFrom<unknown>('F32', 'BF16', 'I64', 'X', null, 3),
        shape: fc.oneof(fc.array(fc.oneof(fc.nat(8), fc.double(), fc.constant(2 ** 52)), { maxLength: 5 }), odd),
        data_offsets: fc.oneof(fc.tuple(fc.nat(64), fc.nat(64)), odd),
      },
      { requiredKeys: [] },
    );
    const header = fc.dictionary(fc.string(), fc.oneof(entry, odd), { maxKeys: 5 });
    const bytes = fc.oneof(
      header.map((value) => Buffer.from(JSON.stringify(value))),
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
    );
    const claimed = fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { freq: 4 });
    fc.assert(
      fc.property(bytes, claimed, fc.nat(64), (json, claim, data) => {
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(claim ?? BigInt(json.length));
        writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(data)]));
        isTold(() => readSafetensorsHeader(path, 'x.safetensors'));
      }),
      { numRuns: 1000 },
    );
  });

  it('have a configuration that is read or refused', () => {
    fc.assert(
      fc.property(changed(json('config.json')), (config) => isTold(() => readDecoderSpec(config))),
      { numRuns: 1000 },
    );
  });

  it('have settings that are read or refused', () => {
    fc.assert(
      fc.property(changed(json('generation_config.json')), changed(json('config.json')), (settings, config) => {
        write('generation_config.json', settings);
        isTold(() => readGenerationDefaults(folder, config));
      }),
      { numRuns: 300 },
    );
  });

  it('have a tokenizer and a template that work or are refused', () => {
    const piece = fc.constantFrom(
      '{{',
      '}}',
      '{%',
      '%}',
      ' if ',
      ' for x in ',
      'messages',
      '[0]',
      '.content',
      '|trim',
      "'a'",
      ' endif ',
      ' endfor ',
      'range(9)',
      '(',
      ')',
      '{#',
      'x',
      '\n',
      '.__proto__',
      '.constructor',
      "['constructor']",
    );
    const template = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
      odd,
    );
    fc.assert(
      fc.property(
        changed(json('tokenizer.json')),
        changed(json('tokenizer_config.json')),
        template,
        (tokenizer, config, chat) => {
          write('tokenizer.json', tokenizer);
          write('tokenizer_config.json', config);
          writeFileSync(join(folder, 'chat_template.jinja'), typeof chat === 'string' ? chat : JSON.stringify(chat));
          isTold(() =>
            PromptEncoder.load(folder).encode({
              kind: 'chat',
              messages: [{ role: 'user', content: 'hi' }],
              addGenerationPrompt: true,
            }),
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('request bodies of any kind', () => {
  it('are answered or refused, and never break anything', async () => {
    const subject = await Subject.start();
    try {
      const { body } = await subject.send({ method: 'GET', path: '/openapi.json' });
      const routes = PostRoute.all(JSON.parse(body) as OpenApi);
      const request = fc.constantFrom(...routes).chain((route) => {
        const cheap = { max_new_tokens: 1, max_tokens: 1 };
        return fc
          .oneof(changed({ ...route.body, ...cheap }), odd)
          .map((value) => ({ path: route.path, body: JSON.stringify(value) }));
      });
      await fc.assert(
        fc.asyncProperty(request, async ({ path, body }) => {
          const answer = await subject.send({ path, body });
          expect(answer.status).toBeGreaterThanOrEqual(200);
          expect(answer.status).toBeLessThan(500);
        }),
        { numRuns: 300 },
      );
      await subject.isUnharmed();
    } finally {
      await subject.server.stop();
    }
  });
});
