import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Mapper, type RouteOptions, Router } from 'portico/routing';
import { findOverlaps, findShadowed, RouteTableError } from '#internal/routing';
import { keepingLogger, serveRouter } from '../served-router.js';

const GET: RouteOptions = { controller: 'c', action: 'a', conditions: { method: ['GET'] } };

function shadowed(...routes: [template: string, options?: RouteOptions][]): string[] {
  const mapper = new Mapper();
  for (const [template, options = GET] of routes) mapper.connect(template, options);
  return findShadowed(mapper.compile().ranked).map(({ compiled }) => compiled.route.template);
}

test('RT-196 RT-197 routes that can never match', () => {
  const post: RouteOptions = { ...GET, conditions: { method: ['POST'] } };
  const any: RouteOptions = { controller: 'c', action: 'a' };
  assert.deepEqual(shadowed(['/a'], ['/a']), ['/a']);
  assert.deepEqual(shadowed(['/a'], ['/a', post]), []);
  assert.deepEqual(shadowed(['/a'], ['/a', any]), []);
  assert.deepEqual(shadowed(['/a', any], ['/a', post]), ['/a']);
  assert.deepEqual(shadowed(['/a'], ['/a', post], ['/a', { ...GET, conditions: { method: ['GET', 'POST'] } }]), ['/a']);
  assert.deepEqual(shadowed(['/{a}/{b}'], ['/{c}/detail']), ['/{c}/detail']);
  assert.deepEqual(shadowed(['/{c}/detail'], ['/{a}/{b}']), []);
  assert.deepEqual(shadowed(['/s/{id}'], ['/s/detail']), []);
  assert.deepEqual(shadowed(['/s/{id:\\d+}/x'], ['/s/{n:\\d+}/x']), ['/s/{n:\\d+}/x']);
  assert.deepEqual(shadowed(['/s/{id:\\d+}/x'], ['/s/{n:[0-9]+}/x']), []);
  assert.deepEqual(shadowed(['/s/{id}/x'], ['/s/{n:[0-9]*}/x']), []);
  assert.deepEqual(shadowed(['/s/{id}/x'], ['/s/{n:[0-9]+}/x']), ['/s/{n:[0-9]+}/x']);
  assert.deepEqual(shadowed(['/s/{rest:.*}'], ['/s/{id}/y'], ['/s/{other:.+}']), ['/s/{id}/y', '/s/{other:.+}']);
  assert.deepEqual(shadowed(['/s/{rest:.+}'], ['/s/{id}/'], ['/s/{id}']), ['/s/{id}']);
  const conditional: RouteOptions = { ...GET, conditions: { method: ['GET'], function: () => true } };
  assert.deepEqual(shadowed(['/a', conditional], ['/a']), []);
  assert.deepEqual(shadowed(['/a', conditional], ['/a', conditional]), ['/a']);
});

const segment = fc.constantFrom('a', 'b', '{v}', '{v:\\d+}', '{v:[a-c]*}', 'x{v}', '{v}.y', '', '{v:a|b}');

const tail = fc.constantFrom('', '', '/{w:.*}', '/{w:.+}', '/*w', '/{w:a/b}');

