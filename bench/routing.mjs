// Route lookup against bare find-my-way holding the same table in its own syntax, in one process, interleaved.
//
//   npm run bench:routing
//
// Ratios below 1 mean that the router is faster. Targets: mixed hits 1.0 on the compute table and 1.25 on the others,
// misses 1.25, no kind of path above 2.5 unless it takes less than 60 ns, 1,000 routes built in 50 ms. find-my-way
// orders routes by kind of node, so its answers are not always right; only its time is compared. The last column is
// Python's Routes (Debian: python3-routes), where python3 can import it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import findMyWay from 'find-my-way';
import { Mapper } from 'portico/routing';

const ROUNDS = 15;
const MILLISECONDS = 25;

/** The compute table, as nova's: every route with and without a project id. */
function computeTable() {
  const mapper = new Mapper({ kind: 'project' });
  const routes = JSON.parse(readFileSync(new URL('./works/compute-routes.json', import.meta.url), 'utf8'));
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

// One pass to warm up; then as many as take a second of processor time.
const PYTHON = `
import json, sys, time
import routes
given = json.load(sys.stdin)
mapper = routes.Mapper(register=False)
for name, path, arguments in given['routes']:
    mapper.connect(name, path, **arguments)
mapper.create_regs([])
answer = {}
for kind, paths in given['paths'].items():
    asked = [(path, {'REQUEST_METHOD': method, 'PATH_INFO': path}) for method, path in paths]
    for path, environ in asked:
        mapper.match(path, environ)
    runs, start, spent = 0, time.process_time(), 0
    while spent < 1:
        for path, environ in asked:
            mapper.match(path, environ)
        runs += len(asked)
        spent = time.process_time() - start
    answer[kind] = spent * 1e9 / runs
json.dump(answer, sys.stdout)
`;

const hasRoutes = spawnSync('python3', ['-c', 'import routes']).status === 0;
if (!hasRoutes) console.log("Python's Routes is not installed (Debian: python3-routes): its column is left out.");

/** Nanoseconds of one lookup by Python's Routes, for each kind of path; nothing where it is not installed. */
function python(mapper, kinds) {
  if (!hasRoutes) return {};
  const routes = mapper.routes.map(({ name, template, defaults, requirements, conditions }) => {
    const method = conditions?.method === undefined ? undefined : [conditions.method].flat();
    const limits = method === undefined ? {} : { conditions: { method } };
    return [name, template, { ...Object.fromEntries(defaults), requirements, ...limits }];
  });
  const input = JSON.stringify({ routes, paths: kinds });
  const { status, stdout, stderr } = spawnSync('python3', ['-c', PYTHON], { input, encoding: 'utf8' });
  if (status !== 0) console.log(`  Python's Routes failed: ${stderr.trim().split('\n').at(-1)}`);
  return status === 0 ? JSON.parse(stdout) : {};
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
  const kinds = Object.fromEntries(Object.entries(paths(mapper)).filter(([, list]) => list.length > 0));
  const inPython = python(mapper, kinds);
  for (const [kind, list] of Object.entries(kinds)) {
    const ours = [];
    const theirs = [];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(time((method, path) => table.find(method, path, null), list));
      theirs.push(time((method, path) => router.find(method, path), list));
    }
    const [a, b] = [median(ours.slice(3)), median(theirs.slice(3))];
    const routes = inPython[kind] === undefined ? '' : `  Routes ${inPython[kind].toFixed(0).padStart(7)} ns`;
    console.log(
      `  ${kind.padEnd(24)} ${a.toFixed(0).padStart(6)} ns  ${b.toFixed(0).padStart(6)} ns  ratio ${(a / b).toFixed(2)}${routes}`,
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
