/** `api-cli --dev`, as `npm run dev` of a new project starts it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { get } from '../fixtures/http-client.js';
import { emptyProject, freePort, startProject } from './program.js';

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

async function developed(t: TestContext, more = '') {
  const port = await freePort();
  const ini = `[DEFAULT]\nenabled_apis = hello\n${more}\n[api:hello]\nport = ${port}\n`;
  const project = emptyProject({ 'app.js': app, 'api-paste.ini': paste, 'portico.ini': ini });
  const program = startProject(t, project, ['--dev']);
  await program.printed(/Ready after/);
  return { port, program };
}

test('--dev writes short lines of requests, with the id once', { timeout: 60_000 }, async (t) => {
  const { port, program } = await developed(t);
  await get(port, '/things?a=1');
  const [line] = await program.printed(/.*GET \/things.*\n/);
  assert.match(line, /INFO: GET \/things\?a=1 200 4 B \d+\.\d ms req-[\w-]+ \{"workerId":0,"service":"hello"\}\n$/);
});

test('--dev with debug lists no options, unless log_options asks for it', { timeout: 60_000 }, async (t) => {
  const { program } = await developed(t, 'debug = true');
  assert.doesNotMatch(program.output(), /Full set of CONF/);
});

test('Ctrl-C ends --dev with 0 behind onClose, also where npm passes it on', { timeout: 60_000 }, async (t) => {
  const { program } = await developed(t);
  program.kill('SIGINT');
  program.kill('SIGINT');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  assert.match(program.stdout, /^closed$/m);
  assert.equal(program.stderr.match(/Caught SIGINT/g)?.length, 1);
});
