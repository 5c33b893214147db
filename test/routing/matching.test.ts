import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { type Found, Mapper, type MatchRequest, type RouteOptions } from 'portico/routing';

/** Returns the route and its values, or null: both lookups must give the same. */
function outcome(found: Found | null): unknown {
  return found === null ? null : { route: found.compiled.index, values: found.captured, match: { ...found.match } };
}

function agree(mapper: Mapper, method: string | null, path: string): void {
  const table = mapper.compile();
  const request: MatchRequest | null = method === null ? null : { method, host: 'a.example.com' };
  assert.deepEqual(outcome(table.find(method, path, request)), outcome(table.scan(path, request)), `${method} ${path}`);
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PROPFIND', 'T,P', 'get'];

const literal = fc.constantFrom('a', 'b', 'ab', 'abc', 'os-', 'x.y', '.', '-', 'é', '𝒳', 'servers', 'detail', '');
const variable = fc.constantFrom(
  '{v}',
  '{v:[0-9]+}',
  '{v:[a-c]*}',
  '{v:a|ab}',
  '{v:.*}',
  '{v:.+}',
  '{v:[^/]+}',
  '{v:a/b}',
  '{v:\\d+}',
  '{v:(a)(b)?}',
  '{v:(?!detail).+}',
  '{.v}',
  '{.v:json|xml}',
  ':(v)',
  '*(v)',
);
const piece = fc.oneof({ weight: 3, arbitrary: literal }, { weight: 2, arbitrary: variable });
const segment = fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(''));
const template = fc
  .tuple(fc.constantFrom('/', '/', '/', ''), fc.array(segment, { maxLength: 4 }), fc.constantFrom('', '', '/'))
  .map(([start, segments, end]) => {
    let count = 0;
    return (start + segments.join('/') + end).replace(/v(?=[:})])/g, () => `v${count++}`);
  });

const conditions = fc.constantFrom<RouteOptions['conditions']>(
  null,
  null,
  { method: ['GET'] },
  { method: ['GET', 'POST'] },
  { method: 'GET,POST' },
  { method: ['get'] },
  { function: (_request, match) => match.v0 !== 'a' },
  { subDomain: true },
);

const route = fc.record({
  template,
  conditions,
  minimize: fc.constantFrom(false, false, false, true),
  given: fc.constantFrom({}, {}, { v0: 'x' }, { v1: '1' }),
});

/** Returns a table of the routes that Routes accepts; the others have no result to compare. */
function tableOf(
  routes: readonly { template: string; conditions: RouteOptions['conditions']; minimize: boolean; given: object }[],
): Mapper {
  const mapper = new Mapper({ subDomains: true });
  for (const { template: text, conditions: wanted, minimize, given } of routes) {
    const candidate = new Mapper({ subDomains: true });
    const options = { controller: 'c', action: 'a', ...given, conditions: wanted, _minimize: minimize };
    try {
      candidate.connect(text, options).compile();
    } catch {
      continue;
    }
    mapper.connect(text, options);
  }
  return mapper;
}

const path = fc
  .tuple(
    fc.constantFrom('/', '/', '/', '/', ''),
    fc.array(
      fc.constantFrom('a', 'b', 'ab', 'abc', 'os-1', 'x.y', '1', '12', 'é', '𝒳', 'detail', '', '.', 'a.json', '\n'),
      { maxLength: 5 },
    ),
    fc.constantFrom('', '', '/', '\n'),
  )
  .map(([start, segments, end]) => start + segments.join('/') + end);

test('RT-213 RT-133 the tree agrees with the linear scan on random tables and paths', () => {
  fc.assert(
    fc.property(
      fc.array(route, { minLength: 1, maxLength: 12 }),
      fc.array(path, { minLength: 1, maxLength: 12 }),
      (routes, paths) => {
        const mapper = tableOf(routes);
        for (const text of paths) for (const method of [...METHODS, null]) agree(mapper, method, text);
      },
    ),
    { numRuns: 400 },
  );
});

