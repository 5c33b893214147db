// Route lookup against bare find-my-way holding the same table in its own syntax, in one process, interleaved.
//
//   npm run bench:routing
//
// Ratios below 1 mean that the router is faster. Targets: mixed hits 1.0 on the compute table and 1.25 on the others,
// misses 1.25, no kind of path above 2.5 unless it takes less than 60 ns, 1,000 routes built in 50 ms. find-my-way
// orders routes by kind of node, so its answers are not always right; only its time is compared.
import { readFileSync } from 'node:fs';
import findMyWay from 'find-my-way';
import { Mapper } from 'portico/routing';

const ROUNDS = 15;
const MILLISECONDS = 25;

/** The compute table, as nova's: every route with and without a project id. */
function computeTable() {
  const mapper = new Mapper({ kind: 'project' });
  const routes = JSON.parse(readFileSync(new URL('./tables/compute.json', import.meta.url), 'utf8'));
  for (const [path, method, controller, action] of routes) mapper.createRoute(path, method, controller, action);
  return mapper;
}

/** Tables of `resource()`, with and without formats, of the sizes other services have. */
function resourceTable(count, options = {}, kind = 'routes') {
  const mapper = new Mapper({ kind });
  const words = [
    'volume',
    'snapshot',
    'backup',
    'network',
    'subnet',
    'port',
    'router',
    'image',
    'stack',
    'share',
    'zone',
  ];
  for (let index = 0; index < count; index++) {
    const name = `${words[index % words.length]}${index < words.length ? '' : index}`;
    mapper.resource(name, `${name}s`, {
      collection: { detail: 'GET' },
      member: { action: 'POST' },
      ...(index % 3 === 2 ? { parentResource: { memberName: 'volume', collectionName: 'volumes' } } : {}),
      ...options,
    });
  }
  return mapper;
}

const TABLES = {
  'compute (418 routes)': computeTable(),
  'resources (54 routes)': resourceTable(3),
  'resources by project (288 routes)': resourceTable(8, {}, 'project'),
  'resources (954 routes)': resourceTable(53),
};

/** A template in find-my-way's syntax; null where it has none. */
function translated(route) {
  let text = '';
  for (const part of route.parts) {
    if (typeof part === 'string') text += part.replaceAll(':', '::');
    else {
      const requirement = route.requirements[part.name];
      const regex = requirement && !requirement.includes('(?') ? `(^${requirement}$)` : '';
      text += `:${part.name}${regex}`;
    }
  }
  return text;
}

function foreign(mapper) {
  const router = findMyWay({ maxParamLength: 1000 });
  let refused = 0;
  for (const route of mapper.routes) {
    const methods = route.conditions?.method ?? ['GET'];
    try {
      router.on([methods].flat(), translated(route), () => undefined);
    } catch {
      refused++;
    }
  }
  return { router, refused };
}

const VALUES = ['17', 'a1b2c3d4', '6f70656e-7374-6163-6b20-342065766572', 'web-1', '9f2c'];

/** A path for each route, as a client would send it; by kind. */
function paths(mapper) {
  const kinds = new Map([
    ['literal', []],
    ['variable', []],
    ['formatted', []],
  ]);
  for (const [index, route] of mapper.routes.entries()) {
    const path = route.parts
      .map((part) => {
        if (typeof part === 'string') return part;
        if (part.name === 'format') return 'json';
        return part.name === 'project_id' ? '6f70656e737461636b20342065766572' : VALUES[index % VALUES.length];
      })
      .join('');
    const formatted = route.parts.some((part) => part.name === 'format');
    const kind = formatted ? 'formatted' : route.variables.size > 0 ? 'variable' : 'literal';
    kinds.get(kind).push([[route.conditions?.method ?? 'GET'].flat()[0], path]);
  }
  const hits = [...kinds.get('literal'), ...kinds.get('variable')];
  const all = Object.fromEntries(kinds);
  const misses = hits.flatMap(([method, path]) => [
    [method, `${path}/nowhere`],
    ['TRACE', path],
    [method, `/x${path}`],
  ]);
  return {
    'mixed hits': shuffled(hits),
    'mixed hits with formats': shuffled([...hits, ...all.formatted]),
    misses: shuffled(misses),
    ...all,
  };
}

function shuffled(list) {
  let seed = 42;
  return list
    .map((item) => {
      seed = (seed * 48271) % 2147483647;
      return [seed, item];
    })
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

/** Nanoseconds of processor time for one lookup: what other programs do meanwhile does not count. */
function time(lookup, list) {
  const start = process.cpuUsage();
  let runs = 0;
  let spent = 0;
  while (spent < MILLISECONDS * 1000) {
    for (let pass = 0; pass < 8; pass++) for (const [method, path] of list) lookup(method, path);
    runs += 8 * list.length;
    const { user, system } = process.cpuUsage(start);
    spent = user + system;
  }
  return (spent * 1000) / runs;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

for (const [name, mapper] of Object.entries(TABLES)) {
  const table = mapper.compile();
  const { router, refused } = foreign(mapper);
  console.log(`\n${name}; find-my-way refused ${refused}`);
  for (const [kind, list] of Object.entries(paths(mapper))) {
    if (list.length === 0) continue;
    const ours = [];
    const theirs = [];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(time((method, path) => table.find(method, path, null), list));
      theirs.push(time((method, path) => router.find(method, path), list));
    }
    const [a, b] = [median(ours.slice(3)), median(theirs.slice(3))];
    console.log(
      `  ${kind.padEnd(24)} ${a.toFixed(0).padStart(6)} ns  ${b.toFixed(0).padStart(6)} ns  ratio ${(a / b).toFixed(2)}`,
    );
  }
}

const builds = [];
for (let round = 0; round < 9; round++) {
  const mapper = resourceTable(56);
  const start = process.cpuUsage();
  mapper.compile();
  const { user, system } = process.cpuUsage(start);
  builds.push((user + system) / 1000);
  if (round === 0) console.log(`\nbuild of ${mapper.routes.length} routes, first: ${builds[0].toFixed(0)} ms`);
}
console.log(`build, median: ${median(builds).toFixed(0)} ms`);
