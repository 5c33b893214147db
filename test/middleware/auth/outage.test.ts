/** An identity service that is away, or refuses: what operators learn of it in the log and in status. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, type Filter } from 'portico/app';
import { authToken, context } from 'portico/middleware';
import { Router } from 'portico/routing';
import { buildFilter, captureLog, request } from 'portico/testing';
import { filesUntilEnd, filterUntilEnd } from '../../fixtures/until-end.js';
import { memoryLog } from '../../server/memory-log.js';
import { exchange, portOf } from '../../server/raw-client.js';
import { startedServer } from '../../server/started-server.js';
import { account, type FakeIdentity, setUp, token } from '../fake-identity.js';

type Meddle = FakeIdentity['meddle'];

/** Ways to fail: what the identity service does, and the reason. `URL` stands for its address. */
const FAILURES: readonly (readonly [meddle: Meddle, reason: string])[] = [
  [
    ({ method }, res) => {
      if (method === 'POST') res.writeHead(401).end();
      return method === 'POST';
    },
    'POST URL/v3/auth/tokens: refuses the login of this service: 401',
  ],
  [
    ({ method }, res) => {
      if (method === 'GET') res.writeHead(500).end();
      return method === 'GET';
    },
    'GET URL/v3/auth/tokens: responds with 500',
  ],
  [({ method }) => method === 'GET', 'GET URL/v3/auth/tokens: no response within 500 ms'],
  [
    ({ method }, res) => {
      if (method === 'GET') res.socket?.destroy();
      return method === 'GET';
    },
    'GET URL/v3/auth/tokens: socket hang up',
  ],
  [
    ({ method }, res) => {
      if (method === 'GET') res.end('{}');
      return method === 'GET';
    },
    'GET URL/v3/auth/tokens: unexpected response: it is not a token',
  ],
];

const OPTIONS = { http_request_max_retries: '0', http_connect_timeout: '0.5', token_cache_time: '-1' };

test('NI-8 each reason is in the log at once and in status, with the address of the identity service', async (t) => {
  const { log, lines } = captureLog();
  const { identity, filter, url } = await setUp(t, OPTIONS, log);
  identity.tokens.set('good', token());
  const server = await startedServer(
    t,
    'who',
    filter((_req, res) => void res.end()),
    { log: memoryLog() },
  );
  const ask = (): Promise<string> =>
    exchange(portOf(server), 'GET / HTTP/1.1\r\nhost: a\r\nx-auth-token: good\r\nconnection: close\r\n\r\n');
  for (const [meddle] of FAILURES) {
    identity.meddle = meddle;
    for (let sent = 0; sent < 2; sent++)
      assert.match(await ask(), /^HTTP\/1.1 503 [\s\S]*cannot be validated at the moment/);
  }
  identity.meddle = () => false;
  assert.match(await ask(), /^HTTP\/1.1 200 /);
  await server.stop();
  const reasons = FAILURES.map(([, reason]) => reason.replace('URL', url));
  assert.deepEqual(
    lines.filter(({ level }) => level === 'error').map(({ reason, requests }) => [reason, requests]),
    reasons.map((reason, at) => [reason, at === 0 ? 1 : 2]),
  );
  assert.deepEqual(
    server.failures.take().map(({ error, count }) => [error, count]),
    reasons.map((reason) => [`tokens cannot be validated: ${reason}`, 2]),
  );
});

test('NI-8 with delay_auth_decision too, whatever part of the pipeline responds', async (t) => {
  const { identity, filter, url } = await setUp(t, { ...OPTIONS, delay_auth_decision: 'true' });
  [[identity.meddle]] = FAILURES as [(typeof FAILURES)[0]];
  const router = new Router();
  router.get('/', { auth: true }, () => '');
  const inner = await buildFilter(context);
  const refusing: App = (_req, res) => void res.writeHead(401).end();
  const serving: App = (_req, res) => void res.end();
  for (const [app, filters, status] of [
    [await router.build(), [], 503],
    [serving, [inner.made], 503],
    [refusing, [], 503],
    [serving, [], 200],
  ] as readonly [App, Filter[], number][]) {
    const server = await startedServer(t, 'who', compose([filter, ...filters], app), { log: memoryLog() });
    const head = 'GET / HTTP/1.1\r\nhost: a\r\nx-auth-token: good\r\nconnection: close\r\n\r\n';
    assert.match(await exchange(portOf(server), head), new RegExp(`^HTTP/1.1 ${status} `));
    await server.stop();
    const wanted = `tokens cannot be validated: ${FAILURES[0]![1].replace('URL', url)}`;
    const errors = server.failures.take().map(({ error }) => error);
    assert.deepEqual(errors, status === 503 ? [wanted] : []);
  }
});

test('NI-8 a reason that changes each time is logged ten times a minute, and no reason has the token', async (t) => {
  let asked = 0;
  class Unavailable extends Error {
    readonly code = 'PORTICO_VALIDATOR_UNAVAILABLE';
  }
  const validator = {
    validate: (text: string) => Promise.reject(new Unavailable(`${text} at ${++asked}: https://a:pass@b/`)),
  };
  (globalThis as { away?: unknown }).away = () => validator;
  const files = await filesUntilEnd(t, { 'v.mjs': 'export const made = () => globalThis.away();\n' });
  const { log, lines, text } = captureLog();
  const local = { ...account('http://identity'), validator: './v.mjs:made' };
  const { made } = await filterUntilEnd(t, authToken, { folder: files.folder, local, log });
  const app = made((_req, res) => void res.end());
  for (let sent = 0; sent < 15; sent++) {
    assert.equal((await request(app, 'GET', '/', { headers: { 'x-auth-token': `t0ken-long-${sent}` } })).status, 503);
  }
  const told = lines.filter(({ level }) => level === 'error');
  assert.equal(told.length, 10);
  assert.equal(told[0]?.reason, '… at 1: https://a:****@b/');
  assert.ok(!text().includes('t0ken'));
});
