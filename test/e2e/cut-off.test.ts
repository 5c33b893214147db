/** Requests that a drain or a stop cuts off at its deadline, as an operator sees them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { askFor } from './faults/load.js';
import { emptyProject, freePort, type Outcome, startProject } from './program.js';

const app = `export const app = () => (req, res) => {
  if (req.url === '/work') console.log('at work');
  else res.end('ok');
};
`;
const paste = `[pipeline:hello]
pipeline = request_id request_log base
[filter:request_id]
paste.filter_factory = portico/middleware:requestId
[filter:request_log]
paste.filter_factory = portico/middleware:requestLog
[app:base]
paste.app_factory = ./app.js:app
[app:other]
paste.app_factory = ./app.js:app
`;

/** Starts an API with one worker and a request in it that never ends by itself. */
async function atWork(t: TestContext, times: string) {
  const [port, admin] = [await freePort(), await freePort()];
  const ini = (apis: string): string =>
    `[DEFAULT]\n${times}\n${apis}[metrics]\nenabled = true\n[admin]\nlisten = 127.0.0.1:${admin}\n`;
  const { folder } = emptyProject({
    'app.js': app,
    'api-paste.ini': paste,
    'portico.ini': ini(`[api:hello]\nport = ${port}\nworkers = 1\n`),
  });
  const program = startProject(t, { folder });
  await program.printed(/^hello .*:\d+/m);
  const begin = (): Promise<string | undefined> =>
    askFor(`http://127.0.0.1:${port}/work`).then(
      ({ text }) => text,
      ({ code }: NodeJS.ErrnoException) => code,
    );
  const cut = begin();
  await program.printed(/at work/);
  const cli = (...words: string[]): Promise<Outcome> => commandBeside(words, { cwd: folder });
  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  const write = (apis: string): void => writeFileSync(join(folder, 'portico.ini'), ini(apis));
  return { program, cut, begin, cli, metrics, write };
}

test('a request that is cut off at drain_timeout is counted, has its access line, and is reported by reload and status; one of an API that a reload removes too, and stays counted', async (t) => {
  const { program, cut, begin, cli, metrics, write } = await atWork(
    t,
    'drain_timeout = 2\ngraceful_shutdown_timeout = 30',
  );
  const reloaded = await cli('reload');
  assert.equal(reloaded.status, 0);
  assert.match(
    reloaded.stdout,
    /1 open request of replaced workers may run on for drain_timeout; |1 request was cut off/,
  );
  assert.equal(await cut, 'ECONNRESET');
  await program.printed(/exited with status 1; 1 request was cut off at drain_timeout/);
  const lines = program.stderr.split('\n').filter((line) => line.includes('"request_id"'));
  const [access, cutOff] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual([access?.target, access?.status, access?.aborted], ['/work', 503, 'server']);
  const [named] = (cutOff?.requests ?? []) as { path: string; request_id: string }[];
  assert.deepEqual([named?.path, named?.request_id], ['/work', access?.request_id]);
  const counted = await metrics();
  assert.match(counted, /^portico_requests_lost_total\{api="hello",reason="deadline"\} 1$/m);
  assert.match(counted, /^portico_http_requests_total\{.*status="503"\} 1$/m);
  assert.match((await cli('status')).stdout, /1 request was cut off at drain_timeout after the reload of 20/);
  // The next reload has cut off nothing.
  assert.doesNotMatch((await cli('reload')).stdout, /cut off/);

  const second = begin();
  await program.printed(/(?:at work[\s\S]*){2}/);
  write(`[api:other]\nport = ${await freePort()}\nworkers = 1\n`);
  const removal = await cli('reload');
  assert.equal(removal.status, 0, removal.stdout + removal.stderr);
  assert.equal(await second, 'ECONNRESET');
  await program.printed(/(?:exited with status 1; 1 request was cut off at drain_timeout[\s\S]*){2}/);
  assert.match(await metrics(), /^portico_requests_lost_total\{api="hello",reason="deadline"\} 2$/m);
});