const template = fc.tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), tail).map(([segments, end]) => {
  let count = 0;
  return `/${segments.join('/')}${end}`.replace(/\{v/g, () => `{v${count++}`);
});

const path = fc
  .array(fc.constantFrom('a', 'b', '1', 'xa', 'q.y', '', 'ab'), { maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`);

test('RT-197 no false alarm: a route that is called shadowed never wins', () => {
  fc.assert(
    fc.property(
      fc.array(template, { minLength: 2, maxLength: 10 }),
      fc.array(path, { minLength: 20, maxLength: 40 }),
      (templates, paths) => {
        const mapper = new Mapper();
        for (const text of templates) mapper.connect(text, { controller: 'c', action: 'a' });
        const table = mapper.compile();
        const never = new Set(findShadowed(table.ranked).map(({ compiled }) => compiled));
        for (const text of paths)
          assert.ok(!never.has(table.find('GET', text, null)?.compiled as never), `${templates.join(' ')} ${text}`);
      },
    ),
    { numRuns: 500 },
  );
});

test('RT-198 two routes that take one path are an overlap', () => {
  fc.assert(
    fc.property(
      fc.array(template, { minLength: 2, maxLength: 6 }),
      fc.array(path, { minLength: 20, maxLength: 40 }),
      (templates, paths) => {
        const mapper = new Mapper();
        for (const text of templates) mapper.connect(text, { controller: 'c', action: 'a' });
        const { ranked } = mapper.compile();
        const told = new Set(findOverlaps(ranked).map(({ earlier, later }) => `${earlier.index} ${later.index}`));
        for (const text of paths) {
          const taking = ranked.filter((compiled) => compiled.capture(text) !== null);
          for (const [index, later] of taking.entries())
            for (const earlier of taking.slice(0, index))
              assert.ok(told.has(`${earlier.index} ${later.index}`), `${templates.join(' ')} ${text}`);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('RT-17 build warns of a requirement for a name that no route has', async () => {
  const log = keepingLogger();
  const router = new Router({ log, kind: 'api' });
  const get = { handler: () => 1, requirements: { idd: '\\d+' } };
  router.connect('/books/{id}', get).connect('/authors/{id}', { ...get, requirements: { id: '\\d+' } });
  const shared = router.submapper({ requirements: { id: '\\d+', shelf: '[a-z]+' } });
  shared.connect(null, '/shelves/{shelf}', { handler: () => 2 });
  shared.connect(null, '/shelves', { handler: () => 3, defaults: { fixed: 'x' }, requirements: { fixed: 'x' } });
  await (await router.build()).close();
  const told = log.lines.map(({ message, fields }) => [message, fields?.code, fields?.hint]);
  assert.deepEqual(told, [
    [
      'the route /books/{id}: the requirement of "idd" has no effect, because no route has a variable of that name',
      'PORTICO_ROUTE_IDLE_REQUIREMENT',
      'Did you mean "id"?',
    ],
  ]);
});

test('RT-196 build warns about them, or refuses, with both places', async () => {
  const log = keepingLogger();
  const table = (onShadow: 'warn' | 'error' | 'ignore'): Router =>
    new Router({ onShadow, log }).connect('/a', { handler: () => 1 }).connect('/a', { handler: () => 2 });
  await (await table('ignore').build()).close();
  assert.equal(log.lines.length, 0);
  await (await table('warn').build()).close();
  assert.match(
    log.lines[0]!.message,
    /the route \/a can never match: it is a duplicate of \/a \(.*check-table\.test\.js:\d+\)/,
  );
  const found = keepingLogger();
  await new Router({ log: found })
    .get('/a', () => 1)
    .get('/a', () => 2)
    .get('/b/{x}', () => 1)
    .get('/b/{y}', () => 2)
    .build();
  assert.match(found.lines[0]!.message, /the route GET \/a can never match: it is a duplicate of GET \/a \(/);
  assert.equal(found.lines[0]!.fields.hint, 'Remove one of the two.');
  assert.match(found.lines[1]!.message, /the route \/b\/\{y\} can never match: .* matches the same requests/);
  assert.match(String(log.lines[0]!.fields.at), /check-table\.test\.js:\d+/);
  await assert.rejects(table('error').build(), RouteTableError);
});

test('RT-198 overlaps, the most confusing first', () => {
  const mapper = new Mapper().connect('/x/{id}', GET).connect('/{a}/{b}', GET).connect('/{a}/detail', GET);
  mapper.connect('/y/{rest:.*}', GET).connect('/other', { ...GET, conditions: { method: ['POST'] } });
  const found = findOverlaps(mapper.compile().ranked).map(({ earlier, later }) => [
    earlier.route.template,
    later.route.template,
  ]);
  assert.deepEqual(found[0], ['/{a}/{b}', '/{a}/detail']);
  assert.ok(found.some(([earlier, later]) => earlier === '/x/{id}' && later === '/{a}/{b}'));
  assert.ok(!found.flat().includes('/other'));
});

test('RT-198 routes whose fixed text differs do not overlap', () => {
  const overlaps = (...templates: string[]): string[][] => {
    const mapper = new Mapper();
    for (const template of templates) mapper.connect(template, GET);
    return findOverlaps(mapper.compile().ranked).map(({ earlier, later }) => [
      earlier.route.template,
      later.route.template,
    ]);
  };
  assert.deepEqual(overlaps('/servers.{format:json|xml}', '/flavors.{format:json|xml}'), []);
  assert.deepEqual(overlaps('', '/servers', '/{project_id}/servers'), []);
  assert.deepEqual(overlaps('/s/{rest:.*}', '/s/1'), [['/s/1', '/s/{rest:.*}']]);
});

test('RT-202 the document is served where it is asked for', async (t) => {
  const router = new Router({ openapi: { path: '/openapi.json', title: 'things' } });
  router.connect('/things/{id}', { handler: () => 1, conditions: { method: ['GET'] } });
  const answer = await (await serveRouter(t, router))('GET', '/openapi.json');
  const { info, paths } = answer.json as { info: object; paths: object };
  assert.deepEqual([info, Object.keys(paths)], [{ title: 'things', version: '1.0' }, ['/things/{id}']]);
});
