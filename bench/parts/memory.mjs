// Resident memory of parent and worker, idle and loaded, and what each part of a worker costs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processTree, residentMemory } from '../measure/process-tree.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { lone, nodeProgram, porticoWorkers, sample } from '../processes.mjs';
import { ask } from '../works/check.mjs';
import { CONNECTIONS, request, WORKS } from '../works/works.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A server that has just started still frees what its start needed. */
const SETTLE_MS = 1500;
const QUICK_SETTLE_MS = 500;
const REQUESTS = 20_000;

/** Programs that only import, each with one thing more than the one before. */
const PARTS = [
  ['node alone', ''],
  ['with node:http and node:https', "import 'node:http'; import 'node:https';"],
  ['with Fastify and middie', "import 'fastify'; import '@fastify/middie';"],
  ['with Portico: service, server, loader, router, shipped filters', "import 'portico'; import 'portico/middleware';"],
  ['with the sample API, not yet opened', "import 'portico/sample';"],
];

/** @see ../run.mjs for what a part gives. */
export async function measureMemory({ scale, quick, load, say }) {
  const settleMs = quick ? QUICK_SETTLE_MS : SETTLE_MS;
  const parts = [];
  let code = '';
  for (const [label, more] of PARTS) {
    code += more;
    parts.push({ label, ...(await memoryOfCode(code, settleMs)) });
  }
  const folder = mkdtempSync(join(tmpdir(), 'portico-bench-'));
  const rows = [];
  const add = async (row) => {
    const measured = await memoryOfServer(row, { scale, settleMs, load });
    rows.push(...measured);
    for (const { label, idle, loaded } of measured)
      say(`memory  ${label.padEnd(48)} ${idle.toFixed(1)} ${loaded.toFixed(1)} MiB`);
  };
  try {
    const work = { ...WORKS.work1, name: 'work1' };
    await add({ names: ['node'], labels: ['node:http'], server: nodeProgram('node'), work });
    await add({ names: ['fastify'], labels: ['Fastify'], server: nodeProgram('fastify'), work });
    await add({ names: ['lone'], labels: ['Portico, one process, work 1'], server: lone, work });
    const pair = ['Portico, parent of one worker', 'Portico, worker, work 1: with its watch thread'];
    await add({ names: ['parent', 'worker'], labels: pair, server: porticoWorkers(1), work });
    const both = ['Portico, parent of the sample', 'Portico, worker with the sample API (compute, SQLite)'];
    await add({
      names: ['sampleParent', 'sampleWorker'],
      labels: both,
      server: (_, port) => sample(port, folder),
      work: SAMPLE,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    name: 'memory',
    title: 'Resident memory',
    notes: [
      `MiB of VmRSS, ${settleMs / 1000} s after the start and right after ${REQUESTS.toLocaleString('en')} requests. In brackets what of it is`,
      'files: pages of node and its libraries, which all processes of a machine share. The first rows only import and serve nothing.',
    ],
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table: {
      head: ['', 'idle', 'loaded', 'of it files'],
      rows: [
        ...parts.map(({ label, resident, shared }) => [label, number(resident), '–', number(shared)]),
        ...rows.map(({ label, idle, loaded, shared }) => [label, number(idle), number(loaded), number(shared)]),
      ],
    },
  };
}

/** A page of flavours as a client of nova asks for it. */
const SAMPLE = {
  name: 'compute',
  request: request('GET', '/v2.1/flavors/detail'),
  connections: CONNECTIONS,
};

const number = (value) => value.toFixed(1);

async function memoryOfCode(code, settleMs) {
  const args = ['--input-type=module', '-e', `${code} setInterval(() => {}, 1000); process.send('there');`];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'message');
  await settled(settleMs);
  const memory = residentMemory(child.pid);
  child.kill();
  await once(child, 'exit');
  return memory;
}

async function memoryOfServer({ names, labels, server: command, work }, { scale, settleMs, load }) {
  const port = await freePort();
  const server = await startServer(command(work.name, port), port);
  try {
    const { status, body } = await ask(port, work);
    if (status !== 200) throw new Error(`${labels[0]} answers ${status} to ${work.request.split('\r\n', 1)[0]}`);
    await settled(settleMs);
    const pids = processTree(server.pid);
    const idle = pids.map((pid) => residentMemory(pid));
    const order = { port, request: work.request, connections: CONNECTIONS, status, length: body.length };
    await load.send({ ...order, count: Math.ceil(REQUESTS * scale) });
    const loaded = pids.map((pid) => residentMemory(pid));
    return labels.map((label, at) => ({
      name: names[at],
      label,
      idle: idle[at].resident,
      loaded: loaded[at].resident,
      shared: loaded[at].shared,
    }));
  } finally {
    await server.stop();
  }
}

function settled(millis) {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
