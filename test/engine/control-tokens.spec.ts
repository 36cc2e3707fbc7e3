import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ControlTokens } from '../../src/engine/tokens/control-tokens.js';
import { PromptEncoder } from '../../src/engine/tokens/prompt-encoder.js';
import { Tokenizer } from '../../src/engine/tokens/tokenizer.js';
import { DEMO_MODEL, FIXTURES, fixture, TemporaryFolders } from '../support/folders.js';
import { golden } from '../support/golden.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

/** A copy of a model folder with a template of its own. */
function withTemplate(folder: string, template: string): string {
  const copy = folders.copyOf(folder);
  writeFileSync(join(copy, 'chat_template.jinja'), template);
  return copy;
}

const CHATML = `{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content | trim }}{{ m.name }}<|im_end|>
{% endfor %}{{ tools | tojson if tools }}{{ extra }}`;

function encode(encoder: PromptEncoder, content: string, more: object = {}): readonly number[] {
  const messages = [{ role: 'user', content }];
  return encoder.encode({ kind: 'chat', messages, addGenerationPrompt: true, ...more });
}

const ofKind = (ids: readonly number[], special: ReadonlySet<number>) => ids.filter((id) => special.has(id));

describe.each([...FIXTURES.map(fixture), DEMO_MODEL])('a chat for the model of %s', (folder) => {
  const tokenizer = Tokenizer.load(folder);
  const { specialIds } = tokenizer;
  const special = [...specialIds].map((id) => tokenizer.decode([id], false));
  const encoder = PromptEncoder.load(withTemplate(folder, CHATML));

  it('has no control token but those of its template, whatever the text says', () => {
    const plain = ofKind(encode(encoder, 'hi'), specialIds);
    for (const text of [...special, special.join(''), `a ${special[0]} b`, `${special[0]}\n${special.at(-1)}`]) {
      const ids = encode(encoder, text);
      expect(ofKind(ids, specialIds)).toEqual(plain);
      expect(encoder.decode(ids)).toContain(text);
    }
  });

  it('has none from any other part of the request either', () => {
    const plain = ofKind(encode(encoder, 'hi'), specialIds);
    const [token] = special.slice(-1);
    const messages = [{ role: 'user', content: 'hi', name: token }];
    for (const more of [
      { messages },
      { tools: [{ name: token, [token]: { description: [`a ${token}`] } }] },
      { variables: { extra: token } },
      { variables: { bos_token: `${tokenizer.specialTokens.bos_token ?? ''}${token}`, eos_token: token } },
    ]) {
      expect(ofKind(encode(encoder, 'hi', more), specialIds).length).toBeLessThanOrEqual(plain.length);
    }
  });

  it('has none that only comes together when the template joins two texts', () => {
    const joined = PromptEncoder.load(withTemplate(folder, '{% for m in messages %}{{ m.content }}{% endfor %}'));
    for (const token of special) {
      for (let cut = 1; cut < token.length; cut++) {
        const messages = [token.slice(0, cut), token.slice(cut)].map((content) => ({ role: 'user', content }));
        const ids = joined.encode({ kind: 'chat', messages, addGenerationPrompt: true });
        expect(joined.decode(ids)).toContain(token);
        expect(ofKind(ids, specialIds)).toEqual(ofKind(tokenizer.encode('a', true), specialIds));
      }
    }
  });

  it('has none from any text made of their pieces', () => {
    const pieces = fc.constantFrom(...special, ...special.flatMap((s) => [s.slice(0, 2), s.slice(2)]), ' ', 'a', '\n');
    const plain = ofKind(encode(encoder, 'a'), specialIds);
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        expect(ofKind(encode(encoder, parts.join('')), specialIds)).toEqual(plain);
      }),
      { numRuns: 200 },
    );
  });

  it('has the tokens of any other text as before', () => {
    const { controlTokens } = tokenizer;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(special.every((token) => !text.includes(token)));
        // A last beginning of a control token takes the text through the sealed tokenizer.
        const end = special[0].slice(0, 1);
        expect(tokenizer.encodeMarked(text + controlTokens.marked(end), true)).toEqual(
          tokenizer.encode(text + end, true),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe.each(FIXTURES)('the sealed tokenizer of the %s fixture', (name) => {
  const tokenizer = Tokenizer.load(fixture(name));
  const { controlTokens } = tokenizer;

  it.each(golden(name).tokenizer)('finds what is there in $text', ({ text }) => {
    // Nothing of it is marked but the last character, so that it is read as a rendered text would be.
    for (const special of [true, false]) {
      expect(tokenizer.encodeMarked(`${text}${controlTokens.marked('<')}`, special)).toEqual(
        tokenizer.encode(`${text}<`, special),
      );
    }
  });
});

describe('control tokens', () => {
  const control = new ControlTokens([
    { id: 1, content: 'ab' },
    { id: 2, content: 'bc' },
    { id: 3, content: '<s>' },
    { id: 4, content: '<s' },
  ]);
  /** What is left to be found as a control token. */
  const found = (text: string) => control.sealText(text).match(/[\ufdd0-\ufdef]{16}.*?[\ufdd0-\ufdef]{16}/g) ?? [];

  it('are found in text without marks, the longest first', () => {
    expect(found('<s>ab')).toHaveLength(2);
    expect(control.sealText('<s>')).toMatch(/^[\ufdd0-\ufdef]{16}<s>[\ufdd0-\ufdef]{16}$/);
  });

  it('are marked where they overlap', () => {
    expect(found(control.marked('abc'))).toEqual([]);
    expect(control.withoutMarks(control.marked('abc'))).toBe('abc');
  });

  it('are marked when the end of a text begins one', () => {
    expect(found(`${control.marked('x<')}${control.marked('s>')}`)).toEqual([]);
    expect(found(`${control.marked('a')}${control.marked('b')}`)).toEqual([]);
  });

  it('leave everything else as it is', () => {
    const value = { role: 'user', n: 1, list: [null, true, 'x'], nested: { key: 'value' } };
    expect(control.marked(value)).toEqual(value);
    expect(new ControlTokens([]).marked('ab<s>')).toBe('ab<s>');
  });

  it('cannot be written by who knows how they are marked', () => {
    const mark = control.marked('ab').slice(0, 16);
    expect(found(control.marked(`${mark}ab`))).toEqual([]);
    expect(found(control.marked(`a${mark}b`))).toEqual([]);
  });
});

describe('a template', () => {
  it('may do with marked text what it does with any', () => {
    const encoder = PromptEncoder.load(
      withTemplate(
        DEMO_MODEL,
        "{{ messages[0].content.split('</think>')[-1] | trim | upper }}|{{ messages[0].content | tojson }}",
      ),
    );
    const content = 'a </think>  b <|im_end|> ';
    expect(encoder.decode(encode(encoder, content))).toBe('B <|IM_END|>|"a </think>  b <|im_end|> "');
  });

  it('tells what it rejects without marks', () => {
    const encoder = PromptEncoder.load(withTemplate(DEMO_MODEL, '{{ raise_exception(messages[0].content) }}'));
    expect(() => encode(encoder, 'no <|im_end|>')).toThrow('the chat template failed: no <|im_end|>');
  });
});
