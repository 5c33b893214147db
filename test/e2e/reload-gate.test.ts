/** A reload serves nothing new before every first worker is built, a refused one serves nothing new at all, and no worker keeps clients waiting. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject, freePort, startProject } from './program.js';

/** `two` is built when the file `held` is gone; each app responds with its process. */
const APP = `
import { existsSync, unwatchFile, watchFile } from 'node:fs';
const held = new URL('./held', import.meta.url).pathname;
const answer = (_req, res) => res.end(String(process.pid));
export const one = () => { console.error('one is built in ' + process.pid); return answer; };
export const two = async () => {
  if (existsSync(held)) {
    console.error('two is held');
    await new Promise((go) => watchFile(held, { interval: 20 }, ({ nlink }) => nlink === 0 && go()));
    unwatchFile(held);
  }
  if (existsSync(held + '-refused')) throw new Error('no storage');
  return answer;
};
`;

test('a reload serves nothing new before every first worker is built; a refused one costs nothing', async (t) => {
  const [one, two] = [await freePort(), await freePort()];
  const project = emptyProject({
    'app.js': APP,
    'api-paste.ini': '[app:one]\npaste.app_factory = ./app.js:one\n[app:two]\npaste.app_factory = ./app.js:two\n',
    'portico.ini': `[api:one]\nport = ${one}\nworkers = 1\n[api:two]\nport = ${two}\nworkers = 1\n`,
  });
  const held = join(project.folder, 'held');
  const program = startProject(t, project);
  await program.printed(/"event":"ready"/);
  const pid = async () => (await fetch(`http://127.0.0.1:${one}/`, { headers: { connection: 'close' } })).text();
  const old = await pid();

  for (const isRefused of [true, false]) {
    writeFileSync(held, '');
    if (isRefused) writeFileSync(`${held}-refused`, '');
    const before = program.output().length;
    const printed = (pattern: RegExp) => program.printed(pattern, before);
    program.kill('SIGHUP');
    await Promise.all([printed(/one is built in \d+/), printed(/two is held/)]);
    for (let request = 0; request < 20; request++) assert.equal(await pid(), old);
    assert.doesNotMatch(program.output().slice(before), /worker_ready/);
    rmSync(held);
    await printed(isRefused ? /Reload refused/ : /Reload accepted/);
    assert.equal((await pid()) === old, isRefused);
    rmSync(`${held}-refused`, { force: true });
  }
});

/** The path /held has its response when the file `held` is gone. */
const HELD_APP = `
import { unwatchFile, watchFile } from 'node:fs';
const held = new URL('./held', import.meta.url).pathname;
export const app = () => async (req, res) => {
  if (req.url === '/held') {
    console.error('held by ' + process.pid);
    await new Promise((go) => watchFile(held, { interval: 20 }, ({ nlink }) => nlink === 0 && go()));
    unwatchFile(held);
  }
  res.end(String(process.pid));
};
`;

test('RW-3 SIGHUP to a worker with an open request keeps no new connection waiting', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    held: '',
    'app.js': HELD_APP,
    'api-paste.ini': '[app:main]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `[api:main]\nport = ${port}\nworkers = 2\n`,
  });
  const program = startProject(t, project);
  await program.printed(/"event":"ready"/);
  const pid = async (path: string) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })).text();
  const held = pid('/held');
  const [, holder] = await program.printed(/held by (\d+)/);

  const before = program.output().length;
  process.kill(Number(holder), 'SIGHUP');
  await program.printed(/Caught SIGHUP/);
  const served = await Promise.all(Array.from({ length: 20 }, () => pid('/')));
  assert.equal(served.length, 20);
  await program.printed(/worker_ready/, before);
  rmSync(join(project.folder, 'held'));
  assert.equal(await held, holder);
  await program.printed(/worker_exited/, before);
  for (let request = 0; request < 20; request++) assert.notEqual(await pid('/'), holder);
});
