import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mapper, type RouteOptions, Router } from 'portico/routing';
import { legacyRules, warningsOf } from '#internal/routing';
import { serveRouter } from './served-router.js';

const GET: RouteOptions = { controller: 'c', action: 'a', conditions: { method: ['GET'] } };

test('RT-199 RT-89 MI-4 templates that say something else than they seem', () => {
  const codes = (template: string, options: RouteOptions = GET): string[] =>
    warningsOf(new Mapper().connect(template, options).routes).map(({ code }) => code);
  const method = (wanted: string | string[]): RouteOptions => ({ ...GET, conditions: { method: wanted } });
  assert.deepEqual(codes('/a/{id:\\d{3}}'), ['PORTICO_ROUTE_CUT_REGEX']);
  assert.deepEqual(codes('/a/:x-:y'), ['PORTICO_ROUTE_SWALLOWED_DASH']);
  assert.deepEqual(codes('/a/{x'), ['PORTICO_ROUTE_OPEN_BRACE']);
  assert.deepEqual(codes('/v2{path_info:.*}'), ['PORTICO_ROUTE_PATH_INFO']);
  assert.deepEqual(codes('/v2/{path_info:.*}'), []);
  assert.deepEqual(codes('/a', method(['get'])), ['PORTICO_ROUTE_METHOD_CASE']);
  assert.deepEqual(codes('/a', method(['ANY'])), ['PORTICO_ROUTE_METHOD_ANY']);
  assert.deepEqual(codes('/a', method('GET,POST')), ['PORTICO_ROUTE_METHOD_TEXT']);
  assert.deepEqual(codes('/a/{id:\\d+}', method('GET')), []);
  const old = new Mapper({ minimization: true, explicit: false }).connect('/a/{x}', { x: '1' });
  assert.deepEqual(legacyRules(old.routes[0]!), ['minimization', 'implicit defaults']);
});

test('RT-200 a word that is nearly the name of a type, or its name elsewhere, is an expression, with a warning', () => {
  const warned = (template: string, options = {}): unknown[] =>
    warningsOf(new Router(options).connect(template, { handler: () => 1 }).routes).map(({ code, hint }) => [
      code,
      hint,
    ]);
  assert.deepEqual(warned('/a/{id:itn}'), [['PORTICO_ROUTE_TYPE_NAME', 'Did you mean "int"?']]);
  assert.deepEqual(warned('/a/{id:UUID}'), [['PORTICO_ROUTE_TYPE_NAME', 'Did you mean "uuid"?']]);
  assert.deepEqual(warned('/a/{id:integer}'), [['PORTICO_ROUTE_TYPE_NAME', 'Write {id:int}.']]);
  assert.deepEqual(warned('/a/{id:string}'), [['PORTICO_ROUTE_TYPE_NAME', 'Write {id}.']]);
  assert.deepEqual(warned('/a/{id: int}'), [['PORTICO_ROUTE_TYPE_NAME', 'Write {id:int}.']]);
  assert.deepEqual(warned('/a/{id:int }'), [['PORTICO_ROUTE_TYPE_NAME', 'Write {id:int}.']]);
  assert.deepEqual(warned('/a/{id: itn}'), [['PORTICO_ROUTE_TYPE_NAME', 'Did you mean "int"?']]);
  for (const template of ['/a/{id:int}', '/a/{id}', '/a/{id:servers}', '/a/{id:\\d+}']) {
    assert.deepEqual(warned(template), [], template);
  }
  for (const template of ['/a/{id:itn}', '/a/{id:integer}', '/a/{id:string}']) {
    assert.deepEqual(warned(template, { compat: 'routes' }), [], template);
  }
});

