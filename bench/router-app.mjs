// Processor time of a request through router, Fastify and controller, against bare Fastify with the same route
// and the same response schema.
//
//   node bench/router-app.mjs
//
// Each contestant is a process of its own, in turns; it reports what its requests cost. Target: at most 1.15.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { fileURLToPath } from 'node:url';

const REQUESTS = 12_000;
const CONNECTIONS = 20;
const ROUNDS = 5;

const response = {
  200: {
    type: 'object',
    properties: { server: { type: 'object', properties: { id: { type: 'string' }, name: { type: 'string' } } } },
  },
};

const show = (_request, { id }) => ({ server: { id, name: 'web-1' } });

const CONTESTANTS = {
  async fastify() {
    const { fastify } = await import('fastify');
    const app = fastify();
    app.get('/servers/:id', { schema: { response } }, (req) => ({ server: { id: req.params.id, name: 'web-1' } }));
    await app.ready();
    return app.routing;
  },
  async router() {
    const { Router, action } = await import('portico/routing');
    const router = new Router({ controllers: { servers: { show: action({ response }, show) } } });
    router.connect('/servers/{id}', { controller: 'servers', action: 'show', conditions: { method: ['GET'] } });
    return await router.build();
  },
};

async function serve(name) {
  const server = createServer(await CONTESTANTS[name]());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let start = process.cpuUsage();
  process.on('message', (message) => {
    if (message === 'start') start = process.cpuUsage();
    else {
      const { user, system } = process.cpuUsage(start);
      process.send({ micros: user + system });
    }
  });
  process.on('disconnect', () => process.exit());
  process.send({ port: server.address().port });
}

async function load(port, count) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let left = count;
  const worker = async () => {
    while (left-- > 0) {
      const sent = request({ port, host: '127.0.0.1', path: `/servers/${left}`, agent }).end();
      const [answer] = await once(sent, 'response');
      answer.resume();
      await once(answer, 'end');
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  agent.destroy();
}

async function measure() {
  const running = {};
  for (const name of Object.keys(CONTESTANTS)) {
    const child = fork(fileURLToPath(import.meta.url), [name]);
    const [{ port }] = await once(child, 'message');
    running[name] = { child, port, micros: [] };
    await load(port, REQUESTS);
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const contestant of Object.values(running)) {
      contestant.child.send('start');
      await load(contestant.port, REQUESTS);
      contestant.child.send('stop');
      const [{ micros }] = await once(contestant.child, 'message');
      contestant.micros.push(micros / REQUESTS);
    }
  }
  const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
  for (const [name, { child, micros }] of Object.entries(running)) {
    console.log(
      `${name.padEnd(10)} ${median(micros).toFixed(1)} µs  (${micros.map((value) => value.toFixed(1)).join(' ')})`,
    );
    child.disconnect();
  }
  console.log(`ratio ${(median(running.router.micros) / median(running.fastify.micros)).toFixed(2)}`);
}

await (process.argv[2] === undefined ? measure() : serve(process.argv[2]));