test('RT-213 the tree agrees with the linear scan on mutated templates', () => {
  const mutated = (text: string, seed: number): string => {
    const filled = text.replace(/[{:*]\(?\.?v\d(?::[^}]*)?[})]?/g, () => ['a', '1', 'a/b', ''][seed % 4]!);
    const at = seed % (filled.length + 1);
    return [filled, filled.slice(0, at) + filled.slice(at + 1), `${filled.slice(0, at)}/${filled.slice(at)}`][
      seed % 3
    ]!;
  };
  fc.assert(
    fc.property(fc.array(route, { minLength: 1, maxLength: 20 }), fc.nat(), (routes, seed) => {
      const mapper = tableOf(routes);
      for (const { template: text } of routes)
        for (const method of ['GET', null]) agree(mapper, method, mutated(text, seed));
    }),
    { numRuns: 400 },
  );
});

test('RT-210 RT-216 resource tables: each path of one and the paths around it', () => {
  const mapper = new Mapper({ kind: 'project' });
  for (const name of ['server', 'flavor', 'cafe', 'bed', 'image']) {
    mapper.resource(name, `${name}s`, { collection: { detail: 'GET' }, member: { action: 'POST' } });
  }
  const words = [
    'servers',
    'cafe',
    'cafes',
    'detail',
    'new',
    'edit',
    'action',
    '17',
    'abc',
    'a.json',
    'x\\',
    'servers.xml',
    '',
  ];
  for (const first of words) {
    for (const second of words) {
      for (const third of [...words, null]) {
        const text = `/${first}/${second}${third === null ? '' : `/${third}`}`;
        for (const method of ['GET', 'POST', 'PUT', null]) agree(mapper, method, text);
      }
    }
  }
});

test('RT-213 the tree agrees with the linear scan on recorded tables', () => {
  const file = join(fileURLToPath(new URL('../../', import.meta.url)), 'test/golden/routes.jsonl');
  interface Line {
    readonly mapper?: object;
    readonly calls: readonly { op: string; args?: string[]; kwargs?: RouteOptions; on?: string }[];
    readonly probes: readonly { kind: string; path?: string; method?: string }[];
    readonly expected: { readonly definition_error?: boolean };
  }
  let compared = 0;
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const { mapper: options, calls, probes, expected } = JSON.parse(line) as Line;
    if (
      expected.definition_error === true ||
      calls.some(({ op, kwargs }) => op !== 'connect' || kwargs?.conditions?.function)
    ) {
      continue;
    }
    // The published declarations leave out `addRoute`.
    const mapper = new Mapper(options) as Mapper & { addRoute(...args: unknown[]): void };
    for (const { args = [], kwargs = {}, on } of calls) {
      const [name, template] = args.length > 1 ? args : [null, args[0] ?? null];
      if (on === undefined) mapper.addRoute(name ?? null, template ?? null, kwargs);
    }
    for (const { kind, path: text, method } of probes) {
      if (kind !== 'match') continue;
      agree(mapper, method ?? null, text!);
      compared++;
    }
  }
  assert.ok(compared > 300, `${compared} paths`);
});

test('RT-213 beginnings of one segment that begin one another, in any order of rank', () => {
  const mapper = new Mapper();
  for (const text of ['/{a}-{b}', '/ab{c}', '/a{c:\\d+}', '/abc{c}', '/a{c}', '/{c}.x', '/b{c}.x']) {
    mapper.connect(text, { controller: 'c' });
  }
  for (const path of ['/a', '/ab', '/a1', '/abc', '/abcd', '/x-y', '/a-b', '/ab-b', '/b.x', '/bb.x', '/c.x', '/c']) {
    agree(mapper, 'GET', path);
  }
});

test('a method in the midst of a text is one of the table’s, as the text takes it', () => {
  const mapper = new Mapper().connect('/a', { controller: 'c', conditions: { method: 'xPROPFIND,nothing,NONE' } });
  const table = mapper.compile();
  assert.ok(table.methods.includes('PROPFIND'));
  assert.ok(!table.methods.includes('NONE'));
  agree(mapper, 'PROPFIND', '/a');
});
