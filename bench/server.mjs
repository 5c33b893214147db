// Processor time of a request through Server, with its guard, its list of connections and its queue, against bare
// node:http with the same app.
//
//   node bench/server.mjs
//
// Each contestant is a process of its own, in turns; it reports what its requests cost. Target: at most 1.08.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

const REQUESTS = 20_000;
const CONNECTIONS = 16;
const ROUNDS = 7;

const REQUEST = [
  'GET /v2.1/servers/detail?limit=10 HTTP/1.1',
  'Host: 127.0.0.1:8774',
  'User-Agent: bench',
  'Accept: application/json',
  'Accept-Encoding: gzip',
  'X-Auth-Token: abcdef',
  'OpenStack-API-Version: compute 2.79',
  '\r\n',
].join('\r\n');

const app = (_req, res) => {
  res.setHeader('content-type', 'application/json');
  res.end('{"ok":true}');
};

const CONTESTANTS = {
  async bare() {
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server.address().port;
  },
  async server() {
    const { Server } = await import('portico/server');
    const server = new Server('bench', app, { maxRequestsPerConnection: 0 });
    await server.start();
    return server.addresses[0].port;
  },
};

async function serve(name) {
  let before;
  process.on('message', (message) => {
    if (message === 'begin') before = process.cpuUsage();
    else if (message === 'end') {
      const { user, system } = process.cpuUsage(before);
      process.send((user + system) / REQUESTS);
    } else process.exit();
  });
  process.send(await CONTESTANTS[name]());
}

/** One request after another on each connection. */
async function load(port) {
  let left = REQUESTS;
  const connections = Array.from({ length: CONNECTIONS }, async () => {
    const socket = connect(port, '127.0.0.1');
    const next = () => (left-- > 0 ? socket.write(REQUEST) : socket.end());
    socket.on('connect', next).on('data', next);
    await once(socket, 'close');
  });
  await Promise.all(connections);
}

async function measure(names) {
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const child = fork(fileURLToPath(import.meta.url), [name]);
      const [port] = await once(child, 'message');
      await load(port);
      child.send('begin');
      await load(port);
      child.send('end');
      const [cost] = await once(child, 'message');
      child.send('exit');
      // The first round is for the disk.
      if (round > 0) results[name].push(cost);
    }
  }
  return results;
}

if (process.argv[2] !== undefined) await serve(process.argv[2]);
else {
  const results = await measure(Object.keys(CONTESTANTS));
  const median = (costs) => costs.toSorted((a, b) => a - b)[costs.length >> 1];
  for (const [name, costs] of Object.entries(results))
    console.log(name.padEnd(8), median(costs).toFixed(2), 'us a request');
  console.log('ratio   ', (median(results.server) / median(results.bare)).toFixed(3));
}
