import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActionRequest, Router, serveController } from 'portico/routing';
import { serveRouter } from './served-router.js';

const answer = (name: string) => (request: ActionRequest) => ({ name, ...(request.params as object) });

test('the names of actions are their routes; others say their path', async (t) => {
  const names = 'index create updateAll deleteAll detail show update delete action uptime enable'.split(' ');
  const controller = Object.fromEntries(names.map((name) => [name, answer(name)]));
  const router = new Router({});
  const words =
    'index create updateAll deleteAll detail show update delete uptime=/{id}/uptime enable=PUT:/{id}/enable';
  serveController(router, '/things', controller, words);
  const send = await serveRouter(t, router);
  const reached = async (line: string) => {
    const [method = '', path = ''] = line.split(' ');
    const { status, json } = await send(method, path);
    return status === 200 ? Object.values(json as object).join(' ') : status;
  };
  for (const [line, wanted] of [
    ['GET /things', 'index'],
    ['POST /things', 'create'],
    ['PUT /things', 'updateAll'],
    ['DELETE /things', 'deleteAll'],
    ['GET /things/detail', 'detail'],
    ['GET /things/1', 'show 1'],
    ['PUT /things/1', 'update 1'],
    ['DELETE /things/1', 'delete 1'],
    ['GET /things/1/uptime', 'uptime 1'],
    ['PUT /things/1/enable', 'enable 1'],
    ['GET /things/1/enable', 405],
  ] as const) {
    assert.equal(await reached(line), wanted, line);
  }
});

test('routes for GET are named by their path, and an action without a path is refused', async (t) => {
  const router = new Router({});
  const show = (request: ActionRequest) => request.url('/things/{id}', { id: 'x y' });
  serveController(router, '/things', { show }, 'show');
  const { json } = await (await serveRouter(t, router))('GET', '/things/1');
  assert.match(String(json), /^http:\/\/.*\/things\/x%20y$/);
  assert.throws(() => serveController(new Router({}), '/things', { shine: show }, 'shine'), /shine=\/path/);
});
