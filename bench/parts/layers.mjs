// The cost of each layer of Portico: the same response through one more layer each time.
import { fileURLToPath } from 'node:url';
import { timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { interleave, ratios } from '../measure/rounds.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { warmUp } from '../measure/warm-up.mjs';
import { ask } from '../works/check.mjs';
import { CONNECTIONS, request } from '../works/works.mjs';

const PROGRAM = fileURLToPath(new URL('../portico/layers.mjs', import.meta.url));
const REQUESTS = 8000;
const WARM_UP = { first: 8000, most: 160_000 };
/** Layers have no target. */
const MOST_ROUNDS = 5;

const ROWS = {
  node: { label: 'node:http', against: 'node' },
  'node-seven': { label: 'node:http, seven filters that only pass on', against: 'node' },
  server: { label: "Portico's Server: guard, limits, drain", against: 'node' },
  fastify: { label: 'Fastify behind node:http', against: 'fastify' },
  router: { label: "Portico's Router behind node:http", against: 'fastify' },
  'server-router': { label: 'Server and Router', against: 'fastify' },
};

/** Measures the layers. @see ../run.mjs for the members of the result. */
export async function measureLayers({ rounds, scale, load, say }) {
  const names = Object.keys(ROWS);
  const results = await interleave(names, Math.min(rounds, MOST_ROUNDS), async (name) => {
    const micros = await measureOnce(name, scale, load);
    say(`layers  ${ROWS[name].label.padEnd(44)} ${micros.toFixed(2).padStart(6)} µs`);
    return { micros };
  });
  const rows = names.map((name) => ({
    name,
    ...ROWS[name],
    micros: summary(results.get(name).map(({ micros }) => micros)),
    ratio: summary(ratios(results, name, ROWS[name].against, 'micros')),
  }));
  return {
    name: 'layers',
    title: 'Layer by layer',
    notes: ['A JSON response of 37 bytes, with a response schema where there is a router, in one process each.'],
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table: {
      head: ['', 'µs a request', 'ratio', 'to'],
      rows: rows.map(({ label, micros, ratio, against }) => [
        label,
        micros,
        { ...ratio, digits: 2 },
        ROWS[against].label,
      ]),
    },
  };
}

async function measureOnce(layer, scale, load) {
  const port = await freePort();
  const server = await startServer({ command: process.execPath, args: [PROGRAM, layer, String(port)] }, port);
  try {
    const text = request('GET', '/servers/17');
    const { status, body } = await ask(port, { request: text });
    if (status !== 200) throw new Error(`the layer ${layer} answers ${status}`);
    const order = { port, request: text, connections: CONNECTIONS, status, length: body.length };
    await warmUp(server, order, load, WARM_UP);
    const before = treeTimes(server.pid);
    const count = Math.ceil(REQUESTS * scale);
    await load.send({ ...order, count });
    return timeBetween(before, treeTimes(server.pid), server.pid).total / count;
  } finally {
    await server.stop();
  }
}
