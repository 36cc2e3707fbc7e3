import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PieceDetokenizer } from '../../../src/engine/tokens/piece-detokenizer.js';
import { readPieceRules } from '../../../src/engine/tokens/token-pieces.js';
import { Tokenizer } from '../../../src/engine/tokens/tokenizer.js';
import { WindowDetokenizer } from '../../../src/engine/tokens/window-detokenizer.js';
import { DEMO_MODEL, editJson, FIXTURES, fixture, TemporaryFolders } from '../../support/folders.js';
import { Seeded } from './support/seeded.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

/** How many ids a tokenizer has, and some more that it has not. */
function idRange(folder: string): number {
  const { model, added_tokens: added } = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')) as {
    model: { vocab: Record<string, number> };
    added_tokens: { id: number }[];
  };
  return Math.max(...Object.values(model.vocab), ...added.map(({ id }) => id)) + 8;
}

function piecesOf(tokenizer: Tokenizer, ids: readonly number[], skipSpecialTokens: boolean): string[] {
  const detokenizer = tokenizer.detokenizer(skipSpecialTokens);
  return [...ids.map((id) => detokenizer.push(id)), detokenizer.flush()];
}

/** Tokens whose bytes are no whole characters: what random ids must hit to be a test of anything. */
function brokenIds(tokenizer: Tokenizer, count: number): number[] {
  return [...Array(count).keys()].filter((id) => tokenizer.decode([id]).includes('\uFFFD'));
}

describe.each([...FIXTURES, 'demo'] as const)('text of the %s tokenizer', (name) => {
  const folder = name === 'demo' ? DEMO_MODEL : fixture(name);
  const tokenizer = Tokenizer.load(folder);
  const count = idRange(folder);
  const broken = name === 'mistral' ? tokenizer.encode('𝄞\uFFFD\uFEFFé日', false) : brokenIds(tokenizer, count);
  const special = [...tokenizer.specialIds];
  const [before] = tokenizer.encode('a', false).slice(-1);

  it('needs no window', () => {
    expect(tokenizer.detokenizer(true)).toBeInstanceOf(PieceDetokenizer);
  });

  it.each([
    ['of any tokens', true, 0, 31],
    ['of any tokens, special ones shown', false, 0, 32],
    ['of bytes that are mostly no characters', true, 0.8, 33],
    ['of bytes that are mostly no characters, special tokens shown', false, 0.8, 34],
  ])('%s is what the library makes of the whole', (_, skipSpecialTokens, garbage, seed) => {
    const random = new Seeded(seed);
    let replaced = 0;
    for (let round = 0; round < 300; round++) {
      const ids = random.list(random.integer(0, 40), () => {
        if (random.chance(garbage)) return random.pick(broken);
        return random.chance(0.05) ? random.pick(special) : random.integer(0, count);
      });
      const whole = tokenizer.decode(ids, skipSpecialTokens);
      expect(piecesOf(tokenizer, ids, skipSpecialTokens).join('')).toBe(whole);
      if (whole.includes('\uFFFD')) replaced++;
    }
    expect(replaced).toBeGreaterThan(garbage > 0 ? 30 : 0);
  });

  it('is made of the bytes that each token says', () => {
    for (let id = 0; id < count; id++) {
      const text = Buffer.from(tokenizer.bytesOf(id)).toString();
      // Behind another token, since a tokenizer may drop a space in front.
      expect([id, text]).toEqual([id, tokenizer.decode([before, id], false).slice(tokenizer.decode([before]).length)]);
    }
  });

  it('comes in pieces that hold no half characters and are never taken back', () => {
    const random = new Seeded(35);
    const characters = ['a', ' ', ' the', 'é', '€', '日本', '😀', '𝄞', '\uFEFF', '\n', '▁'];
    for (let round = 0; round < 100; round++) {
      const ids = tokenizer.encode(random.list(random.integer(0, 30), () => random.pick(characters)).join(''), false);
      const pieces = piecesOf(tokenizer, ids, true);
      const whole = tokenizer.decode(ids);
      expect(pieces.join('')).toBe(whole);
      if (whole.includes('\uFFFD')) continue;
      for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}|\uFFFD/u);
    }
  });
});

