/** A warning that all workers of an API share is logged once. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject, freePort, startProject } from './program.js';

test('AU-6 warnings about what every worker builds alike, and about modes of files, are logged by one of them, also after a reload', async (t) => {
  const project = emptyProject({
    'app.js': `
export const app = (g, l, ctx) => {
  ctx.log.warn('this app is not for everybody');
  return (req, res) => { ctx.log.warn('asked'); res.end(); };
};
export class Manager { initHosts() {} }
`,
    'api-paste.ini': `[pipeline:hello]
pipeline = noauth base
[filter:noauth]
paste.filter_factory = portico/middleware:noauth
[app:base]
paste.app_factory = ./app.js:app
`,
    'portico.ini': `[DEFAULT]
[api]
auth_strategy = noauth
[servicegroup]
driver = memory
[api:hello]
port = ${await freePort()}
workers = 2
manager = ./app.js:Manager
`,
  });
  const paste = join(project.folder, 'api-paste.ini');
  chmodSync(paste, 0o666);
  const program = startProject(t, project);
  const warnings = (): Record<string, number> => {
    const lines = program.stderr.split('\n').filter((line) => line.includes('"level":"warn"'));
    const texts = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    return Object.fromEntries(texts.map((text) => [text, texts.filter((each) => each === text).length]));
  };
  const [, url] = await program.printed(/^hello +(http:\S+)/m);
  await program.printed(/"event":"ready"/);
  const once = {
    'noauth is on: callers are not authenticated': 1,
    'this app is not for everybody': 1,
    'hello: the manager Manager has initHosts, which is not a hook. Did you mean the hook initHost?': 1,
    'the service registry is in memory: each worker has a separate one, and none has all services': 1,
  };
  const open = 'warning: all users of this machine can change api-paste.ini: its mode is 0666';
  assert.deepEqual(warnings(), { ...once, [`${open}; Run chmod o-w ${paste}`]: 1 });
  program.kill('SIGHUP');
  const [line] = await program.printed(/^.*"event":"reload".*\n/m);
  assert.equal(line.split(open).length, 2, line);
  // The first worker was replaced by one that has built everything again.
  for (const warning of Object.keys(once)) assert.equal(warnings()[warning], 2);
  // A warning about one request is logged by its worker.
  for (let round = 0; round < 12; round++) {
    await (await fetch(`${url}/`, { headers: { 'x-auth-token': 'a:b' } })).arrayBuffer();
  }
  assert.equal(warnings().asked, 12);
});
