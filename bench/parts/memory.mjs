// Resident memory of parent and worker just after the start, idle and loaded, and the memory of each part of a worker.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processTree, residentMemory } from '../measure/process-tree.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { lone, nodeProgram, porticoWorkers, sample } from '../processes.mjs';
import { ask } from '../works/check.mjs';
import { CONNECTIONS, request, WORKS } from '../works/works.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SAMPLE_API = new URL('../../examples/compute/dist/bundle.js', import.meta.url);
/** Time after a start until the last modules are loaded. */
const STARTED_MS = 1500;
/** V8 collects the garbage of a start after a process has been idle for 8 to 40 s. */
const IDLE_MS = 60_000;
const QUICK_MS = 500;
const REQUESTS = 20_000;

/** Scripts that only import modules, each with one addition. */
const PARTS = [
  ['node alone', ''],
  ['with node:http and node:https', "import 'node:http'; import 'node:https';"],
  ['with Fastify and middie', "import 'fastify'; import '@fastify/middie';"],
  ['with Portico: service, server, loader, router, shipped filters', "import 'portico'; import 'portico/middleware';"],
  ['with the sample API, not yet opened', `import '${SAMPLE_API}';`],
];

/** Measures memory. @see ../run.mjs for the members of the result. */
export async function measureMemory({ scale, quick, load, say }) {
  const startedMs = quick ? QUICK_MS : STARTED_MS;
  const idleMs = quick ? QUICK_MS : IDLE_MS;
  const parts = [];
  let code = '';
  for (const [label, more] of PARTS) {
    code += more;
    parts.push({ label, ...(await memoryOfCode(code, startedMs)) });
  }
  const folder = mkdtempSync(join(tmpdir(), 'portico-bench-'));
  const work1 = { ...WORKS.work1, name: 'work1' };
  const pair = ['Portico, parent of one worker', 'Portico, worker, work 1: with its watch thread'];
  const both = ['Portico, parent of the sample', 'Portico, worker with the sample API (compute, SQLite)'];
  const started = [];
  const rows = [];
  try {
    for (const row of [
      { names: ['node'], labels: ['node:http'], server: nodeProgram('node'), work: work1 },
      { names: ['fastify'], labels: ['Fastify'], server: nodeProgram('fastify'), work: work1 },
      { names: ['lone'], labels: ['Portico, one process, work 1'], server: lone, work: work1 },
      { names: ['parent', 'worker'], labels: pair, server: porticoWorkers(1), work: work1 },
      {
        names: ['sampleParent', 'sampleWorker'],
        labels: both,
        server: (_, port) => sample(port, folder),
        work: SAMPLE,
      },
    ]) {
      started.push(await startedRow(row, startedMs));
    }
    // All are idle at the same time, without requests.
    await pause(idleMs);
    for (const row of started) row.idle = memoryOf(row.pids);
    for (const row of started) {
      for (const measured of await loadedRow(row, { scale, load })) {
        const { label, start, idle, loaded } = measured;
        say(`memory  ${label.padEnd(52)} ${[start, idle, loaded].map(number).join(' ')} MiB`);
        rows.push(measured);
      }
    }
  } finally {
    await Promise.all(started.map(({ server }) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    name: 'memory',
    title: 'Resident memory',
    notes: [
      `MiB of VmRSS: ${startedMs / 1000} s after the start, ${idleMs / 1000} s later without a request, and right after ${REQUESTS.toLocaleString('en')} requests.`,
      'V8 collects the garbage of the start after 8 to 40 s without work. "Of it files" are pages of node and its libraries,',
      'which all processes of a machine share. The first rows only import and serve nothing.',
    ],
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table: {
      head: ['', 'started', 'idle', 'loaded', 'of it files'],
      rows: [
        ...parts.map(({ label, resident, shared }) => [label, number(resident), '–', '–', number(shared)]),
        ...rows.map(({ label, start, idle, loaded, shared }) => [label, ...[start, idle, loaded, shared].map(number)]),
      ],
    },
  };
}

/** Requests a page of flavors, as a client of nova does. */
const SAMPLE = {
  name: 'compute',
  request: request('GET', '/v2.1/flavors/detail'),
  connections: CONNECTIONS,
};

const number = (value) => value.toFixed(1);

async function memoryOfCode(code, startedMs) {
  const args = ['--input-type=module', '-e', `${code} setInterval(() => {}, 1000); process.send('there');`];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'message');
  await pause(startedMs);
  const memory = residentMemory(child.pid);
  child.kill();
  await once(child, 'exit');
  return memory;
}

/** Starts the server of a row, sends one request, and returns the row with the memory of its processes. */
async function startedRow(row, startedMs) {
  const { labels, server: command, work } = row;
  const port = await freePort();
  const server = await startServer(command(work.name, port), port);
  const { status, body } = await ask(port, work);
  if (status !== 200) {
    await server.stop();
    throw new Error(`${labels[0]} answers ${status} to ${work.request.split('\r\n', 1)[0]}`);
  }
  await pause(startedMs);
  const pids = processTree(server.pid);
  return { ...row, port, server, status, length: body.length, pids, start: memoryOf(pids) };
}

/** Puts load on a row's server and stops it. Returns the figures of each process. */
async function loadedRow({ names, labels, work, port, server, status, length, pids, start, idle }, { scale, load }) {
  const order = { port, request: work.request, connections: CONNECTIONS, status, length };
  await load.send({ ...order, count: Math.ceil(REQUESTS * scale) });
  const loaded = memoryOf(pids);
  await server.stop();
  return labels.map((label, at) => ({
    name: names[at],
    label,
    start: start[at].resident,
    idle: idle[at].resident,
    loaded: loaded[at].resident,
    shared: loaded[at].shared,
  }));
}

const memoryOf = (pids) => pids.map((pid) => residentMemory(pid));
