// Processor time of the six works: every contestant in a fresh process for each round, checked before it is measured.
import { CONTESTANTS } from '../contestants.mjs';
import { processTree, timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { interleave, ratios } from '../measure/rounds.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { check } from '../works/check.mjs';
import { CONNECTIONS, WORKS } from '../works/works.mjs';

/** The part that others take in how many rounds: each third. */
const OTHERS_EVERY = 3;

/** Measures one work; gives `{ name, title, rows, problems }`, a row for each contestant. */
export async function measureWork(name, { rounds, scale, load, certificate, say, contestants = CONTESTANTS }) {
  const work = WORKS[name];
  const names = Object.keys(contestants).filter((each) => isAsked(each, contestants[each], name, work));
  const problems = [];
  const out = new Set();
  const measure = async (contestant) => {
    if (out.has(contestant)) return undefined;
    try {
      const figure = await measureOnce(contestants[contestant], name, work, { scale, load, certificate });
      say(`${name}  ${contestants[contestant].label.padEnd(24)} ${figure.micros.toFixed(2).padStart(9)} µs`);
      return figure;
    } catch (error) {
      // One that answers otherwise is not compared at all.
      out.add(contestant);
      problems.push(`${contestants[contestant].label}: ${error.message}`);
      say(`${name}  ${contestants[contestant].label}: ${error.message}`);
      return undefined;
    }
  };
  const takesPart = (each, round) => contestants[each].main === true || round % OTHERS_EVERY === 0;
  const results = await interleave(names, rounds, measure, takesPart);
  return { name, title: work.title, problems, rows: rowsOf(results, names, contestants, work, out) };
}

function isAsked(contestant, { works }, name, work) {
  return work.contestants?.includes(contestant) ?? works?.includes(name) ?? true;
}

async function measureOnce(contestant, name, work, { scale, load, certificate }) {
  const port = await freePort();
  const { served = name, logLevel } = work;
  const command = contestant.server(served, port, { certificate, logLevel });
  const env = { ...command.env, BENCH_CERT: certificate.cert, BENCH_KEY: certificate.key };
  if (logLevel !== undefined) env.BENCH_LOG_LEVEL = logLevel;
  const server = await startServer({ ...command, env }, port);
  try {
    await check(work, port, contestant);
    const share = scale * (contestant.share ?? 1);
    const { status, body } = work.answer;
    const order = { port, secure: work.secure === true, request: work.request, connections: CONNECTIONS, status };
    order.length = body.length;
    await load.send({ ...order, count: Math.ceil(work.warmUp * share) });
    const before = treeTimes(server.pid);
    const count = Math.ceil(work.requests * share);
    const { seconds } = await load.send({ ...order, count });
    const spent = timeBetween(before, treeTimes(server.pid), server.pid);
    return {
      micros: spent.total / count,
      perSecond: count / seconds,
      rootMicros: spent.root / count,
      processes: processTree(server.pid).length,
    };
  } finally {
    await server.stop();
  }
}

function rowsOf(results, names, contestants, { filtered }, out) {
  const shown = names.filter((name) => !out.has(name) && results.get(name).length > 0);
  return shown.map((name) => ({
    name,
    label: contestants[name].label,
    filters: filtered && contestants[name].filters,
    micros: summary(results.get(name).map(({ micros }) => micros)),
    perSecond: summary(results.get(name).map(({ perSecond }) => perSecond)),
    ratio: Object.fromEntries(
      shown
        .map((other) => [other, ratios(results, name, other, 'micros')])
        .filter(([, list]) => list.length > 0)
        .map(([other, list]) => [other, summary(list)]),
    ),
  }));
}
