import type { OutputFormat } from '../../src/generation/output/output-format.js';
import { type Expected, OutputParser } from '../../src/generation/output/output-parser.js';
import type { OutputPart } from '../../src/generation/output/output-part.js';

const THOUGHT = { begin: '<think>', end: '</think>' };
const TOOLS = ['get_weather', 'add', 'now'];

/** An answer as a client sees it in the end: text by kind, in order, and calls. */
type Told = readonly (readonly ['reasoning' | 'content', string] | readonly ['call', string, string])[];

/** Parses the pieces one by one, checks that parts come in order, and joins what belongs together. */
function parse(format: OutputFormat, expected: Expected, pieces: readonly string[]): Told {
  const parser = new OutputParser(format, expected);
  const parts = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
  const told: string[][] = [];
  const ids = new Set<string>();
  let call: string[] | undefined;
  for (const part of parts) {
    const fault = new Error(`${JSON.stringify(part)} is out of order in ${JSON.stringify(parts)}`);
    switch (part.type) {
      case 'reasoning':
      case 'content':
        if (call || part.text === '') throw fault;
        if (told.at(-1)?.[0] === part.type) told[told.length - 1][1] += part.text;
        else told.push([part.type, part.text]);
        break;
      case 'tool_call_begin':
        if (call || part.index !== ids.size || ids.has(part.id)) throw fault;
        ids.add(part.id);
        told.push((call = ['call', part.name, '']));
        break;
      case 'tool_call_delta':
        if (!call || part.index !== ids.size - 1 || part.arguments === '') throw fault;
        call[2] += part.arguments;
        break;
      case 'tool_call_end':
        if (!call || part.index !== ids.size - 1) throw fault;
        call = undefined;
    }
  }
  if (call) throw new Error('a call has no end');
  return told as never;
}

/** The parts of a text, however it is cut: in one piece, at every place in two, and character by character. */
function parts(format: OutputFormat, text: string, expected: Expected = { tools: TOOLS }): Told {
  const whole = parse(format, expected, [text]);
  const cuts = [text.split('')];
  for (let at = 1; at < text.length; at++) cuts.push([text.slice(0, at), '', text.slice(at)]);
  const other = cuts.find((pieces) => JSON.stringify(parse(format, expected, pieces)) !== JSON.stringify(whole));
  expect(other && { pieces: other, parts: parse(format, expected, other) }).toBeUndefined();
  return whole;
}

describe('a thought', () => {
  const format: OutputFormat = { toolCalls: 'hermes', thought: THOUGHT };

  it.each<[string, Expected, Told]>([
    [
      '<think>\nI know.\n</think>\n\nYes.\n',
      {},
      [
        ['reasoning', 'I know.'],
        ['content', 'Yes.\n'],
      ],
    ],
    [
      '\n<think>a\n\nb</think>c',
      {},
      [
        ['reasoning', 'a\n\nb'],
        ['content', 'c'],
      ],
    ],
    [
      'I know.\n</think>\n\nYes.',
      { inThought: true },
      [
        ['reasoning', 'I know.'],
        ['content', 'Yes.'],
      ],
    ],
    // Nothing was thought.
    ['<think>\n\n</think>\n\nYes.', {}, [['content', 'Yes.']]],
    // The answer was cut.
    ['<think>\nI know', {}, [['reasoning', 'I know']]],
    ['<think>\nI know.\n</thin', {}, [['reasoning', 'I know.\n</thin']]],
    // Only what the answer begins with is a thought.
    ['Yes. <think>no</think>', {}, [['content', 'Yes. <think>no</think>']]],
    ['\n <thin', {}, [['content', '\n <thin']]],
    [
      '<think>a</think><think>b</think>',
      {},
      [
        ['reasoning', 'a'],
        ['content', '<think>b</think>'],
      ],
    ],
    ['\n\nYes. \n', {}, [['content', '\n\nYes. \n']]],
    ['</think>', {}, [['content', '</think>']]],
    ['', {}, []],
    // A call within a thought is a thought.
    [
      '<think><tool_call>{"name": "now"}</tool_call></think><tool_call>{"name": "now"}</tool_call>',
      { tools: TOOLS },
      [
        ['reasoning', '<tool_call>{"name": "now"}</tool_call>'],
        ['call', 'now', '{}'],
      ],
    ],
  ])('%j', (text, expected, told) => {
    expect(parts(format, text, expected)).toEqual(told);
  });

  it('is text like any other where no thoughts are expected', () => {
    const text = '<think>\nI know.\n</think>\n\nYes.';
    expect(parts({ toolCalls: undefined, thought: undefined }, text, {})).toEqual([['content', text]]);
  });

  it('is told as it comes, but for what may be its end', () => {
    const parser = new OutputParser(format);
    const told = ['<think>\n', 'I', ' know', '.\n</', 'b', '</think', '>', '\n\n', 'Yes', '.'].map((piece) =>
      parser.push(piece),
    );
    const reasoning = (text: string): OutputPart[] => [{ type: 'reasoning', text }];
    const content = (text: string): OutputPart[] => [{ type: 'content', text }];
    expect(told).toEqual([
      [],
      reasoning('I'),
      reasoning(' know'),
      reasoning('.'),
      reasoning('\n</b'),
      [],
      [],
      [],
      content('Yes'),
      content('.'),
    ]);
  });
});

