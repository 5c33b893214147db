/** GET /metrics of a running service. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { askPort } from '../../e2e/clients.js';
import {
  emptyProject,
  freePort,
  Program,
  startProject,
  type UntilEnd,
  untilEnd,
  untilFileEnds,
} from '../../e2e/program.js';
import { type Family, parseExposition, sumOf } from '../../fixtures/exposition.js';
import { until as untilAnswer } from '../../fixtures/until.js';

const app = `
import { Fault } from 'portico/app';
import { Router } from 'portico/routing';

const routed = await new Router().connect('server', '/servers/{id}', { handler: ({ params }) => params.id }).build();
export const plain = () => (req, res) => {
  if (req.url.startsWith('/servers/')) return routed(req, res);
  const { pathname } = new URL(req.url, 'http://localhost');
  if (pathname === '/spin') return endlessly();
  if (pathname === '/read') return void req.on('end', () => res.end('read')).resume();
  if (pathname === '/die') process.kill(process.pid, 'SIGKILL');
  if (pathname === '/fail') throw new Fault(500, { message: 'x' });
  if (pathname === '/broken') throw new Error('broken');
  if (pathname === '/block') for (const end = Date.now() + 300; Date.now() < end; );
  if (pathname === '/slow') return void setTimeout(() => res.end('slow'), 60);
  if (pathname === '/think') return new Promise(() => undefined);
  if (pathname === '/wait') return res.writeHead(200).write('begun') && new Promise(() => undefined);
  res.end(String(process.pid));
};
export const refusing = () => (app) => async (req, res) => {
  if (req.url === '/refused') throw new Fault(401);
  // A timer may fire up to a millisecond early.
  for (const from = performance.now(); performance.now() < from + 3; ) await new Promise((resolve) => setTimeout(resolve, 1));
  await app(req, res);
};
export const holding = () => (app) => async (req, res) => {
  if (req.url !== '/held') return app(req, res);
  res.writeHead(200).write('held');
  await new Promise(() => undefined);
};
function endlessly() {
  for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(cell, 0, 0, 5);
}
`;

const paste = `
[pipeline:hello]
pipeline = request_id refusing holding limit hello_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:refusing]
paste.filter_factory = ./app.js:refusing

[filter:holding]
paste.filter_factory = ./app.js:holding

[filter:limit]
paste.filter_factory = portico/middleware:rateLimit
rules = few address 2/h 2 GET /limited

[app:hello_app]
paste.app_factory = ./app.js:plain
`;

interface Served {
  readonly port: number;
  readonly admin: number;
  readonly program: Program;
  readonly folder: string;
}

async function served(
  t: UntilEnd,
  { metrics = 'enabled = true', workers = 1, more = '', files = {} } = {},
): Promise<Served> {
  const port = await freePort();
  const project = emptyProject({
    'app.js': app,
    'api-paste.ini': paste,
    ...files,
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n${more}\n[admin]\nlisten = 127.0.0.1:0\n[metrics]\n${metrics}\n[api:hello]\nport = ${port}\nworkers = ${workers}\n`,
  });
  const program = startProject(t, project);
  const admin = await program.adminPort();
  return { port, admin, program, folder: project.folder };
}

const ask = (port: number, path: string, method = 'GET') => askPort(port, path, { method });

async function askWith(port: number, path: string, body: string): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  return (await askPort(port, path, { method: 'POST', headers, body })).status;
}

async function scrape(admin: number): Promise<ReadonlyMap<string, Family>> {
  const { status, headers, text } = await ask(admin, '/metrics');
  assert.deepEqual([status, headers['content-type']], [200, 'text/plain; version=0.0.4; charset=utf-8'], text);
  return parseExposition(text);
}

/** Polls until the parent has the counts of its workers. */
const until = (admin: number, isThere: (found: ReadonlyMap<string, Family>) => boolean) =>
  untilAnswer(() => scrape(admin), isThere);

