/** Routes of two states: each route has its counterpart, also where several have one form and differ only in their variables. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareStates } from '../../dist/plan/compare-states.js';
import type { ApiState, RouteState, State } from '../../dist/plan/state.js';
import { Random } from '../simulation/random.js';

type Variable = readonly [name: string, requirement: string | null];

/** A route `GET <before>{name}`. */
function route(before: string, [name, requirement]: Variable, more: Partial<RouteState> = {}): RouteState {
  return {
    method: 'GET',
    path: `${before}{${name}}`,
    action: `items.by_${requirement ?? 'any'}`,
    place: null,
    requirements: [requirement],
    shadowedBy: [],
    filters: [],
    bodyLimit: null,
    operations: [],
    ...more,
  };
}

function stateOf(routes: readonly RouteState[]): State {
  const named = ({ method, path, requirements: [needed = null] }: RouteState): string =>
    `${method} ${needed === null ? path : path.replace('}', `:${needed}}`)}`;
  const overlaps = routes.flatMap((later, at) =>
    routes.slice(0, at).map((earlier) => [named(earlier), named(later)] as const),
  );
  const api: ApiState = {
    name: 'shop',
    place: null,
    addresses: [],
    tls: false,
    workers: 1,
    app: 'shop',
    pipelines: [],
    mounts: [],
    parts: [],
    routers: [{ app: 'shop', prefix: '', versions: null, faults: [], overlaps }],
    routes,
    jobs: [],
  };
  return { schema: 'portico/state', version: 1, apis: [api], services: [], options: [] };
}

function linesOf(before: readonly RouteState[], after: readonly RouteState[]): string[] {
  return compareStates(stateOf(before), stateOf(after)).map(({ rule, subject, text }) => `${rule} ${subject} ${text}`);
}

const int = route('/items/', ['id', 'int']);
const text = route('/items/', ['name', null]);

test('two routes that differ in their variable: each is listed when it is removed or added', () => {
  assert.deepEqual(linesOf([int, text], [int, text]), []);
  assert.deepEqual(linesOf([int, text], [int]), ['route-removed GET /items/{name} removed']);
  assert.deepEqual(linesOf([int, text], [text]), ['route-removed GET /items/{id:int} removed']);
  assert.deepEqual(linesOf([text], [int, text]), ['route-added GET /items/{id:int} new']);
  assert.deepEqual(linesOf([text, int], [int, text]), [
    'route-order-changed routes at / GET /items/{id:int} goes before GET /items/{name}',
  ]);
});

test('the name of a variable is no difference; another requirement of one of two routes is', () => {
  assert.deepEqual(linesOf([int, text], [route('/items/', ['item', 'int']), route('/items/', ['slug', null])]), []);
  const uuid = route('/items/', ['id', 'uuid'], { action: int.action });
  assert.deepEqual(linesOf([int, text], [uuid, text]), [
    'path-requirement-changed GET /items/{id:uuid} path.id: int -> uuid',
  ]);
});

test('a route that never matches is no difference, one that begins to match is new', () => {
  const hidden = route('/items/', ['name', null], { shadowedBy: ['/items/{id}'] });
  assert.deepEqual(linesOf([int, hidden], [int]), []);
  assert.deepEqual(linesOf([int], [int, hidden]), []);
  assert.deepEqual(linesOf([int, hidden], [int, text]), ['route-added GET /items/{name} new']);
  assert.deepEqual(linesOf([int, text], [int, hidden]), [
    'route-shadowed GET /items/{name} never matches: /items/{id} comes before it',
  ]);
});

test('random tables with routes of one form: a removed route is the one listed, and renamed variables are none', () => {
  const random = new Random(7);
  const requirements = [null, 'int', 'uuid', '[a-z]+', '\\d{2}'];
  for (let run = 0; run < 300; run++) {
    const table = ['/a/', '/b/'].flatMap((before) =>
      requirements
        .filter(() => random.chance(0.6))
        .toSorted(() => random.next() - 0.5)
        .map((requirement) => route(before, [random.pick(['id', 'name', 'slug']), requirement])),
    );
    const renamed = table.map((each) => ({ ...each, path: each.path.replace('{', '{its_') }));
    assert.deepEqual(linesOf(table, renamed), []);
    if (table.length === 0) continue;
    const gone = random.pick(table);
    const rest = table.filter((each) => each !== gone);
    const removed = compareStates(stateOf(table), stateOf(rest));
    assert.deepEqual(
      removed.map(({ rule, route: key }) => [rule, key]),
      [['route-removed', gone.path.replace(/^(.*)\{.*/, 'GET $1{}')]],
    );
    const [{ subject }] = removed as [(typeof removed)[0]];
    const [needed] = gone.requirements;
    assert.ok([`GET ${gone.path}`, `GET ${gone.path.replace('}', `:${needed}}`)}`].includes(subject), subject);
    assert.deepEqual(
      compareStates(stateOf(rest), stateOf(table)).map(({ rule, subject: added }) => [rule, added]),
      [['route-added', subject]],
    );
  }
});