describe('Hermes’ calls', () => {
  const format: OutputFormat = { toolCalls: 'hermes', thought: undefined };
  const call = (text: string): string => `<tool_call>${text}</tool_call>`;

  it.each<[string, Told]>([
    [call('{"name": "add", "arguments": {"a": 1, "b": -2.5e+3}}'), [['call', 'add', '{"a": 1, "b": -2.5e+3}']]],
    [call('\n{"name": "now", "arguments": {}}\n'), [['call', 'now', '{}']]],
    [
      call('{"name": "add", "parameters": {"a": [{"b": "\\"}\\u00e9</tool_call>"}, null, true]}}'),
      [['call', 'add', '{"a": [{"b": "\\"}\\u00e9</tool_call>"}, null, true]}']],
    ],
    [call('{"id": "1", "arguments": {"a": 1}, "name": "add", "more": [1, "x"]}'), [['call', 'add', '{"a": 1}']]],
    [call('{"name": "add", "arguments": {"a": 1}, "id": {"x": 1}}'), [['call', 'add', '{"a": 1}']]],
    [call('{"name": "now"}'), [['call', 'now', '{}']]],
    [call('{"name": "now", "arguments": null}'), [['call', 'now', '{}']]],
    [call('{"name": "add", "arguments": "{\\"a\\": 1}"}'), [['call', 'add', '{"a": 1}']]],
    // A tool that nobody has: the client is told.
    [call('{"name": "sub", "arguments": {}}'), [['call', 'sub', '{}']]],
    // Text around calls stays, space between them does not.
    [
      `Let me see.\n\n${call('{"name": "now"}')}\n${call('{"name": "add", "arguments": {"a": 1}}')}\n`,
      [
        ['content', 'Let me see.'],
        ['call', 'now', '{}'],
        ['call', 'add', '{"a": 1}'],
      ],
    ],
    [
      `Now:\n${call('{"name": "now"}')}\nDone. \n`,
      [
        ['content', 'Now:'],
        ['call', 'now', '{}'],
        ['content', '\n\nDone. \n'],
      ],
    ],
    [
      `\n${call('{"name": "now"}')}\nDone.`,
      [
        ['call', 'now', '{}'],
        ['content', 'Done.'],
      ],
    ],
    // The end is missing.
    ['<tool_call>{"name": "add", "arguments": {"a": 1}}', [['call', 'add', '{"a": 1}']]],
    ['<tool_call>{"name": "add", "arguments": {"a": 1}</tool_call>', [['call', 'add', '{"a": 1}']]],
    [
      '<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_',
      [
        ['call', 'add', '{"a": 1}'],
        ['content', '</tool_'],
      ],
    ],
    // Cut, or broken after it began: the beginning is what there is, and the rest is content.
    ['<tool_call>{"name": "add", "arguments": {"a": 1, "b', [['call', 'add', '{"a": 1, "b']]],
    [
      call('{"name": "add", "arguments": {"a": 1,, "b": 2}}'),
      [
        ['call', 'add', '{"a": 1,'],
        ['content', ', "b": 2}}</tool_call>'],
      ],
    ],
    [
      call('{"name": "add", "arguments": {"a": 1}, oops}'),
      [
        ['call', 'add', '{"a": 1}'],
        ['content', ', oops}</tool_call>'],
      ],
    ],
  ])('%j', (text, told) => {
    expect(parts(format, text)).toEqual(told);
  });

  it.each([
    call(''),
    call('now()'),
    call('[]'),
    call('{}'),
    call('{"name": 1}'),
    call('{"name": ""}'),
    call('{"name": "add", "arguments": [1]}'),
    call('{"name": "add", "arguments": "a"}'),
    call('{"name": "add", "arguments": "[1]"}'),
    call('{"name": "add" "arguments": {}}'),
    call('{"arguments": {"a": 01}, "name": "add"}'),
    call('{"arguments": 1, "name": "add"}'),
    call(`{"name": "${'a'.repeat(257)}", "arguments": {}}`),
    call('{"name": "a\\x", "arguments": {}}'),
    call('{"name": "a\nb", "arguments": {}}'),
    call(`{"x": ${'['.repeat(201)}`),
    '<tool_call>',
    '<tool_call',
    'a <tool_call>{"name": "ad',
    'a < b <tool_calls></tool_call>',
    'plain \n',
    ' \n ',
  ])('but %j is content', (text) => {
    expect(parts(format, text)).toEqual([['content', text]]);
  });

  it('are found after what only looked like one', () => {
    const good = call('{"name": "now"}');
    expect(parts(format, `<tool_call> is a marker. <tool_call>{"name": ${good}`)).toEqual([
      ['content', '<tool_call> is a marker. <tool_call>{"name":'],
      ['call', 'now', '{}'],
    ]);
  });

  it('are content when there are no tools', () => {
    const text = `Yes. \n${call('{"name": "now"}')}\n`;
    expect(parts(format, text, {})).toEqual([['content', text]]);
    expect(parts({ ...format, toolCalls: undefined }, text)).toEqual([['content', text]]);
  });

  it('are only one where one is wanted', () => {
    const text = `a${call('{"name": "now"}')}${call('{"name": "add", "arguments": {"a": 1}}')}b`;
    expect(parts(format, text, { tools: TOOLS, parallelToolCalls: false })).toEqual([
      ['content', 'a'],
      ['call', 'now', '{}'],
      ['content', 'b'],
    ]);
  });

  it('are told as they come', () => {
    const parser = new OutputParser(format, { tools: TOOLS });
    const pieces = [
      'A',
      ' <',
      '3',
      '\n',
      '<tool_call>',
      '{"name": "add"',
      ', "arguments": ',
      '{"a',
      '": 12',
      '3}',
      '}',
      '</tool_call>',
    ];
    const told = pieces.map((piece) => parser.push(piece));
    const [, , , , , , , [{ id }]] = told as never as { id: string }[][];
    expect(id).toMatch(/^call_[0-9a-f]{24}$/);
    const content = (text: string): OutputPart[] => [{ type: 'content', text }];
    const delta = (text: string): OutputPart => ({ type: 'tool_call_delta', index: 0, arguments: text });
    expect(told).toEqual([
      content('A'),
      [],
      content(' <3'),
      [],
      [],
      [],
      [],
      [{ type: 'tool_call_begin', index: 0, id, name: 'add' }, delta('{"a')],
      [delta('":')],
      [delta(' 123}'), { type: 'tool_call_end', index: 0 }],
      [],
      [],
    ]);
    expect(parser.end()).toEqual([]);
  });
});

