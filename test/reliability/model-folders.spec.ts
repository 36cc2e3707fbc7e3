import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../src/engine/index.js';
import { answer, loadEngine } from '../support/engine.js';
import { editJson, fixture, readJson, TemporaryFolders } from '../support/folders.js';
import { readTensors, type Tensor, writeTensors } from '../support/safetensors.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const WEIGHTS = 'model.safetensors';

/** A copy of the llama fixture, in a folder with a neighbour that is none of its business. */
function damaged(damage: (folder: string, outside: string) => void): string {
  const parent = folders.create();
  const [folder, outside] = [join(parent, 'model'), join(parent, 'secret')];
  cpSync(fixture('llama'), folder, { recursive: true });
  cpSync(fixture('llama'), outside, { recursive: true });
  damage(folder, outside);
  return folder;
}

function link(folder: string, name: string, target: string): void {
  rmSync(join(folder, name), { force: true });
  symlinkSync(target, join(folder, name));
}

function header(folder: string, json: string | Buffer, claimed = BigInt(json.length), data = 0): void {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed);
  const path = join(folder, WEIGHTS);
  writeFileSync(path, Buffer.concat([length, Buffer.from(json)]));
  truncateSync(path, 8 + json.length + data);
}

const config = (changes: Record<string, unknown>) => (folder: string) => editJson(join(folder, 'config.json'), changes);

const cases: Readonly<Record<string, (folder: string, outside: string) => void>> = {
  'weights that are a link out of the folder': (folder, outside) => link(folder, WEIGHTS, join(outside, WEIGHTS)),
  'weights that are a relative link out of it': (folder) => link(folder, WEIGHTS, `../secret/${WEIGHTS}`),
  'weights that are a link to a device': (folder) => link(folder, WEIGHTS, '/dev/zero'),
  'weights behind links in a row': (folder, outside) => {
    symlinkSync(outside, join(folder, 'in'));
    link(folder, WEIGHTS, `in/${WEIGHTS}`);
  },
  'a configuration that is a link out of it': (folder) => link(folder, 'config.json', '/etc/passwd'),
  'a tokenizer that is a link out of it': (folder, outside) =>
    link(folder, 'tokenizer.json', join(outside, 'tokenizer.json')),
  'a template that is a link out of it': (folder) => link(folder, 'chat_template.jinja', '/etc/passwd'),
  'settings that are a link out of it': (folder) => link(folder, 'generation_config.json', '/etc/passwd'),
  'a link in a circle': (folder) => link(folder, 'config.json', 'config.json'),
  'a template that is a pipe': (folder) => {
    rmSync(join(folder, 'chat_template.jinja'));
    execFileSync('mkfifo', [join(folder, 'chat_template.jinja')]);
  },
  'weights that are a pipe': (folder) => {
    rmSync(join(folder, WEIGHTS));
    execFileSync('mkfifo', [join(folder, WEIGHTS)]);
  },
  'a configuration that is a folder': (folder) => {
    rmSync(join(folder, 'config.json'));
    mkdirSync(join(folder, 'config.json'));
  },
  'an index that leads out of it': (folder) => {
    rmSync(join(folder, WEIGHTS));
    const index = { weight_map: { 'model.norm.weight': `../secret/${WEIGHTS}` } };
    writeFileSync(join(folder, `${WEIGHTS}.index.json`), JSON.stringify(index));
  },
  'a tokenizer of a terabyte': (folder) => truncateSync(join(folder, 'tokenizer.json'), 2 ** 40),
  'a header that claims to be huge': (folder) => header(folder, '{}', 2n ** 63n),
  'a header that claims 100 GB, in a file that has them': (folder) => header(folder, '{}', 100n * 10n ** 9n, 101e9),
  'a header of spaces': (folder) => header(folder, Buffer.alloc(50_000_000, ' ')),
  'a header 100,000 deep': (folder) => header(folder, '['.repeat(100_000) + ']'.repeat(100_000)),
  'a header of a million tensors': (folder) => {
    const entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
    header(folder, `{${Array.from({ length: 1_000_000 }, (_, i) => `"t${i}":${entry}`).join()}}`);
  },
  'tensors that overlap': (folder) => {
    const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
    header(folder, JSON.stringify({ a: entry, b: entry }), undefined, 8);
  },
  'a shape beyond all numbers': (folder) => {
    const entry = { dtype: 'F32', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 8] };
    header(folder, JSON.stringify({ 'model.embed_tokens.weight': entry }), undefined, 8);
  },
  'a billion layers': config({ num_hidden_layers: 1e9 }),
  'a hundred million layers': config({ num_hidden_layers: 1e8 }),
  'layers that are no number': config({ num_hidden_layers: '1e9' }),
  'no heads': config({ num_attention_heads: 0 }),
  'heads without a size': config({ head_dim: 0 }),
  'heads of an absurd size': config({ head_dim: 2 ** 53 }),
  'more heads for keys than for queries': config({ num_key_value_heads: 1000 }),
  'an absurd hidden size': config({ hidden_size: 2 ** 40 }),
  'a vocabulary of nothing': config({ vocab_size: 0 }),
  'a vocabulary that is not that of the weights': config({ vocab_size: 10 }),
  'a vocabulary of billions': config({ vocab_size: 2 ** 40 }),
  'an epsilon that is none': config({ rms_norm_eps: 'x' }),
};

