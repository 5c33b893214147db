// The cost of a remote call: Portico on RabbitMQ and other clients on the same broker, in turns; and memory:// beside a plain call.
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { summary } from '../measure/statistics.mjs';

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const PYTHON = '/usr/bin/python3';
const URL_OF_BROKER = process.env.PORTICO_TEST_AMQP ?? 'amqp://guest:guest@127.0.0.1:5672/';

/** The contestants by name. The others are compared with the first. */
const WAYS = {
  bare: { label: 'rabbitmq-client, bare', command: [process.execPath, here('rpc/bare.mjs')] },
  portico: { label: 'Portico', command: [process.execPath, here('rpc/portico.mjs')] },
  moleculer: {
    label: 'Moleculer',
    command: [process.execPath, here('contestants/moleculer.mjs')],
    lacks: lacksMoleculer,
  },
  oslo: { label: 'oslo.messaging', command: [PYTHON, here('contestants/python/oslo_calls.py')], lacks: lacksOslo },
};
const WARM_UP = 5000;
const BLOCK = 500;
const BLOCKS = 8;

/** Measures calls. @see ../run.mjs for the members of the result. */
export async function measureCalls({ rounds, scale, say }) {
  if (!(await isReachable())) {
    const reason = `rpc: no RabbitMQ at ${new URL(URL_OF_BROKER).host}, see PORTICO_TEST_AMQP`;
    say(reason);
    return result({ rows: [], memory: [], problems: [reason] });
  }
  const problems = [];
  const names = Object.keys(WAYS).filter((name) => {
    const lacking = WAYS[name].lacks?.();
    if (lacking !== undefined) problems.push(`${WAYS[name].label}: not installed (${lacking})`);
    return lacking === undefined;
  });
  for (const line of problems) say(line);
  const found = Object.fromEntries(names.map((name) => [name, { micros: [], perSecond: [], late: [] }]));
  const memory = [];
  for (let round = 0; round < rounds; round++) {
    const spent = await measureRound(names, round, scale);
    for (const name of names) {
      found[name].micros.push(spent[name].micros);
      found[name].perSecond.push(spent[name].perSecond);
      found[name].late.push(spent[name].late);
    }
    memory.push(JSON.parse(spawnSync(process.execPath, [here('rpc/memory.mjs')], { encoding: 'utf8' }).stdout));
    const shown = names.map((name) => {
      const { micros, perSecond, late } = spent[name];
      return `${name} ${micros.toFixed(0)} µs, ${perSecond.toFixed(0)}/s, p99 ${late.toFixed(1)} ms`;
    });
    say(`rpc  ${shown.join('; ')}`);
  }
  const rows = names.map((name) => ({ name, label: WAYS[name].label, ...ratios(found, name) }));
  return result({ rows, memory, problems });
}

function ratios(found, name) {
  const { micros, perSecond, late } = found[name];
  return {
    micros: summary(micros),
    perSecond: summary(perSecond),
    late: summary(late),
    toBare: summary(micros.map((each, round) => each / found.bare.micros[round])),
    toPortico: summary(micros.map((each, round) => each / found.portico.micros[round])),
  };
}

function result({ rows, memory, problems }) {
  const table = {
    head: ['', 'µs of CPU a call', 'times the bare client', 'times Portico', 'calls a second', 'p99, ms'],
    rows: rows.map(({ label, micros, toBare, toPortico, perSecond, late }) => [
      label,
      micros,
      { ...toBare, digits: 2 },
      { ...toPortico, digits: 2 },
      { ...perSecond, digits: 0 },
      { ...late, digits: 1 },
    ]),
  };
  const inside = ['memory', 'plain'].map((name) => summary(memory.map((each) => each[name])));
  if (memory.length > 0) {
    table.rows.push(
      ['Portico, memory://, one process', { ...inside[0], digits: 1 }, '–', '–', '–', '–'],
      ['a plain call of the function', { ...inside[1], digits: 2 }, '–', '–', '–', '–'],
    );
  }
  return {
    name: 'rpc',
    title: 'Remote calls',
    notes: [
      'Calls with 200 bytes of arguments and of result, sixteen at a time, from one process to another by one RabbitMQ on this machine.',
      'CPU time is that of client and server together, without the broker; each makes blocks of calls in turns. Portico and the',
      'bare client have a quorum queue, persistent messages and confirmations at both ends; Moleculer and oslo.messaging have their',
      'defaults: queues and messages that do not outlive the broker.',
    ],
    problems,
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table,
  };
}

async function measureRound(names, round, scale) {
  const exchange = `bench-${randomUUID().slice(0, 8)}`;
  const pairs = {};
  const spent = Object.fromEntries(names.map((name) => [name, { micros: 0, ms: 0, took: [] }]));
  const order = names.map((_, at) => names[(at + round) % names.length]);
  const block = Math.round(BLOCK * scale);
  try {
    for (const name of order) {
      const server = await peer(name, 'server', exchange);
      pairs[name] = { server, client: await peer(name, 'client', exchange) };
      await pairs[name].client.run(Math.round(WARM_UP * scale));
    }
    for (let turn = 0; turn < BLOCKS; turn++) {
      for (const name of order) {
        const { client, server } = pairs[name];
        const before = [client, server].map(({ pid }) => treeTimes(pid));
        const begun = performance.now();
        spent[name].took.push(...(await client.run(block)));
        spent[name].ms += performance.now() - begun;
        for (const [at, { pid }] of [client, server].entries()) {
          spent[name].micros += timeBetween(before[at], treeTimes(pid), pid).total;
        }
      }
    }
  } finally {
    for (const { client, server } of Object.values(pairs)) for (const each of [client, server]) await each?.end();
    await forget(exchange);
  }
  const calls = block * BLOCKS;
  return Object.fromEntries(
    names.map((name) => {
      const { micros, ms, took } = spent[name];
      const late = took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)];
      return [name, { micros: micros / calls, perSecond: (calls * 1000) / ms, late }];
    }),
  );
}

/** Starts a process that serves, or that makes calls on request. */
async function peer(name, role, exchange) {
  const [command, ...args] = WAYS[name].command;
  const child = spawn(command, [...args, role, URL_OF_BROKER, exchange], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const told = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name}, ${role}: it has ended`);
    return value;
  };
  await told();
  return {
    pid: child.pid,
    /** Makes this many calls. Returns the milliseconds of each. */
    async run(calls) {
      child.stdin.write(`run ${calls}\n`);
      return JSON.parse(await told());
    },
    async end() {
      child.stdin.end();
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
    },
  };
}

/** Deletes the queues and exchanges of Portico and the bare client. Those of the others are deleted automatically. */
async function forget(exchange) {
  const { Connection } = await import('rabbitmq-client');
  const connection = new Connection(URL_OF_BROKER);
  for (const queue of ['bare', 'bench', 'bench.bench', 'dead'])
    await connection.queueDelete({ queue: `${exchange}.${queue}` });
  for (const name of ['.portico', '.dlx', '.bench.fanout'])
    await connection.exchangeDelete({ exchange: `${exchange}${name}` });
  await connection.close();
}

function lacksMoleculer() {
  try {
    createRequire(here('contestants/moleculer.mjs')).resolve('moleculer');
    return undefined;
  } catch {
    return 'bench/contestants/node_modules';
  }
}

function lacksOslo() {
  return spawnSync(PYTHON, ['-c', 'import oslo_messaging']).status === 0 ? undefined : 'python3-oslo.messaging';
}

function isReachable() {
  const { hostname, port } = new URL(URL_OF_BROKER);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || 5672) });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
