// The cost of an option for a request: work 2 with each of its settings, in turns.

import { timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { warmUp } from '../measure/warm-up.mjs';
import { porticoWorkers } from '../processes.mjs';
import { server as record } from '../works/payloads.mjs';
import { CONNECTIONS, FORWARDED, request as requestText, WORKS } from '../works/works.mjs';

const METRICS = {
  off: { label: 'without', options: [] },
  on: { label: '[metrics] enabled', options: ['metrics.enabled=true'] },
  filters: { label: '[metrics] enabled and filters', options: ['metrics.enabled=true', 'metrics.filters=true'] },
};
const TRACES = {
  off: { label: 'no SDK', options: [] },
  unsampled: { label: 'an SDK that samples nothing', options: [], env: sdk('always_off') },
  on: { label: 'an SDK that samples all', options: [], env: sdk('always_on') },
  filters: { label: 'the same with [trace] filters', options: ['trace.filters=true'], env: sdk('always_on') },
};
const OPEN = 'noauth.i_know_this_is_open=true';
const forwarded = requestText('GET', `/v2.1/servers/${record.id}`, undefined, FORWARDED);
const FORWARDING = {
  off: { label: 'none', options: [OPEN] },
  removed: { label: 'of a client that is no trusted proxy, removed', options: [OPEN], request: forwarded },
  trusted: {
    label: 'of a trusted proxy',
    options: [OPEN, 'proxy_headers.trusted_proxies=loopback'],
    request: forwarded,
  },
};
const BLOCK = 2000;
const BLOCKS = 9;

/** Measures metrics: without them, with them, and with the times of filters. @see ../run.mjs for the members of the result. */
export function measureMetrics(given) {
  return measureSwitch(given, 'metrics', 'What metrics cost', METRICS);
}

/** Measures spans, which are created but not exported. */
export function measureTraces(given) {
  return measureSwitch(given, 'traces', 'What traces cost', TRACES);
}

/** Measures forwarding headers. */
export function measureForwarded(given) {
  return measureSwitch(given, 'forwarded', 'What forwarding headers cost', FORWARDING);
}

async function measureSwitch({ rounds, load, say }, part, title, ways) {
  const names = Object.keys(ways);
  const micros = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const spent = await measureRound(ways, round, load);
    for (const name of names) micros[name].push(spent[name]);
    say(`${part}  ${names.map((name) => `${name} ${spent[name].toFixed(2)} µs`).join(', ')}`);
  }
  const rows = names.map((name) => ({
    name,
    label: ways[name].label,
    micros: summary(micros[name]),
    ratio: summary(micros[name].map((each, round) => each / micros.off[round])),
  }));
  return {
    name: part,
    title,
    notes: [
      `Work 2, seven filters and a route: parent and one worker of ${names.length} services side by side, each serving blocks of`,
      'requests in turns. A ratio is that of two figures of one round.',
    ],
    problems: [],
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table: {
      head: ['', 'µs a request', 'ratio'],
      rows: rows.map(({ label, micros, ratio }) => [label, micros, { ...ratio, digits: 2 }]),
    },
  };
}

/** Returns the environment of an application that registers an SDK, also in its workers. */
function sdk(sampler) {
  return {
    NODE_OPTIONS: `--import ${new URL('../portico/tracing.mjs', import.meta.url).href}`,
    OTEL_TRACES_SAMPLER: sampler,
  };
}

async function measureRound(ways, round, load) {
  const { request: usual, answer, warmUp: long } = WORKS.work2;
  const servers = [];
  try {
    for (const [name, { options, env, request = usual }] of Object.entries(ways)) {
      const port = await freePort();
      const server = await startServer({ ...porticoWorkers(1, options)('work2', port), env }, port);
      const { status, body } = answer;
      const order = { port, request, connections: CONNECTIONS, status, length: body.length, session: name };
      servers.push({ name, server, order, micros: [] });
    }
    for (const each of servers) await warmUp(each.server, each.order, load, long);
    for (let block = 0; block < BLOCKS; block++) {
      // The order rotates, so that drift cancels out.
      for (let at = 0; at < servers.length; at++) {
        const each = servers[(at + block + round) % servers.length];
        const before = treeTimes(each.server.pid);
        await load.send({ ...each.order, count: BLOCK, end: block === BLOCKS - 1 });
        each.micros.push(timeBetween(before, treeTimes(each.server.pid), each.server.pid).total / BLOCK);
      }
    }
    return Object.fromEntries(servers.map(({ name, micros }) => [name, summary(micros).median]));
  } finally {
    for (const { server } of servers) await server.stop();
  }
}
