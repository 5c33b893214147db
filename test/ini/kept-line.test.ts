/** The result of reading a file keeps its lines in memory, but not the text of the file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readConf, readPaste } from '../../dist/ini/index.js';
import { keptLine } from '../../dist/ini/position.js';

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of the heap that the result of `read` holds. */
function held(read: () => unknown): number {
  const results: unknown[] = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  results.push(read());
  // V8 holds the text in which a regular expression last found something.
  assert.match('a', /a/);
  collect();
  const after = process.memoryUsage().heapUsed;
  assert.equal(results.length, 1);
  return after - before;
}

const COMMENTS = `# ${'x'.repeat(998)}\n`.repeat(8000);
const SIZE = COMMENTS.length;

for (const [dialect, read] of [
  ['configuration', readConf],
  ['paste file', (file: string, content: Uint8Array) => readPaste(content, file)],
] as const) {
  test(`a ${dialect} of 8 MB of comments, once read, takes the space of its other lines`, () => {
    const written = '[a section of that name]\nan_option = its value\n  continues in a line of its own\n';
    const content = Buffer.from(`${COMMENTS}${written}`);
    read('a.ini', Buffer.from(written));
    const bytes = held(() => read('a.ini', content));
    assert.ok(bytes < SIZE / 4, `it holds ${bytes} bytes`);
  });
}

test('a kept line is the line, whatever its characters', () => {
  for (const line of ['', 'a = b', 'name = Zoë', 'name = 名前', 'name = 😀', '\ud800 lone', '\xff\0']) {
    assert.equal(keptLine(line), line);
  }
});
