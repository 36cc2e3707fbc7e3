// A reporter of node:test: a line for each test, and how many passed and failed, for run.sh.
import { appendFileSync } from 'node:fs';

export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type === 'test:pass') yield `  ok: ${data.name}\n`;
    if (type === 'test:fail') yield `  FAILED: ${data.name}\n${describe(data.details.error)}\n`;
    // Of a file that cannot be loaded, this is all that tells why.
    if (type === 'test:stderr') yield data.message;
    // The summary without a file is that of all.
    if (type === 'test:summary' && data.file === undefined) count(data.counts);
  }
}

function describe({ cause, message }) {
  return String(cause?.stack ?? cause ?? message).replaceAll(/^/gm, '    ');
}

function count({ tests, passed }) {
  const counts = process.env.ROOST_CLIENTS_COUNTS;
  if (counts) appendFileSync(counts, `${passed} ${tests - passed}\n`);
}
