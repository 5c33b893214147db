// What metrics cost a request: work 2 without them, with them, and with the times of filters, in turns.

import { timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { porticoWorkers } from '../processes.mjs';
import { CONNECTIONS, WORKS } from '../works/works.mjs';

const WAYS = {
  off: { label: 'without', options: [] },
  on: { label: '[metrics] enabled', options: ['metrics.enabled=true'] },
  filters: { label: '[metrics] enabled and filters', options: ['metrics.enabled=true', 'metrics.filters=true'] },
};
const BLOCK = 2000;
const BLOCKS = 9;

/** @see ../run.mjs for what a part gives. */
export async function measureMetrics({ rounds, scale, load, say }) {
  const names = Object.keys(WAYS);
  const micros = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const spent = await measureRound(round, scale, load);
    for (const name of names) micros[name].push(spent[name]);
    say(`metrics  ${names.map((name) => `${name} ${spent[name].toFixed(2)} µs`).join(', ')}`);
  }
  const rows = names.map((name) => ({
    name,
    label: WAYS[name].label,
    micros: summary(micros[name]),
    ratio: summary(micros[name].map((each, round) => each / micros.off[round])),
  }));
  return {
    name: 'metrics',
    title: 'What metrics cost',
    notes: [
      'Work 2, seven filters and a route: parent and one worker of three services side by side, each answering blocks of requests',
      'in turns. A ratio is that of two figures of one round.',
    ],
    problems: [],
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table: {
      head: ['', 'µs a request', 'ratio'],
      rows: rows.map(({ label, micros, ratio }) => [label, micros, { ...ratio, digits: 2 }]),
    },
  };
}

async function measureRound(round, scale, load) {
  const { request, answer, warmUp } = WORKS.work2;
  const servers = [];
  try {
    for (const name of Object.keys(WAYS)) {
      const port = await freePort();
      const server = await startServer(porticoWorkers(1, WAYS[name].options)('work2', port), port);
      servers.push({ name, server, micros: [] });
    }
    const send = ({ name, server: { port } }, count, end = false) => {
      const { status, body } = answer;
      const order = { port, request, connections: CONNECTIONS, status, length: body.length, session: name };
      return load.send({ ...order, count, end });
    };
    for (const each of servers) await send(each, Math.ceil(warmUp * scale));
    for (let block = 0; block < BLOCKS; block++) {
      // The order turns: what drifts cancels out.
      for (let at = 0; at < servers.length; at++) {
        const each = servers[(at + block + round) % servers.length];
        const before = treeTimes(each.server.pid);
        await send(each, BLOCK, block === BLOCKS - 1);
        each.micros.push(timeBetween(before, treeTimes(each.server.pid), each.server.pid).total / BLOCK);
      }
    }
    return Object.fromEntries(servers.map(({ name, micros }) => [name, summary(micros).median]));
  } finally {
    for (const { server } of servers) await server.stop();
  }
}
