import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { createLogger } from 'portico';
import { type App, compose, environ, Fault, RequestContext } from 'portico/app';
import { catchErrors, requestId, requestLog } from 'portico/middleware';
import { Router } from 'portico/routing';
import { buildFilter, type CapturedLog, captureLog, lint, request } from 'portico/testing';
import { loggedRequest } from '../../dist/plan/replay-lines.js';
import { nodeServer } from '../fixtures/node-server.js';

const hello: App = (_req, res) => {
  res.setHeader('content-length', 5);
  res.end('hello');
};

async function logged(
  app: App,
  path: string,
  local: Record<string, string> = {},
): Promise<CapturedLog & { status: number | undefined }> {
  const captured = captureLog();
  const outer = await buildFilter(catchErrors);
  const ids = await buildFilter(requestId);
  const { made } = await buildFilter(requestLog, { log: captured.log, local });
  const response = await request(lint(compose([outer.made, ids.made, made], app)), 'GET', path).catch(() => undefined);
  return { ...captured, status: response?.status };
}

test('MW-16 one line for each response, with all its facts', async () => {
  const app: App = (req, res) => {
    const env = environ(req);
    env.route = { name: null, template: '/servers/{id}', controller: 'servers', action: 'show' };
    env.apiVersion = '2.53';
    env.context = new RequestContext({ userId: 'u', projectId: 'p' });
    return hello(req, res);
  };
  const { lines } = await logged(app, '/servers/1?token=abc&limit=2');
  assert.equal(lines.length, 1);
  const { time, pid, duration_ms: duration, request_id: id, ...facts } = lines[0]!;
  assert.deepEqual(facts, {
    level: 'info',
    msg: 'request',
    remote: '127.0.0.1',
    method: 'GET',
    target: '/servers/1?token=****&limit=2',
    protocol: 'HTTP/1.1',
    api_version: '2.53',
    route: '/servers/{id}',
    user_id: 'u',
    project_id: 'p',
    status: 200,
    bytes: 5,
  });
  assert.ok(Number(duration) >= 0 && time !== undefined && pid !== undefined);
  assert.match(String(id), /^req-/);
});

test('MW-16 without the filter context the caller is the one that an authenticator has found', async () => {
  const app: App = (req, res) => {
    environ(req).identity = { userId: 'ada', projectId: 'engines' };
    return hello(req, res);
  };
  const [line] = (await logged(app, '/a')).lines;
  assert.deepEqual([line?.user_id, line?.project_id], ['ada', 'engines']);
});

test('AU-11 a line has a caller, a project, a version and an id from elsewhere only where the request has them', async () => {
  const names = ['user_id', 'project_id', 'api_version', 'global_request_id'];
  const ours = (await logged(hello, '/a')).lines[0]!;
  const shadowed = names.filter((name) => name in ours);
  assert.deepEqual(shadowed, []);
  const taken: Record<string, unknown>[] = [];
  const take = (fields: Record<string, unknown>): void => void taken.push(fields);
  const own = { debug: take, info: take, warn: take, error: take, child: () => own };
  const { made } = await buildFilter(requestLog, { log: createLogger({ logger: own }) });
  await request(made(hello), 'GET', '/a');
  assert.deepEqual(
    names.filter((name) => name in taken[0]!),
    [],
  );
});

test('a line has what a replay needs: the user agent, shortened, and the version that was asked for, also a refused one', async () => {
  const captured = captureLog();
  const { made } = await buildFilter(requestLog, { log: captured.log });
  const router = new Router({ versions: { serviceType: 'things', min: '1.1', max: '1.5' } }).get('/a', () => 'x');
  const app = compose([made], await router.build());
  const headers = { 'openstack-api-version': 'things 1.9', 'user-agent': `probe/1 ${'x'.repeat(200)}` };
  assert.equal((await request(app, 'GET', '/a', { headers })).status, 406);
  const [line] = captured.lines;
  assert.deepEqual([line?.asked_version, line?.api_version], ['1.9', undefined]);
  assert.equal(String(line?.user_agent), headers['user-agent'].slice(0, 100));
});

