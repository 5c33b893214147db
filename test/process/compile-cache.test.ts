import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const skip = 'enableCompileCache' in module ? false : `Node ${process.version} keeps no compiled code`;

test('compiled code is kept in the package, unless Node is told otherwise', { skip }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-cache-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ['package.json', 'lib']) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const run = (env: NodeJS.ProcessEnv): void => {
    const words = [join(folder, 'lib/cli/main.js'), '--version'];
    const { status, stderr } = spawnSync(process.execPath, words, {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
  };
  run({ NODE_DISABLE_COMPILE_CACHE: '1' });
  run({ NODE_COMPILE_CACHE: join(folder, 'own') });
  assert.deepEqual([existsSync(join(folder, '.cache')), existsSync(join(folder, 'own'))], [false, true]);
  run({});
  assert.ok(readdirSync(join(folder, '.cache'), { recursive: true }).length > 2);
});
