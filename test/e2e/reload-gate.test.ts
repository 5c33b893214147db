/** A reload serves nothing new before every first worker is built, and a refused one serves nothing new at all. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject, freePort, startProject } from './program.js';

/** `two` is built when the file `held` is gone; each app answers with its process. */
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
