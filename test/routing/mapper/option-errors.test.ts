import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Router, type RouterOptions } from 'portico/routing';
import { printDiagnostic } from '#internal/config';
import { RouteTableError } from '#internal/routing';
import { serveRouter } from '../served-router.js';

async function issues(define: (router: Router) => unknown, options: RouterOptions = {}): Promise<string[]> {
  const controllers = { books: { index: () => [], show: () => null } };
  const router = new Router({ controllers, ...options });
  define(router);
  try {
    await router.build();
  } catch (error) {
    assert.ok(error instanceof RouteTableError, String(error));
    return error.diagnostics.map((each) => printDiagnostic(each));
  }
  return [];
}

const connecting = (options: object, template = '/a/{id}', more: RouterOptions = {}): Promise<string[]> =>
  issues((router) => router.connect(template, options as never), more);

const index = { controller: 'books', action: 'index' };

test('a name among the options of a route that can only be an error is one, with what was meant', async () => {
  const rows: [object, RegExp][] = [
    [{ ...index, conditons: { method: ['POST'] } }, /a route has no option "conditons"\n {2}Did you mean "conditions"/],
    [{ ...index, condition: { method: ['POST'] } }, /Did you mean "conditions"/],
    [
      { ...index, method: 'POST' },
      /no option "method"\n {2}Write router\.route\('GET', path, …\), or conditions: \{ method: \[…\] \}\./,
    ],
    [{ ...index, methods: ['POST', 'PUT'] }, /no option "methods"\n {2}Write router\.route/],
    [{ ...index, Method: 'POST' }, /no option "Method"\n {2}Write router\.route/],
    [{ ...index, metod: 'POST' }, /no option "metod"\n {2}Write router\.route/],
    [{ ...index, subDomain: true }, /no option "subDomain"\n {2}Write conditions: \{ subDomain: … \}\./],
    [{ ...index, requirement: { id: '\\d+' } }, /Did you mean "requirements"/],
    [{ ...index, filter: [] }, /Did you mean "filters"/],
    [{ ...index, body_limit: 10 }, /Did you mean "bodyLimit"/],
    [{ ...index, deadlin: 10 }, /Did you mean "deadline"/],
    [{ ...index, statsu: 201 }, /Did you mean "status"/],
    [{ ...index, schema: { body: {} } }, /Write the members of schema beside each other: body, query/],
    [{ ...index, year: '2004' }, /A value of the route is written as defaults: \{ "year": … \}\./],
    [{ ...index, id: '5' }, /written as defaults: \{ "id": … \}\./],
    [{ ...index, preHandler: () => undefined }, /no option "preHandler"\n {2}Write auth for a guard/],
    [{ ...index, onSend: () => undefined }, /no option "onSend"\n {2}Options: name, handler, controller, .*, status, /],
    [{ ...index, defaults: { conditions: 'x' } }, /the defaults of a route have "conditions", which is an option/],
    [{ controller: 'books', acton: 'index' }, /Did you mean "action"/],
    [{ contoller: 'books', action: 'index' }, /Did you mean "controller"/],
    [{ handlr: () => 1 }, /Did you mean "handler"/],
  ];
  for (const [options, expected] of rows) {
    const told = await connecting(options);
    assert.ok(
      told.some((text) => expected.test(text)),
      `${JSON.stringify(options)}\n${told.join('\n')}`,
    );
    assert.match(told[0]!, /option-errors\.test\.(?:js|ts):\d+:\d+: error: the route "\/a\/\{id\}"/);
  }
  const [both] = await connecting({ ...index, conditons: {}, method: 'POST' });
  assert.match(both!, /a route has no options "conditons", "method"/);
});

test('values of a route are in one member, whatever they are called', async (t) => {
  const handler = (_request: unknown, args: object): object => args;
  const defaults = { year: '2004', page: 2, draft: true, status: 'x', method: 'y' };
  const router = new Router()
    .connect('/a', { handler, defaults })
    .get('/b/{method}', { defaults: { method: 'x', more: 'z' } }, handler);
  const copied = new Router().extend(router.routes, '/copy');
  for (const [send, prefix] of [
    [await serveRouter(t, router), ''],
    [await serveRouter(t, copied), '/copy'],
  ] as const) {
    const { json } = await send('GET', `${prefix}/a`);
    assert.deepEqual(json, { year: '2004', page: '2', draft: 'True', status: 'x', method: 'y' });
    assert.deepEqual((await send('GET', `${prefix}/b/c`)).json, { method: 'c', more: 'z' });
  }
});

test('a router that is as Routes takes any other name as a value', async (t) => {
  const controllers = { books: { index: (_request: unknown, args: object) => args } };
  const router = new Router({ controllers, compat: 'routes' });
  router.connect('/', { ...index, year: 2004, status: 'x', name: 'y' } as never);
  const send = await serveRouter(t, router);
  assert.deepEqual((await send('GET', '/')).json, { year: '2004', status: 'x', name: 'y' });
  assert.deepEqual(await connecting({ ...index, method: 'POST', conditons: {} }, '/a', { compat: 'routes' }), []);
});