/** Polls until a document has a text. */
const untilSaid = async (admin: number, path: string, text: string): Promise<string> =>
  (
    await untilAnswer(
      () => ask(admin, path),
      (answer) => answer.text.includes(text),
    )
  ).text;

const file = untilFileEnds();
type Scrape = ReadonlyMap<string, Family>;

/** The increase of a sum between two scrapes: the tests of a fleet count on. */
const sumSince = (before: Scrape, now: Scrape, name: string, labels: Readonly<Record<string, string>> = {}): number =>
  sumOf(now, name, labels) - (before.has(name.replace(/_(?:count|sum|bucket)$/, '')) ? sumOf(before, name, labels) : 0);

/** Returns a function that starts a fleet when the first of its tests asks for it. It runs until the end of the file. */
function fleet(options: Parameters<typeof served>[1]): () => Promise<Served> {
  let running: Promise<Served> | undefined;
  return () => {
    running ??= served(file, options);
    return running;
  };
}

const mounted = paste.replace(
  '[pipeline:hello]',
  '[composite:hello]\nuse = egg:Paste#urlmap\n/: pipe\n/v1: pipe\n[pipeline:pipe]',
);
const FILTERS = 'enabled = true\nfilters = true';
const one = fleet({ metrics: FILTERS, files: { 'api-paste.ini': mounted } });
const two = fleet({ metrics: FILTERS, workers: 2 });
/** A reload enables its metrics. */
const off = fleet({ metrics: 'status = class', more: '[wsgi]\ndefault_pool_size = 1' });

const REQUESTS = 'portico_http_requests_total';
const IN_FLIGHT = 'portico_http_requests_in_flight';

test('OP-56 MW-47 requests are counted by method, route and status, and a path or a strange method names nothing', async () => {
  const { port, admin } = await one();
  for (const path of ['/a?token=secret', '/<script>', '/fail', '/servers/4711', '/v1/servers/4711'])
    await ask(port, path);
  await ask(port, '/slow', 'PROPFIND');
  const found = await until(admin, (all) => sumOf(all, REQUESTS) === 6);
  assert.equal(sumOf(found, REQUESTS, { api: 'hello', method: 'GET', route: '-', status: '200' }), 2);
  assert.equal(sumOf(found, REQUESTS, { status: '500' }), 1);
  assert.equal(sumOf(found, REQUESTS, { method: 'other' }), 1);
  const byRoute = found.get(REQUESTS)!.samples.filter(({ labels, value }) => value > 0 && labels.route !== '-');
  assert.deepEqual(
    byRoute.map(({ labels: { route, status }, value }) => [route, status, value]),
    [
      ['/servers/{id}', '200', 1],
      ['/v1/servers/{id}', '200', 1],
    ],
  );
  const first = found.get(REQUESTS)!.samples.filter(({ labels, value }) => labels.route === '-' && value === 0);
  assert.deepEqual(
    first.map(({ labels: { method, status } }) => `${method} ${status}`),
    ['GET 503', 'other 500', 'other 503'],
  );
  const seconds = 'portico_http_request_duration_seconds';
  assert.ok(sumOf(found, `${seconds}_sum`, { method: 'other' }) >= 0.05);
  assert.equal(sumOf(found, `${seconds}_bucket`, { method: 'other', le: '0.05' }), 0);
  assert.equal(sumOf(found, `${seconds}_bucket`, { method: 'other', le: '10' }), 1);
});

test('MW-47 the bytes of bodies are counted, of requests with a length and in chunks, and of responses', async () => {
  const { port, admin } = await one();
  const before = await scrape(admin);
  for (const headers of [{ 'content-length': 3000 }, { 'transfer-encoding': 'chunked' }]) {
    const asked = request({ host: '127.0.0.1', port, path: '/read', method: 'POST', headers, agent: false });
    asked.end(Buffer.alloc(3000));
    const [res] = (await once(asked, 'response')) as [IncomingMessage];
    await once(res.resume(), 'end');
  }
  const found = await until(admin, (all) => sumOf(all, REQUESTS, { method: 'POST' }) === 2);
  const since = (name: string, labels = {}) => sumSince(before, found, name, labels);
  assert.equal(since('portico_http_request_bytes_sum'), 6000);
  assert.equal(since('portico_http_request_bytes_bucket', { le: '1024' }), 0);
  assert.equal(since('portico_http_request_bytes_bucket', { le: '4096' }), 2);
  assert.equal(since('portico_http_response_bytes_sum'), 8);
});

