import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const DEMO_MODEL = join(ROOT, 'models/demo');

export const FIXTURES = ['llama', 'smollm3', 'mistral', 'qwen3'] as const;
export type Fixture = (typeof FIXTURES)[number];

/** The path of one of the tiny models. */
export function fixture(name: Fixture): string {
  return join(ROOT, 'test/fixtures', name);
}

/** Folders made for a test; `remove` them after it. */
export class TemporaryFolders {
  private readonly paths: string[] = [];

  create(): string {
    const path = mkdtempSync(join(tmpdir(), 'roost-test-'));
    this.paths.push(path);
    return path;
  }

  /** A copy of a model folder, to be damaged. */
  copyOf(folder: string): string {
    const path = this.create();
    cpSync(folder, path, { recursive: true });
    return path;
  }

  delete(path: string): void {
    rmSync(path);
  }

  remove(): void {
    for (const path of this.paths.splice(0)) rmSync(path, { recursive: true, force: true });
  }
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Changes fields of a JSON file. */
export function editJson(path: string, changes: Record<string, unknown>): void {
  writeFileSync(path, JSON.stringify({ ...(readJson(path) as object), ...changes }));
}
