/**
 * Measures the engine, the server and its peers: npm run bench -- [COMMAND] [OPTIONS], explained in docs/benchmarks.md.
 * Every command prints tables in Markdown; --json FILE keeps the numbers behind them.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const COMMANDS = ['summary', 'compare', 'latency', 'sharing', 'growth', 'quality', 'grammar', 'plot'];

// Servers that were started end with this process, if it is told to end.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const [first, ...rest] = process.argv.slice(2);
const named = COMMANDS.includes(first);
const { options, run } = await import(`./commands/${named ? first : 'summary'}.mjs`);
const { values, positionals } = parseArgs({
  args: named ? rest : process.argv.slice(2),
  options: { ...options, json: { type: 'string' } },
  allowPositionals: named && first === 'plot',
});
const { result, text } = await run(values, positionals);
console.log(text);
if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
