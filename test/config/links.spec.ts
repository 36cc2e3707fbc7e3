import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ROOT } from '../support/folders.js';

const CODE_BLOCK = /^```.*?^```/gms;
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const PATH_IN_CODE = /`((?:src|test|bench|docs|deploy|models)\/[\w./-]+)`/g;

describe('the documentation', () => {
  const pages = [
    ...markdownIn('.'),
    ...['docs', 'deploy', 'models', 'bench'].flatMap((folder) => markdownBelow(folder)),
  ];

  it.each(pages)('%s: its links lead to files and headings that are there', (page) => {
    expect(matches(proseOf(page), LINK).filter((link) => !leadsSomewhere(page, link))).toEqual([]);
  });

  it.each(pages)('%s: the files that it names are there', (page) => {
    expect(matches(proseOf(page), PATH_IN_CODE).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

function markdownIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md'));
}

function markdownBelow(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

function proseOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8').replaceAll(CODE_BLOCK, '');
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, match]) => match);
}

function leadsSomewhere(page: string, link: string): boolean {
  if (/^https?:/.test(link)) return true;
  const [path, anchor] = link.split('#');
  const target = path === '' ? basename(page) : path;
  const file = resolve(ROOT, dirname(page), target);
  if (!existsSync(file)) return false;
  return anchor === undefined || headingsOf(join(dirname(page), target)).includes(anchor);
}

/** The names that GitHub gives to headings. */
function headingsOf(page: string): string[] {
  return matches(proseOf(page), /^#+ (.*)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}
