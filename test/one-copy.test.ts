/** Tests that a test file loads one copy of the application, the published one: errors have one class then, and modules one state. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

function filesBelow(folder: string, ending: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => ending.test(path) && !path.includes('node_modules'))
    .map((path) => join(folder, path));
}

test('a file of dist, which tests of private parts import, only exports what is in lib', () => {
  const files = filesBelow('dist', /\.js$/);
  assert.ok(files.length > 400);
  for (const file of files) {
    for (const line of readFileSync(join(root, file), 'utf8').split('\n').slice(0, -1)) {
      const from = /^export \{ [\w$]+ as \w+ \} from '([^']+)';$/.exec(line)?.[1];
      assert.ok(from !== undefined, `${file}: ${line}`);
      // The rest is of packages.
      if (from.startsWith('.')) assert.match(join(dirname(file), from), /^lib\/.+\.m?js$/, `${file}: ${line}`);
    }
  }
});

test('no test imports what the compiler has made of src: it would be a second copy', () => {
  const compiled = /\b(?:from |import\(|URL\()\s*['"`][^'"`]*\b(?:compiled|src)\/[^'"`]*\.[jt]s['"`]/;
  const wrong = filesBelow('test', /\.(?:ts|mjs)$/).filter((file) =>
    compiled.test(readFileSync(join(root, file), 'utf8')),
  );
  assert.deepEqual(wrong, []);
});