test('OP-54 the time of each filter is its own, in and out, and its errors are those that began in it', async () => {
  const { port, admin } = await one();
  const before = await scrape(admin);
  for (const path of ['/slow', '/refused', '/fail']) await ask(port, path);
  const found = await until(admin, (all) => sumSince(before, all, REQUESTS) === 3);
  const name = 'portico_filter_duration_seconds';
  const own = (filter: string, direction: string) => ({
    count: sumSince(before, found, `${name}_count`, { pipeline: 'pipe', filter, direction }),
    sum: sumSince(before, found, `${name}_sum`, { pipeline: 'pipe', filter, direction }),
  });
  assert.equal(own('request_id', 'in').count, 3);
  assert.equal(own('request_id', 'out').count, 3);
  assert.equal(own('refusing', 'in').count, 3);
  assert.equal(own('refusing', 'out').count, 2);
  assert.ok(own('refusing', 'in').sum >= 0.005, 'it waits 3 ms for two of them');
  assert.equal(own('limit', 'in').count, 2);
  assert.ok(own('limit', 'in').sum + own('request_id', 'in').sum < own('refusing', 'in').sum);
  const errors = 'portico_filter_errors_total';
  assert.equal(sumSince(before, found, errors), 1);
  assert.equal(sumSince(before, found, errors, { filter: 'refusing' }), 1);
});

test('requests that are refused are counted by why: by the server, and by a rate limit', async () => {
  const { port, admin } = await one();
  for (let each = 0; each < 4; each++) await ask(port, '/limited');
  const tooLong = await ask(port, `/${'x'.repeat(9000)}`);
  assert.equal(tooLong.status, 414);
  const rejected = 'portico_http_rejected_requests_total';
  const found = await until(admin, (all) => sumOf(all, rejected) === 3);
  assert.equal(sumOf(found, rejected, { reason: 'rate limit' }), 2);
  assert.equal(sumOf(found, rejected, { reason: 'url too long' }), 1);
  assert.ok(found.get(rejected)!.samples.some(({ labels, value }) => labels.reason === 'queue full' && value === 0));
});

test('OP-52 a request that is under way is shown with the filter it is in', async () => {
  const { port, admin } = await one();
  const held = request({ host: '127.0.0.1', port, path: '/held' }).end();
  held.on('error', () => undefined);
  await once(held, 'response');
  const listed = await untilSaid(admin, '/requests', '/held');
  assert.match(listed, /"filter": "holding"/);
  held.destroy();
  // Until its end is reported, the next test takes it for its own request.
  await until(admin, (all) => sumOf(all, IN_FLIGHT) + sumOf(all, 'portico_connections_open') === 0);
  await untilAnswer(
    () => ask(admin, '/requests'),
    ({ text }) => !text.includes('/held'),
  );
});

test('a hundred scrapes in a row give the same, and the service serves on', async () => {
  const { port, admin } = await one();
  await ask(port, '/', 'PUT');
  await until(admin, (all) => sumOf(all, REQUESTS, { method: 'PUT' }) === 1);
  const all = await Promise.all(Array.from({ length: 100 }, () => scrape(admin)));
  assert.ok(all.every((found) => sumOf(found, REQUESTS, { method: 'PUT' }) === 1));
  assert.equal((await ask(port, '/')).status, 200);
});

