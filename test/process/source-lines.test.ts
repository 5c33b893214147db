/** Stacks with the lines of Portico's sources: the locations are those that Node's reader of source maps finds. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { test } from 'node:test';
import { ownFile } from '../../dist/process/own-files.js';
import { withSourceLines } from '../../dist/process/source-lines.js';

const lib = ownFile('.');
const published = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((path) => /\.m?js$/.test(path));

test('log: a frame of each published file names the line of its source, as Node does', () => {
  let places = 0;
  for (const path of published) {
    const file = new URL(path, lib);
    const map = new SourceMap(JSON.parse(readFileSync(new URL(`${file.href}.map`), 'utf8')) as SourceMapPayload);
    const lines = readFileSync(file, 'utf8').split('\n');
    const frames: string[] = [];
    const expected: string[] = [];
    for (let at = 0; at < lines.length; at += 1 + Math.floor(lines.length / 20)) {
      const column = lines[at]!.search(/\S/) + 1;
      const found = map.findEntry(at, column);
      const written = `${file.href}:${at + 1}:${column + 1}`;
      frames.push(`    at f (${written})`);
      if (!('originalSource' in found) || found.generatedLine !== at) expected.push(`    at f (${written})`);
      else {
        const source = new URL(found.originalSource, file);
        if (places++ === 0) assert.ok(existsSync(source), source.href);
        expected.push(`    at f (${source.href}:${found.originalLine + 1}:${found.originalColumn + 1})`);
      }
    }
    assert.equal(withSourceLines(frames.join('\n')), expected.join('\n'), path);
  }
  assert.ok(places > 500, String(places));
});

test('log: frames of other files, of files without a map, and beyond the last line stay as they are', () => {
  const stack = [
    'Error: x',
    '    at f (file:///srv/app.js:3:4)',
    `    at g (${lib.href}absent.js:3:4)`,
    `    at h (${lib.href}${published[0]}:99999:4)`,
    '    at node:internal/process/task_queues:95:5',
  ].join('\n');
  assert.equal(withSourceLines(stack), stack);
});
