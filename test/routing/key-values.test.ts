import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from 'portico/app';
import {
  action,
  type KeyValueOptions,
  type KeyValues,
  keyValueActions,
  Router,
  serveController,
} from 'portico/routing';
import { serveRouter } from './served-router.js';

const json = { 'content-type': 'application/json' };

function things(kept: { values: KeyValues }, more: Partial<KeyValueOptions> = {}): Router {
  const store = (_request: unknown, values: KeyValues): void => {
    if (Object.keys(values).length > 3) throw new Fault(403, { message: 'too many' });
    kept.values = values;
  };
  const controller = keyValueActions({ all: 'metadata', read: () => kept.values, store, ...more });
  const router = new Router({});
  serveController(router, '/metadata', controller, 'index create updateAll show update delete');
  return router;
}

test('keys and values are added to, replaced, set and removed one by one', async (t) => {
  const kept = { values: { a: '1' } };
  const send = await serveRouter(t, things(kept, { one: 'meta' }));
  const put = async (method: string, path: string, body: object) => {
    const { status, json: answer } = await send(method, path, { headers: json, body: JSON.stringify(body) });
    return [status, answer];
  };
  assert.deepEqual((await send('GET', '/metadata')).json, { metadata: { a: '1' } });
  assert.deepEqual(await put('POST', '/metadata', { metadata: { b: '2' } }), [200, { metadata: { a: '1', b: '2' } }]);
  assert.deepEqual(await put('PUT', '/metadata', { metadata: { c: '3' } }), [200, { metadata: { c: '3' } }]);
  assert.deepEqual(await put('PUT', '/metadata/d', { meta: { d: '4' } }), [200, { meta: { d: '4' } }]);
  assert.deepEqual((await send('GET', '/metadata/d')).json, { meta: { d: '4' } });
  assert.equal((await put('PUT', '/metadata/d', { meta: { e: '4' } }))[0], 400);
  assert.equal((await put('PUT', '/metadata/d', { meta: { d: '4', e: '4' } }))[0], 400);
  assert.equal((await put('POST', '/metadata', { metadata: { e: 5 } }))[0], 400);
  assert.equal((await put('POST', '/metadata', { metadata: { e: '5', f: '6' } }))[0], 403);
  assert.equal((await send('DELETE', '/metadata/d')).status, 204);
  assert.equal((await send('DELETE', '/metadata/d')).status, 404);
  assert.equal((await send('GET', '/metadata/toString')).status, 404);
  assert.deepEqual(kept.values, { c: '3' });
});

test('a pair may be the body, values numbers, and actions made by their own kind', async (t) => {
  const kept = { values: {} };
  const made: string[] = [];
  const changes: KeyValueOptions['changes'] = (options, handler, verb) => {
    made.push(verb);
    return action(options, (request) => handler(request as never));
  };
  const send = await serveRouter(t, things(kept, { types: ['string', 'number'], deleted: 200, changes }));
  assert.deepEqual(made, ['create', 'update', 'update', 'delete']);
  const set = await send('PUT', '/metadata/a', { headers: json, body: '{"a":1}' });
  assert.deepEqual([set.status, set.json], [200, { a: 1 }]);
  assert.deepEqual((await send('GET', '/metadata/a')).json, { a: 1 });
  const added = await send('POST', '/metadata', { headers: json, body: '{"metadata":{"b":"2"}}' });
  assert.deepEqual(added.json, { metadata: { b: '2' } });
  assert.equal((await send('DELETE', '/metadata/a')).status, 200);
  assert.deepEqual(kept.values, { b: '2' });
});