test('requests that are lost with a worker are counted by how it ended, from 0; processes tell descriptors, heap and version', async () => {
  const { port, admin } = await one();
  const before = await scrape(admin);
  const lost = 'portico_requests_lost_total';
  assert.deepEqual(
    before
      .get(lost)!
      .samples.map(({ labels: { api, reason }, value }) => [api, reason, value])
      .sort(),
    ['deadline', 'error', 'exit', 'heap', 'oom', 'signal', 'start', 'stuck'].map((reason) => ['hello', reason, 0]),
  );
  const worker = { api: 'hello', worker: '0' };
  const open = sumOf(before, 'portico_worker_open_fds', worker);
  assert.ok(open > 10 && open < sumOf(before, 'portico_worker_max_fds', worker), String(open));
  assert.ok(sumOf(before, 'process_open_fds') > 10 && sumOf(before, 'process_max_fds') > 10);
  assert.ok(sumOf(before, 'process_cpu_seconds_total') > 0);
  assert.ok(Math.abs(sumOf(before, 'process_start_time_seconds') - Date.now() / 1000) < 300);
  assert.equal(sumOf(before, 'portico_build_info', { node: process.versions.node }), 1);
  assert.equal(sumOf(before, 'portico_configuration_last_reload_successful'), 1);
  const hanging = ask(port, '/wait').catch(() => undefined);
  const during = await until(admin, (all) => sumOf(all, 'portico_connections_open', worker) === 1);
  const heap = sumOf(during, 'portico_worker_heap_used_bytes', worker);
  assert.ok(heap > 2 ** 20 && heap < sumOf(during, 'portico_worker_heap_limit_bytes', worker));
  await until(admin, (all) => sumOf(all, IN_FLIGHT, worker) === 1);
  // The watch thread reports requests every quarter of a second.
  await untilAnswer(
    async () => JSON.parse((await ask(admin, '/requests')).text) as { requests: { ageMs: number }[] },
    ({ requests }) => requests.some(({ ageMs }) => ageMs > 1000),
  );
  void ask(port, '/die').catch(() => undefined);
  const after = await until(admin, (all) => sumOf(all, lost) > 0);
  assert.equal(sumOf(after, lost, { reason: 'signal' }), sumOf(after, lost));
  await hanging;
});

test('OP-50 no counter goes back when a worker dies, and its start is reported with the reason', async () => {
  const { port, admin } = await one();
  const before = await scrape(admin);
  const deleted = (all: Scrape) => sumOf(all, REQUESTS, { method: 'DELETE' });
  for (let each = 0; each < 5; each++) await ask(port, '/', 'DELETE');
  await until(admin, (all) => deleted(all) === 5);
  await ask(port, '/die').catch(() => undefined);
  const died = await until(
    admin,
    (all) => sumSince(before, all, 'portico_worker_starts_total', { reason: 'death' }) === 1,
  );
  assert.ok(deleted(died) >= 5);
  await until(admin, (all) => sumOf(all, 'portico_workers_ready') === 1);
  await ask(port, '/', 'DELETE');
  await until(admin, (all) => deleted(all) === 6);
  assert.equal(sumOf(await scrape(admin), 'portico_worker_starts_total', { reason: 'launch' }), 1);
});

test('the child of a reload that is refused is no start of a worker', async () => {
  const { admin, folder } = await one();
  writeFileSync(join(folder, 'app.js'), 'throw new Error("not this one");');
  const { text } = await ask(admin, '/reload', 'POST');
  assert.match(text, /"outcome": "refused"/);
  writeFileSync(join(folder, 'app.js'), app);
  assert.equal(sumOf(await scrape(admin), 'portico_worker_starts_total', { reason: 'reload' }), 0);
});

test('a block of the event loop shows as lag, and workers have CPU time and their own collector', async () => {
  const { port, admin } = await two();
  const lag = 'portico_worker_event_loop_lag_max_seconds';
  let found = await scrape(admin);
  // Again, because a worker measures from when it has reported that it is ready.
  while (found.get(lag)?.samples.some(({ value }) => value >= 0.25) !== true) {
    await ask(port, '/block');
    found = await scrape(admin);
  }
  for (const worker of ['0', '1']) {
    assert.ok(sumOf(found, 'portico_worker_cpu_seconds_total', { worker }) > 0);
    assert.equal(
      found.get('portico_worker_gc_seconds_total')!.samples.filter(({ labels }) => labels.worker === worker).length,
      4,
    );
  }
});

