import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as middleware from 'portico/middleware';
import { evaluateExpression } from '../../dist/loader/expression.js';
import { ownExport } from '../../dist/loader/own-exports.js';

const ORIGIN = { file: 'a.ini', line: 1, column: 1 };
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('what a file names of portico/middleware is what the package exports', async () => {
  for (const [name, value] of Object.entries(middleware)) {
    const parsed = { module: 'portico/middleware', attribute: name };
    assert.equal(await evaluateExpression(parsed, ROOT, name, ORIGIN), value, name);
  }
  // Exports of its files that the package does not export are none; each that it does has a file.
  const door = new URL('../../dist/middleware/index.js', import.meta.url).href;
  const files = new Set<string>();
  for (const name of Object.keys(middleware)) {
    const file = ownExport('portico/middleware', door, name);
    assert.ok(file !== undefined && file !== door, name);
    files.add(file);
  }
  for (const file of files) {
    const names = Object.keys((await import(file)) as object).filter((name) => !Object.hasOwn(middleware, name));
    for (const name of [...names, 'toString']) {
      assert.equal(ownExport('portico/middleware', door, name), undefined, name);
      const missing = { module: 'portico/middleware', attribute: name };
      await assert.rejects(evaluateExpression(missing, ROOT, 'x', ORIGIN), {
        code: 'PORTICO_PASTE_BAD_FACTORY_EXPRESSION',
      });
    }
  }
});

test('filters that no section names are not loaded', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'api-paste.ini');
  const load = (filter: string, option = ''): string => {
    writeFileSync(
      file,
      `[pipeline:main]\npipeline = it app\n[filter:it]\npaste.filter_factory = portico/middleware:${filter}\n${option}\n` +
        '[app:app]\npaste.app_factory = portico/middleware:echo\n',
    );
    // The filter stats is the one that loads node:dgram.
    const program =
      "import { Loader } from 'portico/loader';" +
      `const app = await new Loader(${JSON.stringify(file)}).loadApp(); await app.close();` +
      "console.log(process.moduleLoadList.includes('NativeModule dgram'));";
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    return stdout.trim() || stderr;
  };
  assert.equal(load('stats', 'name = a'), 'true');
  assert.equal(load('requestId'), 'false');
});
