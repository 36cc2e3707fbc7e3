// What the tests of the clients for Node share; run.sh starts them beside a server.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

export const url = process.env.ROOST_URL;
export const QUESTION = 'What is an Inference Endpoint?';
export const MESSAGES = [{ role: 'user', content: QUESTION }];

/** What has the model write JSON: MIA, a Person. */
export const EXTRACTION = 'Extract the name, age and city as JSON: Mia is 31 years old and lives in Rome.';
export const Person = z.object({ name: z.string(), age: z.int(), city: z.string() });
export const MIA = { name: 'Mia', age: 31, city: 'Rome' };

/** The answer to QUESTION, as torch and transformers gave it: all of its text, and what it thinks and says. */
export const golden = readGolden();

/** All that an async iterable yields. */
export async function collect(items) {
  const all = [];
  for await (const item of items) all.push(item);
  return all;
}

function readGolden() {
  const { cases } = JSON.parse(readFileSync(process.env.ROOST_GOLDEN, 'utf8'));
  const { text, input_ids, output_ids } = cases.find(({ messages, tools, template }) => {
    return messages.length === 1 && messages[0].content === QUESTION && !tools && !template;
  });
  const [, thought, said] = /^<think>\s*(.*?)\s*<\/think>\s*(.*)$/s.exec(text);
  return { text, thought, said, promptTokens: input_ids.length, newTokens: output_ids.length };
}
