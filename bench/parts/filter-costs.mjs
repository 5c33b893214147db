// The cost of each shipped filter: a request through it, and the same request without it, in turns in one process.
import { fileURLToPath } from 'node:url';
import { timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { warmUp } from '../measure/warm-up.mjs';
import { ask } from '../works/check.mjs';
import { CONNECTIONS, request } from '../works/works.mjs';
import { FILTERS, SEVEN } from './filter-list.mjs';

const PROGRAM = fileURLToPath(new URL('../portico/filters-server.mjs', import.meta.url));
const BLOCK = 1000;
/** While V8 compiles, a few pairs cost more than a filter. */
const WARM_UP = { first: 12_000, most: 120_000 };
const PAIRS_A_ROUND = 3;
const LEAST_PAIRS = 8;

/** Measures the filters. @see ../run.mjs for the members of the result. */
export async function measureFilters({ rounds, quick, load, say }) {
  const rows = [];
  const problems = [];
  for (const filter of FILTERS) {
    if (quick && !SEVEN.has(filter.section)) continue;
    try {
      const cost = await measureFilter(filter, Math.max(rounds * PAIRS_A_ROUND, LEAST_PAIRS), load);
      const { label = filter.section } = filter;
      say(`filters  ${label.padEnd(24)} ${cost.median.toFixed(2).padStart(6)} µs`);
      rows.push({ ...filter, label, cost });
    } catch (error) {
      problems.push(`${filter.section}: ${error.message}`);
      say(`filters  ${filter.section}: ${error.message}`);
    }
  }
  return {
    name: 'filters',
    title: 'Each shipped filter alone',
    notes: [
      'Microseconds of CPU time that one filter adds to a request of about 20: blocks of requests with and without it in',
      'turns, in one process with one filter, or in parent and workers where the row names them. What it then does for the',
      'request is in the table; what is above 1 µs has its reason beside it. Differences below 0.3 µs are noise, so some are',
      'negative.',
    ],
    problems,
    figures: Object.fromEntries(rows.map((row) => [row.label, row.cost])),
    table: {
      head: ['filter', 'µs', 'what it does here', 'why above 1 µs'],
      rows: rows.map(({ label, does, why, cost }) => [label, { ...cost, digits: 2 }, does, reasonOf(cost, why)]),
    },
    bars: rows.map(({ section, label, cost }) => ({ label, value: cost, marked: SEVEN.has(section) })),
  };
}

function reasonOf({ median, lower }, why) {
  if (median <= 1) return '';
  return why ?? (lower <= 1 ? 'within the noise of this run' : 'no reason is known');
}

async function measureFilter(filter, pairs, load) {
  const { section, workers, prepare, share = 1, connections = CONNECTIONS, ...given } = filter;
  const prepared = await prepare?.();
  const headers = { ...given.headers, ...prepared?.headers };
  const port = await freePort();
  const args = [PROGRAM, section, String(port), ...(workers === undefined ? [] : [String(workers)])];
  const command = { command: process.execPath, args, env: prepared?.env };
  const server = await startServer(command, port);
  try {
    const orders = [];
    for (const path of ['/without', '/with']) {
      const text = request('GET', path, undefined, headers);
      const { status, body } = await ask(port, { request: text });
      if (status !== 200) throw new Error(`${path} is answered with ${status}`);
      const session = `${section} ${path}`;
      orders.push({ port, request: text, connections, status, length: body.length, session });
    }
    const block = BLOCK * share;
    const { first, most } = WARM_UP;
    for (const order of orders) await warmUp(server, order, load, { first: first * share, most: most * share });
    const costs = [];
    for (let pair = 0; pair < pairs; pair++) {
      const spent = [0, 0];
      // Each second pair begins with the other request, so that drift cancels out.
      for (const which of pair % 2 === 0 ? [0, 1] : [1, 0]) {
        const before = treeTimes(server.pid);
        await load.send({ ...orders[which], count: block, end: pair === pairs - 1 });
        spent[which] = timeBetween(before, treeTimes(server.pid), server.pid).total;
      }
      costs.push((spent[1] - spent[0]) / block);
    }
    return summary(costs);
  } finally {
    await server.stop();
    prepared?.remove();
  }
}
