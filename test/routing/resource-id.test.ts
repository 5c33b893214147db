import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActionRequest, Router } from 'portico/routing';
import { describeRoutes, warningsOf } from '#internal/routing';
import { keepingLogger, serveRouter } from './served-router.js';

const show = ({ params }: ActionRequest) => params;

test('the id of a resource has the type that its option says, built in, of the router, or an expression', async (t) => {
  const router = new Router({ types: { day: { regex: '[0-9-]+', parse: (text) => ({ day: text }) } } })
    .resource('parcel', 'parcels', { controller: { show }, only: ['show'], id: 'int' })
    .resource('diary', 'diaries', { controller: { show }, only: ['show'], id: 'day' })
    .resource('code', 'codes', { controller: { show }, only: ['show'], id: '[a-z]{2}', formatted: false });
  const send = await serveRouter(t, router);
  assert.deepEqual((await send('GET', '/parcels/7')).json, { id: 7 });
  assert.deepEqual((await send('GET', '/parcels/7.json')).json, { id: 7, format: 'json' });
  assert.equal((await send('GET', '/parcels/abc')).status, 404);
  assert.deepEqual((await send('GET', '/diaries/2026-01')).json, { id: { day: '2026-01' } });
  assert.deepEqual((await send('GET', '/codes/ab')).json, { id: 'ab' });
  assert.equal((await send('GET', '/codes/abc')).status, 404);
  assert.equal((router.url as unknown as Record<string, (values: object) => string>).parcel!({ id: 7 }), '/parcels/7');
});

test('a requirement that a resource does not use is reported, with what to write', async () => {
  const log = keepingLogger();
  const router = new Router({ log })
    .resource('parcel', 'parcels', { controller: { show }, only: ['show'], requirements: { id: '\\d+' } })
    .resource('note', 'notes', {
      controller: { show },
      only: ['show'],
      parentResource: { memberName: 'parcel', collectionName: 'parcels' },
      requirements: { parcel_id: '\\d+' },
    });
  await (await router.build()).close();
  const told = warningsOf(router.routes).map(({ code, message, hint }) => [code, message, hint]);
  assert.deepEqual(told, [
    [
      'PORTICO_ROUTE_IDLE_REQUIREMENT',
      'the requirement of "id" has no effect on the resource "parcels"',
      'Write id: "int".',
    ],
  ]);
  assert.equal(log.lines.filter(({ fields }) => fields.code === 'PORTICO_ROUTE_IDLE_REQUIREMENT').length, 1);
});

test('the routes of a resource are shown with braces', () => {
  const router = new Router().resource('parcel', 'parcels', {
    controller: { show },
    only: ['show'],
    parentResource: { memberName: 'depot', collectionName: 'depots' },
  });
  const templates = describeRoutes(router).map(({ template }) => template);
  assert.deepEqual(templates, ['/depots/:depot_id/parcels/{id}.{format}', '/depots/:depot_id/parcels/{id}']);
});
