// Route tables for lookups, and paths as clients send them.
import { readFileSync } from 'node:fs';
import { Mapper } from 'portico/routing';

/** Nova's compute table: every route with and without a project id. */
function computeTable() {
  const mapper = new Mapper({ kind: 'project' });
  const routes = JSON.parse(readFileSync(new URL('../works/compute-routes.json', import.meta.url), 'utf8'));
  for (const [path, method, controller, action] of routes) mapper.createRoute(path, method, controller, action);
  return mapper;
}

const WORDS = 'volume snapshot backup network subnet port router image stack share zone'.split(' ');

/** Returns a table of `resource()`, with or without formats, in the sizes of other services. */
export function resourceTable(count, options = {}, kind = 'routes') {
  const mapper = new Mapper({ kind });
  for (let index = 0; index < count; index++) {
    const name = `${WORDS[index % WORDS.length]}${index < WORDS.length ? '' : index}`;
    mapper.resource(name, `${name}s`, {
      collection: { detail: 'GET' },
      member: { action: 'POST' },
      ...(index % 3 === 2 ? { parentResource: { memberName: 'volume', collectionName: 'volumes' } } : {}),
      ...options,
    });
  }
  return mapper;
}

/** Returns the mappers by name. */
export function tables() {
  return {
    'compute (418 routes)': computeTable(),
    'resources (54 routes)': resourceTable(3),
    'resources by project (288 routes)': resourceTable(8, {}, 'project'),
    'resources (954 routes)': resourceTable(53),
  };
}

const VALUES = ['17', 'a1b2c3d4', '6f70656e-7374-6163-6b20-342065766572', 'web-1', '9f2c'];

/** Returns `[method, path]` for each route by kind, as a client would send it. Empty kinds are omitted. */
export function paths(mapper) {
  /** @type {Record<string, [string, string][]>} */
  const kinds = { literal: [], variable: [], formatted: [] };
  for (const [index, route] of mapper.routes.entries()) {
    const path = route.parts.map((part) => (typeof part === 'string' ? part : textOf(part, index))).join('');
    const formatted = route.parts.some((part) => part.name === 'format');
    const kind = formatted ? 'formatted' : route.variables.size > 0 ? 'variable' : 'literal';
    kinds[kind].push([[route.conditions?.method ?? 'GET'].flat()[0], path]);
  }
  const hits = [...kinds.literal, ...kinds.variable];
  const misses = hits.flatMap(([method, path]) => [
    [method, `${path}/nowhere`],
    ['TRACE', path],
    [method, `/x${path}`],
  ]);
  const all = {
    'mixed hits': shuffled(hits),
    'mixed hits with formats': shuffled([...hits, ...kinds.formatted]),
    misses: shuffled(misses),
    ...kinds,
  };
  return Object.fromEntries(Object.entries(all).filter(([, list]) => list.length > 0));
}

function textOf(part, index) {
  if (part.name === 'format') return 'json';
  return part.name === 'project_id' ? '6f70656e737461636b20342065766572' : VALUES[index % VALUES.length];
}

/** Shuffles a list in the same order in every run. */
function shuffled(list) {
  let seed = 42;
  const numbered = list.map((item) => {
    seed = (seed * 48271) % 2147483647;
    return [seed, item];
  });
  return numbered.sort(([a], [b]) => a - b).map(([, item]) => item);
}
