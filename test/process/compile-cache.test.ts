import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));
const skip = 'enableCompileCache' in module ? false : `Node ${process.version} keeps no compiled code`;

test('compiled code is kept in the CacheDirectory of systemd, unless Node is told otherwise', { skip }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-cache-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const filesAfter = (name: string, env: NodeJS.ProcessEnv): number => {
    const directory = join(folder, name);
    const { status, stderr } = spawnSync(process.execPath, [MAIN, '--version'], {
      env: { ...process.env, CACHE_DIRECTORY: directory, ...env },
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return existsSync(directory) ? readdirSync(directory, { recursive: true }).length : 0;
  };
  assert.ok(filesAfter('kept', {}) > 2);
  assert.equal(filesAfter('disabled', { NODE_DISABLE_COMPILE_CACHE: '1' }), 0);
  assert.equal(filesAfter('elsewhere', { NODE_COMPILE_CACHE: join(folder, 'own') }), 0);
  assert.ok(existsSync(join(folder, 'own')));
  const several = [join(folder, 'first'), join(folder, 'second')];
  filesAfter('kept', { CACHE_DIRECTORY: several.join(':') });
  assert.deepEqual(several.map(existsSync), [true, false]);
});
