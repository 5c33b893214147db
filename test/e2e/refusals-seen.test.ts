/** Signs for an operator of clients that were refused, and of those that gave up. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { until } from '../fixtures/until.js';
import { emptyProject, freePort, startProject } from './program.js';

const app = `
import { Router } from 'portico/routing';
export const routed = async () => {
  const router = new Router();
  router.get('/slow', () => new Promise(() => {}));
  router.get('/limited', () => 'ok');
  return router.build();
};
`;

const paste = `
[pipeline:hello]
pipeline = request_id request_log limit app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:request_log]
paste.filter_factory = portico/middleware:requestLog

[filter:limit]
paste.filter_factory = portico/middleware:rateLimit
rules = few address 1/h 1 GET /limited

[app:app]
paste.app_factory = ./app.js:routed
`;

async function served(t: TestContext, more = '') {
  const port = await freePort();
  const project = emptyProject({
    'app.js': app,
    'api-paste.ini': paste,
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[admin]\nlisten = 127.0.0.1:0\n[api:hello]\nport = ${port}\nworkers = 1\n${more}`,
  });
  const program = startProject(t, project);
  const admin = await program.adminPort();
  const send = async (bytes: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    let text = '';
    socket.on('data', (part: string) => (text += part)).on('error', () => undefined);
    socket.write(bytes);
    await once(socket, 'close');
    return text.slice(0, 12);
  };
  return {
    port,
    admin,
    program,
    send,
    text: async () => (await commandBeside(['status'], { cwd: project.folder })).stdout,
  };
}

const GET = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${more}\r\n`;

test('OP-51 RL-5 refused clients are in status with reason, number and address, also without metrics, and in the log', async (t) => {
  const { send, program, text } = await served(t, '[wsgi]\nmax_url_length = 100\nheaders_timeout = 1\n');
  assert.equal(await send(GET('/limited')), 'HTTP/1.1 200');
  assert.equal(await send(GET('/limited')), 'HTTP/1.1 429');
  assert.equal(await send(GET('/limited')), 'HTTP/1.1 429');
  assert.equal(await send(GET(`/${'x'.repeat(200)}?secret=1`)), 'HTTP/1.1 414');
  assert.equal(await send(GET('/', `x: ${'x'.repeat(17_000)}\r\n`)), 'HTTP/1.1 431');
  assert.equal(await send('NOT HTTP\r\n\r\n'), 'HTTP/1.1 400');
  assert.equal(await send('GET / HTTP/1.1\r\nHost: a\r\n'), 'HTTP/1.1 408');
  const shown = await until(text, (told) => told.includes('408 request too slow'));
  const [, section] = shown.split('refused in the last ten minutes:\n');
  const lines = section!
    .split('\n')
    .filter((line) => line.startsWith('    '))
    .map((line) => line.trim().replace(/, last \S+$/, ''));
  assert.equal(lines[0], '429 rate limit: 2 times, most from 127.0.0.1');
  assert.deepEqual(lines.slice(1).toSorted(), [
    '400 malformed: 1 time, from 127.0.0.1',
    '408 request too slow: 1 time, from 127.0.0.1',
    '414 url too long: 1 time, from 127.0.0.1',
    '431 headers too large: 1 time, from 127.0.0.1',
  ]);
  const log = program.stderr.split('\n').concat(program.stdout.split('\n'));
  const told = log
    .filter((line) => line.includes('"request rejected"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(told.map(({ level, status }) => [level, status]).toSorted(), [
    ['info', 400],
    ['info', 408],
    ['info', 414],
    ['info', 431],
  ]);
  const tooLong = told.find(({ status }) => status === 414)!;
  assert.match(String(tooLong.path), /^\/x+$/);
  assert.match(String(tooLong.request_id), /^req-/);
  // Each has one line: a 429 that of the access log.
  assert.equal(log.filter((line) => line.includes('"status":429')).length, 2);
});
