// Response times at 70 % of a server's maximum rate: open loop, constant rate.
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { CONTESTANTS } from '../contestants.mjs';
import { interleave, ratios } from '../measure/rounds.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { WORKS } from '../works/works.mjs';

const CONNECTIONS = 64;
const PART = 0.7;
const SATURATING = 8000;
const SECONDS = 4;

/** The server's processes get one CPU, and the load another. A machine with only one CPU measures both together. */
const PINNED = existsSync('/usr/bin/taskset') && availableParallelism() > 1;

const ROWS = {
  portico: { label: 'Portico', contestant: 'portico', against: 'hooks' },
  hooks: { label: 'Fastify, own hooks', contestant: 'hooks', against: 'hooks' },
  'portico-logged': { label: 'Portico, log written', contestant: 'portico', against: 'hooks-logged', logLevel: 'info' },
  'hooks-logged': {
    label: 'Fastify, own hooks, log written',
    contestant: 'hooks',
    against: 'hooks-logged',
    logLevel: 'info',
  },
};

/** Measures latency. @see ../run.mjs for the members of the result. */
export async function measureLatency({ rounds, scale, load, say }) {
  const names = Object.keys(ROWS);
  const rates = new Map(names.map((name) => [ROWS[name].against, { most: Number.POSITIVE_INFINITY, rounds: 0 }]));
  if (PINNED) load.pin('1');
  let results;
  try {
    results = await interleave(names, rounds + 1, async (name) => {
      const figure = await measureOnce(ROWS[name], rates, { load, scale });
      const { saturated, p99 } = figure;
      say(`latency  ${ROWS[name].label.padEnd(34)} ${p99?.toFixed(2) ?? '-'} ms, ${saturated.toFixed(0)}/s at most`);
      return figure;
    });
  } finally {
    if (PINNED) load.pin(`0-${availableParallelism() - 1}`);
  }
  // The first round only determines the maximum rates. Both servers of a pair get the same rate, by the slower one.
  for (const [name, figures] of results)
    results.set(
      name,
      figures.filter(({ p99 }) => p99 !== undefined),
    );
  const rows = names.map((name) => {
    const of = (figure) => summary(results.get(name).map((each) => each[figure]));
    const figures = { median: of('p50'), p99: of('p99'), saturated: of('saturated'), saturatedP99: of('saturatedP99') };
    const { label, against } = ROWS[name];
    const to = (figure) => summary(ratios(results, name, against, figure));
    return { name, label, ...figures, ratio: to('p99'), saturatedRatio: to('saturatedP99') };
  });
  const two = (figure) => ({ ...figure, digits: 2 });
  return {
    name: 'latency',
    title: 'Latency',
    notes: [
      `Work 2 on ${CONNECTIONS} connections. Requests are due at a constant rate, ${PART * 100} % of what the slower of a pair has served at`,
      'most, and are timed from the moment they are due: one that waits for a connection is late, not left out.',
      PINNED ? 'The process tree of the server has one CPU, the load another.' : 'Server and load share a CPU.',
    ],
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table: {
      head: ['', 'ms, median', 'ms, p99', 'p99 to Fastify', 'at most, a second', 'p99 then', 'to Fastify'],
      rows: rows.map(({ label, median, p99, ratio, saturated, saturatedP99, saturatedRatio }) => [
        label,
        two(median),
        two(p99),
        two(ratio),
        saturated.median.toFixed(0),
        two(saturatedP99),
        two(saturatedRatio),
      ]),
    },
  };
}

async function measureOnce({ contestant, against, logLevel }, rates, { load, scale }) {
  const port = await freePort();
  const { request, answer, warmUp } = WORKS.work2;
  const { command, args, env } = CONTESTANTS[contestant].server('work2', port, { logLevel });
  const pinned = PINNED ? { command: '/usr/bin/taskset', args: ['-c', '0', command, ...args] } : { command, args };
  const server = await startServer(
    { ...pinned, env: { ...env, ...(logLevel && { BENCH_LOG_LEVEL: logLevel }) } },
    port,
  );
  try {
    const { status, body } = answer;
    const order = { port, request, connections: CONNECTIONS, status, length: body.length };
    await load.send({ ...order, count: warmUp.first });
    const most = await load.send({ ...order, count: Math.ceil(SATURATING * scale), timed: true });
    const saturated = most.answered / most.seconds;
    const pair = rates.get(against);
    pair.most = Math.min(pair.most, saturated);
    const figures = { saturated, saturatedP99: at(most.times, 0.99) };
    if (++pair.rounds <= 2) return figures;
    const rate = pair.most * PART;
    const { times } = await load.send({ ...order, rate, count: Math.ceil(rate * SECONDS * scale) });
    return { ...figures, p50: at(times, 0.5), p99: at(times, 0.99) };
  } finally {
    await server.stop();
  }
}

function at(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
