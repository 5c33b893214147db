// A new connection for each request, on four workers and on one lone process.

import { timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { interleave, ratios } from '../measure/rounds.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { answers, FRESH, lone, nodeProgram, porticoWorkers } from '../processes.mjs';
import { CONNECTIONS, WORKS } from '../works/works.mjs';

const ROWS = {
  'portico-lone': { label: 'Portico, one process', server: lone, against: 'portico-lone' },
  'portico-4': { label: 'Portico, 4 workers', server: porticoWorkers(4), against: 'portico-lone', serving: 4 },
  'node-lone': { label: 'node:http, one process', server: nodeProgram('node'), against: 'node-lone' },
  'cluster-4': {
    label: 'node:cluster, 4 workers',
    server: nodeProgram('node-cluster'),
    against: 'node-lone',
    serving: 4,
  },
};

/** Requests of a round. */
const REQUESTS = 8000;

/**
 * Warm-up requests for each serving process, after which V8 compiles hardly anything: after 1,500 requests each of four workers still
 * used as much time for compiling as for the requests.
 */
const WARM_UP = 6000;

/** Measures new connections. @see ../run.mjs for the members of the result. */
export async function measureConnections({ rounds, scale, load, say }) {
  const names = Object.keys(ROWS);
  const results = await interleave(names, rounds, async (name) => {
    const warmUp = WARM_UP * (ROWS[name].serving ?? 1);
    const figure = await measureOnce(ROWS[name], { scale, load, warmUp });
    say(`connections  ${ROWS[name].label.padEnd(26)} ${figure.micros.toFixed(1).padStart(7)} µs`);
    return figure;
  });
  const rows = names.map((name) => ({
    name,
    label: ROWS[name].label,
    micros: summary(results.get(name).map(({ micros }) => micros)),
    root: summary(results.get(name).map(({ root }) => root)),
    ratio: summary(ratios(results, name, ROWS[name].against, 'micros')),
  }));
  return {
    name: 'connections',
    title: 'A new connection for each request',
    notes: [
      'CPU time of the whole tree for one request of work 1 on a separate connection, 16 at a time, and of the parent',
      'alone. The ratio is to one process of the same application.',
    ],
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table: {
      head: ['', 'µs a request', 'of it the parent', 'to one process'],
      rows: rows.map(({ name, label, micros, root, ratio }) => [
        label,
        micros,
        ROWS[name].serving > 1 ? root : '–',
        { ...ratio, digits: 2 },
      ]),
    },
  };
}

async function measureOnce({ server: command }, { scale, load, warmUp }) {
  const work = WORKS.work1;
  const port = await freePort();
  const server = await startServer(command('work1', port), port);
  try {
    await answers(port, work);
    const { status, body } = work.answer;
    const order = {
      port,
      request: work.request.replace('\r\n\r\n', FRESH),
      connections: CONNECTIONS,
      status,
      fresh: true,
    };
    order.length = body.length;
    await load.send({ ...order, count: warmUp });
    const before = treeTimes(server.pid);
    const count = Math.ceil(REQUESTS * scale);
    await load.send({ ...order, count });
    const spent = timeBetween(before, treeTimes(server.pid), server.pid);
    return { micros: spent.total / count, root: spent.root / count };
  } finally {
    await server.stop();
  }
}