test('what a worker has counted is not lost with a reload, and reloads are counted by what came of them', async () => {
  const { port, admin } = await two();
  for (let each = 0; each < 5; each++) await ask(port, '/', 'PUT');
  assert.equal((await ask(admin, '/reload', 'POST')).status, 200);
  const found = await until(admin, (all) => sumOf(all, REQUESTS, { method: 'PUT' }) === 5);
  assert.equal(sumOf(found, 'portico_reloads_total', { result: 'accepted' }), 1);
  assert.equal(sumOf(found, 'portico_reloads_total', { result: 'refused' }), 0);
  assert.equal(sumOf(found, 'portico_worker_starts_total', { reason: 'reload' }), 2);
  assert.equal(sumOf(found, 'portico_configuration_generation'), 2);
  const restart = await askWith(admin, '/restart', JSON.stringify({ service: 'hello' }));
  assert.equal(restart, 200);
  const restarted = await scrape(admin);
  assert.equal(sumOf(restarted, 'portico_worker_starts_total', { reason: 'restart' }), 2);
  assert.equal(sumOf(restarted, 'portico_worker_starts_total', { reason: 'reload' }), 2);
});

test('while a worker is stuck under load status, metrics and report respond, and name the line of code', async (t) => {
  const { port, admin, program } = await two();
  const load = Array.from({ length: 8 }, () => loop(port));
  t.after(() => {
    for (const each of load) each.end = true;
  });
  await until(admin, (all) => sumOf(all, REQUESTS) > 100);
  ask(port, '/spin').catch(() => undefined);
  const status = await untilSaid(admin, '/status', 'endlessly');
  assert.match(status, /at endlessly .*app\.js:\d+:/);
  const found = await scrape(admin);
  assert.ok(sumOf(found, REQUESTS) > 100);
  assert.ok(found.get('portico_worker_silent_seconds')!.samples.some(({ value }) => value > 1));
  const report = await ask(admin, '/report', 'POST');
  assert.match(report.text, /its main thread is stuck:\s+at endlessly .*app\.js/);
  const still = (await ask(admin, '/status')).text;
  assert.match(still, /at endlessly/, 'it is stuck all the while');
  await program.end();
});

/** Sends requests one after the other, with a short pause, until `end` is set; failures are ignored. */
function loop(port: number): { end: boolean } {
  const state = { end: false };
  const next = (): void => {
    if (state.end) return;
    const again = (): void => void setTimeout(next, 10);
    request({ host: '127.0.0.1', port, path: '/', agent: false, timeout: 1000 }, (res) =>
      res.resume().on('close', again),
    )
      .on('error', again)
      .on('timeout', function (this: { destroy(): void }) {
        this.destroy();
      })
      .end();
  };
  next();
  return state;
}

test('without [metrics] enabled nothing is counted', async () => {
  const { admin, port } = await off();
  await ask(port, '/');
  const { status, text } = await ask(admin, '/metrics');
  assert.equal(status, 404);
  assert.match(text, /PORTICO_METRICS_OFF.*Set enabled = true in \[metrics\]/s);
});

test('a reload that sets [metrics] enabled begins to count', async () => {
  const { admin, port, program, folder } = await off();
  await ask(port, '/');
  const file = join(folder, 'portico.ini');
  writeFileSync(file, readFileSync(file, 'utf8').replace('[metrics]', '[metrics]\nenabled = true'));
  program.child.kill('SIGHUP');
  await program.printed(/"event":"reload"/);
  await ask(port, '/');
  await until(admin, (all) => sumOf(all, REQUESTS) >= 1);
});

