// Compares route lookup with bare find-my-way, which has the same table in its syntax, interleaved in one process.
//
//   node bench/micro/routing.mjs [--json] [--no-python] [--rounds N]
//
// Ratios below 1 mean that the router is faster. Targets: mixed hits 1.0 on the compute table and 1.25 on the others, misses 1.25, no
// kind of path above 2.5 unless it takes less than 60 ns, 1,000 routes built in 50 ms. find-my-way orders routes by kind of node, so its
// results are not always right; only its time is compared. The last column is Python's Routes, if python3 can import it.
import findMyWay from 'find-my-way';
import { summary } from '../measure/statistics.mjs';
import { hasPythonRoutes, pythonRoutes } from './python-routes.mjs';
import { paths, resourceTable, tables } from './route-tables.mjs';

const words = process.argv.slice(2);
const ROUNDS = words.includes('--rounds') ? Number(words[words.indexOf('--rounds') + 1]) : 12;
/** The first rounds, which only warm up. */
const UNCOUNTED = 3;
const MILLISECONDS = 20;

/** Returns a template in find-my-way's syntax. */
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

/** Returns the nanoseconds of CPU time of one lookup, which other processes do not affect. */
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

const rows = [];
const withPython = !words.includes('--no-python') && hasPythonRoutes();
for (const [table, mapper] of Object.entries(tables())) {
  const compiled = mapper.compile();
  const { router, refused } = foreign(mapper);
  const kinds = paths(mapper);
  const inPython = withPython ? pythonRoutes(mapper, kinds) : {};
  for (const [kind, list] of Object.entries(kinds)) {
    const ours = [];
    const theirs = [];
    for (let round = 0; round < ROUNDS + UNCOUNTED; round++) {
      ours.push(time((method, path) => compiled.find(method, path, null), list));
      theirs.push(time((method, path) => router.find(method, path), list));
    }
    const counted = ours.slice(UNCOUNTED);
    const others = theirs.slice(UNCOUNTED);
    const ratio = summary(counted.map((each, at) => each / others[at]));
    rows.push({ table, kind, refused, ours: summary(counted), theirs: summary(others), ratio, python: inPython[kind] });
  }
}

const builds = [];
for (let round = 0; round < 9; round++) {
  const mapper = resourceTable(56);
  const start = process.cpuUsage();
  mapper.compile();
  const { user, system } = process.cpuUsage(start);
  builds.push((user + system) / 1000);
}
const build = { routes: resourceTable(56).routes.length, first: builds[0], median: summary(builds).median };

if (words.includes('--json')) console.log(JSON.stringify({ rows, build, withPython }));
else {
  if (!withPython) console.log("Python's Routes is left out, or not installed (Debian: python3-routes).");
  const ns = ({ median }) => `${median.toFixed(0).padStart(6)} ns`;
  for (const { table, kind, refused, ours, theirs, ratio, python } of rows) {
    if (kind === 'mixed hits') console.log(`\n${table}; find-my-way refused ${refused}`);
    const last = python === undefined ? '' : `  Routes ${python.toFixed(0).padStart(7)} ns`;
    console.log(`  ${kind.padEnd(24)} ${ns(ours)}  ${ns(theirs)}  ratio ${ratio.median.toFixed(2)}${last}`);
  }
  console.log(
    `\nbuild of ${build.routes} routes, first: ${build.first.toFixed(0)} ms, median ${build.median.toFixed(0)} ms`,
  );
}
