import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environ } from 'portico/app';
import { type ActionRequest, action, Router } from 'portico/routing';
import { ApiVersion, RouteTableError } from '#internal/routing';
import { closedAfter } from '../fixtures/closed-after.js';
import { type Answer, serveApp, serveRouter, testBoth } from './served-router.js';

const versions = {
  serviceType: 'compute',
  min: '2.1',
  max: '2.79',
  legacyHeader: 'X-OpenStack-Nova-API-Version',
};
const HEADER = 'openstack-api-version';
const LEGACY = 'x-openstack-nova-api-version';

class Things {
  show(request: ActionRequest): string {
    return `${request.apiVersion.text}${request.apiVersion.atLeast('2.26') ? ' new' : ''}`;
  }
  ranged = [
    action({ versions: ['2.10', '2.35'] }, () => 'old'),
    action(
      {
        versions: ['2.36'],
        status: { '2.36': 202, '2.41': 203 },
      },
      () => 'new',
    ),
  ];
  create = action(
    {
      body: {
        '2.1': { type: 'object', properties: { name: {} }, additionalProperties: false },
        '2.19': { type: 'object', properties: { name: {}, description: {} }, additionalProperties: false },
      },
    },
    ({ body }) => body,
  );
  lock = action({ bodyKey: 'lock', versions: ['2.9'] }, () => 'locked');
}

function router(): Router {
  return new Router({ versions, controllers: { things: Things } })
    .connect('/show', { controller: 'things', action: 'show', conditions: { method: ['GET'] } })
    .connect('/ranged', { controller: 'things', action: 'ranged' })
    .connect('/things', { controller: 'things', action: 'create' })
    .connect('/action', { controller: 'things', action: 'action' });
}

function announced(answer: Answer): unknown[] {
  // Faults have `Accept` besides.
  const vary = answer.headers.vary?.replace(/(?:, )?Accept$/, '') || undefined;
  return [answer.headers[HEADER], answer.headers[LEGACY], vary];
}

const VARY = 'OpenStack-API-Version, X-OpenStack-Nova-API-Version';

test('RT-165 RT-166 RT-168 the version a request asks for', async (t) => {
  const send = await serveRouter(t, router());
  const cases: [headers: Record<string, string>, version: string][] = [
    [{}, '2.1'],
    [{ [HEADER]: 'compute 2.53' }, '2.53 new'],
    [{ [HEADER]: 'Compute   2.9' }, '2.9'],
    [{ [HEADER]: 'volume 3.1, compute 2.10 , compute 2.26' }, '2.26 new'],
    [{ [HEADER]: 'volume 3.1' }, '2.1'],
    [{ [HEADER]: 'compute latest' }, '2.79 new'],
    [{ [LEGACY]: '2.30' }, '2.30 new'],
    [{ [LEGACY]: 'latest' }, '2.79 new'],
    [{ [HEADER]: 'compute 2.5', [LEGACY]: '2.30' }, '2.5'],
    [{ [HEADER]: 'volume 3.1', [LEGACY]: '2.30' }, '2.30 new'],
  ];
  for (const [headers, version] of cases) {
    const answer = await send('GET', '/show', { headers });
    assert.equal(answer.json, version, JSON.stringify(headers));
    const [number] = version.split(' ') as [string];
    assert.deepEqual(announced(answer), [`compute ${number}`, number, VARY]);
  }
});

testBoth('RT-165 a header of older clients is read and announced where a router names one', async (t, Router) => {
  const rows: [legacyHeader: string | null | undefined, vary: string][] = [
    [undefined, 'OpenStack-API-Version'],
    [null, 'OpenStack-API-Version'],
    ['X-OpenStack-Nova-API-Version', VARY],
    ['X-Library-Version', 'OpenStack-API-Version, X-Library-Version'],
  ];
  for (const [legacyHeader, vary] of rows) {
    const own = {
      serviceType: 'compute',
      min: '1.0',
      max: '2.90',
      ...(legacyHeader !== undefined && { legacyHeader }),
    };
    const table = new Router({ versions: own }).connect('/', { handler: ({ apiVersion }) => apiVersion.text });
    const send = await serveRouter(t, table);
    const answer = await send('GET', '/', { headers: { [LEGACY]: '2.30' } });
    const isRead = vary === VARY;
    assert.equal(answer.json, isRead ? '2.30' : '1.0');
    assert.deepEqual(announced(answer), [`compute ${answer.json}`, isRead ? '2.30' : undefined, vary]);
  }
});