test('gauges have what a worker reported last: memory, event loop, requests under way', async () => {
  const { port, admin } = await off();
  const open = [0, 1, 2].map(() => request({ host: '127.0.0.1', port, path: '/think' }).end());
  for (const each of open) each.on('error', () => undefined);
  const found = await until(
    admin,
    (all) =>
      sumOf(all, 'portico_http_requests_in_flight', { worker: '0' }) === 3 &&
      sumOf(all, 'portico_http_requests_queued') === 2,
  );
  for (const each of open) each.destroy();
  assert.ok(sumOf(found, 'portico_worker_resident_memory_bytes') > 2 ** 24);
  assert.ok(sumOf(found, 'process_resident_memory_bytes') > 2 ** 24);
  assert.ok(sumOf(found, 'portico_worker_event_loop_utilization') <= 1);
  assert.equal(sumOf(found, 'portico_workers_wanted', { api: 'hello' }), 1);
});

test('lines of the log that could not be written are counted, of the parent and of workers, and reported on standard error once a process', async (t) => {
  if (!existsSync('/dev/full')) return t.skip('this system has no /dev/full');
  const [port, admin] = [await freePort(), await freePort()];
  const project = emptyProject({
    'app.js': app,
    'api-paste.ini': paste,
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\nlog_file = /dev/full\n[admin]\nlisten = 127.0.0.1:${admin}\n[metrics]\nenabled = true\n[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const program = startProject(t, project);
  await program.printed(/^hello +http/m);
  await ask(port, '/broken');
  const lost = 'portico_log_lines_lost_total';
  await until(admin, (all) => sumOf(all, lost, { api: '-' }) > 0 && sumOf(all, lost, { api: 'hello' }) > 0);
  await program.stop();
  const line = 'WARN: log lines are lost until /dev/full can be written again: the disk is full';
  assert.deepEqual(
    program.stderr.split('\n').filter((each) => each.includes('/dev/full')),
    [line, line],
  );
});

test('a single process counts each service by itself, tells its own event loop, and is ready while it reloads', async (t) => {
  const port = await freePort();
  const main = `
import { Config, launch } from 'portico';
import { WSGIService } from 'portico/server';
const config = await Config.load({ files: ['portico.ini'] });
const launcher = await launch(new WSGIService('hello', config), { config });
await launcher.launchService(new WSGIService('other', config));
process.exitCode = await launcher.wait();
`;
  const project = emptyProject({
    'main.js': main,
    'app.js': app,
    'api-paste.ini': paste,
    'portico.ini': `[DEFAULT]\ngraceful_shutdown_timeout = 1\n[control]\nsocket =\n[admin]\nlisten = 127.0.0.1:0\n[metrics]\nenabled = true\n[api:hello]\nport = ${port}\n[api:other]\npipeline = hello\nport = 0\n`,
  });
  const program = untilEnd(
    t,
    new Program(process.execPath, [join(project.folder, 'main.js')], { cwd: project.folder }),
  );
  const admin = await program.adminPort();
  // Its [control] socket is none.
  assert.doesNotMatch(program.output(), /"event":"control"/);
  await ask(port, '/');
  const found = await scrape(admin);
  assert.equal(sumOf(found, REQUESTS, { api: 'hello', status: '200' }), 1);
  assert.equal(sumOf(await scrape(admin), REQUESTS), 1);
  assert.ok(sumOf(found, 'portico_worker_resident_memory_bytes', { api: 'hello', worker: '0' }) > 2 ** 24);
  const waiting = ask(port, '/wait').catch(() => undefined);
  let busy = await scrape(admin);
  while (sumOf(busy, IN_FLIGHT, { api: 'hello' }) === 0) busy = await scrape(admin);
  assert.equal(sumOf(busy, IN_FLIGHT, { api: 'other' }), 0);
  program.kill('SIGHUP');
  await program.printed(/Caught SIGHUP/);
  const probed: (number | undefined)[] = [];
  while (!/"event":"reload"/.test(program.stderr)) probed.push((await ask(admin, '/readyz')).status);
  await waiting;
  assert.deepEqual([...new Set(probed)], [200]);
});