test('so are those of a resource, of which no other name does anything', async () => {
  const only = ['index', 'show'];
  const rows: [object, RegExp][] = [
    [{ only, colection: { detail: 'GET' } }, /a resource has no option "colection"\n {2}Did you mean "collection"/],
    [{ only, conditions: { method: ['GET'] } }, /no option "conditions"/],
    [{ only, filters: [] }, /no option "filters"/],
    [{ only, formated: false }, /Did you mean "formatted"/],
    [{ onyl: ['index', 'show'] }, /Did you mean "only"/],
    [{ only, path_prefix: '/x' }, /Did you mean "pathPrefix"/],
    [{ only, year: '2004' }, /a resource has no option "year"\n {2}Options: controller, /],
  ];
  for (const [options, expected] of rows) {
    const told = await issues((router) => router.resource('book', 'books', options as never));
    assert.ok(
      told.some((text) => expected.test(text)),
      told.join('\n'),
    );
  }
});

test('a resource without its second name is refused with both', async () => {
  const [told, ...more] = await issues((router) => router.resource('books', { controller: 'books' } as never));
  assert.deepEqual(more, []);
  assert.match(told!, /option-errors\.test\.\w+:\d+:\d+: .*a resource has two names/);
  assert.match(told!, /Write resource\("book", "books", \{ … \}\)\./);
  assert.match((await issues((router) => router.resource('books' as never, undefined as never)))[0]!, /two names/);
});

test('a path that no request can have is refused with that reason', async () => {
  for (const template of ['a', 'books/{id}', 'http://x/']) {
    const [told, ...more] = await connecting(index, template);
    assert.deepEqual(more, [], template);
    assert.match(told!, /it can never match: the path of a request starts with a slash\n {2}Write "\//);
    assert.ok(told!.includes(`connect("${template}", "/…")`));
  }
  for (const template of ['/', '/a', '{id:/.*}', '*rest']) assert.deepEqual(await connecting(index, template), []);
  assert.deepEqual(await connecting({ ...index, _static: true }, 'http://x/'), []);
  assert.deepEqual(await connecting({ ...index, _minimize: true }, 'a'), []);
  assert.deepEqual(await connecting(index, 'a', { prefix: '/v1/' }), []);
  assert.deepEqual(await connecting(index, 'a', { compat: 'routes' }), []);
});

test('the actions that a resource may be limited to are those of its routes, so that the line can be pasted', async () => {
  const books = { index: () => [], show: () => null, loan: () => null, search: () => [], ping: () => 'pong' };
  const more = { member: { loan: 'POST' }, collection: { search: 'GET', month: 'GET' } };
  const define = (only?: readonly string[]) =>
    issues((router) => router.resource('book', 'books', { ...more, ...(only && { only }) }), {
      controllers: { books },
    });
  const [lacking] = await define();
  const written = /It has: index, show, loan, search, ping\. Write only: \[(.*)\], or add the others\./.exec(
    lacking!,
  )?.[1];
  assert.equal(written, "'index', 'show', 'loan', 'search'");
  assert.deepEqual(await define(written!.split(', ').map((name) => name.slice(1, -1))), []);
});

test('one cause is one error, however many routes a resource makes', async () => {
  const [lacking, ...more] = await issues((router) => router.resource('book', 'books'));
  assert.deepEqual(more, []);
  assert.match(lacking!, /the resource "books": the controller books has no actions "create", "new", /);
  assert.match(lacking!, /It has: index, show\. Write only: \['index', 'show'\], or add the others\./);
  const [nobody, ...others] = await issues((router) => router.resource('page', 'pages'));
  assert.deepEqual(others, []);
  assert.match(nobody!, /the resource "pages": no controller is called "pages"/);
  const two = await issues((router) => {
    router.connect('/x', { controller: 'books', action: 'x' });
    router.connect('/y', { controller: 'books', action: 'y' });
  });
  assert.equal(two.length, 2);
});

test('a controller that asks for constructor arguments is asked whether an object is meant', async () => {
  class Books {
    readonly #store: Map<string, string>;
    constructor(store: Map<string, string>) {
      this.#store = store;
    }
    index(): string[] {
      return [...this.#store.keys()];
    }
    show(): null {
      return null;
    }
  }
  class Failing {
    readonly size: number;
    constructor(...given: readonly { size: number }[]) {
      this.size = given[0]!.size;
    }
    index(): number {
      return this.size;
    }
  }
  class Lacking {
    // @ts-expect-error: as in JavaScript.
    readonly size: number = bok.length;
    index(): number {
      return this.size;
    }
  }
  const only = ['index', 'show'];
  const [told, ...more] = await issues((router) => router.resource('book', 'books', { controller: Books, only }));
  assert.deepEqual(more, []);
  assert.match(told!, /the controller Books is a class whose constructor takes arguments\n.*new Books\(…\)\?/);
  const [failed] = await issues((router) => router.connect('/', { controller: Failing, action: 'index' }));
  assert.match(failed!, /the controller Failing cannot be constructed: Cannot read .*\n.*new Failing\(…\)\?/);
  const [unknown] = await issues((router) => router.connect('/', { controller: Lacking, action: 'index' }));
  assert.match(unknown!, /the controller Lacking cannot be constructed: bok is not defined$/);
  const object = new Books(new Map());
  assert.deepEqual(await issues((router) => router.resource('book', 'books', { controller: object, only })), []);
});
