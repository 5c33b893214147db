import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { test } from 'node:test';
import { type App, environ, RequestContext } from 'portico/app';
import { readOnly } from 'portico/middleware';
import { Router } from 'portico/routing';
import { buildFilter, lint, request } from 'portico/testing';
import { closedAfter } from '../fixtures/closed-after.js';

const app: App = (_req, res) => {
  res.end('done');
};

test('MW-24 it refuses nothing until it is enabled', async () => {
  const { made } = await buildFilter(readOnly);
  assert.equal((await request(lint(made(app)), 'DELETE', '/')).status, 200);
});

test('MW-24 writes get 405 with the methods that are left, or 503 in maintenance', async () => {
  const { made } = await buildFilter(readOnly, { local: { enabled: 'true', exempt_paths: '/jobs' } });
  const linted = lint(made(app));
  for (const method of ['PUT', 'POST', 'PATCH', 'DELETE']) {
    const response = await request(linted, method, '/servers');
    assert.equal(response.status, 405);
    assert.equal(response.headers.allow, 'GET, HEAD, OPTIONS');
  }
  for (const method of ['GET', 'HEAD', 'OPTIONS']) assert.equal((await request(linted, method, '/')).status, 200);
  assert.equal((await request(linted, 'POST', '/jobs/1')).status, 200);
  assert.equal((await request(linted, 'POST', '/jobsx')).status, 405);
  const maintenance = await buildFilter(readOnly, { local: { enabled: 'true', mode: 'maintenance' } });
  const busy = await request(lint(maintenance.made(app)), 'POST', '/');
  assert.equal(busy.status, 503);
  assert.equal(busy.headers['retry-after'], '60');
});

test('MW-24 only safe methods pass, whatever else a client thinks of', async () => {
  const { made } = await buildFilter(readOnly, { local: { enabled: 'true' } });
  for (const method of METHODS.filter((name) => name !== 'CONNECT')) {
    const isSafe = 'GET HEAD OPTIONS TRACE PROPFIND QUERY REPORT SEARCH'.split(' ').includes(method);
    assert.equal((await request(lint(made(app)), method, '/')).status, isSafe ? 200 : 405, method);
  }
});

test('MW-24 a method that the query overrides is held to the same', async (t) => {
  let deleted = 0;
  const router = new Router({
    controllers: { it: { show: () => 'shown', remove: () => ++deleted } },
    useMethodOverride: true,
  });
  router.connect('remove', '/it', { controller: 'it', action: 'remove', conditions: { method: ['DELETE'] } });
  router.connect('show', '/it', { controller: 'it', action: 'show', conditions: { method: ['GET'] } });
  const routed = closedAfter(t, await router.build());
  const status = async (method: string, query: string, local: Record<string, string> = {}): Promise<number> => {
    const { made } = await buildFilter(readOnly, { local: { enabled: 'true', ...local } });
    return (await request(lint(made(routed)), method, `/it?${query}`)).status;
  };
  assert.equal((await request(lint(routed), 'GET', '/it?_method=DELETE')).status, 200);
  assert.equal(deleted, 1);
  const overriding = [
    '_method=DELETE',
    'a&_method=delete',
    '_method=GET&_method=DELETE',
    '_method=%44ELETE',
    '%5Fmethod=DELETE&x=_method',
  ];
  for (const query of overriding) assert.equal(await status('GET', query), 405, query);
  assert.equal(await status('HEAD', '_method=MKCOL'), 405);
  assert.equal(await status('POST', '_method=GET'), 405);
  assert.equal(deleted, 1);
  assert.equal(await status('GET', '_method=HEAD'), 200);
  assert.equal(await status('GET', '_method='), 200);
  assert.equal(await status('GET', '_method=DELETE', { allow_deletes: 'true' }), 200);
});

test('MW-24 some projects may write, and deletes can be allowed', async () => {
  const local = { enabled: 'true', exempt_projects: 'ops', allow_deletes: 'true' };
  const { made } = await buildFilter(readOnly, { local });
  const as =
    (projectId: string): App =>
    (req, res) => {
      environ(req).context = new RequestContext({ projectId });
      return made(app)(req, res);
    };
  assert.equal((await request(lint(as('ops')), 'POST', '/')).status, 200);
  const refused = await request(lint(as('blue')), 'POST', '/');
  assert.equal(refused.headers.allow, 'DELETE, GET, HEAD, OPTIONS');
  assert.equal((await request(lint(as('blue')), 'DELETE', '/')).status, 200);
});
