/** The admin listener: access to the control API over TCP. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text as textOf } from 'node:stream/consumers';
import { test } from 'node:test';
import { askSocket } from '../../e2e/clients.js';
import {
  emptyProject,
  freePort,
  type Program,
  startedOnce,
  startProject,
  type UntilEnd,
  untilFileEnds,
} from '../../e2e/program.js';
import { pidProject } from '../../e2e/projects.js';
import { get } from '../../fixtures/http-client.js';
import { until } from '../../fixtures/until.js';
import { FORWARDING } from '../../middleware/forwarding.js';

const app = `
export const app = () => (req, res) => {
  if (req.url === '/spin') return endlessly();
  res.end(String(process.pid));
};
function endlessly() {
  for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(cell, 0, 0, 5);
}
`;

interface Served {
  readonly port: number;
  readonly admin: number;
  readonly program: Program;
}

async function served(t: UntilEnd, { more = '', workers = 1 } = {}): Promise<Served> {
  const port = await freePort();
  const options = `[admin]\nlisten = 127.0.0.1:0\n${more}`;
  const program = startProject(t, emptyProject({ ...pidProject(port, workers, options), 'app.js': app }));
  const admin = await program.adminPort();
  return { port, admin, program };
}

const file = untilFileEnds();
/** One service for the tests that follow one another, of which the last one makes its worker stuck. */
const shared = startedOnce(() => served(file, { more: 'hosts = ops.example, *.ops.example' }));

async function ask(port: number, method: string, path: string, more: RequestOptions = {}) {
  const asked = request({ host: '127.0.0.1', port, method, path, agent: false, ...more }).end();
  const [res] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of res) text += String(chunk);
  return { status: res.statusCode, text };
}

test('OP-55 OP-58 the admin listener serves what the control socket does, on a separate port', async () => {
  const { admin, program } = await shared();
  const { status, text } = await ask(admin, 'GET', '/status');
  assert.equal(status, 200);
  assert.equal((JSON.parse(text) as { process: { pid: number } }).process.pid, program.pid);
  assert.deepEqual(await ask(admin, 'HEAD', '/healthz'), { status: 200, text: '' });
  assert.equal((await ask(admin, 'POST', '/reload')).status, 200);
  assert.deepEqual(await ask(admin, 'GET', '/healthz'), { status: 200, text: 'ok\n' });
});

test('OP-58 no state of the services: who asks chooses the key of the digests of their secrets', async () => {
  const { admin, program } = await shared();
  const [, socket] = await program.printed(/"event":"control","socket":"([^"]+)"/);
  const state = { method: 'POST', path: '/state', body: '{"key":"k"}' };
  const headers = { 'content-type': 'application/json' };
  const refused = await fetch(`http://127.0.0.1:${admin}${state.path}`, { ...state, headers });
  assert.equal(refused.status, 404);
  assert.match(await refused.text(), /PORTICO_CONTROL_NOT_FOUND/);
  const { status, body } = await askSocket<{ schema: string }>(socket!, state.method, state.path, state.body);
  assert.deepEqual([status, body.schema], [200, 'portico/states']);
});

