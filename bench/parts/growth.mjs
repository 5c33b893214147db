// Cost by size: idle processes, tables of many routes, /metrics by the number of routes with requests, unknown sections, and the starts of
// workers.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { processTree, timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { API_CLI, answers, nodeProgram, porticoWorkers } from '../processes.mjs';
import { WORKS } from '../works/works.mjs';
import { measureFleet } from './reload.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Time until V8 has collected the garbage of a start, which it does after some 105 s of rest, and the time that is measured. */
const SETTLE_MS = 120_000;
const MEASURED_MS = 60_000;
const CONNECTIONS = 9000;
const WORKERS = 32;
const ROUTES = [400, 4000];
const SECTIONS = [500, 2000];
const STARTS = 5;
const SCRAPES = 5;
const KEPT = ['wsgi.keep_alive_timeout=3600'];
const REQUEST = 'GET / HTTP/1.1\r\nhost: bench\r\n\r\n';

/** Measures growth. @see ../run.mjs for the members of the result. */
export async function measureGrowth({ rounds, quick, say }) {
  const rows = [];
  const add = (name, label, value, digits, than) => {
    rows.push({ name, label, value, than });
    say(`growth  ${label.padEnd(60)} ${value.toFixed(digits)}${than === undefined ? '' : ` ${than}`}`);
  };
  for (const { name, label, ms } of await measureRest(quick)) add(name, label, ms, 0, 'ms a minute');
  const args = ['--json', '--rounds', String(quick ? 1 : Math.min(rounds, 3))];
  const { stdout } = await promisify(execFile)(process.execPath, [here('../micro/growing-tables.mjs'), ...args]);
  const { tables, lookups } = JSON.parse(stdout);
  for (const { name, few, many, ratio } of tables) {
    add(
      name,
      `${many.count} routes, ${name}, to ${few.count}`,
      ratio.median,
      2,
      `times, ${many.ms.median.toFixed(0)} ms`,
    );
  }
  for (const { count, hit, miss } of lookups) {
    add(`hit-${count}`, `lookup of /{id}-x among ${count}`, hit, 2, 'µs');
    add(`miss-${count}`, `the same, a miss`, miss, 2, 'µs');
  }
  for (const count of ROUTES) {
    const { bytes, ms } = await measureMetrics(count);
    add(
      `metrics-${count}`,
      `/metrics with ${count} used routes, the parent`,
      ms,
      1,
      `ms, ${(bytes / 1e6).toFixed(2)} MB`,
    );
  }
  for (const count of SECTIONS)
    add(`check-${count}`, `check with ${count} unknown sections`, await measureCheck(count), 0, 'ms');
  const [worker, other] = await measureWorkers(quick ? 1 : STARTS);
  add(
    'start',
    'start of a worker, to one of Fastify in a cluster',
    worker / other,
    2,
    `times, ${worker.toFixed(0)} ms`,
  );
  const { cpu, root } = await measureFleet(WORKERS, 1, say);
  add('reload', `a reload of ${WORKERS} workers`, cpu.median, 0, 'ms');
  add('reload-parent', 'its parent', root.median, 0, 'ms');
  return {
    name: 'growth',
    title: 'Cost by size',
    notes: [
      `CPU time of idle processes, ${SETTLE_MS / 1000} s after their start: all their threads, in milliseconds a minute. Tables of routes`,
      'are built with 1,000 and 4,000 routes (handlers: 2,000 and 8,000) in one process. For `/metrics` each route had a request.',
    ],
    figures: Object.fromEntries(rows.map(({ name, value }) => [name, value])),
    table: {
      head: ['', 'measured', ''],
      rows: rows.map(({ label, value, than }) => [label, value.toFixed(2), than]),
    },
  };
}

