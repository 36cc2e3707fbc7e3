import { toTemplateMessages } from '../../src/generation/chat/history.js';

const call = (id: string, args: unknown) => ({ id, type: 'function', function: { name: 'add', arguments: args } });

describe('messages for a chat template', () => {
  it.each([
    ['{"a": 1}', { a: 1 }],
    ['', {}],
    [undefined, {}],
    [{ a: 1 }, { a: 1 }],
    // What a model wrote, and was cut.
    ['{"a": ', '{"a": '],
  ])('have arguments %j as %j', (given, expected) => {
    const [message] = toTemplateMessages(
      [{ role: 'assistant', content: null, tool_calls: [call('c', given)] }],
      'hermes',
    );
    expect(message).toEqual({ role: 'assistant', content: null, tool_calls: [call('c', expected)] });
  });

  it.each([null, []])('have no calls when they are %j', (calls) => {
    const messages = [{ role: 'assistant', content: 'a', tool_calls: calls }];
    expect(toTemplateMessages(messages, 'llama3')).toEqual([{ role: 'assistant', content: 'a' }]);
  });

  it('have results with the name of their tool', () => {
    const messages = [
      { role: 'assistant', tool_calls: [call('c1', '{}')] },
      { role: 'tool', tool_call_id: 'c1', content: '3' },
      { role: 'tool', tool_call_id: 'c1', content: '3', name: 'own' },
    ];
    const [, first, second] = toTemplateMessages(messages, 'hermes');
    expect(first).toEqual({ role: 'tool', tool_call_id: 'c1', content: '3', name: 'add' });
    expect(second.name).toBe('own');
  });

  it('have ids that Mistral’s templates take, the same for call and result', () => {
    const messages = [
      { role: 'assistant', tool_calls: [call('call_0123456789abcdef', '{}'), call('abcDEF123', '{}')] },
      { role: 'tool', tool_call_id: 'call_0123456789abcdef', content: '3' },
    ];
    const [assistant, tool] = toTemplateMessages(messages, 'mistral');
    const [first, second] = assistant.tool_calls as { id: string }[];
    expect(first.id).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect(tool.tool_call_id).toBe(first.id);
    expect(second.id).toBe('abcDEF123');
  });

  it('have thoughts under the name that templates look for, and everything else as it was', () => {
    const messages = [
      { role: 'user', content: 'hi', own: 1 },
      { role: 'assistant', content: 'a', reasoning: 'b' },
    ];
    expect(toTemplateMessages(messages, undefined)).toEqual([
      { role: 'user', content: 'hi', own: 1 },
      { role: 'assistant', content: 'a', reasoning_content: 'b' },
    ]);
  });
});
