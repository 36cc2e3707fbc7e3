import { type Decode, WindowDetokenizer } from '../../../src/engine/tokens/window-detokenizer.js';
import { byteLevelDecode, bytesOf, decodeBytes } from './support/byte-decoder.js';
import { Seeded } from './support/seeded.js';

/** The pieces that tokens become: one for each, and the rest. */
function piecesOf(ids: readonly number[], decode: Decode): string[] {
  const detokenizer = new WindowDetokenizer(decode);
  return [...ids.map((id) => detokenizer.push(id)), detokenizer.flush()];
}

function range(length: number): number[] {
  return [...Array(length).keys()];
}

/** A decoder that turns ▁ into a space, except in front of the whole, as Llama's and Mistral's do. */
function metaspaceDecode(vocabulary: readonly string[]): Decode {
  return (ids) =>
    ids
      .map((id) => vocabulary[id])
      .join('')
      .replaceAll('▁', ' ')
      .replace(/^ /, '');
}

describe('text from tokens', () => {
  it('comes at once when tokens end with a character', () => {
    expect(piecesOf(bytesOf('abc'), decodeBytes)).toEqual(['a', 'b', 'c', '']);
  });

  it.each([
    ['é', ['', 'é', '']],
    ['€', ['', '', '€', '']],
    ['😀', ['', '', '', '😀', '']],
  ])('waits for the last byte of %s', (character, pieces) => {
    expect(piecesOf(bytesOf(character), decodeBytes)).toEqual(pieces);
  });

  it('comes without the half of a character that a token ends with', () => {
    const [first, second] = bytesOf('é');
    const decode = byteLevelDecode([
      [97, first],
      [second, 98, first],
      [second, 99],
    ]);
    expect(piecesOf([0, 1, 2], decode)).toEqual(['a', 'éb', 'éc', '']);
  });

  it('holds an emoji of four tokens between words back until it is whole', () => {
    expect(piecesOf(bytesOf('a😀b'), decodeBytes)).toEqual(['a', '', '', '', '😀', 'b', '']);
  });

  it('gives each character with the token that completes it', () => {
    const text = 'aé€😀 ü日本𝄞!';
    const bytes = bytesOf(text);
    const detokenizer = new WindowDetokenizer(decodeBytes);
    let emitted = '';
    bytes.forEach((byte, i) => {
      emitted += detokenizer.push(byte);
      const complete = bytes.slice(0, i + 1);
      expect(emitted).toBe(decodeBytes(complete).replace(/\uFFFD+$/, ''));
    });
    expect(emitted).toBe(text);
  });

  it('shows a character that never completes as U+FFFD, at the end', () => {
    expect(piecesOf([97, 0xe2, 0x82], decodeBytes)).toEqual(['a', '', '', '\uFFFD']);
  });

  it('shows invalid bytes as U+FFFD once something follows', () => {
    expect(piecesOf([97, 0xff, 98], decodeBytes)).toEqual(['a', '', '\uFFFDb', '']);
  });

  it('shows the half of a character as U+FFFD once something else follows', () => {
    expect(piecesOf([0xf0, 0x9f, 0x98, 97], decodeBytes)).toEqual(['', '', '', '\uFFFDa', '']);
  });

  it('keeps a U+FFFD that the model wrote itself', () => {
    expect(piecesOf(bytesOf('a\uFFFDb'), decodeBytes).join('')).toBe('a\uFFFDb');
    expect(piecesOf(bytesOf('a\uFFFD'), decodeBytes).join('')).toBe('a\uFFFD');
  });

  it('is nothing for tokens without text', () => {
    expect(piecesOf([0, 1, 0], byteLevelDecode([[], [97]]))).toEqual(['', 'a', '', '']);
  });

  it('is nothing at all without tokens', () => {
    expect(piecesOf([], decodeBytes)).toEqual(['']);
  });

  it('keeps the space between words of a decoder that drops the first', () => {
    const decode = metaspaceDecode(['▁Hello', '▁wor', 'ld', '▁', '!']);
    expect(piecesOf([0, 1, 2, 3, 3, 1, 4], decode)).toEqual(['Hello', ' wor', 'ld', ' ', ' ', ' wor', '!', '']);
  });

  it('keeps the space after a lone space at the beginning, of a decoder that drops the first', () => {
    const decode = metaspaceDecode(['▁', '▁a']);
    expect(piecesOf([0, 1], decode).join('')).toBe(' a');
  });
});