describe('a hostile model folder ends the load with a clear error, in time and memory that are bounded:', () => {
  it.each(Object.entries(cases))('%s', async (_, damage) => {
    const folder = damaged(damage);
    const [started, before] = [performance.now(), process.memoryUsage.rss()];
    const error: unknown = await loadEngine(folder).then(
      (engine) => engine.dispose(),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(EngineError);
    const { code, message } = error as EngineError;
    expect({ code, message }).toEqual({
      code: expect.stringMatching(/^model_(invalid|unsupported)$/) as string,
      message,
    });
    expect(message).not.toMatch(/root:|[\r\n]/);
    expect(message.length).toBeLessThan(1_000);
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 * 2 ** 30);
  });
});

it('a link that stays in the folder is followed', async () => {
  const folder = damaged((model) => {
    renameSync(join(model, WEIGHTS), join(model, 'weights'));
    link(model, WEIGHTS, 'weights');
  });
  await (await loadEngine(folder)).dispose();
});

describe('weights that are no numbers', () => {
  it.each([
    ['NaN', NaN],
    ['infinity', Infinity],
  ])('end the answer with an error: %s', async (_, value) => {
    const folder = folders.copyOf(fixture('llama'));
    const spoil = ({ dtype, shape, data }: Tensor): Tensor => {
      const spoiled = Buffer.alloc(data.length);
      for (let i = 0; i < data.length; i += 4) spoiled.writeFloatLE(value, i);
      return { dtype, shape, data: spoiled };
    };
    const tensors = [...readTensors(folder)].map(
      ([name, tensor]) => [name, name === 'model.norm.weight' ? spoil(tensor) : tensor] as const,
    );
    expect(tensors.find(([name]) => name === 'model.norm.weight')?.[1].dtype).toBe('F32');
    writeTensors(join(folder, WEIGHTS), tensors);
    const engine = await loadEngine(folder);
    try {
      const request = { prompt: { kind: 'text', text: 'Hello' }, maxNewTokens: 3 } as const;
      for (let i = 0; i < 2; i++) {
        await expect(answer(engine, request)).rejects.toMatchObject({ code: 'runtime_failed' });
      }
    } finally {
      await engine.dispose();
    }
  });
});

describe('a tokenizer with more tokens than the network', () => {
  it('gets a clear error for a token that the network does not have', async () => {
    const folder = folders.copyOf(fixture('llama'));
    const tokenizer = readJson(join(folder, 'tokenizer.json')) as { added_tokens: { id: number; content: string }[] };
    tokenizer.added_tokens.push({ ...tokenizer.added_tokens[0], id: 5_000, content: '<|beyond|>' });
    editJson(join(folder, 'tokenizer.json'), tokenizer);
    expect(readFileSync(join(folder, 'tokenizer.json'), 'utf8')).toContain('<|beyond|>');
    const engine = await loadEngine(folder);
    try {
      const request = { prompt: { kind: 'text', text: 'a <|beyond|>' }, maxNewTokens: 3 } as const;
      await expect(answer(engine, request)).rejects.toMatchObject({ code: 'request_invalid' });
    } finally {
      await engine.dispose();
    }
  });
});
