/** Tests that the targets of all pages exist: files, headings, options, error codes. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { bundledOptions } from '../../dist/cli/configured/bundled-options.js';
import { root } from '../fixtures/project.js';
import { describedCodes } from './reference.js';

/** Directories with pages that do not belong to the repository. */
const OTHERS = new Set(['node_modules', '.git', 'dist', 'lib', 'dist-test', 'partial']);

const pages = new Map(pagesBelow(root).map((path) => [relative(root, path), readFileSync(path, 'utf8')]));
/** The pages except the changelog, which names removed things. */
const current = [...pages].filter(([path]) => path !== 'CHANGELOG.md');

function pagesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return OTHERS.has(entry.name) ? [] : pagesBelow(join(folder, entry.name));
    return entry.name.endsWith('.md') ? [join(folder, entry.name)] : [];
  });
}

const withoutBlocks = (text: string): string => text.replaceAll(/^```[\s\S]*?^```$/gm, '');

/** Returns the anchors that the code host gives the headings of a page. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutBlocks(text).matchAll(/^#+ (.*)$/gm)) {
    const plain = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  for (const [, id] of text.matchAll(/<a id="(\w+)">/g)) anchors.add(id!);
  return anchors;
}

test('every link of a page leads to a file and a heading that are there', () => {
  const wrong = [...pages].flatMap(([path, text]) => {
    const prose = withoutBlocks(text).replaceAll(/`[^`\n]*`/g, (code) => (code.includes('](') ? '' : code));
    const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
    return links
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [file = '', anchor] = target.split('#');
        const aim = file === '' ? path : relative(root, join(root, dirname(path), file));
        if (!existsSync(join(root, aim))) return true;
        return anchor !== undefined && !anchorsOf(pages.get(aim) ?? '').has(anchor);
      })
      .map((target) => `${path}: ${target}`);
  });
  assert.ok(pages.size > 25, String(pages.size));
  assert.deepEqual(wrong, []);
});

test('every option that a page names with its group exists', async () => {
  const known = new Map<string, Set<string>>();
  for (const { group, options } of await bundledOptions()) {
    const names = Object.entries(options).flatMap(([name, { aliases }]) => [name, ...aliases]);
    known.set(group, new Set([...(known.get(group) ?? []), ...names]));
  }
  const isThere = (group: string, name: string): boolean => {
    const names = known.get(group) ?? known.get(group.replace(/:.*/, ':<name>'));
    return names === undefined || names.has(name);
  };
  const named = current.flatMap(([path, text]) =>
    [...withoutBlocks(text).matchAll(/`\[([\w:<>…]+)\]\s(\w+)/g)].map(([, group, name]) => ({ path, group, name })),
  );
  assert.ok(named.length > 50, String(named.length));
  const missing = named.filter(({ group, name }) => !isThere(group!, name!));
  assert.deepEqual(missing, []);
});

/** Environment variables that do not set options. */
const VARIABLES = /^PORTICO_(WORKER_ID|WIRE|TEST_\w+|FAULTS|\w+__\w+)$/;

test('every error code that a page names exists', () => {
  const codes = new Set(describedCodes());
  const named = current.flatMap(([path, text]) =>
    [...text.matchAll(/\bPORTICO_[A-Z0-9_]*[A-Z0-9]\b(?!_)/g)].map(([code]) => ({ path, code })),
  );
  assert.ok(named.length > 200, String(named.length));
  assert.deepEqual(
    named.filter(({ code }) => !codes.has(code) && !VARIABLES.test(code)),
    [],
  );
});
