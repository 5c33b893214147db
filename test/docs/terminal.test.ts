/** The recorded terminal of the README shows what the commands print today. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { root } from '../fixtures/project.js';

/** Leaves out what differs from run to run: blanks and line ends, numbers, times such as `9.9s` and `1m4s`. */
const same = (text: string): string => text.replaceAll(/\d[\d.,]*(?:ms|s|m(?:\d+s)?)?/g, '0').replaceAll(/\s+/g, '');

test('the terminal of the README is that of a run', async () => {
  const script = join(root, 'site', 'record-terminal.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--print']);
  const picture = readFileSync(join(root, 'docs', 'pictures', 'terminal.svg'), 'utf8');
  const drawn = [...picture.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text).join('\n');
  const shown = drawn.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
  assert.equal(same(shown), same(stdout));
  assert.match(stdout, /responses, 0 lost/);
  assert.match(readFileSync(join(root, 'README.md'), 'utf8'), /docs\/pictures\/terminal\.svg/);
});