test('OP-57 OP-58 metrics_listen serves probes and metrics to other machines, and nothing that only operators may read or do; while drain_delay lasts readyz and status say that the service leaves, and still accepts requests', async (t) => {
  const { admin, program } = await served(t, {
    more: 'metrics_listen = 0.0.0.0:0\n[metrics]\nenabled = true\n[DEFAULT]\ndrain_delay = 30',
  });
  const [, printed] = await program.printed(/"event":"metrics","url":"http:\/\/0\.0\.0\.0:(\d+)"/);
  const port = Number(printed);
  assert.deepEqual(await ask(port, 'GET', '/healthz'), { status: 200, text: 'ok\n' });
  const { status, text } = await ask(port, 'GET', '/readyz');
  const services = [{ name: 'hello', state: 'ready', reasons: [] }];
  assert.deepEqual(
    [status, JSON.parse(text)],
    [200, { schema: 'portico/readiness', version: 1, ready: true, services }],
  );
  assert.match((await ask(port, 'GET', '/metrics')).text, /^portico_workers_ready\{/m);
  for (const path of ['/', '/status', '/requests', '/config', '/pipelines', '/docs']) {
    assert.equal((await ask(port, 'GET', path)).status, 404, path);
  }
  for (const path of ['/stop', '/reload', '/scale']) assert.notEqual((await ask(port, 'POST', path)).status, 200, path);

  assert.equal((await ask(admin, 'POST', '/stop')).status, 200);
  const answer = await until(
    () => ask(admin, 'GET', '/readyz'),
    ({ status }) => status !== 200,
  );
  assert.match(
    answer.text,
    /"state": "draining",\s+"reasons": \[\s+"the service is leaving: it accepts requests until drain_delay has passed"/,
  );
  const told = JSON.parse((await ask(admin, 'GET', '/status')).text) as { process: Record<string, unknown> };
  assert.deepEqual([told.process.stopping, told.process.leaving], [true, true]);
  assert.equal((await ask(admin, 'GET', '/healthz')).status, 200);
});

test('OP-58 a host that is not its own is refused, whatever is asked: a page may have pointed its name here', async () => {
  const { admin } = await shared();
  const withHost = (host: string) => ask(admin, 'GET', '/status', { headers: { host } });
  for (const host of ['attacker.example', `attacker.example:${admin}`, 'localhost.attacker.example', 'x']) {
    const { status, text } = await withHost(host);
    assert.equal(status, 403, host);
    assert.match(text, /PORTICO_ADMIN_HOST/);
  }
  for (const host of ['localhost', `127.0.0.1:${admin}`, '[::1]:9100', 'OPS.example:80', 'a.ops.example']) {
    assert.equal((await withHost(host)).status, 200, host);
  }
});

test('OP-57 a probe by HTTP/1.0, which names no host, gets a response', async () => {
  const { admin } = await shared();
  const socket = connect(admin, '127.0.0.1').end('GET /readyz HTTP/1.0\r\n\r\n');
  assert.match(await textOf(socket), /^HTTP\/1\.1 200 /);
});

test('OP-58 what comes by a proxy may read, and changes nothing', async () => {
  const { admin } = await shared();
  for (const [field, value] of FORWARDING) {
    const headers = { [field]: value };
    assert.equal((await ask(admin, 'GET', '/status', { headers })).status, 200);
    const write = await ask(admin, 'POST', '/stop', { headers });
    assert.equal(write.status, 403, field);
    assert.match(write.text, /PORTICO_ADMIN_REMOTE/);
  }
});

test('OP-58 a page of another origin changes nothing', async () => {
  const { admin } = await shared();
  const foreign = [
    { origin: 'http://attacker.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ];
  for (const headers of foreign) {
    const { status, text } = await ask(admin, 'POST', '/stop', { headers });
    assert.equal(status, 403, JSON.stringify(headers));
    assert.match(text, /PORTICO_ADMIN_ORIGIN/);
  }
  const own = { origin: `http://127.0.0.1:${admin}`, 'sec-fetch-site': 'same-origin' };
  assert.equal((await ask(admin, 'POST', '/reload', { headers: own })).status, 200);
});

test('OP-57 readyz says of each API whether it serves; one that is stuck is named with its line of code', async () => {
  const { admin, port, program } = await shared();
  const ready = await ask(admin, 'GET', '/readyz');
  assert.equal(ready.status, 200);
  assert.deepEqual(JSON.parse(ready.text), {
    schema: 'portico/readiness',
    version: 1,
    ready: true,
    services: [{ name: 'hello', state: 'ready', reasons: [] }],
  });
  assert.equal((await ask(admin, 'GET', '/readyz/hello')).status, 200);
  assert.equal((await ask(admin, 'GET', '/readyz/helo')).status, 404);
  get(port, '/spin').catch(() => undefined);
  const answer = await until(
    () => ask(admin, 'GET', '/readyz/hello'),
    ({ text }) => text.includes('app.js'),
  );
  assert.equal(answer.status, 503);
  assert.match(answer.text, /"state": "stuck"/);
  assert.match(answer.text, /worker 0 has sent no heartbeat for .*, stuck at endlessly .*app\.js:7:/);
  await program.end();
});

test('OP-55 with allow_remote others may only read', async (t) => {
  const { address } =
    Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.internal === false) ?? {};
  if (address === undefined) return t.skip('this machine has no address but loopback');
  const port = await freePort();
  const options = `[admin]\nlisten = ${address.includes(':') ? `[${address}]` : address}:0\nallow_remote = true`;
  const program = startProject(t, emptyProject(pidProject(port, 1, options)));
  const admin = await program.adminPort();
  assert.equal((await ask(admin, 'GET', '/healthz', { host: address })).status, 200);
  const write = await ask(admin, 'POST', '/stop', { host: address });
  assert.equal(write.status, 403);
  assert.match(write.text, /PORTICO_ADMIN_REMOTE/);
});
