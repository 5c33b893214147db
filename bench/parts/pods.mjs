// Memory of a pod that serves one route: Portico in one process, with parent and one worker, and Fastify.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processTree, proportionalMemory } from '../measure/process-tree.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { nodeProgram, porticoWorkers } from '../processes.mjs';
import { ask } from '../works/check.mjs';
import { CONNECTIONS, WORKS } from '../works/works.mjs';

const REST_MS = 20_000;
const QUICK_MS = 500;
const REQUESTS = 2000;
/** The figures differ by less than 3 MiB from round to round. */
const MOST_ROUNDS = 3;

const PODS = [
  ['single', 'Portico, workers = 0', porticoWorkers(1, ['DEFAULT.workers=0'])],
  ['pair', 'Portico, parent and 1 worker', porticoWorkers(1)],
  ['fastify', 'Fastify', nodeProgram('fastify')],
];

/** Measures memory of pods. @see ../run.mjs for the members of the result. */
export async function measurePods({ rounds, quick, load, say }) {
  const restMs = quick ? QUICK_MS : REST_MS;
  const folder = mkdtempSync(join(tmpdir(), 'portico-bench-'));
  // The pages of code are divided among its processes: with a copy, among those of this pod alone.
  const node = join(folder, 'node');
  copyFileSync(process.execPath, node);
  const found = PODS.map(([name, label]) => ({ name, label, rest: [], after: [] }));
  try {
    for (let round = 0; round < Math.min(rounds, MOST_ROUNDS); round += 1) {
      for (const [at, [, , server]] of PODS.entries()) {
        const { rest, after } = await measurePod(server, { node, restMs, load });
        found[at].rest.push(rest);
        found[at].after.push(after);
        say(`pods  ${found[at].label.padEnd(32)} ${rest.toFixed(1)} ${after.toFixed(1)} MiB`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const rows = found.map(({ name, label, rest, after }) => ({
    name,
    label,
    rest: summary(rest).median,
    after: summary(after).median,
  }));
  return {
    name: 'pods',
    title: 'Memory of a pod',
    notes: [
      `MiB of the proportional set size of all processes that serve work 1: ${restMs / 1000} s after the start, and right after ${REQUESTS.toLocaleString('en')} requests.`,
      'Each pod has its own copy of node, as the only Node of a machine: nothing else shares its pages.',
    ],
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table: {
      head: ['', 'idle', 'after requests'],
      rows: rows.map(({ label, rest, after }) => [label, rest.toFixed(1), after.toFixed(1)]),
    },
  };
}

/** Starts one pod, measures it twice, and stops it. */
async function measurePod(command, { node, restMs, load }) {
  const port = await freePort();
  const server = await startServer({ ...command('work1', port), command: node }, port);
  try {
    const { status, body } = await ask(port, { ...WORKS.work1, name: 'work1' });
    await pause(restMs);
    const memory = () => processTree(server.pid).reduce((sum, pid) => sum + proportionalMemory(pid), 0);
    const rest = memory();
    const { request } = WORKS.work1;
    await load.send({ port, request, connections: CONNECTIONS, status, length: body.length, count: REQUESTS });
    return { rest, after: memory() };
  } finally {
    await server.stop();
  }
}
