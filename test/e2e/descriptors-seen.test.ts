/** A service whose worker has no file descriptor left: probes send its clients elsewhere. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { closedAfter } from '../fixtures/closed-after.js';
import { until } from '../fixtures/until.js';
import { Client } from '../server/raw-client.js';
import { askSocket } from './clients.js';
import { emptyProject, freePort, Program, root, untilEnd } from './program.js';

const APP = `
import { closeSync, openSync } from 'node:fs';
const taken = [];
const take = () => { try { for (;;) taken.push(openSync('/dev/null')); } catch {} };
let taking;
export const hello = () => (req, res) => {
  // Again and again: what the worker reads at its start returns descriptors.
  if (req.url === '/take') taking = setInterval(take, 50);
  if (req.url === '/free') {
    clearInterval(taking);
    for (const each of taken.splice(0)) closeSync(each);
  }
  res.end();
};
`;

interface Ready {
  readonly ready: boolean;
  readonly services: readonly { readonly state: string; readonly reasons: readonly string[] }[];
}

test('DR-13 /readyz gets 503 while no worker has a file descriptor for a connection, and 200 after that', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'app.js': APP,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:hello\n',
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[control]\nsocket = ./c.sock\n[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const words = ['-c', 'ulimit -n 400; exec "$0" "$1"', process.execPath, join(root, 'lib', 'cli', 'main.js')];
  const program = untilEnd(t, new Program('sh', words, { cwd: project.folder }));
  await program.printed(/"event":"ready"/);
  const ready = () => askSocket<Ready>(join(project.folder, 'c.sock'), 'GET', '/readyz');
  assert.equal((await ready()).status, 200);
  const client = closedAfter(t, new Client(port));
  const ask = async (path: string): Promise<void> => {
    client.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    assert.equal((await client.response()).status, 200);
  };
  await ask('/take');
  const full = await until(ready, ({ status }) => status === 503);
  assert.equal(full.body.services[0]?.state, 'full');
  assert.match(full.body.services[0].reasons.join(), /out of file descriptors/);
  await ask('/free');
  await until(ready, ({ status }) => status === 200);
});