/** Measures idle processes in the same minutes. */
async function measureRest(quick) {
  const [settleMs, measuredMs] = quick ? [15_000, 15_000] : [SETTLE_MS, MEASURED_MS];
  const started = [];
  const sockets = [];
  const start = async (command) => {
    const port = await freePort();
    const server = await startServer(command('work1', port), port);
    started.push(server);
    return server;
  };
  try {
    const node = await start(nodeProgram('node'));
    const one = await start(porticoWorkers(1));
    const crowded = await start(porticoWorkers(1, KEPT));
    const fleet = await start(porticoWorkers(WORKERS));
    sockets.push(...(await idleConnections(crowded.port)));
    while (processTree(fleet.pid).length <= WORKERS) await pause(100);
    await pause(settleMs);
    const before = started.map(({ pid }) => treeTimes(pid));
    const begun = performance.now();
    await pause(measuredMs);
    const minutes = (performance.now() - begun) / 60_000;
    const spent = started.map(({ pid }, at) => timeBetween(before[at], treeTimes(pid), pid));
    const ms = (server, of) => of(spent[started.indexOf(server)]) / 1000 / minutes;
    const children = ({ total, root }) => total - root;
    return [
      { name: 'node', label: 'bare node:http', ms: ms(node, ({ total }) => total) },
      { name: 'worker', label: 'an idle worker', ms: ms(one, children) },
      { name: 'parent', label: 'its parent', ms: ms(one, ({ root }) => root) },
      { name: 'crowded', label: `a worker with ${CONNECTIONS} idle connections`, ms: ms(crowded, children) },
      { name: 'fleet', label: `the parent of ${WORKERS} idle workers`, ms: ms(fleet, ({ root }) => root) },
    ];
  } finally {
    for (const socket of sockets) socket.destroy();
    await Promise.all(started.map((server) => server.stop()));
  }
}

/** Opens connections, each of which had one request. */
async function idleConnections(port) {
  const sockets = [];
  for (let index = 0; index < CONNECTIONS; index++) {
    const socket = connect({ port, host: '127.0.0.1' });
    sockets.push(socket);
    socket.write(REQUEST);
    await once(socket, 'data');
  }
  return sockets;
}

/** Sends a request to each of so many routes, and measures what the metrics of them cost the parent. */
async function measureMetrics(count) {
  const [port, admin] = [await freePort(), await freePort()];
  const more = ['metrics.enabled=true', `admin.listen=127.0.0.1:${admin}`];
  const command = porticoWorkers(1, more)('growth', port);
  const server = await startServer({ ...command, env: { BENCH_ROUTES: String(count) } }, port);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const text = async (where, path) => {
    const [res] = await once(get({ host: '127.0.0.1', port: where, path, agent }), 'response');
    let body = '';
    for await (const piece of res.setEncoding('utf8')) body += piece;
    return body;
  };
  try {
    for (let route = 0; route < count; route++) await text(port, `/volumes${route}/1`);
    // The worker tells its counts each second.
    while (
      ((await text(admin, '/metrics')).match(/^portico_http_requests_total\{.*status="200"/gm) ?? []).length < count
    ) {
      await pause(100);
    }
    const before = treeTimes(server.pid);
    let bytes = 0;
    for (let scrape = 0; scrape < SCRAPES; scrape++) bytes = (await text(admin, '/metrics')).length;
    const { root } = timeBetween(before, treeTimes(server.pid), server.pid);
    return { bytes, ms: root / 1000 / SCRAPES };
  } finally {
    agent.destroy();
    await server.stop();
  }
}

/** CPU time of `check` with a file of so many sections that nothing declares, in milliseconds. */
async function measureCheck(count) {
  const folder = mkdtempSync(join(tmpdir(), 'portico-growth-'));
  try {
    const sections = Array.from({ length: count }, (_, index) => `[other-${index}]\na = 1\nb = 2\n`);
    writeFileSync(
      join(folder, 'portico.ini'),
      `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 1\n${sections.join('')}`,
    );
    writeFileSync(join(folder, 'api-paste.ini'), '[app:hello]\npaste.app_factory = ./app.mjs:app\n');
    writeFileSync(join(folder, 'app.mjs'), 'export const app = () => (req, res) => res.end();\n');
    // `times` of the shell prints the time of its children in its second line: user and system, such as 0m1.250s.
    const script = '"$0" "$1" check > report; times';
    const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, API_CLI], { cwd: folder });
    const spent = stdout
      .trim()
      .split('\n')
      .at(-1)
      .matchAll(/(\d+)m([\d.]+)s/g);
    return [...spent].reduce((sum, [, minutes, seconds]) => sum + (minutes * 60 + Number(seconds)) * 1000, 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** CPU time of a worker until its first response, in milliseconds: of Portico, and of Fastify in node:cluster. */
async function measureWorkers(times) {
  const figures = [[], []];
  for (let time = 0; time < times; time++) {
    for (const [at, command] of [porticoWorkers(1), nodeProgram('fastify-cluster')].entries()) {
      const port = await freePort();
      const server = await startServer(command('work1', port), port);
      try {
        await answers(port, WORKS.work1);
        const { total, root } = timeBetween(new Map(), treeTimes(server.pid), server.pid);
        figures[at].push((total - root) / 1000);
      } finally {
        await server.stop();
      }
    }
  }
  return figures.map((each) => summary(each).median);
}
