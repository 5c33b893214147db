// Processor time of the six works: every contestant in a fresh process for each round, checked before it is measured.
import { CONTESTANTS } from '../contestants.mjs';
import { processTree, timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { interleave, ratios } from '../measure/rounds.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { check } from '../works/check.mjs';
import { CONNECTIONS, WORKS } from '../works/works.mjs';

/**
 * Those that no target speaks of take part in each third round; in a quick run once, in work 2, and once in each work
 * where the run takes too long.
 */
const OTHERS_EVERY = 3;

/** Measures one work. @see ../run.mjs for what a part gives; `rows` are beside it. */
export async function measureWork(name, context) {
  const {
    rounds,
    scale,
    load,
    certificate,
    say,
    quick = false,
    isLate = () => false,
    contestants = CONTESTANTS,
  } = context;
  const work = WORKS[name];
  const names = Object.keys(contestants).filter((each) => isAsked(each, contestants[each], name, work));
  const problems = [];
  const failed = new Set();
  const out = new Set();
  const measure = async (contestant) => {
    if (out.has(contestant)) return undefined;
    try {
      const figure = await measureOnce(contestants[contestant], name, work, { scale, load, certificate });
      say(`${name}  ${contestants[contestant].label.padEnd(24)} ${figure.micros.toFixed(2).padStart(9)} µs`);
      return figure;
    } catch (error) {
      // One that answers otherwise does so twice, and is not compared at all; a start that fails once is only told.
      if (failed.has(contestant)) out.add(contestant);
      failed.add(contestant);
      problems.push(`${name}, ${contestants[contestant].label}: ${error.message}`);
      say(`${name}  ${contestants[contestant].label}: ${error.message}`);
      return undefined;
    }
  };
  const takesPart = (each, round) => {
    if (contestants[each].main === true) return true;
    if (quick) return name === 'work2' && round === 0;
    return round === 0 || (round % OTHERS_EVERY === 0 && !isLate());
  };
  const results = await interleave(names, rounds, measure, takesPart);
  const rows = rowsOf(results, names, contestants, work, out);
  return {
    name,
    title: `${name}: ${work.title}`,
    chartTitle: `${name}: ${work.title}`,
    notes: [`Processor time of the whole process tree for one request, ${CONNECTIONS} connections.`],
    problems: [...new Set(problems)],
    rows,
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table: { head: ['', 'µs a request', "Portico's to it", 'answers a second', 'rounds'], rows: rows.map(cells) },
    bars: rows.map(({ name: each, label, micros }) => ({ label, value: micros, marked: each === 'portico' })),
  };
}

function cells({ label, filters, unfiltered, micros, perSecond, inverse }) {
  const shown = unfiltered && !filters ? `${label} (no filters)` : label;
  const ratio = inverse === undefined ? '–' : { ...inverse, digits: 2 };
  return [shown, micros, ratio, perSecond.median.toFixed(0), String(micros.count)];
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
    const { share = 1, warmUpShare = 1 } = contestant;
    const { status, body } = work.answer;
    const order = { port, secure: work.secure === true, request: work.request, connections: CONNECTIONS, status };
    order.length = body.length;
    await load.send({ ...order, count: Math.ceil(work.warmUp * scale * warmUpShare) });
    const before = treeTimes(server.pid);
    const count = Math.ceil(work.requests * scale * share);
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
  return shown.map((name) => {
    const against = shown.map((other) => [other, ratios(results, name, other, 'micros')]);
    const portico = ratios(results, 'portico', name, 'micros');
    return {
      name,
      label: contestants[name].label,
      filters: contestants[name].filters,
      /** Somebody may do this work without filters. */
      unfiltered: filtered,
      micros: summary(results.get(name).map(({ micros }) => micros)),
      perSecond: summary(results.get(name).map(({ perSecond }) => perSecond)),
      ratio: Object.fromEntries(
        against.filter(([, list]) => list.length > 0).map(([other, list]) => [other, summary(list)]),
      ),
      inverse: portico.length > 0 && name !== 'portico' ? summary(portico) : undefined,
    };
  });
}
