/** Tests cascades with real requests: dropped and forwarded responses, and request bodies. */

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import express from 'express';
import { type App, afterResponse, beforeHead, environ, Fault, fastifyApp } from 'portico/app';
import { rateLimit, session, stripIdentity } from 'portico/middleware';
import { Router } from 'portico/routing';
import { lint, request } from 'portico/testing';
import { exchangeOf } from '#internal/app';
import { closedAfter } from '../../fixtures/closed-after.js';
import { nodeServer } from '../../fixtures/node-server.js';
import { portOf } from '../../server/raw-client.js';
import { startedServer } from '../../server/started-server.js';
import { composed } from '../composed.js';

type Listener = (req: IncomingMessage, res: ServerResponse) => unknown;

/** Returns a cascade of listeners, tried in order. */
function cascadeOf(t: Parameters<typeof composed>[0], apps: readonly Listener[], more = '') {
  const factories = Object.fromEntries(apps.map((app, at) => [`f${at}`, () => app]));
  const sections = apps.map((_, at) => `[app:a${at}]\npaste.app_factory = f${at}\n`).join('');
  const options = apps.map((_, at) => `app${at} = a${at}\n`).join('');
  return composed(t, `[composite:main]\npaste.composite_factory = cascade\n${options}${more}${sections}`, factories);
}

const missing: Listener = (_req, res) => {
  res.setHeader('x-dropped', 'yes');
  res.writeHead(404, { 'content-type': 'text/plain' });
  res.write('not ');
  res.end('here');
};
const found =
  (name: string): Listener =>
  (_req, res) => {
    res.setHeader('X-Found', name);
    res.end(name);
  };

async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of req) text += String(chunk);
  return text;
}

test('PD-96 a response with a caught status is dropped, headers and all, and the next app is tried', async (t) => {
  const app = await cascadeOf(t, [missing, missing, found('third')]);
  const answer = await request(lint(app), 'GET', '/x');
  assert.deepEqual(
    [answer.status, answer.text(), answer.headers['x-found'], answer.headers['x-dropped']],
    [200, 'third', 'third', undefined],
  );
  assert.ok(answer.rawHeaders.includes('X-Found'), 'the letter case of names is kept');
});

test('what a Router of a cascade says about Cache-Control holds for a caller that is known outside of it', async (t) => {
  const router = new Router({ cacheControl: 'none' }).get('/none', () => 1);
  const removing = new Router().get('/removed', ({ res }) => {
    res.removeHeader('cache-control');
    return 1;
  });
  const others = new Router().get('/other', () => 1);
  const routers = await Promise.all([router, removing, others].map((each) => each.build()));
  const cascade = await cascadeOf(t, [...routers, found('last')]);
  const server = await startedServer(t, 'cascade', (req, res) => {
    environ(req).identity = { userId: 'ada' };
    return cascade(req, res);
  });
  const sent = async (path: string): Promise<string | null> =>
    (await fetch(`http://127.0.0.1:${portOf(server)}${path}`)).headers.get('cache-control');
  assert.deepEqual(
    [await sent('/none'), await sent('/removed'), await sent('/other'), await sent('/last')],
    [null, null, 'private', 'private'],
  );
});

test('PD-96 the last response stands, whatever its status', async (t) => {
  const app = await cascadeOf(t, [missing, missing]);
  const answer = await request(lint(app), 'GET', '/x');
  assert.deepEqual([answer.status, answer.text(), answer.headers['x-dropped']], [404, 'not here', 'yes']);
});

test('PD-96 a response that is passed on is streamed, with its status message, length and trailers', async (t) => {
  const app = await cascadeOf(t, [
    (_req, res) => {
      res.statusCode = 201;
      res.statusMessage = 'Made';
      res.setHeader('trailer', 'x-sum');
      Readable.from(['a'.repeat(100_000), 'b', 'c'.repeat(100_000)])
        .on('end', () => res.addTrailers({ 'x-sum': '7' }))
        .pipe(res);
    },
    found('never'),
  ]);
  const answer = await request(lint(app), 'GET', '/x');
  assert.deepEqual(
    [answer.status, answer.statusMessage, answer.body.length, answer.trailers['x-sum']],
    [201, 'Made', 200_001, '7'],
  );
});

test('PD-96 a plain end gets its length from Node; HEAD and 204 have no body', async (t) => {
  const app = await cascadeOf(t, [
    (req, res) => (req.url === '/none' ? res.writeHead(204).end() : res.end('four')),
    found('never'),
  ]);
  assert.equal((await request(lint(app), 'GET', '/x')).headers['content-length'], '4');
  assert.equal((await request(lint(app), 'HEAD', '/x')).body.length, 0);
  assert.equal((await request(lint(app), 'GET', '/none')).status, 204);
});

