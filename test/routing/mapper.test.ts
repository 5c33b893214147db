import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CollectionOptions,
  Mapper,
  type ParentResource,
  type ResourceOptions,
  type RouteOptions,
} from 'portico/routing';
import { RouteError } from '#internal/routing';

const here = import.meta.url.split('/').at(-1)!;

function refusal(define: () => unknown): RouteError {
  try {
    define();
  } catch (error) {
    assert.ok(error instanceof RouteError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'nothing was refused' });
}

test('RT-12 RT-21 RT-124 an error has a code, the template, and the location of the call', () => {
  const broken = refusal(() => new Mapper().connect('/a/{id}', { controller: 'c', requirements: { id: '([' } }));
  assert.equal(broken.code, 'PORTICO_ROUTE_REGEX');
  assert.match(broken.message, /mapper\.test\.js:\d+:\d+: the route "\/a\/\{id\}": the requirement of "id"/);
  assert.ok(broken.origin?.file.endsWith(here));

  const name = refusal(() => new Mapper().connect('/a/{server-id}', { controller: 'c' }).compile());
  assert.equal(name.code, 'PORTICO_ROUTE_REGEX');
  assert.match(name.message, /"server-id" is not a name/);

  const twice = refusal(() => new Mapper().connect('/a/{id}/b/{id}', { controller: 'c' }).compile());
  assert.match(twice.message, /redefinition of the group name "id"/);

  const marked = refusal(() => new Mapper().connect('/a/{}/b', { controller: 'c' }));
  assert.match(marked.message, /a variable needs a name\n {2}\/a\/\{\}\/b\n {2} {4}\^/);
});

test('RT-123 a back reference that means nothing in the expression of the path is refused when the table is compiled', () => {
  const open = new Mapper().connect('/a/{id}', { controller: 'c', requirements: { id: '(a)\\1' } });
  assert.match(refusal(() => open.compile()).message, /\\1 refers to a group that is open/);
});

test('RT-91 what a redirect does not use is its query, in the order of the path', () => {
  const mapper = new Mapper().redirect('/{a:(?P<q>x)y}/{b}', '/to');
  const { compiled, match } = mapper.routeMatch('/xy/1')!;
  assert.equal(mapper.redirectLocation(mapper.redirectOf(compiled.route)!, match, {}), '/to?a=xy&q=x&b=1');
});

test('RT-14 an option called __proto__ of a submapper or of its route is a default as others', () => {
  const options = JSON.parse('{"__proto__": "x"}') as RouteOptions;
  const outer = new Mapper();
  outer.submapper({ ...options, pathPrefix: '/a', controller: 'c' }).connect('');
  outer.submapper({ pathPrefix: '/b', controller: 'c' }).connect('', options);
  for (const path of ['/a', '/b']) assert.deepEqual(new Map(Object.entries(outer.match(path)!)).get('__proto__'), 'x');
});

test('an empty name of a route is kept', () => {
  const mapper = new Mapper().connect('', '/a', { controller: 'c' });
  assert.deepEqual([mapper.routes[0]!.name, mapper.names.size], ['', 0]);
});

test('a resource takes null for no other actions', () => {
  const none = { collection: null, member: null, new: null } as unknown as ResourceOptions;
  const templates = (options: ResourceOptions): string[] =>
    new Mapper().resource('book', 'books', options).routes.map(({ template }) => template);
  assert.deepEqual(templates(none), templates({}));
});

test('RT-59 RT-123 a parent resource without its two names is refused', () => {
  for (const kind of ['routes', 'plain', 'project'] as const) {
    const parentResource = { member_name: 'server', collection_name: 'servers' } as unknown as ParentResource;
    const refused = refusal(() => new Mapper({ kind }).resource('ip', 'ips', { parentResource }));
    assert.equal(refused.code, 'PORTICO_ROUTE_RESOURCE_NAME');
    assert.match(refused.message, /mapper\.test\.js:\d+.*the parent of the resource "ips" has two names/);
  }
});

test('RT-74 a collection takes null for a prefix and for actions that it has not', () => {
  const none = { pathPrefix: null, collectionActions: null, memberActions: null } as unknown as CollectionOptions;
  const mapper = new Mapper();
  mapper.collection('books', 'book', none).connect('/all');
  const templates = mapper.routes.map(({ template }) => template);
  assert.deepEqual(templates, ['/books/all']);
});

test('RT-22 a requirements object that two routes share is shared, and written to', () => {
  const requirements = { id: '\\d+' };
  const mapper = new Mapper().connect('/a/{id}/{x}', { controller: 'a', requirements });
  mapper.connect('/b/{x:[a-z]+}', { controller: 'b', requirements });
  assert.deepEqual(requirements, { id: '\\d+', x: '[a-z]+' });
  assert.equal(mapper.match('/a/1/2'), null);
  assert.equal(mapper.match('/a/1/z')?.x, 'z');
});

test('RT-26 defaults are text, functions stay functions', () => {
  const callable = (): number => 1;
  const match = new Mapper().connect('/x', { n: 5, yes: true, none: null, callable }).match('/x')!;
  assert.deepEqual({ ...match }, { n: '5', yes: 'True', none: null, callable });
});

test('RT-31 a static route only generates', () => {
  const mapper = new Mapper().connect('help', '/help/{topic}:x', { _static: true });
  assert.equal(mapper.routes.length, 0);
  assert.equal(mapper.match('/help/a:x'), null);
  assert.equal(mapper.urls.url('help', { topic: 'a b' }, {}), '/help/a%20b:x');
});

test('RT-49 an asynchronous condition is an error of the application', () => {
  const conditions = { function: async () => true };
  assert.match(
    refusal(() => new Mapper().connect('/x', { controller: 'c', conditions })).message,
    /must not be asynchronous/,
  );
});

test('RT-67 RT-73 RT-123 a submapper has no resource, and only the standard actions', () => {
  const submapper = new Mapper().submapper({ pathPrefix: '/x', controller: 'c' });
  assert.equal('resource' in submapper, false);
  assert.equal('redirect' in submapper, false);
  assert.equal(
    refusal(() => new Mapper().submapper({ controller: 'c', actions: ['list' as 'index'] })).code,
    'PORTICO_ROUTE_UNKNOWN_ACTION',
  );
});

test('RT-82 extend copies routes under a prefix', () => {
  const first = new Mapper().connect('foo', '/foo/{id}', { controller: 'f', conditions: { method: ['POST'] } });
  const second = new Mapper().extend(first.routes, '/sub');
  assert.deepEqual({ ...second.match('/sub/foo/1', { method: 'POST' }) }, { id: '1', controller: 'f' });
  assert.equal(second.match('/sub/foo/1', { method: 'GET' }), null);
  assert.equal(second.urls.url('foo', { id: 1 }, {}), '/sub/foo/1');
});

test('a name that no route has is a URL, and gets the values as its query', () => {
  const { urls } = new Mapper();
  assert.equal(urls.url('/a', {}, { scriptName: '/v2.1' }), '/v2.1/a');
  assert.equal(urls.url('/a', { b: [1, 2] }, {}), '/a?b=1&b=2');
  assert.equal(urls.url('/a', { b: [] }, {}), '/a?');
});
