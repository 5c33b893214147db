import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { errorsOf } from '../docs/compiler.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { ts } from '../fixtures/typescript.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(root, 'docs/reference/routing.md'), 'utf8');
const programs = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text]) => text!);

/** Writes an application of the page to a file in the package, where `portico/…` resolves. */
function writeProgram(text: string): string {
  const folder = temporaryFolder('readme-', join(root, 'dist-test'));
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  const file = join(folder, 'program.mjs');
  writeFileSync(file, ts.transpileModule(text, { compilerOptions: options }).outputText);
  return file;
}

test('the first application of the page serves what it says', async (t) => {
  const listening = '.listen(0, function () { process.send(this.address().port); });';
  const child = fork(writeProgram(programs[0]!.replace('.listen(8774);', listening)));
  t.after(() => child.kill());
  const [port] = (await once(child, 'message')) as [number];
  const get = async (path: string, init?: RequestInit): Promise<[number, unknown]> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, init);
    const text = await answer.text();
    return [answer.status, text === '' ? null : (JSON.parse(text) as unknown)];
  };
  assert.deepEqual(await get('/servers'), [200, { servers: [] }]);
  const href = `http://127.0.0.1:${port}/servers/1`;
  assert.deepEqual(await get('/servers/1'), [200, { id: '1', href }]);
  const [status, fault] = await get('/servers/0');
  assert.equal(status, 404);
  assert.equal((fault as { error: { message: string } }).error.message, 'There is no server 0.');
  assert.deepEqual(await get('/servers', { method: 'POST', body: '{"name":"a"}' }), [202, { name: 'a' }]);
  assert.equal((await get('/servers/1/action', { method: 'POST', body: '{"reboot":null}' }))[0], 202);
  assert.deepEqual(await get('/hello/you'), [200, 'hello you']);
  assert.deepEqual(await get('/sum/1/2', { method: 'POST' }), [200, 3]);
});

for (const [index, program] of programs.slice(1).entries()) {
  test(`application ${index + 2} of the page runs`, async () => {
    const child = fork(writeProgram(program));
    const [status] = (await once(child, 'exit')) as [number];
    assert.equal(status, 0);
  });
}

test('every application of the page compiles under the strictest options', () => {
  assert.equal(errorsOf(programs), '');
});