test('PD-96 a fault with a caught status tries the next app; other failures go on', async (t) => {
  const fault =
    (status: number): Listener =>
    () => {
      throw new Fault(status);
    };
  const later: Listener = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    throw new Fault(405);
  };
  const app = await cascadeOf(t, [fault(404), later, found('third')], 'catch = 404 405\n');
  assert.equal((await request(lint(app), 'GET', '/x')).text(), 'third');
  const failing = await cascadeOf(t, [fault(409), found('second')]);
  assert.equal((await request(lint(failing), 'GET', '/x')).status, 409);
  const broken = await cascadeOf(t, [
    () => {
      throw new Error('broken');
    },
    found('second'),
  ]);
  assert.equal((await request(lint(broken), 'GET', '/x')).status, 500);
});

test('PD-96 each app can read the body from its start, also one that comes in pieces', async (t) => {
  const seen: string[] = [];
  const reader =
    (status: number): Listener =>
    async (req, res) => {
      seen.push(await bodyOf(req));
      res.statusCode = status;
      res.end(`${seen.length}`);
    };
  const app = await cascadeOf(t, [reader(404), reader(404), reader(200)]);
  const answer = await request(lint(app), 'POST', '/x', { body: 'hello' });
  assert.deepEqual([answer.text(), seen], ['3', ['hello', 'hello', 'hello']]);
  seen.length = 0;
  const pieces = await request(lint(app), 'POST', '/x', { body: Readable.from(['he', 'l', 'lo']) });
  assert.deepEqual([pieces.text(), seen], ['3', ['hello', 'hello', 'hello']]);
});

/** Responds at the first chunk of a body. */
const impatient: Listener = (req, res) => {
  req.once('data', () => {
    res.statusCode = 404;
    res.end();
  });
};

test('PD-96 an app that read only a part leaves the whole body to the next', async (t) => {
  const app = await cascadeOf(t, [impatient, async (req, res) => void res.end(`${(await bodyOf(req)).length}`)]);
  const answer = await request(lint(app), 'POST', '/x', { body: 'x'.repeat(600_000) });
  assert.equal(answer.text(), '600000');
});

test('PD-96 a body nobody read reaches the last app untouched, however large', async (t) => {
  const app = await cascadeOf(t, [missing, async (req, res) => void res.end(`${(await bodyOf(req)).length}`)]);
  const answer = await request(lint(app), 'POST', '/x', { body: 'x'.repeat(3_000_000) });
  assert.equal(answer.text(), '3000000');
});

test('PD-96 of a body of more than 1 MiB no app but the last gets even a part', async (t) => {
  const careful: Listener = (req, res) => {
    req.once('error', (error: Fault) => res.writeHead(error.status).end());
    return impatient(req, res);
  };
  const send = async (app: Listener) =>
    request(await cascadeOf(t, [app, found('never')]), 'POST', '/x', { body: 'x'.repeat(3_000_000) });
  assert.equal((await send(careful)).status, 413);
  assert.equal((await send(impatient)).status, 413, 'an app that listens for no error of its request');
});

test('PD-96 a body that was read before the cascade fails the request of an app that waits for it', async (t) => {
  const cascade = await cascadeOf(t, [impatient, found('never')]);
  const after: App = async (req, res) => {
    await bodyOf(req);
    return cascade(req, res);
  };
  const answer = await request(after, 'POST', '/x', { body: 'x'.repeat(1000) });
  assert.equal(answer.status, 500);
});

test('PD-96 a client that leaves while its body is read fails the app that reads it', async (t) => {
  const told = new EventEmitter();
  const reader: Listener = (req) => bodyOf(req).catch((error: unknown) => told.emit('error', error));
  const app = await cascadeOf(t, [reader, found('never')]);
  const { server, port } = await nodeServer(t, app);
  const client = connect(port, '127.0.0.1');
  server.once('request', () => client.destroy());
  client.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc');
  await assert.rejects(once(told, 'never'), /the client disconnected before the end of its request body/);
});

const tooLarge: Listener = async (req, res) => {
  const text = await bodyOf(req);
  res.writeHead(404).end(text);
};

test('PD-96 more than 1 MiB cannot be kept for another app: 413', async (t) => {
  const app = await cascadeOf(t, [tooLarge, found('never')]);
  const answer = await request(app, 'POST', '/x', { body: 'x'.repeat(1_200_000) });
  assert.equal(answer.status, 413);
});

test('PD-96 what an app does to the request is not seen by the next', async (t) => {
  const app = await cascadeOf(t, [
    (req, res) => {
      req.url = '/other';
      req.headers['x-user'] = 'mallory';
      environ(req).scriptName = '/other';
      environ(req).requestId = 'req-other';
      res.statusCode = 404;
      res.end();
    },
    (req, res) =>
      res.end(
        JSON.stringify([
          req.url,
          req.headers['x-user'] ?? null,
          environ(req).scriptName,
          environ(req).requestId ?? null,
          environ(req).originalUrl,
        ]),
      ),
  ]);
  assert.deepEqual((await request(lint(app), 'GET', '/x?y')).json(), ['/x?y', null, '', null, '/x?y']);
});

