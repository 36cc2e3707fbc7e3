import { join } from 'node:path';
import { ChatTemplate } from '../../src/engine/tokens/chat-template.js';
import { PromptEncoder } from '../../src/engine/tokens/prompt-encoder.js';
import { Tokenizer } from '../../src/engine/tokens/tokenizer.js';
import { DEMO_MODEL, editJson, FIXTURES, fixture, TemporaryFolders } from '../support/folders.js';
import { demoCases, golden } from '../support/golden.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

describe.each(FIXTURES)('text of the %s fixture, against transformers', (name) => {
  const tokenizer = Tokenizer.load(fixture(name));
  const decoder = Tokenizer.loadDecoder(fixture(name));
  const { tokenizer: cases, chat_template: chats, generate } = golden(name);

  it.each(cases)('tokenizes $text', ({ text, ids, ids_without_special: plain }) => {
    expect(tokenizer.encode(text, true)).toEqual(ids);
    expect(tokenizer.encode(text, false)).toEqual(plain);
  });

  it.each(cases)('detokenizes $text', ({ ids, decoded, decoded_skip_special: skipped }) => {
    expect(tokenizer.decode(ids, false)).toBe(decoded);
    expect(tokenizer.decode(ids)).toBe(skipped);
  });

  it.each(cases)(
    'detokenizes $text without what only encoding needs',
    ({ ids, decoded, decoded_skip_special: skipped }) => {
      expect(decoder.decode(ids, false)).toBe(decoded);
      expect(decoder.decode(ids)).toBe(skipped);
      expect(ids.map((id) => decoder.bytesOf(id))).toEqual(ids.map((id) => tokenizer.bytesOf(id)));
    },
  );

  it.each(chats)('renders chat $#', ({ messages, add_generation_prompt: addGenerationPrompt, text, error }) => {
    const template = ChatTemplate.load(fixture(name), tokenizer.config, tokenizer.specialTokens) as ChatTemplate;
    const render = (): string => template.render({ messages, addGenerationPrompt });
    if (error) expect(render).toThrow(error);
    else expect(render()).toBe(text);
  });

  it.each(generate)('encodes prompt $# as the seed does, with one BOS at most', ({ prompt, chat, input_ids: ids }) => {
    const encoder = PromptEncoder.load(fixture(name));
    const messages = [{ role: 'user', content: prompt }];
    expect(
      encoder.encode(chat ? { kind: 'chat', messages, addGenerationPrompt: true } : { kind: 'text', text: prompt }),
    ).toEqual(ids);
  });

  it.each(generate)('streams answer $# in pieces that together are its text', ({ output_ids: ids }) => {
    const detokenizer = tokenizer.detokenizer(true);
    const pieces = [...ids.map((id) => detokenizer.push(id)), detokenizer.flush()];
    expect(pieces.join('')).toBe(tokenizer.decode(ids));
  });
});

describe('text of the demo model, against transformers', () => {
  it.each(demoCases())('renders and tokenizes case $#', ({ messages, tools, template, input_ids: ids }) => {
    const encoder = PromptEncoder.load(DEMO_MODEL);
    expect(encoder.encode({ kind: 'chat', messages, tools, variables: template, addGenerationPrompt: true })).toEqual(
      ids,
    );
  });

  it('streams whole characters when the folder asks for clean-up', () => {
    const folder = folders.copyOf(DEMO_MODEL);
    editJson(join(folder, 'tokenizer_config.json'), { clean_up_tokenization_spaces: true });
    const tokenizer = Tokenizer.load(folder);
    const text = "the 'main' branch , and 'some' text ; I know , ok";
    const detokenizer = tokenizer.detokenizer(true);
    const pieces = tokenizer.encode(text, false).map((id) => detokenizer.push(id));
    expect([...pieces, detokenizer.flush()].join('')).toBe(text);
  });

  it('leaves out ids that the padded vocabulary has no token for', () => {
    const tokenizer = Tokenizer.load(DEMO_MODEL);
    expect(tokenizer.decode([1791, ...tokenizer.encode('Paris', false), 1791])).toBe('Paris');
  });
});

describe('a chat template', () => {
  const load = (folder: string): PromptEncoder => PromptEncoder.load(folder);
  const chat = { kind: 'chat', messages: [{ role: 'user', content: 'hi' }], addGenerationPrompt: false } as const;

  /** A copy of the llama fixture whose template is given in tokenizer_config.json. */
  function withTemplate(template: unknown): string {
    const folder = folders.copyOf(fixture('llama'));
    folders.delete(join(folder, 'chat_template.jinja'));
    editJson(join(folder, 'tokenizer_config.json'), { chat_template: template });
    return folder;
  }

  it('is taken from tokenizer_config.json when there is no file', () => {
    const encoder = load(withTemplate('{{ messages[0].content }}'));
    expect(encoder.hasChatTemplate).toBe(true);
    expect(encoder.encode(chat)).toEqual(Tokenizer.load(fixture('llama')).encode('hi', true));
  });

  it('may be one of a list of named ones, with another for tools', () => {
    const encoder = load(
      withTemplate([
        { name: 'default', template: 'plain' },
        { name: 'tool_use', template: 'tools' },
      ]),
    );
    const tokenizer = Tokenizer.load(fixture('llama'));
    expect(encoder.encode(chat)).toEqual(tokenizer.encode('plain', true));
    expect(encoder.encode({ ...chat, tools: [{}] })).toEqual(tokenizer.encode('tools', true));
  });

  it('is none when the folder has none', () => {
    const encoder = load(withTemplate(null));
    expect(encoder.hasChatTemplate).toBe(false);
    expect(() => encoder.encode(chat)).toThrow('no chat template');
  });

  it('that does not write BOS gets the one that the tokenizer adds', () => {
    expect(load(withTemplate('hi')).encode(chat)[0]).toBe(0);
  });

  it('that writes BOS does not get a second one', () => {
    const ids = load(withTemplate('{{ bos_token }}hi')).encode(chat);
    expect(ids.filter((id) => id === 0)).toEqual([0]);
  });

  it('that rejects the messages fails with its own words', () => {
    expect(() => load(withTemplate("{{ raise_exception('no such role') }}")).encode(chat)).toThrow(
      /the chat template failed: .*no such role/,
    );
  });

  it('with a syntax error is refused when it is loaded', () => {
    expect(() => load(withTemplate('{% if %}'))).toThrow(/^tokenizer_config\.json: the chat template has an error/);
  });
});