test('MW-16 a line of text has the same in one string', async () => {
  const { lines } = await logged(hello, '/a', { format: 'text' });
  assert.match(
    String(lines[0]?.msg),
    /^127\.0\.0\.1 "GET \/a HTTP\/1\.1" status: 200 len: 5 time: 0\.\d{6} microversion: - route: - \[req-\S+ - - -\]$/,
  );
});

test('a target cannot end the quotes of a line: quotes and backslashes are escaped, in text and in a template', async () => {
  const path = '/a"%20status:%20500%20"?b=\\"';
  const written = String.raw`"GET /a\"%20status:%20500%20\"?b=\\\" HTTP/1.1"`;
  for (const format of ['text', '"%(request_line)s"']) {
    const { lines } = await logged(hello, path, { format });
    assert.ok(String(lines[0]?.msg).includes(written), String(lines[0]?.msg));
  }
  const [line] = (await logged(hello, path, { format: 'text' })).lines;
  assert.equal(loggedRequest(String(line?.msg))?.target, path, 'and plan --replay reads it as it was sent');
});

test('MW-16 an exception is logged with the status of its response, and goes on', async () => {
  const thrown = await logged(() => {
    throw new Error('oops');
  }, '/a');
  assert.equal(thrown.status, 500);
  assert.equal(thrown.lines[0]?.status, 500);
  const fault = await logged(() => Promise.reject(new Fault(409)), '/a');
  assert.equal(fault.lines[0]?.status, 409);
  const late = await logged(
    (_req, res) =>
      new Promise((_resolve, reject) => {
        res.write('half', () => reject(new Error('disk')));
      }),
    '/a',
  );
  assert.equal(late.lines[0]?.status, 500);
  assert.equal(late.lines[0]?.aborted, 'server');
});

test('MW-16 a client that leaves before the first byte gets 499', async (t) => {
  const { log, lines } = captureLog();
  const { made } = await buildFilter(requestLog, { log });
  const app = made((_req, res) => {
    res.once('close', () => server.emit('left'));
    socket.destroy();
  });
  const { server, port } = await nodeServer(t, app);
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(server, 'left');
  assert.equal(lines[0]?.status, 499);
  assert.equal(lines[0]?.remote, '127.0.0.1');
  assert.equal(lines[0]?.aborted, 'client');
});

test('MW-16 paths to skip are not logged, on segment borders, unless they fail', async () => {
  assert.equal((await logged(hello, '/healthcheck')).lines.length, 0);
  assert.equal((await logged(hello, '/healthcheck/live')).lines.length, 0);
  assert.equal((await logged(hello, '/healthchecker')).lines.length, 1);
  assert.equal((await logged(hello, '/a/b', { skip_paths: '/x,/a' })).lines.length, 0);
  const failing: App = () => {
    throw new Fault(503);
  };
  assert.equal((await logged(failing, '/healthcheck')).lines.length, 1);
});

test('MW-16 slow responses are warnings, a sample leaves out the others', async () => {
  const slow: App = (_req, res) => void setTimeout(() => res.end(), 5);
  const { lines } = await logged(slow, '/', { slow_ms: '1', sample: '0' });
  assert.equal(lines[0]?.level, 'warn');
  assert.equal((await logged(hello, '/', { sample: '0' })).lines.length, 0);
  const { log, lines: quarter } = captureLog();
  const { made } = await buildFilter(requestLog, { log, local: { sample: '0.25' } });
  for (let sent = 0; sent < 8; sent++) await request(lint(made(hello)), 'GET', '/');
  assert.equal(quarter.length, 2);
});

test('the log shows no value of a parameter whose name looks secret, however it is spelt', async () => {
  const names =
    'api_key apikey sig passwd token[] credential jwt access_key %74oken accessToken x%2Dauth-password user[pwd] %zztoken';
  const query = names.split(' ').map((name) => `${name}=hunter2`);
  const { lines } = await logged(hello, `/a?limit=1&${query.join('&')};sig=hunter2`);
  assert.match(String(lines[0]!.target), /limit=1&api_key=\*\*\*\*&/);
  assert.doesNotMatch(JSON.stringify(lines), /hunter2/);
});