test('RT-148 a variable without an end, and more than a name in it, is refused at its brace', () => {
  assert.throws(
    () => new Mapper().connect('/a/{id:itn', GET).compile(),
    /no "\}" closes the variable that begins here\n {2}\/a\/\{id:itn\n {5}\^/,
  );
});

test('int32 takes what fits 32 bits, and nothing else', async (t) => {
  const router = new Router().get('/n/{n:int32}', ({ params }) => ({ n: params.n }));
  const fits = (text: string): boolean => router.find('GET', `/n/${text}`) !== null;
  const limit = 2 ** 31;
  const sums = Array.from({ length: 9 }, (_, power) => [limit - 1 - 10 ** power, limit - 1 + 10 ** power]).flat();
  for (const n of [
    0,
    7,
    999_999_999,
    1e9,
    1_999_999_999,
    2e9,
    limit - 2,
    limit - 1,
    limit,
    3e9,
    9_999_999_999,
    1e10,
    ...sums,
  ]) {
    assert.equal(fits(`${n}`), n < limit, `${n}`);
    assert.equal(fits(`-${n}`), n <= limit, `-${n}`);
  }
  for (const text of ['', '-', 'x', '1.0', '1x', '+1', '99999999999999999999']) assert.equal(fits(text), false, text);
  const send = await serveRouter(t, router);
  assert.deepEqual((await send('GET', '/n/-2147483648')).json, { n: -2_147_483_648 });
  assert.equal((await send('GET', '/n/2147483648')).status, 404);
});

test('RT-200 typed parameters match, parse and print by their type', async (t) => {
  const router = new Router({
    types: {
      vlan: {
        regex: '\\d+',
        parse: (text) => (Number(text) < 4095 ? Number(text) : undefined),
        print: (value) => `0${value as number}`,
      },
    },
  });
  router.connect('n', '/n/{n:int}', { handler: ({ params }) => ({ n: params.n + 1 }) });
  router.connect('b', '/b/{yes:bool}', { handler: ({ params }) => ({ yes: params.yes }) });
  router.connect('v', '/v/{v:vlan}', { handler: ({ params }) => ({ v: params.v }) });
  router.connect('/u/{id:uuid}', { handler: (_request, args) => args });
  const send = await serveRouter(t, router);
  assert.deepEqual((await send('GET', '/n/-41')).json, { n: -40 });
  assert.equal((await send('GET', '/n/4x')).status, 404);
  assert.deepEqual((await send('GET', '/b/false')).json, { yes: false });
  assert.deepEqual((await send('GET', '/v/7')).json, { v: 7 });
  assert.equal((await send('GET', '/v/5000')).status, 404);
  assert.equal((await send('GET', '/u/17')).status, 404);
  assert.equal(router.url('b', { yes: true }), '/b/true');
  assert.equal(router.url('v', { v: 7 }), '/v/07');
  const old = new Router({ compat: 'routes' }).connect('/n/{n:int}', { handler: () => 1 });
  assert.equal(old.find('GET', '/n/int')?.captured.n, 'int');
});

test('RT-14 names of Object.prototype are ordinary names', () => {
  const mapper = new Mapper().connect('constructor', '/o/{constructor}/{__proto__}/{toString}', {
    controller: 'o',
    action: 'hasOwnProperty',
  });
  const match = mapper.match('/o/a/b/c')!;
  assert.deepEqual(Object.entries(match), [
    ['constructor', 'a'],
    ['__proto__', 'b'],
    ['toString', 'c'],
    ['controller', 'o'],
    ['action', 'hasOwnProperty'],
  ]);
  assert.equal(Object.getPrototypeOf(match), null);
  assert.equal(
    mapper.urls.url(
      'constructor',
      new Map([
        ['constructor', 1],
        ['__proto__', 2],
        ['toString', 3],
      ]),
      {},
    ),
    '/o/1/2/3',
  );
  assert.equal(mapper.urls.url('toString', {}, {}), 'toString');
});

test('RT-14 an expression of a variable called __proto__ is one in an object with a prototype, too', () => {
  const requirements = {};
  const mapper = new Mapper().connect('/a/{__proto__:\\d+}', { controller: 'c', requirements });
  assert.deepEqual(Object.entries(requirements), [['__proto__', '\\d+']]);
  assert.equal(mapper.match('/a/b'), null);
  assert.notEqual(mapper.match('/a/1'), null);
});