describe('the pieces of a text, together', () => {
  /** Bytes that are mostly text, with garbage among them. */
  function randomBytes(random: Seeded, garbage: number): number[] {
    const characters = ['a', ' ', 'é', 'ß', '€', '日', '😀', '𝄞', '\uFFFD', '\uFEFF', '\n'];
    return random
      .list(random.integer(0, 60), () =>
        random.chance(garbage) ? [random.integer(0, 255)] : bytesOf(random.pick(characters)),
      )
      .flat();
  }

  it.each([
    ['valid', 0, 11],
    ['broken here and there', 0.1, 12],
    ['mostly garbage', 0.9, 13],
  ])('are the text of the whole when that is %s, however its bytes are split into tokens', (_, garbage, seed) => {
    const random = new Seeded(seed);
    for (let round = 0; round < 500; round++) {
      const vocabulary = random.split(randomBytes(random, garbage), 1, random.pick([1, 2, 3, 7]));
      const decode = byteLevelDecode(vocabulary);
      const ids = range(vocabulary.length);
      expect(piecesOf(ids, decode).join('')).toBe(decode(ids));
    }
  });

  it('never hold half a character, and never take anything back', () => {
    const random = new Seeded(14);
    for (let round = 0; round < 300; round++) {
      const vocabulary = random.split(randomBytes(random, 0), 1, 3);
      const decode = byteLevelDecode(vocabulary);
      const ids = range(vocabulary.length);
      const whole = decode(ids);
      let emitted = '';
      for (const piece of piecesOf(ids, decode)) {
        emitted += piece;
        expect(whole.startsWith(emitted)).toBe(true);
        // Neither half a surrogate pair.
        expect(piece).not.toMatch(/\p{Surrogate}/u);
      }
    }
  });

  it('are the text of the whole with tokens among them that have no text', () => {
    const random = new Seeded(15);
    for (let round = 0; round < 200; round++) {
      const vocabulary = random
        .split(randomBytes(random, 0.2), 1, 3)
        .flatMap((bytes) => (random.chance(0.3) ? [[], bytes] : [bytes]));
      const decode = byteLevelDecode(vocabulary);
      const ids = range(vocabulary.length);
      expect(piecesOf(ids, decode).join('')).toBe(decode(ids));
    }
  });

  it('are the text of the whole under a decoder that drops the first space', () => {
    const random = new Seeded(16);
    const tokens = ['▁', '▁a', 'b', '▁▁', 'c▁', '😀', '▁d'];
    const decode = metaspaceDecode(tokens);
    for (let round = 0; round < 500; round++) {
      const ids = random.list(random.integer(0, 30), () => random.integer(0, tokens.length - 1));
      expect(piecesOf(ids, decode).join('')).toBe(decode(ids));
    }
  });
});

describe('endless invalid bytes', () => {
  /** How many ids `decode` was given in all while so many invalid tokens came. */
  function workFor(tokens: number): number {
    let work = 0;
    const detokenizer = new WindowDetokenizer((ids) => {
      work += ids.length;
      return decodeBytes(ids);
    });
    for (let i = 0; i < tokens; i++) detokenizer.push(0xff);
    detokenizer.flush();
    return work;
  }

  it('cost in proportion to their number', () => {
    // Twice the tokens are twice the work, where a quadratic cost would be four times as much.
    expect(workFor(8_000)).toBeLessThan(2.1 * workFor(4_000));
  });

  it('are given out after a while', () => {
    const pieces = piecesOf(new Array<number>(1_000).fill(0xff), decodeBytes);
    const longestSilence = Math.max(
      ...pieces
        .join(' ')
        .split('\uFFFD')
        .map((gap) => gap.length),
    );
    expect(longestSilence).toBeLessThan(200);
  });

  it('lose nothing', () => {
    const ids = new Array<number>(1_000).fill(0xff);
    expect(piecesOf(ids, decodeBytes).join('')).toBe(decodeBytes(ids));
  });

  it('do not harm the text after them', () => {
    const ids = [...new Array<number>(500).fill(0xff), ...bytesOf('aé😀')];
    expect(piecesOf(ids, decodeBytes).join('')).toBe(decodeBytes(ids));
  });
});

describe('the work for a long text', () => {
  it('is a few ids for each token', () => {
    let work = 0;
    const detokenizer = new WindowDetokenizer((ids) => {
      work += ids.length;
      return decodeBytes(ids);
    });
    const ids = bytesOf('héllo wörld 😀 '.repeat(100));
    for (const id of ids) detokenizer.push(id);
    expect(work).toBeLessThan(10 * ids.length);
  });
});