describe('a character over several tokens', () => {
  /** The pieces of a decoder of type ByteFallback. */
  function piecesOfBytes(...tokens: readonly string[]): string[] {
    const { decoder } = JSON.parse(readFileSync(join(fixture('mistral'), 'tokenizer.json'), 'utf8')) as {
      decoder: unknown;
    };
    const rules = readPieceRules(decoder, new Set());
    if (!rules) throw new Error('the decoder has no rules');
    const detokenizer = new PieceDetokenizer({ ...rules, pieceOf: (id) => rules.pieceOf(tokens[id]) });
    return [...tokens.map((_, id) => detokenizer.push(id)), detokenizer.flush()];
  }

  it('comes with the token that completes it', () => {
    expect(piecesOfBytes('▁a', '<0xE2>', '<0x82>', '<0xAC>', '▁b')).toEqual(['a', '', '', '€', ' b', '']);
  });

  it('that never completes is U+FFFD before the text that follows, or at the end', () => {
    expect(piecesOfBytes('<0xE2>', '<0x82>', 'b')).toEqual(['', '', '\uFFFDb', '']);
    expect(piecesOfBytes('b', '<0xE2>', '<0x82>')).toEqual(['b', '', '', '\uFFFD']);
  });

  it('is shown at once when it cannot be one', () => {
    expect(piecesOfBytes('<0xFF>', 'b').join('')).toBe('\uFFFDb');
    expect(piecesOfBytes('<0x80>', 'b')).toEqual(['\uFFFD', 'b', '']);
  });

  it('may be a byte order mark, which the library drops at the beginning of bytes and nowhere else', () => {
    const mark = ['<0xEF>', '<0xBB>', '<0xBF>'];
    expect(piecesOfBytes(...mark, '<0x41>', ...mark, 'b', ...mark, 'c').join('')).toBe('A\uFEFFbc');
  });
});

describe('endless bytes that are no characters', () => {
  it('are given out as they come', () => {
    const tokenizer = Tokenizer.load(fixture('mistral'));
    const byte = tokenizer.idOf('<0xFF>') as number;
    const detokenizer = tokenizer.detokenizer(true);
    let text = '';
    for (let i = 0; i < 1_000; i++) {
      text += detokenizer.push(byte);
      expect(text.length).toBeGreaterThan(i - 4);
    }
    expect(text + detokenizer.flush()).toBe('\uFFFD'.repeat(1_000));
  });
});

describe('a decoder that does more than put pieces together', () => {
  function withDecoder(decoder: unknown): Tokenizer {
    const folder = folders.copyOf(fixture('mistral'));
    editJson(join(folder, 'tokenizer.json'), { decoder });
    return Tokenizer.load(folder);
  }
  const REPLACE = { type: 'Replace', pattern: { String: '▁' }, content: ' ' };
  const STRIP = { type: 'Strip', content: ' ', start: 1, stop: 0 };
  const sequence = (...decoders: unknown[]): unknown => ({ type: 'Sequence', decoders });

  it.each([
    ['Metaspace', { type: 'Metaspace', replacement: '▁', add_prefix_space: true }],
    ['WordPiece', { type: 'WordPiece', prefix: '##', cleanup: false }],
    ['another strip', sequence(REPLACE, { type: 'ByteFallback' }, { type: 'Fuse' }, { ...STRIP, start: 2 })],
    ['a strip at the end', sequence(REPLACE, { type: 'ByteFallback' }, { type: 'Fuse' }, { ...STRIP, stop: 1 })],
    ['a replacement by something else', sequence({ ...REPLACE, content: '_' }, { type: 'ByteFallback' })],
    ['another order', sequence({ type: 'ByteFallback' }, REPLACE, { type: 'Fuse' }, STRIP)],
    ['one more decoder', sequence(REPLACE, { type: 'ByteFallback' }, { type: 'Fuse' }, STRIP, REPLACE)],
  ])('gets a window: %s', (_, decoder) => {
    const tokenizer = withDecoder(decoder);
    expect(tokenizer.detokenizer(true)).toBeInstanceOf(WindowDetokenizer);
    const ids = tokenizer.encode('Hello world', false);
    expect(piecesOf(tokenizer, ids, true).join('')).toBe(tokenizer.decode(ids));
    for (const id of ids) expect(Buffer.from(tokenizer.bytesOf(id)).toString()).toBe(tokenizer.decode([id]));
  });

  it('is not one without a strip, as Gemma has it', () => {
    const tokenizer = withDecoder(sequence(REPLACE, { type: 'ByteFallback' }, { type: 'Fuse' }));
    expect(tokenizer.detokenizer(true)).toBeInstanceOf(PieceDetokenizer);
    const ids = tokenizer.encode('Hello world', false);
    expect(piecesOf(tokenizer, ids, true).join('')).toBe(tokenizer.decode(ids));
  });

  it('is one whose words end with a suffix', () => {
    const folder = folders.copyOf(fixture('llama'));
    const path = join(folder, 'tokenizer.json');
    const json = JSON.parse(readFileSync(path, 'utf8')) as { model: object };
    writeFileSync(path, JSON.stringify({ ...json, model: { ...json.model, end_of_word_suffix: '</w>' } }));
    expect(Tokenizer.load(folder).detokenizer(true)).toBeInstanceOf(WindowDetokenizer);
  });
});