describe('Llama’s calls', () => {
  const format: OutputFormat = { toolCalls: 'llama3', thought: undefined };

  it.each<[string, Told]>([
    ['{"name": "add", "parameters": {"a": 1}}', [['call', 'add', '{"a": 1}']]],
    ['\n {"type": "function", "name": "add", "parameters": {"a": "1"}}\n', [['call', 'add', '{"a": "1"}']]],
    ['<|python_tag|>{"name": "add", "arguments": {"a": 1}}', [['call', 'add', '{"a": 1}']]],
    [
      '<|python_tag|>{"name": "now", "parameters": {}}; {"name": "add", "parameters": {"a": 1}}',
      [
        ['call', 'now', '{}'],
        ['call', 'add', '{"a": 1}'],
      ],
    ],
    [
      '{"name": "now", "parameters": {}}\n{"name": "add", "parameters": {"a": 1}}',
      [
        ['call', 'now', '{}'],
        ['call', 'add', '{"a": 1}'],
      ],
    ],
    [
      'Now. <|python_tag|>{"name": "now", "parameters": {}}',
      [
        ['content', 'Now.'],
        ['call', 'now', '{}'],
      ],
    ],
    [
      '{"name": "add", "parameters": {"a": 1}} is it',
      [
        ['call', 'add', '{"a": 1}'],
        ['content', 'is it'],
      ],
    ],
  ])('%j', (text, told) => {
    expect(parts(format, text)).toEqual(told);
  });

  it.each([
    '{"name": "Mia", "age": 31}',
    '{"name": "sub", "parameters": {"a": 1}}',
    '{"name": "add"}',
    '{"name": "add", "age": 3, "parameters": {}}',
    '{"age": 31, "name": "add", "parameters": {}}',
    '{}',
    '{"name": "ad',
    '<|python_tag|>search.call(query="x")',
    'It is {"name": "add", "parameters": {"a": 1}}',
  ])('but %j is content', (text) => {
    expect(parts(format, text)).toEqual([['content', text]]);
  });

  it('do not keep an answer in JSON waiting', () => {
    const parser = new OutputParser(format, { tools: TOOLS });
    expect(parser.push('{"story": "Once')).toEqual([{ type: 'content', text: '{"story": "Once' }]);
  });
});

