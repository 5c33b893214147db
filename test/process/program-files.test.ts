/** Tests the list of an application's files that its processes compare: each file once, whatever the query of its import. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject, root } from '../e2e/program.js';

test('a file has changed if its text is another one, not if it was written again or is back at its text', () => {
  const { folder } = emptyProject({
    'books.js': "export const books = () => 'é 📚';\n",
    'marked.cjs': '\uFEFFexports.one = 1;\n',
    'main.js': `
import { readFileSync, writeFileSync } from 'node:fs';
import { changedProgramFiles } from ${JSON.stringify(join(root, 'dist', 'process', 'program-files.js'))};
await import('./books.js');
await import('./marked.cjs');
const told = [];
const tell = () => told.push(changedProgramFiles().map((file) => file.slice(file.lastIndexOf('/') + 1)));
const books = readFileSync('books.js', 'utf8');
for (const file of ['books.js', 'marked.cjs', 'main.js']) writeFileSync(file, readFileSync(file));
tell();
writeFileSync('books.js', books + '// more');
tell();
writeFileSync('books.js', books);
tell();
console.log(JSON.stringify(told));
`,
  });
  const { stdout, stderr } = spawnSync(process.execPath, ['main.js'], { cwd: folder, encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), [[], ['books.js'], []]);
});
