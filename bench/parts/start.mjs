// The time from the start of a process to its first response.

import { timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { interleave, ratios } from '../measure/rounds.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { answers, lone, nodeProgram, porticoWorkers } from '../processes.mjs';
import { WORKS } from '../works/works.mjs';

const ROWS = {
  node: { label: 'node:http', server: nodeProgram('node') },
  fastify: { label: 'Fastify', server: nodeProgram('fastify') },
  nest: { label: 'NestJS on Fastify', server: nodeProgram('nest') },
  'portico-lone': { label: 'Portico, one process', server: lone },
  'portico-1': { label: 'Portico, parent and 1 worker', server: porticoWorkers(1) },
  'portico-4': { label: 'Portico, parent and 4 workers', server: porticoWorkers(4) },
  'cluster-4': { label: 'node:cluster, 4 workers', server: nodeProgram('node-cluster') },
};

/** A start takes a quarter of a second, and a single one is not reliable. */
const LEAST_ROUNDS = 3;

/** Measures starts. @see ../run.mjs for the members of the result. */
export async function measureStart({ rounds, say }) {
  const names = Object.keys(ROWS);
  // Once each, so that all files are cached.
  for (const name of names) await measureOnce(ROWS[name]);
  const results = await interleave(names, Math.max(rounds, LEAST_ROUNDS), async (name) => {
    const figure = await measureOnce(ROWS[name]);
    say(`start  ${ROWS[name].label.padEnd(30)} ${figure.millis.toFixed(0).padStart(5)} ms`);
    return figure;
  });
  const rows = names.map((name) => ({
    name,
    label: ROWS[name].label,
    millis: summary(results.get(name).map(({ millis }) => millis)),
    cpu: summary(results.get(name).map(({ cpu }) => cpu)),
    ratio: summary(ratios(results, name, 'fastify', 'millis')),
  }));
  return {
    name: 'start',
    title: 'Start to first response',
    notes: [
      'Milliseconds from the start of the process to the first whole response of work 1, and CPU time of the tree until',
      'then. With workers, the parent checks the files, binds, and starts the processes that serve.',
    ],
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table: {
      head: ['', 'ms', 'ms of CPU time', 'to Fastify'],
      rows: rows.map(({ label, millis, cpu, ratio }) => [
        label,
        { ...millis, digits: 0 },
        { ...cpu, digits: 0 },
        { ...ratio, digits: 2 },
      ]),
    },
  };
}

async function measureOnce({ server: command }) {
  const port = await freePort();
  const begun = performance.now();
  const server = await startServer(command('work1', port), port);
  try {
    await answers(port, WORKS.work1);
    const millis = performance.now() - begun;
    const spent = timeBetween(new Map(), treeTimes(server.pid), server.pid);
    return { millis, cpu: spent.total / 1000 };
  } finally {
    await server.stop();
  }
}