describe('Mistral’s calls', () => {
  const format: OutputFormat = { toolCalls: 'mistral', thought: undefined };

  it.each<[string, Told]>([
    ['[TOOL_CALLS][{"name": "add", "arguments": {"a": 1}}]', [['call', 'add', '{"a": 1}']]],
    [
      '[TOOL_CALLS] [{"name": "now", "arguments": {}, "id": "abc"}, {"arguments": {"a": 1}, "name": "add"}] ',
      [
        ['call', 'now', '{}'],
        ['call', 'add', '{"a": 1}'],
      ],
    ],
    ['[TOOL_CALLS]{"name": "now", "arguments": {}}', [['call', 'now', '{}']]],
    [
      'Now.[TOOL_CALLS]now[ARGS]{}[TOOL_CALLS]add[CALL_ID]a1B2c3D4e[ARGS]{"a": [1]}',
      [
        ['content', 'Now.'],
        ['call', 'now', '{}'],
        ['call', 'add', '{"a": [1]}'],
      ],
    ],
    ['[TOOL_CALLS]add{"a": 1}', [['call', 'add', '{"a": 1}']]],
    ['[TOOL_CALLS]add[ARGS]{"a": 1', [['call', 'add', '{"a": 1']]],
    // The list is cut.
    ['[TOOL_CALLS][{"name": "add", "arguments": {"a": 1}}', [['call', 'add', '{"a": 1}']]],
  ])('%j', (text, told) => {
    expect(parts(format, text)).toEqual(told);
  });

  it.each([
    '[TOOL_CALLS]',
    '[TOOL_CALLS][]',
    '[TOOL_CALLS] now',
    '[TOOL_CALLS]now[ARGS]',
    '[TOOL_CALLS]now[ARGS][1]',
    '[TOOL_CALLS][{"name": 1}]',
    '[{"name": "add", "arguments": {"a": 1}}]',
    '[TOOL_CALL',
  ])('but %j is content', (text) => {
    expect(parts(format, text)).toEqual([['content', text]]);
  });

  it.each(['', '[TOOL_CALLS]'])('need no %j where nothing else is expected', (marker) => {
    const expected = { tools: TOOLS, mustCall: true };
    const text = `\n${marker}[{"name": "now", "arguments": {}}, {"name": "add", "arguments": {"a": 1}}]`;
    const calls = [
      ['call', 'now', '{}'],
      ['call', 'add', '{"a": 1}'],
    ];
    expect(parts(format, text, expected)).toEqual(calls);
    expect(parts({ ...format, thought: THOUGHT }, `<think>a</think>${text}`, expected)).toEqual([
      ['reasoning', 'a'],
      ...calls,
    ]);
    const hermes =
      '<tool_call>{"name": "now"}</tool_call>\n<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>';
    expect(parts({ ...format, toolCalls: 'hermes' }, hermes, expected)).toEqual(calls);
  });

  it('have ids as its templates want them', () => {
    const parser = new OutputParser(format, { tools: TOOLS });
    const [{ id }] = parser.push('[TOOL_CALLS]now[ARGS]{}') as never as { id: string }[];
    expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
  });
});

