/** `api-cli --dev`, as `npm run dev` of a new project starts it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { get } from '../fixtures/http-client.js';
import {
  apiCli,
  emptyProject,
  freePort,
  Program,
  startedOnce,
  startProject,
  type UntilEnd,
  untilEnd,
  untilFileEnds,
} from './program.js';

const paste = `
[pipeline:hello]
pipeline = request_id request_log hello_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:request_log]
paste.filter_factory = portico/middleware:requestLog

[app:hello_app]
paste.app_factory = ./app.js:app
`;

const app = `
export const app = (globalConf, localConf, ctx) => {
  ctx.onClose(() => console.log('closed'));
  return (req, res) => res.end('"hi"');
};
`;

async function developed(t: UntilEnd) {
  const port = await freePort();
  const ini = `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = ${port}\n`;
  const project = emptyProject({ 'app.js': app, 'api-paste.ini': paste, 'portico.ini': ini });
  const program = startProject(t, project, ['--dev']);
  await program.printed(/Ready after/);
  return { port, program };
}

const file = untilFileEnds();
/** For two tests, of which the second one ends it. */
const plain = startedOnce(() => developed(file));

test('--dev writes one short line for a request, with the id once', async () => {
  const { port, program } = await plain();
  await program.printed(/1 worker/);
  const from = program.stderr.length;
  await get(port, '/things?a=1');
  const [line] = await program.printed(/.*GET \/things.*\n/);
  assert.match(line, /INFO: GET \/things\?a=1 200 4 B \d+\.\d ms req-[\w-]+\n$/);
  await get(port, '/others');
  await program.printed(/GET \/others 200.*\n/);
  assert.equal(program.stderr.slice(from).trim().split('\n').length, 2, program.stderr.slice(from));
});

test('Ctrl-C ends --dev with 0 behind onClose, also where npm passes it on', async () => {
  const { program } = await plain();
  program.kill('SIGINT');
  program.kill('SIGINT');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  assert.match(program.stdout, /^closed$/m);
  assert.equal(program.stderr.match(/Caught SIGINT/g)?.length, 1);
});

test('with --inspect the parent has the port, and each worker prints the address of a free one', async (t) => {
  const [port, wanted] = [await freePort(), await freePort()];
  const ini = `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = ${port}\n`;
  const { folder: cwd } = emptyProject({ 'app.js': app, 'api-paste.ini': paste, 'portico.ini': ini });
  const program = untilEnd(t, new Program(process.execPath, [`--inspect=${wanted}`, apiCli, '--dev'], { cwd }));
  await program.printed(/Ready after/);
  const [own, ...workers] = [...program.output().matchAll(/^Debugger listening on ws:.*:(\d+)\//gm)].map(
    ([, at]) => at,
  );
  assert.equal(own, String(wanted));
  assert.equal(workers.length, 1, program.output());
  const listed = await get<[{ readonly webSocketDebuggerUrl: string }]>(Number(workers[0]), '/json/list');
  assert.equal(listed.body.length, 1);
  await program.stop();
});
