/** Bugs that there were: each of these failed before its fix. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDecoderSpec } from '../../../src/engine/graph/architectures/index.js';
import { ProtobufMessage } from '../../../src/engine/graph/protobuf.js';
import { readRope } from '../../../src/engine/graph/rope.js';
import { ConfigReader } from '../../../src/engine/model/config-reader.js';
import { readJsonObject } from '../../../src/engine/model/json.js';
import { Random } from '../../../src/engine/sampling/random.js';
import { type Decode, WindowDetokenizer } from '../../../src/engine/tokens/window-detokenizer.js';
import { Sampler } from '../../../src/engine/sampling/sampler.js';
import { DEFAULT_SAMPLING } from '../../../src/engine/sampling/sampling-parameters.js';
import { StopStrings } from '../../../src/engine/tokens/stop-strings.js';
import { Tokenizer } from '../../../src/engine/tokens/tokenizer.js';
import { openCheckpoint } from '../../../src/engine/weights/checkpoint.js';
import { readSafetensorsHeader } from '../../../src/engine/weights/safetensors.js';
import { fixture, TemporaryFolders } from '../../support/folders.js';
import { bytesOf, decodeBytes } from './support/byte-decoder.js';
import { engineErrorOf } from './support/engine-error.js';
import { safetensors } from './support/safetensors-file.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

function piecesOf(ids: readonly number[], decode: Decode): string {
  const detokenizer = new WindowDetokenizer(decode);
  return [...ids.map((id) => detokenizer.push(id)), detokenizer.flush()].join('');
}

describe('tokens/window-detokenizer.ts', () => {
  it('keeps the space after a special token, under a decoder that drops the first', () => {
    const tokenizer = Tokenizer.load(fixture('mistral'));
    const [special] = tokenizer.specialIds;
    const ids = [...tokenizer.encode('Hello', false), special, ...tokenizer.encode('world', false)];
    const decode: Decode = (some) => tokenizer.decode(some);
    expect(piecesOf(ids, decode)).toBe(decode(ids));
  });

  it('loses no character that begins where 64 tokens of garbage are given out', () => {
    const ids = [...new Array<number>(63).fill(0xff), ...bytesOf('é')];
    expect(piecesOf(ids, decodeBytes)).toBe(decodeBytes(ids));
  });
});

describe('tokens/stop-strings.ts', () => {
  it.each([
    ['one within another', ['bcd', 'c'], ['abc', 'd']],
    ['one that begins another', ['ab', 'abc'], ['xab', 'c']],
  ])('ends a text as it does at once, with stop strings of %s', (_, stops, pieces) => {
    const watcher = new StopStrings(stops);
    let emitted = '';
    let found: string | undefined;
    for (const piece of pieces) {
      const { text, stop } = watcher.push(piece);
      emitted += text;
      found = stop;
      if (found !== undefined) break;
    }
    expect({ text: emitted, stop: found }).toEqual(new StopStrings(stops).push(pieces.join('')));
  });
});

describe('graph/protobuf.ts', () => {
  it('takes in a message of any number of fields', () => {
    // What the graph of about 120 layers has.
    const inner = new ProtobufMessage();
    for (let i = 0; i < 100_000; i++) inner.int(1, 0);
    expect(new ProtobufMessage().message(7, inner).finish().byteLength).toBe(1 + 3 + 200_000);
  });
});

describe('graph/rope.ts', () => {
  it('refuses a partial rotary factor where transformers 5 writes it', () => {
    const config = { rope_parameters: { rope_type: 'default', rope_theta: 10_000, partial_rotary_factor: 0.5 } };
    expect(engineErrorOf(() => readRope(new ConfigReader(config))).code).toBe('model_unsupported');
  });
});

describe('graph/architectures/llama.ts', () => {
  it('refuses an impossible number of layers as a fault of config.json', () => {
    const config = {
      architectures: ['LlamaForCausalLM'],
      hidden_size: 64,
      intermediate_size: 176,
      num_attention_heads: 4,
      num_hidden_layers: 2 ** 40,
      vocab_size: 512,
    };
    expect(engineErrorOf(() => readDecoderSpec(config)).message).toContain('num_hidden_layers');
  });
});

describe('weights/safetensors.ts', () => {
  it('refuses a folder in place of the file', () => {
    const folder = folders.create();
    const { code, message } = engineErrorOf(() => readSafetensorsHeader(folder, 'model.safetensors'));
    expect(code).toBe('model_invalid');
    expect(message).toMatch(/^model\.safetensors: /);
  });

  it('says what is wrong in one line, whatever a tensor is called', () => {
    const path = join(folders.create(), 'file');
    writeFileSync(path, safetensors({ 'a\nFATAL: b': { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }, 4));
    expect(engineErrorOf(() => readSafetensorsHeader(path, 'model.safetensors')).message).not.toMatch(/[\r\n]/);
  });

  it('says what is wrong in few words, whatever a shape is', () => {
    const path = join(folders.create(), 'file');
    const shape = new Array<number>(100_000).fill(1);
    writeFileSync(path, safetensors({ a: { dtype: 'F32', shape, data_offsets: [0, 8] } }, 8));
    expect(engineErrorOf(() => readSafetensorsHeader(path, 'model.safetensors')).message.length).toBeLessThan(1_000);
  });
});

describe('weights/checkpoint.ts', () => {
  it.each([
    ['a link that leads nowhere', (path: string) => symlinkSync('../../blobs/none', path)],
    ['a folder', (path: string) => mkdirSync(path)],
  ])('says that model.safetensors is %s, not that its index is missing', (_, make) => {
    const folder = folders.create();
    make(join(folder, 'model.safetensors'));
    const { code, message } = engineErrorOf(() => openCheckpoint(folder));
    expect(code).toBe('model_invalid');
    expect(message).not.toContain('index.json');
  });

  it('refuses a folder that does not exist', () => {
    expect(engineErrorOf(() => openCheckpoint(join(folders.create(), 'none'))).code).toBe('model_invalid');
  });

  it('says what is wrong in one line, whatever the index lists', () => {
    const folder = folders.create();
    const index = { weight_map: { 'a\nFATAL: b': '../x' } };
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
    expect(engineErrorOf(() => openCheckpoint(folder)).message).not.toMatch(/[\r\n]/);
  });
});

describe('model/json.ts', () => {
  it('says what is wrong in one line, though the parser quotes the file', () => {
    const path = join(folders.create(), 'config.json');
    writeFileSync(path, '{\n  "a": x\n}');
    expect(engineErrorOf(() => readJsonObject(path)).message).not.toMatch(/[\r\n]/);
  });
});

describe('sampling/random.ts', () => {
  it('uses all 53 bits of a seed', () => {
    // The two halves of a seed are folded into one word, so each seed shares its sequence with two million others.
    const first = (seed: number): number => new Random(seed).next();
    expect(first(2 ** 32)).not.toBe(first(0x9e3779b1));
  });
});

describe('sampling/sampler.ts', () => {
  it.each([
    ['a penalty that overflows', { repetitionPenalty: 5e-324, minP: 0.5 }],
    ['a penalty that overflows within a nucleus', { repetitionPenalty: 1e-320, topP: 0.5 }],
    ['a penalty that leaves nothing above 0', { repetitionPenalty: 1e300, logitBias: new Map([[0, -100]]) }],
    ['a temperature that overflows', { temperature: 5e-324, minP: 0.5, topP: 0.5 }],
    ['a temperature beyond all bounds', { temperature: 1e308, topP: 0.5 }],
  ])('always gives a token, whatever it is asked: with %s', (_, parameters) => {
    const sampler = new Sampler({ ...DEFAULT_SAMPLING, doSample: true, ...parameters }, [0, 1, 2], 1);
    expect([0, 1, 2]).toContain(sampler.next(Float32Array.of(1, 2, 3)));
  });
});
