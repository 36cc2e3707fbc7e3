import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OutputFormat, readOutputFormat, rendersTools } from '../../src/generation/output/output-format.js';
import type { ModelInfo } from '../../src/inference/inference-provider.js';
import { DEMO_MODEL, ROOT } from '../support/folders.js';

const withTemplates = (chatTemplates?: ModelInfo['chatTemplates']): ModelInfo => ({ chatTemplates }) as ModelInfo;

function formatOf(template: string): OutputFormat & { tools: boolean } {
  const info = withTemplates({ default: template });
  return { ...readOutputFormat(info, { toolCallFormat: 'auto' }), tools: rendersTools(info) };
}

describe('the format of answers', () => {
  const THINK = { begin: '<think>', end: '</think>' };

  it('of the demo model shows in its chat template', () => {
    const template = readFileSync(join(DEMO_MODEL, 'chat_template.jinja'), 'utf8');
    expect(formatOf(template)).toEqual({ toolCalls: 'hermes', thought: THINK, tools: true });
  });

  it.each([
    ['chatml', { toolCalls: 'hermes', thought: undefined, tools: true }],
    ['deepseek_r1', { toolCalls: undefined, thought: THINK, tools: false }],
    ['gemma', { toolCalls: undefined, thought: undefined, tools: false }],
    ['llama2', { toolCalls: undefined, thought: undefined, tools: false }],
    ['llama31', { toolCalls: 'llama3', thought: undefined, tools: true }],
    ['mistral_nemo', { toolCalls: 'mistral', thought: undefined, tools: true }],
  ])('of %s shows in its chat template', (name, expected) => {
    const template = readFileSync(join(ROOT, 'test/fixtures/templates', `${name}.jinja`), 'utf8');
    expect(formatOf(template)).toEqual(expected);
  });

  it.each([
    ['{{ tools }} [func_name1(params_name1=params_value1)]', 'pythonic'],
    ['{{ tools }} <|tool_call_start|>', 'pythonic'],
    ['{{ tools }} {"name": function name, "parameters": dictionary of argument name and its value}', 'llama3'],
    ['{{ tools }} <tool_call>', 'hermes'],
    // Calls in XML are another format.
    ['{{ tools }} <tool_call>\n<function=x>', undefined],
  ])('is read from %j', (template, format) => {
    expect(formatOf(template).toolCalls).toBe(format);
  });

  it('is that of the template for tools, if there is one', () => {
    const info = withTemplates({ default: '[TOOL_CALLS]', tool_use: '{{ tools }}<tool_call>' });
    expect(readOutputFormat(info, { toolCallFormat: 'auto' }).toolCalls).toBe('hermes');
    expect(rendersTools(withTemplates({ default: '{{ tools }}', tool_use: 'none' }))).toBe(false);
  });

  it('is what the configuration says', () => {
    expect(readOutputFormat(withTemplates({ default: '[TOOL_CALLS]' }), { toolCallFormat: 'llama3' }).toolCalls).toBe(
      'llama3',
    );
    expect(readOutputFormat(withTemplates(), { toolCallFormat: 'auto' })).toEqual({
      toolCalls: undefined,
      thought: undefined,
    });
  });

  it('has thoughts in Mistral’s markers', () => {
    expect(formatOf('[THINK]...[/THINK]').thought).toEqual({ begin: '[THINK]', end: '[/THINK]' });
  });
});
