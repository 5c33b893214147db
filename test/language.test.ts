/** Rules of plain English that a program can check, for comments of the source. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './e2e/program.js';

const sources = readdirSync(join(root, 'src'), { recursive: true })
  .map(String)
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path: `src/${path}`, lines: readFileSync(join(root, 'src', path), 'utf8').split('\n') }));

/** Places of comment lines that match, as `path:line: text`. */
function commentsWith(pattern: RegExp): string[] {
  return sources.flatMap(({ path, lines }) =>
    lines.flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
  );
}

test('no comment begins with a clause in the place of a noun: name the thing, or begin with a verb', () => {
  assert.deepEqual(commentsWith(/^\s*(?:\/\*\*|\*|\/\/)\s+(?:What|Where|Which|Who)\b/), []);
});

test('no comment has a phrase that reads as translated', () => {
  const phrases = /by the way of|in the stead of|makes haste|by and by\b|\bwhoever\b|\bnobody\b|of one's own/i;
  assert.deepEqual(commentsWith(new RegExp(`^\\s*(?:\\/\\*\\*|\\*|\\/\\/).*(?:${phrases.source})`, 'i')), []);
});
