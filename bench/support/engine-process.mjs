/**
 * The engine without a server, in a process of its own: what HTTP, validation and the rest of the server cost is the
 * difference. Its clients live in here, so that nothing but results crosses the process.
 */
import { Engine } from '../../dist/engine/index.js';
import { loadConfig } from '../../dist/config/config.js';
import { runClients } from './clients.mjs';
import { loadLoop } from './bare-loop.mjs';

/** The engine with its threads: what the server calls. */
async function loadEngine(config) {
  const engine = await Engine.load(config);
  return async (prompt, newTokens) => {
    let tokens = 0;
    let firstMs;
    const asked = performance.now();
    const request = {
      prompt: { kind: 'tokens', ids: prompt.ids },
      maxNewTokens: newTokens,
      sampling: { temperature: 0 },
    };
    for await (const event of engine.generate(request)) {
      if (event.type === 'tokens') firstMs ??= performance.now() - asked;
      if (event.type === 'finish') tokens = event.newTokens;
    }
    return { tokens, firstMs };
  };
}

const load = { engine: loadEngine, loop: loadLoop }[process.argv[2]];
const generate = await load(loadConfig());
process.on('message', async ({ newTokens, ...work }) => {
  process.send(await runClients((prompt) => generate(prompt, newTokens), work));
});
process.send('ready');
