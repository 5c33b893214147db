// Response times at 70 % of a server's maximum rate: open loop, constant rate.
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { CONTESTANTS } from '../contestants.mjs';
import { orderOf } from '../measure/rounds.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { warmUp } from '../measure/warm-up.mjs';
import { WORKS } from '../works/works.mjs';

const CONNECTIONS = 64;
const PART = 0.7;
const SATURATING = 8000;
const SECONDS = 1;
/** Pairs of slices in a round. */
const SLICES = 12;
/** A round is a pair of fresh processes. */
const MOST_ROUNDS = 3;

/** The server's processes get one CPU, and the load another. A machine with only one CPU measures both together. */
const PINNED = existsSync('/usr/bin/taskset') && availableParallelism() > 1;

const LABELS = { portico: 'Portico', hooks: 'Fastify, own hooks' };
const PAIRS = [
  { suffix: '', text: '' },
  { suffix: '-logged', text: ', log written', logLevel: 'info' },
];

/** Measures latency: in slices, in turns with Fastify. @see ../run.mjs for the members of the result. */
export async function measureLatency({ rounds, scale, load, say }) {
  const rows = [];
  if (PINNED) load.pin('1');
  try {
    for (const { suffix, text, logLevel } of PAIRS) {
      const slices = [];
      for (let round = 0; round < Math.min(rounds, MOST_ROUNDS); round++) {
        const more = await measureRound(round, logLevel, { load, scale });
        const ratio = summary(more.map(({ portico, hooks }) => portico.p99 / hooks.p99)).median;
        say(`latency${text}  p99 ${ratio.toFixed(2)} of Fastify's in ${more.length} pairs of slices`);
        slices.push(...more);
      }
      for (const [name, label] of Object.entries(LABELS)) {
        const of = (figure) => summary(slices.map((slice) => slice[name][figure]));
        const to = (figure) => summary(slices.map((slice) => slice[name][figure] / slice.hooks[figure]));
        const figures = {
          median: of('p50'),
          p99: of('p99'),
          saturated: of('saturated'),
          saturatedP99: of('saturatedP99'),
        };
        const ratios = { ratio: to('p99'), saturatedRatio: to('saturatedP99') };
        rows.push({ name: `${name}${suffix}`, label: `${label}${text}`, ...figures, ...ratios });
      }
    }
  } finally {
    if (PINNED) load.pin(`0-${availableParallelism() - 1}`);
  }
  const two = (figure) => ({ ...figure, digits: 2 });
  return {
    name: 'latency',
    title: 'Latency',
    notes: [
      `Work 2 on ${CONNECTIONS} connections, in slices of ${SECONDS} s, in turns with Fastify. Figures are medians over slices; a ratio is that of`,
      'two slices in a row.',
      `Requests are due at a constant rate, ${PART * 100} % of the throughput that the slower of the two had just before, and are timed from the`,
      'moment they are due: one that waits for a connection is late, not left out.',
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

/** Starts both servers and warms them up. Returns the figures of each pair of slices, by contestant. */
async function measureRound(round, logLevel, { load, scale }) {
  const { request, answer, warmUp: long } = WORKS.work2;
  const running = [];
  try {
    for (const name of orderOf(Object.keys(LABELS), round)) {
      const port = await freePort();
      const { command, args, env } = CONTESTANTS[name].server('work2', port, { logLevel });
      const pinned = PINNED ? { command: '/usr/bin/taskset', args: ['-c', '0', command, ...args] } : { command, args };
      const level = logLevel && { BENCH_LOG_LEVEL: logLevel };
      const server = await startServer({ ...pinned, env: { ...env, ...level } }, port);
      const { status, body } = answer;
      const order = { port, request, connections: CONNECTIONS, status, length: body.length };
      running.push({ name, server, order });
    }
    for (const { server, order } of running) await warmUp(server, order, load, long);
    const slices = [];
    for (let slice = 0; slice < Math.ceil(SLICES * scale); slice++) {
      const turns = orderOf(running, slice);
      const figures = {};
      // The rate follows the machine, whose other load changes from second to second: else a slice may be above the maximum.
      for (const { name, order } of turns) {
        const { answered, seconds, times } = await load.send({ ...order, count: SATURATING, timed: true });
        figures[name] = { saturated: answered / seconds, saturatedP99: at(times, 0.99) };
      }
      const rate = Math.min(...Object.values(figures).map(({ saturated }) => saturated)) * PART;
      for (const { name, order } of turns) {
        const { times } = await load.send({ ...order, rate, count: Math.ceil(rate * SECONDS) });
        Object.assign(figures[name], { p50: at(times, 0.5), p99: at(times, 0.99) });
      }
      slices.push(figures);
    }
    return slices;
  } finally {
    await Promise.all(running.map(({ server }) => server.stop()));
  }
}

function at(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