test('RT-166 RT-169 what is no version gets 400, and announces none', async (t) => {
  const send = await serveRouter(t, router());
  for (const text of ['2', '2.01', '02.1', '2.1.1', 'x', '', '-2.1', '2.1 x', '2,1']) {
    const answer = await send('GET', '/show', { headers: { [HEADER]: `compute ${text}` } });
    assert.equal(answer.status, 400, text);
    assert.deepEqual(announced(answer), [undefined, undefined, undefined], text);
  }
});

test('RT-167 RT-169 a version out of bounds gets 406 with both bounds, and Vary alone', async (t) => {
  const send = await serveRouter(t, router());
  for (const version of ['2.0', '2.80', '1.5', '3.0', '2.999']) {
    const answer = await send('GET', '/show', { headers: { [HEADER]: `compute ${version}` } });
    assert.equal(answer.status, 406);
    assert.match(
      answer.text,
      new RegExp(`Version ${version} is not supported by the API\\. Minimum is 2\\.1 and maximum is 2\\.79\\.`),
    );
    assert.deepEqual(announced(answer), [undefined, undefined, VARY]);
  }
});

test('RT-169 every other response announces the version, faults included', async (t) => {
  const send = await serveRouter(t, router());
  const headers = { [HEADER]: 'compute 2.5' };
  for (const [method, path] of [
    ['GET', '/nowhere'],
    ['POST', '/show'],
    ['GET', '/ranged'],
    ['OPTIONS', '/show'],
  ] as const) {
    assert.deepEqual(
      announced(await send(method, path, { headers })),
      ['compute 2.5', '2.5', VARY],
      `${method} ${path}`,
    );
  }
  const unsupported = await send('POST', '/things', { body: 'x', headers: { ...headers, 'content-type': 'text/xml' } });
  assert.deepEqual([unsupported.status, ...announced(unsupported)], [415, 'compute 2.5', '2.5', VARY]);
});

test('RT-170 RT-171 methods, statuses, schemas and body keys by version', async (t) => {
  const send = await serveRouter(t, router());
  const at = (version: string, method: string, path: string, body?: string) =>
    send(method, path, { headers: { [HEADER]: `compute ${version}` }, body });
  const cases: [version: string, status: number, json: unknown][] = [
    ['2.9', 404, undefined],
    ['2.10', 200, 'old'],
    ['2.35', 200, 'old'],
    ['2.36', 202, 'new'],
    ['2.41', 203, 'new'],
  ];
  for (const [version, status, json] of cases) {
    const answer = await at(version, 'GET', '/ranged');
    assert.equal(answer.status, status, version);
    if (json !== undefined) assert.equal(answer.json, json, version);
  }
  const body = '{"name":"a","description":"b"}';
  assert.equal((await at('2.18', 'POST', '/things', body)).status, 400);
  assert.equal((await at('2.19', 'POST', '/things', body)).status, 200);
  assert.equal((await at('2.8', 'POST', '/action', '{"lock":null}')).status, 404);
  assert.equal((await at('2.9', 'POST', '/action', '{"lock":null}')).json, 'locked');
});

testBoth('RT-171 ranges that overlap, and versions that are none, are errors of the table', async (_t, Router) => {
  const bad = [
    action({ versions: ['2.x'] }, () => null),
    action({ versions: ['2.5', '2.4'] }, () => null),
    action({ status: 404 }, () => null),
  ];
  for (const one of bad) {
    const table = new Router().connect('/x', { controller: { one }, action: 'one' });
    await assert.rejects(table.build(), RouteTableError);
  }
});

