import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the page on security names each limit with the default that it has', () => {
  const options = new Set<string>();
  let group = '';
  for (const line of read('paste/portico.ini').split('\n')) {
    group = /^\[(.+)\]$/.exec(line)?.[1] ?? group;
    options.add(`[${group}] ${line.replace(/^#/, '')}`);
  }
  const named = [...read('docs/security.md').matchAll(/`(\[\w+\] \w+ = \d+)`/g)].map(([, option]) => option!);
  assert.ok(named.length >= 10);
  const unknown = named.filter((option) => !options.has(option));
  assert.deepEqual(unknown, []);
});
