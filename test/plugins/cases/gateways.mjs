/** Proxies, upgrades and GraphQL. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import httpProxy from '@fastify/http-proxy';
import replyFrom from '@fastify/reply-from';
import websocket from '@fastify/websocket';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import mercurius from 'mercurius';
import { WebSocket, WebSocketServer } from 'ws';

const upstreamUrl = () => process.env.PORTICO_TRIED_UPSTREAM;

/** Starts a server behind the gateway. The environment of the service contains its address. */
async function upstream() {
  const server = createServer((req, res) => {
    if (req.url.endsWith('/silent')) return;
    res.statusCode = req.url.endsWith('/teapot') ? 418 : 200;
    if (req.method === 'POST') req.pipe(res);
    else res.end(JSON.stringify({ url: req.url }));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) =>
    socket.on('message', (message) => socket.send(Buffer.concat([Buffer.from('up '), message]).toString())),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    env: { PORTICO_TRIED_UPSTREAM: `http://127.0.0.1:${server.address().port}` },
    close() {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The log line for a 504. */
const TIMED_OUT = /Gateway Timeout|FST_REPLY_FROM/;

async function gatewayChecks({ ask }) {
  assert.match((await ask('/up/things')).json().url, /things$/);
  const large = 'x'.repeat(500_000);
  const headers = { 'content-type': 'text/plain' };
  assert.equal((await ask('/up/things', { method: 'POST', headers, body: large })).text, large);
  assert.equal((await ask('/up/teapot')).status, 418);
  assert.equal((await ask('/up/silent')).status, 504);
}

/** Sends a message through a WebSocket and returns the response. */
async function sent(url, message, protocol) {
  const socket = new WebSocket(url.replace('http', 'ws'), protocol);
  await once(socket, 'open');
  const answer = once(socket, 'message');
  socket.send(message);
  const [data] = await answer;
  socket.close();
  await once(socket, 'close');
  return String(data);
}

const schema =
  'type Query { add(x: Int, y: Int): Int }\ntype Mutation { count: Int }\ntype Subscription { counted: Int }';
let counted = 0;
const resolvers = {
  Query: { add: (_root, { x, y }) => x + y },
  Mutation: {
    count(_root, _args, { pubsub }) {
      counted += 1;
      pubsub?.publish({ topic: 'counted', payload: { counted } });
      return counted;
    },
  },
  Subscription: { counted: { subscribe: (_root, _args, { pubsub }) => pubsub.subscribe('counted') } },
};

async function graphqlChecks({ ask }) {
  const answer = await ask('/graphql', { json: { query: '{ add(x: 2, y: 3) }' } });
  assert.deepEqual([answer.status, answer.json().data], [200, { add: 5 }]);
  const variables = { query: 'query ($x: Int) { add(x: $x, y: 1) }', variables: { x: 7 } };
  assert.equal((await ask('/graphql', { json: variables })).json().data.add, 8);
  assert.equal((await ask('/graphql', { json: { query: '{ nothing }' } })).status, 400);
  const broken = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' };
  assert.equal((await ask('/graphql', broken)).status, 400);
}

const fromOptions = { http: { requestOptions: { timeout: 300 } } };

export const cases = {
  '@fastify/reply-from': {
    start: upstream,
    router: () => ({
      plugins: [[replyFrom, { base: upstreamUrl(), ...fromOptions }], passText],
      bodyLimit: 1_000_000,
      routes: (router) => {
        const pass = ({ reply, params }) => reply.from(`/${params.rest}`);
        router.get('/up/{rest}', pass);
        router.post('/up/{rest}', pass);
      },
    }),
    async fastify(instance) {
      await instance.register(replyFrom, { base: upstreamUrl(), ...fromOptions });
      await passText(instance);
      instance.route({
        method: ['GET', 'POST'],
        url: '/up/:rest',
        bodyLimit: 1_000_000,
        handler: ({ params }, reply) => reply.from(`/${params.rest}`),
      });
    },
    errors: TIMED_OUT,
    checks: gatewayChecks,
  },
  '@fastify/http-proxy': {
    start: upstream,
    router: () => ({
      plugins: [passText, [httpProxy, { prefix: '/up', upstream: upstreamUrl(), websocket: true, ...fromOptions }]],
      bodyLimit: 1_000_000,
    }),
    fastify: (instance) =>
      instance.register(httpProxy, { prefix: '/up', upstream: upstreamUrl(), websocket: true, ...fromOptions }),
    ini: ({ PORTICO_TRIED_UPSTREAM }) => `[app:app]
paste.app_factory = portico/middleware:fastifyPlugin
plugin = ${import.meta.resolve('@fastify/http-proxy').slice('file://'.length)}
options = ${JSON.stringify({ prefix: '/up', upstream: PORTICO_TRIED_UPSTREAM, websocket: true, ...fromOptions })}`,
    errors: TIMED_OUT,
    async checks(tools) {
      await gatewayChecks(tools);
      assert.equal(await sent(`${tools.url}/up/session`, 'hello'), 'up hello');
    },
  },
  'http-proxy-middleware': {
    start: upstream,
    connect: () => [createProxyMiddleware({ pathFilter: '/up', target: upstreamUrl(), proxyTimeout: 300 })],
    inner: (_req, res) => void res.end('{}'),
    express() {
      const app = express();
      app.use('/up', createProxyMiddleware({ target: upstreamUrl(), proxyTimeout: 300 }));
      return app;
    },
    errors: TIMED_OUT,
    checks: gatewayChecks,
  },
  '@fastify/websocket': {
    router: () => ({ plugins: [websocket, sessions] }),
    async fastify(instance) {
      await instance.register(websocket);
      await instance.register(sessions);
    },
    async checks({ ask, url }) {
      for (let time = 0; time < 4; time++) assert.equal(await sent(`${url}/session`, `hello ${time}`), `hello ${time}`);
      assert.equal((await ask('/session')).status, 404);
    },
  },
  mercurius: {
    router: () => ({
      plugins: [[mercurius, { schema, resolvers, routes: false }]],
      routes: (router) => router.post('/graphql', ({ reply, body }) => reply.graphql(body.query, null, body.variables)),
    }),
    fastify: (instance) =>
      instance.register(mercurius, { schema, resolvers, subscription: true, graphiql: true, routes: true }),
    async checks(tools) {
      await graphqlChecks(tools);
      const { ask, url, way } = tools;
      if (way === 'router') return;
      assert.equal((await ask('/graphql?query=%7Badd(x:1,y:1)%7D')).json().data.add, 2);
      assert.match((await ask('/graphiql')).text, /graphiql/i);
      const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      await once(socket, 'open');
      const acknowledged = once(socket, 'message');
      socket.send('{"type":"connection_init"}');
      assert.equal(JSON.parse((await acknowledged)[0]).type, 'connection_ack');
      socket.close();
      await once(socket, 'close');
    },
  },
  '@apollo/server': {
    withExpress: true,
    connect: () => [express.json(), apollo],
    inner: (_req, res) => void res.end('{}'),
    express() {
      const app = express();
      app.use('/graphql', express.json(), apollo);
      return app;
    },
    checks: graphqlChecks,
  },
};

let apolloMiddleware;
async function apollo(req, res, next) {
  apolloMiddleware ??= (async () => {
    const server = new ApolloServer({
      typeDefs: schema,
      resolvers: { Query: resolvers.Query, Mutation: resolvers.Mutation },
    });
    await server.start();
    return expressMiddleware(server);
  })();
  (await apolloMiddleware)(req, res, next);
}

/** Parses a text body as the text itself. */
function passText(instance) {
  instance.addContentTypeParser('text/plain', (_request, payload, done) => done(null, payload));
  return Promise.resolve();
}
passText[Symbol.for('skip-override')] = true;

async function sessions(instance) {
  instance.get('/session', { websocket: true }, (socket) =>
    socket.on('message', (message) => socket.send(String(message))),
  );
}