describe('calls as Python writes them', () => {
  const format: OutputFormat = { toolCalls: 'pythonic', thought: undefined };

  it.each<[string, Told]>([
    [
      '[add(a=1, b=-2.5), now()]',
      [
        ['call', 'add', '{"a": 1, "b": -2.5}'],
        ['call', 'now', '{}'],
      ],
    ],
    [' [ now ( ) ]\n', [['call', 'now', '{}']]],
    ['<|tool_call_start|>[now()]<|tool_call_end|>', [['call', 'now', '{}']]],
    [
      'Now: <|python_start|>[now()]<|python_end|> Done',
      [
        ['content', 'Now:'],
        ['call', 'now', '{}'],
        ['content', '  Done'],
      ],
    ],
    [
      `[add(a='it\\'s "é"\\n', b="\\u00e9\\x41\\q", c=True, d=None, e=[1, 'x', (2, 3,), {}, ], f={'k': {"l": False}, })]`,
      [
        [
          'call',
          'add',
          '{"a": "it\'s \\"é\\"\\n", "b": "éA\\\\q", "c": true, "d": null, "e": [1, "x", [2, 3], {}], "f": {"k": {"l": false}}}',
        ],
      ],
    ],
    ['[add(a=+1, b=1_000, c=.5, d=01, e=1e3,)]', [['call', 'add', '{"a": 1, "b": 1000, "c": 0.5, "d": 1, "e": 1e3}']]],
    // Cut, or broken after it began.
    ['[add(a="x', [['call', 'add', '{"a": "x']]],
    ['[add(a=1', [['call', 'add', '{"a": 1']]],
    [
      '[add(a=x)]',
      [
        ['call', 'add', '{"a": '],
        ['content', 'x)]'],
      ],
    ],
    [
      '[add(1)]',
      [
        ['call', 'add', '{'],
        ['content', '1)]'],
      ],
    ],
  ])('%j', (text, told) => {
    expect(parts(format, text)).toEqual(told);
  });

  it.each(['[1, 2]', '[sub(a=1)]', '[add]', 'now()', 'Use [now()].', '[', '<|python_start|>1 + 1<|python_end|>'])(
    'but %j is content',
    (text) => {
      expect(parts(format, text)).toEqual([['content', text]]);
    },
  );

  it('are JSON whatever the strings are', () => {
    const text = `[add(a="\\0\\t\\b é \\U0001F600", b=['\u2028'])]`;
    const [[, , json]] = parts(format, text) as [['call', string, string]];
    expect(JSON.parse(json)).toEqual({ a: '\0\t\b é 😀', b: ['\u2028'] });
  });
});
