/** Authentication and browser security: tokens, passwords, sessions, origins, limits. */
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { callbackify } from 'node:util';
import authPlugin from '@fastify/auth';
import basicAuth from '@fastify/basic-auth';
import cookie from '@fastify/cookie';
import corsPlugin from '@fastify/cors';
import csrf from '@fastify/csrf-protection';
import helmetPlugin from '@fastify/helmet';
import jwt from '@fastify/jwt';
import rateLimit from '@fastify/rate-limit';
import sessionPlugin from '@fastify/session';
import cookieParser from 'cookie-parser';
import cors from 'cors';
import express from 'express';
import { rateLimit as expressRateLimit } from 'express-rate-limit';
import session from 'express-session';
import helmet from 'helmet';
import { Redis } from 'ioredis';
import passport from 'passport';
import { ExtractJwt, Strategy as JwtStrategy } from 'passport-jwt';
import { Strategy as LocalStrategy } from 'passport-local';
import { cookiesOf } from '../client.mjs';

const SECRET = 'a secret for tests that has thirty-two bytes';
const ORIGIN = 'https://pages.example';
const failing = () => {
  throw Object.assign(new Error('taken'), { statusCode: 409 });
};

const corsOptions = { origin: ORIGIN, methods: ['GET', 'PUT'] };
const corsHeader = ({ headers }) => headers['access-control-allow-origin'];

async function corsChecks({ ask }) {
  assert.equal(corsHeader(await ask('/items', { headers: { origin: ORIGIN } })), ORIGIN);
  const headers = { origin: ORIGIN, 'access-control-request-method': 'PUT' };
  const preflight = await ask('/items', { method: 'OPTIONS', headers });
  assert.deepEqual([preflight.status, corsHeader(preflight)], [204, ORIGIN]);
  assert.equal(preflight.headers['access-control-allow-methods'].replaceAll(' ', ''), 'GET,PUT');
  const failed = await ask('/failing', { headers: { origin: ORIGIN } });
  assert.deepEqual([failed.status, corsHeader(failed)], [409, ORIGIN]);
}

async function helmetChecks({ ask }) {
  for (const [path, status] of Object.entries({ '/items': 200, '/failing': 409 })) {
    const answer = await ask(path);
    assert.equal(answer.status, status);
    assert.match(answer.headers['content-security-policy'], /^default-src /);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  }
}

/** Two routes in the scope of a plugin. */
const around = (plugin, options) => ({
  router: () => ({
    plugins: [[plugin, options]],
    routes: (router) => router.get('/items', () => ({ items: [] })).get('/failing', failing),
  }),
  async fastify(instance) {
    await instance.register(plugin, options);
    instance.get('/items', async () => ({ items: [] }));
    instance.get('/failing', async () => failing());
  },
});

function inner(req, res) {
  if (req.url === '/failing') failing();
  res.end('{}');
}

