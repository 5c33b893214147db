// Time to build tables of routes that have something in common, by their number, and the time of a lookup in the largest.
//
//   node bench/micro/growing-tables.mjs [--json] [--rounds N]
//
// A table without peculiarities takes 4 times as long for 4 times as many routes, and somewhat more, because its memory is larger.
import { Mapper, Router } from 'portico/routing';
import { summary } from '../measure/statistics.mjs';

const words = process.argv.slice(2);
const ROUNDS = words.includes('--rounds') ? Number(words[words.indexOf('--rounds') + 1]) : 3;
const MILLISECONDS = 50;

/** By name: the function that adds a route, and the numbers of routes. */
const TABLES = {
  'different texts': [(router, i) => router.get(`/t${i}/{id}`, () => ({ i })), 1000, 4000],
  'one path with conditions': [
    (router, i) => router.get('/x/{id}', { conditions: { function: () => false } }, () => ({ i })),
    1000,
    4000,
  ],
  '/{a}/{rest:path}/x': [(router, i) => router.get(`/{a}/{rest:path}/x${i}`, () => ({ i })), 1000, 4000],
  'texts outside of ASCII': [
    (router, i) => router.get(`/${String.fromCharCode(0x4e00 + i)}/{id}`, () => ({ i })),
    1000,
    4000,
  ],
  'handlers of one name': [
    (router, i) =>
      router.get(`/h${i}`, function list() {
        return { i };
      }),
    2000,
    8000,
  ],
};

function spentMicros(before) {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function buildMillis(add, count) {
  const before = process.cpuUsage();
  const router = new Router({ onShadow: 'ignore' });
  for (let index = 0; index < count; index++) add(router, index);
  await router.build();
  return spentMicros(before) / 1000;
}

/** Returns the microseconds of one lookup. */
function lookupMicros(count, path) {
  const mapper = new Mapper();
  for (let index = 0; index < count; index++) mapper.connect(`/{id}-x${index}`, { controller: 'c', action: 'a' });
  const table = mapper.compile();
  for (let time = 0; time < 20_000; time++) table.find('GET', path, null);
  const before = process.cpuUsage();
  let spent = 0;
  let runs = 0;
  for (; spent < MILLISECONDS * 1000; runs += 100) {
    for (let time = 0; time < 100; time++) table.find('GET', path, null);
    spent = spentMicros(before);
  }
  return spent / runs;
}

const tables = [];
for (const [name, [add, few, many]] of Object.entries(TABLES)) {
  await buildMillis(add, 100);
  const pairs = [];
  for (let round = 0; round < ROUNDS; round++) {
    pairs.push([await buildMillis(add, few), await buildMillis(add, many)]);
  }
  tables.push({
    name,
    few: { count: few, ms: summary(pairs.map(([ms]) => ms)) },
    many: { count: many, ms: summary(pairs.map(([, ms]) => ms)) },
    ratio: summary(pairs.map(([less, more]) => more / less)),
  });
}
const lookups = [40, 4000].map((count) => ({
  count,
  hit: lookupMicros(count, '/a-x7'),
  miss: lookupMicros(count, '/a-y'),
}));

if (words.includes('--json')) console.log(JSON.stringify({ tables, lookups }));
else console.log(JSON.stringify({ tables, lookups }, null, 2));
