import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, symlinkSync, watch } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../fixtures/keeper.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const skip = 'enableCompileCache' in module ? false : `Node ${process.version} keeps no compiled code`;

test('compiled code is kept in the package, unless Node is configured otherwise', { skip }, () => {
  const folder = temporaryFolder('portico-cache-');
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

test('compiled code is kept after the start of a process that is killed', { skip }, async (t) => {
  const folder = temporaryFolder('portico-cache-');
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  for (const copied of ['dist', 'lib']) cpSync(join(ROOT, copied), join(folder, copied), { recursive: true });
  const module = join(folder, 'dist/process/v8.js');
  const code = `const { keepCompiledCode } = await import(${JSON.stringify(module)}); keepCompiledCode(); await import('./dist/text/index.js'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: folder, stdio: 'inherit' });
  t.after(() => child.kill('SIGKILL'));
  const cache = join(folder, '.cache');
  const files = (): string[] => (existsSync(cache) ? readdirSync(cache, { recursive: true }).map(String) : []);
  while (files().length < 2) {
    const changed = watch(folder, { recursive: true });
    if (files().length < 2) await new Promise((resolve) => changed.once('change', resolve));
    changed.close();
  }
});