let redis;
const ignore = () => undefined;
/** A session store that all workers share, for Fastify and Express. */
class RedisStore extends session.Store {
  constructor() {
    super();
    redis ??= new Redis(process.env.PORTICO_TEST_REDIS);
  }
  #key = (id) => `portico-plugins:${id}`;
  get(id, callback) {
    callbackify(async () => JSON.parse((await redis.get(this.#key(id))) ?? 'null'))(callback);
  }
  set(id, value, callback) {
    callbackify(() => redis.set(this.#key(id), JSON.stringify(value), 'EX', 60))(callback ?? ignore);
  }
  destroy(id, callback) {
    callbackify(() => redis.del(this.#key(id)))(callback ?? ignore);
  }
}
const closeRedis = async () => {
  await redis?.quit();
  redis = undefined;
};

async function visitsOverWorkers({ ask }) {
  const first = await ask('/visits');
  assert.equal(first.json().visits, 1);
  const headers = { cookie: cookiesOf(first) };
  for (let visit = 2; visit <= 8; visit++) assert.equal((await ask('/visits', { headers })).json().visits, visit);
}

const visited = (kept) => {
  kept.visits = (kept.visits ?? 0) + 1;
  return { visits: kept.visits };
};
const expressSession = () =>
  session({ secret: SECRET, store: new RedisStore(), resave: false, saveUninitialized: false });

function passports() {
  const known = new passport.Passport();
  known.use(new LocalStrategy((name, password, done) => done(null, password === `${name}'s` && { name })));
  known.use(
    new JwtStrategy(
      { jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: SECRET },
      ({ sub }, done) => done(null, { name: sub }),
    ),
  );
  known.serializeUser((user, done) => done(null, user.name));
  known.deserializeUser((name, done) => done(null, { name }));
  return known;
}
// HS256 of {"sub":"ann"} with SECRET.
const token = (() => {
  const parts = [{ alg: 'HS256', typ: 'JWT' }, { sub: 'ann' }];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
})();

export const cases = {
  '@fastify/cors': { ...around(corsPlugin, corsOptions), checks: corsChecks },
  cors: { connect: () => [cors(corsOptions)], inner, checks: corsChecks },
  '@fastify/helmet': { ...around(helmetPlugin, {}), checks: helmetChecks },
  helmet: {
    connect: () => [helmet()],
    inner,
    ini: () => `[filter:helmet]
paste.filter_factory = portico/middleware:connect
middleware = helmet

[app:app]
paste.app_factory = ./inner.mjs:app`,
    files: {
      'inner.mjs': `export const app = () => (req, res) => {
        if (req.url === '/failing') throw Object.assign(new Error('taken'), { statusCode: 409 });
        res.end('{}');
      };`,
    },
    checks: helmetChecks,
  },
  '@fastify/jwt': {
    router: () => ({
      plugins: [[jwt, { secret: SECRET }]],
      routes: (router) =>
        router
          .post('/login', ({ fastify, body }) => ({ token: fastify.server.jwt.sign({ sub: body.name }) }))
          .get('/me', async ({ fastify }) => {
            await fastify.jwtVerify();
            return fastify.user;
          }),
    }),
    async fastify(instance) {
      await instance.register(jwt, { secret: SECRET });
      instance.post('/login', async ({ body }) => ({ token: instance.jwt.sign({ sub: body.name }) }));
      instance.get('/me', { onRequest: (request) => request.jwtVerify() }, async ({ user }) => user);
    },
    async checks({ ask }) {
      const { token } = (await ask('/login', { json: { name: 'ann' } })).json();
      for (let time = 0; time < 4; time++) {
        assert.equal((await ask('/me', { headers: { authorization: `Bearer ${token}` } })).json().sub, 'ann');
      }
      assert.equal((await ask('/me')).status, 401);
      assert.equal((await ask('/me', { headers: { authorization: `Bearer ${token}x` } })).status, 401);
    },
  },
  '@fastify/basic-auth and @fastify/auth': {
    router: () => ({ plugins: guarded, routes: (router) => router.get('/guarded', () => ({ guarded: true })) }),
    async fastify(instance) {
      for (const plugin of guarded) await instance.register(...[plugin].flat());
      instance.get('/guarded', async () => ({ guarded: true }));
    },
    async checks({ ask }) {
      const refused = await ask('/guarded');
      assert.deepEqual(
        [refused.status, refused.headers['www-authenticate']],
        [401, 'Basic realm="tests", charset="UTF-8"'],
      );
      const headers = { authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}` };
      assert.deepEqual((await ask('/guarded', { headers })).json(), { guarded: true });
    },
  },
  '@fastify/cookie': {
    router: () => ({
      plugins: [[cookie, { secret: SECRET }]],
      routes: (router) =>
        router
          .get('/set', ({ reply }) => void reply.setCookie('name', 'ann', { signed: true, path: '/' }))
          .get('/get', ({ fastify }) => fastify.unsignCookie(fastify.cookies.name ?? ''))
          .get('/clear', ({ reply }) => void reply.clearCookie('name', { path: '/' })),
    }),
    async fastify(instance) {
      await instance.register(cookie, { secret: SECRET });
      instance.get('/set', (_request, reply) => reply.setCookie('name', 'ann', { signed: true, path: '/' }).send());
      instance.get('/get', async (request) => request.unsignCookie(request.cookies.name ?? ''));
      instance.get('/clear', (_request, reply) => reply.clearCookie('name', { path: '/' }).send());
    },
    async checks({ ask }) {
      const headers = { cookie: cookiesOf(await ask('/set')) };
      for (let time = 0; time < 4; time++) assert.equal((await ask('/get', { headers })).json().value, 'ann');
      assert.equal((await ask('/get', { headers: { cookie: 'name=ann.forged' } })).json().valid, false);
      assert.match((await ask('/clear')).headers['set-cookie'][0], /^name=; .*Expires=Thu, 01 Jan 1970/);
    },
  },
  '@fastify/csrf-protection': {
    router: () => ({
      plugins: [[cookie, { secret: SECRET }], csrf, guardForms],
      routes: (router) =>
        router.get('/token', ({ reply }) => ({ token: reply.generateCsrf() })).post('/form', () => ({ done: true })),
    }),
    async fastify(instance) {
      await instance.register(cookie, { secret: SECRET });
      await instance.register(csrf);
      guardForms(instance);
      instance.get('/token', async (_request, reply) => ({ token: reply.generateCsrf() }));
      instance.post('/form', async () => ({ done: true }));
    },
    async checks({ ask }) {
      const given = await ask('/token');
      const headers = { cookie: cookiesOf(given) };
      assert.equal((await ask('/form', { json: {}, headers })).status, 403);
      const answer = await ask('/form', { json: {}, headers: { ...headers, 'csrf-token': given.json().token } });
      assert.deepEqual(answer.json(), { done: true });
    },
  },
  '@fastify/rate-limit': {
    needs: 'redis',
    env: () => ({ PORTICO_TRIED: randomUUID() }),
    router: () => ({
      plugins: [limited()],
      routes: (router) => router.get('/limited', () => ({ limited: true })),
    }),
    async fastify(instance) {
      await instance.register(...limited());
      instance.addHook('onClose', closeRedis);
      instance.get('/limited', async () => ({ limited: true }));
    },
    async checks({ ask, mount }) {
      // Both mounts share one count.
      if (mount !== '') return;
      const statuses = [];
      for (let time = 0; time < 8; time++) statuses.push(await ask('/limited'));
      assert.deepEqual(
        statuses.map(({ status }) => status),
        [200, 200, 200, 200, 200, 429, 429, 429],
      );
      assert.ok(Number(statuses[7].headers['retry-after']) > 0);
      assert.equal(statuses[7].headers['x-ratelimit-limit'], '5');
    },
  },
  '@fastify/session': {
    needs: 'redis',
    router: () => ({
      plugins: sessions(),
      routes: (router) => router.get('/visits', ({ fastify }) => visited(fastify.session)),
    }),
    async fastify(instance) {
      for (const each of sessions()) await instance.register(...[each].flat());
      instance.get('/visits', async (request) => visited(request.session));
    },
    checks: visitsOverWorkers,
  },
  'express-session': {
    needs: 'redis',
    connect: () => [expressSession()],
    inner: (req, res) => void res.end(JSON.stringify(visited(req.session))),
    express() {
      const app = express();
      app.use(expressSession());
      app.get('/visits', (req, res) => res.json(visited(req.session)));
      return app;
    },
    close: closeRedis,
    checks: visitsOverWorkers,
  },
  'cookie-parser': {
    connect: () => [cookieParser()],
    inner: (req, res) => void res.end(JSON.stringify(req.cookies)),
    checks: async ({ ask }) =>
      assert.deepEqual((await ask('/', { headers: { cookie: 'a=1; b=2' } })).json(), { a: '1', b: '2' }),
  },
  'passport with passport-local and passport-jwt': {
    needs: 'redis',
    express() {
      const app = express();
      const known = passports();
      app.use(express.urlencoded({ extended: false }), expressSession(), known.session());
      app.post('/login', known.authenticate('local'), (req, res) => res.json(req.user));
      app.get('/me', (req, res) => (req.user ? res.json(req.user) : res.sendStatus(401)));
      app.get('/token', known.authenticate('jwt', { session: false }), (req, res) => res.json(req.user));
      return app;
    },
    close: closeRedis,
    async checks({ ask }) {
      assert.equal((await ask('/login', { form: { username: 'ann', password: 'wrong' } })).status, 401);
      const login = await ask('/login', { form: { username: 'ann', password: "ann's" } });
      assert.deepEqual(login.json(), { name: 'ann' });
      const headers = { cookie: cookiesOf(login) };
      for (let time = 0; time < 4; time++) assert.equal((await ask('/me', { headers })).status, 200);
      assert.equal((await ask('/me')).status, 401);
      assert.equal((await ask('/token')).status, 401);
      assert.equal((await ask('/token', { headers: { authorization: `Bearer ${token}` } })).json().name, 'ann');
    },
  },
  'passport-jwt as a filter': {
    connect: () => [passports().authenticate('jwt', { session: false })],
    inner: (req, res) => void res.end(JSON.stringify(req.user)),
    async checks({ ask }) {
      const answer = await ask('/', { headers: { authorization: `Bearer ${token}` } });
      assert.deepEqual(answer.json(), { name: 'ann' });
      const refused = await ask('/');
      assert.deepEqual([refused.status, refused.text], [401, 'Unauthorized']);
    },
  },
  'express-rate-limit': {
    connect: () => [expressRateLimit({ limit: 3, windowMs: 60_000, standardHeaders: 'draft-8', legacyHeaders: false })],
    withExpress: true,
    inner: (_req, res) => void res.end('{}'),
    async checks({ ask }) {
      // Two workers count separately, so of seven requests at least one exceeds a limit, but the last one may not.
      const answers = [];
      for (let time = 0; time < 7; time++) answers.push(await ask('/'));
      assert.equal(answers[0].status, 200);
      const refused = answers.find(({ status }) => status === 429);
      assert.ok(Number(refused?.headers['retry-after']) > 0);
    },
  },
};

function guardForms(instance, _options, done) {
  instance.addHook('onRequest', (request, reply, done) =>
    request.method === 'POST' ? instance.csrfProtection(request, reply, done) : done(),
  );
  done?.();
}

function limited() {
  redis ??= new Redis(process.env.PORTICO_TEST_REDIS);
  return [rateLimit, { max: 5, timeWindow: 60_000, redis, nameSpace: `portico-plugins:${process.env.PORTICO_TRIED}:` }];
}

function sessions() {
  return [
    cookie,
    [sessionPlugin, { secret: SECRET, cookie: { secure: false }, store: new RedisStore() }],
    async (instance) => void instance.addHook('onClose', closeRedis),
  ];
}

const guarded = [
  [
    basicAuth,
    {
      authenticate: { realm: 'tests' },
      validate(name, password, _request, _reply, done) {
        done(name === 'ann' && password === 'secret' ? undefined : new Error('wrong'));
      },
    },
  ],
  authPlugin,
  Object.assign(
    async (instance) => {
      instance.after(() => instance.addHook('onRequest', instance.auth([instance.basicAuth])));
    },
    { [Symbol.for('skip-override')]: true },
  ),
];