test('RT-172 versions compare as two numbers', () => {
  const version = ApiVersion.of('2.9');
  assert.equal(version.atLeast('2.10'), false);
  assert.equal(version.atMost('2.10'), true);
  assert.equal(version.atLeast('2.9'), true);
  assert.throws(() => version.atLeast('latest'), RangeError);
});

testBoth('RT-171 bodies, queries and statuses by the version from which they hold', async (t, Router) => {
  const named = { type: 'object', required: ['a'], properties: { a: {} }, additionalProperties: false } as const;
  const described = { ...named, properties: { ...named.properties, b: {} } } as const;
  const list = { type: 'object', properties: { limit: { type: 'integer' } } } as const;
  const own = {
    create: action({ body: { '2.1': named, '2.3': described }, status: { '2.1': 200, '2.2': 201 } }, () => ({})),
    index: action({ query: { '2.2': list, '2.5': { ...list, additionalProperties: false } } }, ({ query }) => query),
  };
  const table = new Router({ versions: { serviceType: 'thing', min: '2.1', max: '2.9' } })
    .connect('/things', { controller: own, action: 'create', conditions: { method: ['POST'] } })
    .connect('/things', { controller: own, action: 'index', conditions: { method: ['GET'] } });
  const send = await serveRouter(t, table);
  const ask = (version: string, method: string, path: string, body?: object): Promise<Answer> => {
    const headers = { [HEADER]: `thing ${version}` };
    return send(method, path, { headers, ...(body && { body: JSON.stringify(body) }) });
  };
  const created = async (version: string, body: object) => (await ask(version, 'POST', '/things', body)).status;
  assert.equal(await created('2.1', { a: 'x' }), 200);
  assert.equal(await created('2.2', { a: 'x' }), 201);
  assert.equal(await created('2.2', { a: 'x', b: 'y' }), 400);
  assert.equal(await created('2.3', { a: 'x', b: 'y' }), 201);
  assert.deepEqual((await ask('2.1', 'GET', '/things?limit=1')).json, { limit: '1' });
  assert.deepEqual((await ask('2.4', 'GET', '/things?limit=1&odd=1')).json, { limit: 1, odd: '1' });
  assert.equal((await ask('2.5', 'GET', '/things?limit=1&odd=1')).status, 400);
  assert.equal((await ask('2.5', 'GET', '/things?limit=1')).status, 200);
});

test('RT-171 versions that do not ascend are an error', () => {
  assert.throws(() => action({ status: { '2.5': 200, '2.2': 201 } }, () => ({})), /2\.2 comes after 2\.5/);
});

testBoth('RT-174 without versions the headers are neither read nor sent', async (t, Router) => {
  const send = await serveRouter(t, new Router().connect('/x', { handler: () => 1 }));
  const answer = await send('GET', '/x', { headers: { [HEADER]: 'compute 2.999' } });
  assert.deepEqual([answer.status, ...announced(answer)], [200, undefined, undefined, undefined]);
});

test('RT-169 Vary is appended to what is there', async (t) => {
  const table = router().use((app) => (req, res) => {
    res.setHeader('Vary', `${res.getHeader('vary') as string}, Origin`);
    return app(req, res);
  });
  table.connect('/fetched', { handler: () => new Response('x', { headers: { Vary: 'Accept' } }) });
  const send = await serveRouter(t, table);
  assert.equal((await send('GET', '/show')).headers.vary, `${VARY}, Origin`);
  assert.equal((await send('GET', '/fetched')).headers.vary, `${VARY}, Origin, Accept`);
});

test('RT-195 the version of a request is noted, also if the request is refused', async (t) => {
  const app = closedAfter(t, await router().build());
  const seen: (string | undefined)[] = [];
  const send = await serveApp(t, (req, res) => {
    const served = app(req, res);
    seen.push(environ(req).apiVersion);
    return served;
  });
  await send('GET', '/show', { headers: { [LEGACY]: '2.5' } });
  assert.equal((await send('GET', `/${'x'.repeat(9000)}`, { headers: { [LEGACY]: '2.6' } })).status, 414);
  assert.deepEqual(seen, ['2.5', '2.6']);
});