test('PD-96 response work of filters inside and outside runs once, for the response that is sent', async (t) => {
  const log: string[] = [];
  const noted =
    (name: string) =>
    () =>
    (app: Listener): Listener =>
    (req, res) => {
      beforeHead(res, () => void log.push(`${name} head ${res.statusCode}`));
      afterResponse(res, () => void log.push(`${name} after`));
      return app(req, res);
    };
  const ini = `[pipeline:main]
pipeline = outer both
[composite:both]
paste.composite_factory = cascade
app1 = first
app2 = second
[pipeline:first]
pipeline = inner1 a0
[pipeline:second]
pipeline = inner2 a1
[filter:outer]
paste.filter_factory = outer
[filter:inner1]
paste.filter_factory = inner1
[filter:inner2]
paste.filter_factory = inner2
[app:a0]
paste.app_factory = a0
[app:a1]
paste.app_factory = a1
`;
  const factories = {
    outer: noted('outer'),
    inner1: noted('inner1'),
    inner2: noted('inner2'),
    a0: () => missing,
    a1: () => found('second'),
  };
  const app = await composed(t, ini, factories);
  const answer = await request(lint(app), 'GET', '/x');
  assert.equal(answer.text(), 'second');
  assert.deepEqual(
    log.filter((line) => line.startsWith('outer')),
    ['outer head 200', 'outer after'],
  );
  assert.deepEqual(
    log.filter((line) => line.startsWith('inner2')),
    ['inner2 head 200', 'inner2 after'],
  );
  assert.ok(log.includes('inner1 head 404'));
});

test('PD-96 a session inside keeps the identity headers of an authenticator outside, and none of a client', async (t) => {
  const ini = `[pipeline:main]
pipeline = auth tries
[filter:auth]
paste.filter_factory = auth
[composite:tries]
paste.composite_factory = cascade
app1 = none
app2 = kept
app3 = shown
[app:none]
paste.app_factory = none
[pipeline:kept]
pipeline = sess shown
[filter:sess]
paste.filter_factory = session
secrets = ${'1'.repeat(32)}
[app:shown]
paste.app_factory = shown
`;
  const shown: Listener = ({ headers }, res) => res.end(String(headers['x-user-id'] ?? 'nobody'));
  const auth = (app: App): App => {
    return (req, res) => {
      stripIdentity(req);
      req.headers['x-user-id'] = 'ada';
      return app(req, res);
    };
  };
  const factories = { session, none: () => missing, shown: () => shown };
  const headers = { 'x-user-id': 'eve' };
  const inside = await composed(t, ini, { ...factories, auth: () => auth });
  assert.equal((await request(lint(inside), 'GET', '/x', { headers })).text(), 'ada');
  const alone = await composed(t, ini, { ...factories, auth: () => (app: App) => app });
  assert.equal((await request(lint(alone), 'GET', '/x', { headers })).text(), 'nobody');
});

test('PD-96 a rate limit inside counts by the token that a filter outside has accepted', async (t) => {
  const sections = '[pipeline:kept]\npipeline = limit shown\n[filter:limit]\npaste.filter_factory = limit\n';
  const ini = `[composite:main]\npaste.composite_factory = cascade\napp1 = kept\napp2 = shown\n${sections}rules = mine token-hash 1/h 1\n[app:shown]\npaste.app_factory = shown\n`;
  const app = await composed(t, ini, { limit: rateLimit, shown: () => found('shown') });
  const outer: App = (req, res) => {
    exchangeOf(req).acceptedToken = String(req.headers['x-auth-token']);
    return app(req, res);
  };
  const statuses: number[] = [];
  for (const token of ['one', 'one', 'two']) {
    statuses.push((await request(lint(outer), 'GET', '/x', { headers: { 'x-auth-token': token } })).status);
  }
  assert.deepEqual(statuses, [200, 429, 200]);
});

test('PD-96 Fastify and Express leaves can be tried', async (t) => {
  const fast = closedAfter(
    t,
    await fastifyApp((instance, _options, done) => {
      instance.post('/fast', async (req) => ({ fast: req.body }));
      done();
    }),
  );
  const exp = express();
  exp.use(express.json());
  exp.post('/express', (req, res) => void res.json({ express: req.body as unknown }));
  const app = await cascadeOf(t, [fast, exp as unknown as Listener, found('last')]);
  const send = (path: string) => request(lint(app), 'POST', path, { body: { a: 1 } });
  assert.deepEqual((await send('/fast')).json(), { fast: { a: 1 } });
  assert.deepEqual((await send('/express')).json(), { express: { a: 1 } });
  assert.equal((await send('/else')).text(), 'last');
});

test('PD-96 a cascade of no apps fails on the first request', async (t) => {
  const app = await composed(t, '[composite:main]\npaste.composite_factory = cascade\n');
  assert.equal((await request(lint(app), 'GET', '/x')).status, 500);
});
