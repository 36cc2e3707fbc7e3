import { jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ChatMessage, ChatTemplate } from '../../src/engine/tokens/chat-template.js';

interface Chat {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly unknown[];
  readonly documents?: readonly unknown[];
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly add_generation_prompt?: boolean;
}

interface Golden {
  readonly now: string;
  readonly tokens: Readonly<Record<string, string>>;
  readonly chats: Readonly<Record<string, Chat>>;
  readonly renders: Readonly<
    Record<string, Readonly<Record<string, { readonly text?: string; readonly error?: string }>>>
  >;
}

const FOLDER = fileURLToPath(new URL('../fixtures/templates', import.meta.url));
const { now, tokens, chats, renders } = JSON.parse(readFileSync(join(FOLDER, 'golden.json'), 'utf8')) as Golden;

beforeAll(() => jest.useFakeTimers({ now: new Date(now), doNotFake: ['nextTick', 'setImmediate'] }));
afterAll(() => jest.useRealTimers());

describe.each(Object.keys(renders))('the template %s, against transformers', (name) => {
  const source = readFileSync(join(FOLDER, `${name}.jinja`), 'utf8');
  // The folder has no template of its own that would go first.
  const template = ChatTemplate.load(FOLDER, { chat_template: source }, tokens) as ChatTemplate;

  it.each(Object.keys(renders[name]))('renders %s', (chat) => {
    const { messages, tools, documents, variables, add_generation_prompt: addGenerationPrompt = true } = chats[chat];
    const render = (): string =>
      template.render({
        messages,
        tools,
        addGenerationPrompt,
        variables: { ...variables, ...(documents && { documents }) },
      });
    const { text, error } = renders[name][chat];
    if (error !== undefined) expect(render).toThrow(error);
    else expect(render()).toBe(text);
  });
});
