import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/config.js';
import { ROOT } from '../support/folders.js';

describe('the README', () => {
  it('has a row for every variable of the configuration, and for no other', () => {
    const asked = new Set<string>();
    const environment = new Proxy({}, { get: (_, name) => void asked.add(String(name)) });
    loadConfig(environment);
    const [, section] = readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n## Configuration\n');
    const table = section
      .split('\n## ')[0]
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const documented = table.flatMap((row) => [...row.split('|')[1].matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name));
    expect(documented.sort()).toEqual([...asked].sort());
  });
});
