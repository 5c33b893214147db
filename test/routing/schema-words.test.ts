import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  action,
  flag,
  isTrue,
  members,
  object,
  objectSince,
  querySince,
  Router,
  text,
  wholeNumber,
} from 'portico/routing';
import { serveRouter } from './served-router.js';

test('RT-181 an object has its members and no others; one with a question mark may be missing', () => {
  assert.deepEqual(object({ name: { type: 'string' }, ...members('ram disk?', wholeNumber(1)) }), {
    type: 'object',
    properties: { name: { type: 'string' }, ram: wholeNumber(1), disk: wholeNumber(1) },
    required: ['name', 'ram'],
    additionalProperties: false,
  });
});

test('RT-181 an object of a later version adds members, replaces them and removes them', () => {
  const since = objectSince(
    { '2.1': { 'a?': text(), b: text() }, '2.5': { a: { enum: ['x'] } }, '2.9': { b: null, 'c?': text() } },
    (thing) => object({ thing }),
  );
  assert.deepEqual(since, {
    '2.1': object({ thing: object({ 'a?': text(), b: text() }) }),
    '2.5': object({ thing: object({ b: text(), a: { enum: ['x'] } }) }),
    '2.9': object({ thing: object({ a: { enum: ['x'] }, 'c?': text() }) }),
  });
});

test('SC-35 words for yes and no', () => {
  for (const yes of [true, 'true', 'On', '1']) assert.equal(isTrue(yes), true);
  for (const no of [false, 'false', 'no', 'maybe', 1, undefined]) assert.equal(isTrue(no), false);
  assert.ok((flag as { enum: unknown[] }).enum.includes('off'));
});

test('SC-36 bodies, queries and statuses by the version from which they hold', async (t) => {
  const things = {
    create: action(
      { body: objectSince({ '2.1': { a: text() }, '2.3': { 'b?': text() } }), status: { '2.1': 200, '2.2': 201 } },
      () => ({}),
    ),
    index: action({ query: querySince({ '2.2': members('limit') }, '2.5') }, () => ({})),
  };
  const versions = { serviceType: 'thing', min: '2.1', max: '2.9' };
  const router = new Router({ versions })
    .connect('/things', { controller: things, action: 'create', conditions: { method: ['POST'] } })
    .connect('/things', { controller: things, action: 'index', conditions: { method: ['GET'] } });
  const send = await serveRouter(t, router);
  const status = async (version: string, method: string, path: string, body?: object): Promise<number> => {
    const headers = { 'OpenStack-API-Version': `thing ${version}` };
    return (await send(method, path, { headers, ...(body && { body: JSON.stringify(body) }) })).status;
  };
  assert.equal(await status('2.1', 'POST', '/things', { a: 'x' }), 200);
  assert.equal(await status('2.2', 'POST', '/things', { a: 'x' }), 201);
  assert.equal(await status('2.2', 'POST', '/things', { a: 'x', b: 'y' }), 400);
  assert.equal(await status('2.3', 'POST', '/things', { a: 'x', b: 'y' }), 201);
  assert.equal(await status('2.4', 'GET', '/things?limit=1&odd=1'), 200);
  assert.equal(await status('2.5', 'GET', '/things?limit=1&odd=1'), 400);
  assert.equal(await status('2.5', 'GET', '/things?limit=1'), 200);
});

test('RT-170 versions that do not ascend are a mistake', () => {
  assert.throws(() => action({ status: { '2.5': 200, '2.2': 201 } }, () => ({})), /2\.2 stands after 2\.5/);
});
