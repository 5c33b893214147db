import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from 'portico/app';
import { type ActionRequest, actionMaker, members, object, Router, serveController, text } from 'portico/routing';
import { serveRouter } from './served-router.js';

type Call = ActionRequest<Readonly<Record<string, string>>> & { readonly who: string };

test('actions of an API have what it adds, are asked for their policy, and run within what is around them', async (t) => {
  const trace: string[] = [];
  const api = {
    extend: (request: ActionRequest) => ({ who: request.headers['x-user'] ?? 'nobody' }),
    allow: ({ who }: Call, policy: string) => {
      trace.push(policy);
      if (who !== 'admin') throw new Fault(403, { message: `${who} may not ${policy}` });
    },
    strictFrom: '2.75',
  };
  const reads = actionMaker<Call>(api);
  const writes = actionMaker<Call>(api, (_call, work) => {
    trace.push('begin');
    const answer = work();
    trace.push('commit');
    return answer;
  });
  const body = object({ name: text() });
  const controller = {
    index: reads({ query: { '2.1': members('name') } }, (call) => [call.who, call.queryValue('name') ?? null]),
    detail: reads({ query: { '2.1': members('name') }, strictFrom: '2.2' }, () => ['detail']),
    create: writes<{ name: string }>({ policy: 'make', body, status: 202 }, (call) => ({ made: call.body.name })),
  };
  const router = new Router({ versions: { serviceType: 'x', min: '2.1', max: '2.79' } });
  serveController(router, '/things', controller, 'index detail create');
  const send = await serveRouter(t, router);
  const headers = (version: string, who: string) => ({ 'openstack-api-version': `x ${version}`, 'x-user': who });
  const get = async (path: string, version: string) => {
    const { status, json } = await send('GET', path, { headers: headers(version, 'ann') });
    return status === 200 ? json : status;
  };
  assert.deepEqual(await get('/things?name=a&other=b', '2.74'), ['ann', 'a']);
  assert.equal(await get('/things?name=a&other=b', '2.75'), 400);
  assert.deepEqual(await get('/things/detail?other=b', '2.1'), ['detail']);
  assert.equal(await get('/things/detail?other=b', '2.2'), 400);

  const post = (who: string) =>
    send('POST', '/things', {
      headers: { ...headers('2.1', who), 'content-type': 'application/json' },
      body: '{"name":"a"}',
    });
  const refused = await post('ann');
  assert.deepEqual([refused.status, trace], [403, ['make']]);
  const made = await post('admin');
  assert.deepEqual([made.status, made.json], [202, { made: 'a' }]);
  assert.deepEqual(trace, ['make', 'make', 'begin', 'commit']);
});

test('what an API adds may have the name of a member that every request has', async (t) => {
  const extend = () => ({ context: { mine: true }, method: 'MINE', params: { id: 'mine' } });
  const reads = actionMaker<Call>({ extend, allow: () => undefined, strictFrom: '2.75' });
  const router = new Router({ versions: { serviceType: 'x', min: '2.1', max: '2.79' } });
  const index = reads({}, ({ context, method, params }) => ({ context, method, params }));
  serveController(router, '/things', { index }, 'index');
  const answer = await (await serveRouter(t, router))('GET', '/things');
  assert.deepEqual(answer.json, { context: { mine: true }, method: 'MINE', params: { id: 'mine' } });
});
