import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOM = fileURLToPath(new URL('../../examples/compute', import.meta.url));
const FILES = readdirSync(ROOM, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.startsWith('dist'),
);
const textOf = (file: string): string => readFileSync(join(ROOM, file), 'utf8');

test('SC-1 no file of the sample is long', () => {
  for (const file of FILES) assert.ok(textOf(file).split('\n').length <= 161, `${file} is too long`);
});

test('SC-1 the sample imports Portico as its users do', () => {
  for (const file of FILES) {
    for (const [, specifier] of textOf(file).matchAll(/from '([^']+)'/g)) {
      const isInside = specifier!.startsWith('.') && join(ROOM, file, '..', specifier!).startsWith(ROOM);
      assert.ok(isInside || /^(node:|portico(\/|$))/.test(specifier!), `${file} imports ${specifier}`);
    }
  }
});

test('SC-2 controllers hold no state', () => {
  for (const file of FILES.filter((name) => name.startsWith('compute'))) {
    assert.doesNotMatch(textOf(file), /^(let|var) |^export let /m, file);
    for (const [line] of textOf(file).matchAll(/^ {2}(?:#|[a-z])\w* ?=.*$/gm))
      assert.fail(`${file}: ${line} is not readonly`);
  }
});
