// CPU time of the six works: every contestant runs in a new process each round and is checked before it is measured.
import { CONTESTANTS } from '../contestants.mjs';
import { processTree, timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { orderOf, ratios } from '../measure/rounds.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { warmUp } from '../measure/warm-up.mjs';
import { check } from '../works/check.mjs';
import { CONNECTIONS, WORKS } from '../works/works.mjs';

/**
 * Contestants without a target take part in each third round. In a quick run they take part once, in work 2, and in a run that takes too
 * long once in each work.
 */
const OTHERS_EVERY = 3;

/**
 * The number of slices of a round, measured in turns with the contestants it is compared to. Few, because after the slices of four
 * others each contestant finds the CPU's caches full of their code, unlike a server under load.
 */
const SLICES = 4;

/**
 * Uncounted requests after all contestants have started. After a pause V8 collects the garbage of starting and compiling: some 20 ms in
 * the first 4,000 requests, once in the life of a process, and more if it has loaded more.
 */
const SETTLING = 5000;

/** Measures one work. @see ../run.mjs for the members of the result, which also has `rows`. */
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
  /** Removes a contestant at its second failure, as with wrong responses. A start that fails once is only reported. */
  const failure = (contestant, error) => {
    if (failed.has(contestant)) out.add(contestant);
    failed.add(contestant);
    problems.push(`${name}, ${contestants[contestant].label}: ${error.message}`);
    say(`${name}  ${contestants[contestant].label}: ${error.message}`);
  };
  const results = new Map(names.map((each) => [each, []]));
  for (let round = 0; round < rounds; round++) {
    for (const group of groupsOf(names, contestants, round, { quick, isLate, name })) {
      const asked = group.filter((each) => !out.has(each)).map((each) => ({ name: each, ...contestants[each] }));
      const figures = await measureTogether(asked, name, work, { scale, load, certificate, failure });
      for (const [each, figure] of figures) {
        results.get(each).push({ round, ...figure });
        say(`${name}  ${contestants[each].label.padEnd(24)} ${figure.micros.toFixed(2).padStart(9)} µs`);
      }
    }
  }
  const rows = rowsOf(results, names, contestants, work, out);
  return {
    name,
    title: `${name}: ${work.title}`,
    chartTitle: `${name}: ${work.title}`,
    notes: [
      `CPU time of the whole process tree for one request, ${work.connections ?? CONNECTIONS} connections; the last columns: for each of the`,
      `first ${work.warmUp.first} after the start, while V8 compiles, and Portico's to it.`,
    ],
    problems: [...new Set(problems)],
    rows,
    figures: Object.fromEntries(rows.map((row) => [row.name, row])),
    table: {
      head: ['', 'µs a request', "Portico's to it", 'requests per second', 'rounds', 'µs, first', 'to it'],
      rows: rows.map(cells),
    },
    bars: rows.map(({ name: each, label, micros }) => ({ label, value: micros, marked: each === 'portico' })),
  };
}

function cells({ label, filters, unfiltered, micros, perSecond, inverse, early, earlyInverse }) {
  const shown = unfiltered && !filters ? `${label} (no filters)` : label;
  const [ratio, earlyRatio] = [inverse, earlyInverse].map((each) =>
    each === undefined ? '–' : { ...each, digits: 2 },
  );
  return [shown, micros, ratio, perSecond.median.toFixed(0), String(micros.count), early, earlyRatio];
}

function isAsked(contestant, { works }, name, work) {
  return work.contestants?.includes(contestant) ?? works?.includes(name) ?? true;
}

/**
 * Returns the groups that are measured together in a round: the contestants with a target that are close to each other, and each other
 * contestant alone.
 */
function groupsOf(names, contestants, round, { quick, isLate, name }) {
  const turned = orderOf(names, round);
  const isNear = (each) => contestants[each].main === true && contestants[each].share === undefined;
  const others = turned.filter((each) => {
    if (isNear(each)) return false;
    if (contestants[each].main === true) return true;
    if (quick) return name === 'work2' && round === 0;
    return round === 0 || (round % OTHERS_EVERY === 0 && !isLate());
  });
  return [turned.filter(isNear), ...others.map((each) => [each])].filter((group) => group.length > 0);
}

/**
 * Starts the servers, checks them and warms them up. Then each in turn responds to a slice of its requests, so that all see the machine in
 * the same seconds. Returns figures by name. Calls `failure(name, error)` for each contestant that drops out.
 */
async function measureTogether(group, name, work, { scale, load, certificate, failure }) {
  const running = new Map();
  const dropOut = async (contestant, error) => {
    const { server } = running.get(contestant) ?? {};
    running.delete(contestant);
    failure(contestant, error);
    await server?.stop();
  };
  const eachOf = async (contestants, act) => {
    for (const each of contestants) {
      try {
        await act(each);
      } catch (error) {
        await dropOut(each, error);
      }
    }
  };
  try {
    const contestants = new Map(group.map((contestant) => [contestant.name, contestant]));
    await eachOf([...contestants.keys()], async (each) => {
      running.set(each, await begin(contestants.get(each), name, work, { scale, load, certificate }));
    });
    await eachOf([...running.keys()], (each) => settle(running.get(each), load));
    for (let slice = 0; slice < SLICES; slice++) {
      await eachOf(orderOf([...running.keys()], slice), (each) => measureSlice(running.get(each), slice, load));
    }
    return new Map(
      [...running].map(([each, { server, spent, seconds, count, early }]) => [
        each,
        {
          early,
          micros: spent.total / count,
          perSecond: count / seconds,
          rootMicros: spent.root / count,
          processes: processTree(server.pid).length,
        },
      ]),
    );
  } finally {
    for (const { server } of running.values()) await server.stop();
  }
}

/** Starts a server, checks it and warms it up. Returns it with its next order. */
async function begin(contestant, name, work, { scale, load, certificate }) {
  const port = await freePort();
  const { served = name, logLevel, forwarded, connections = CONNECTIONS } = work;
  const command = contestant.server(served, port, { certificate, logLevel, forwarded });
  const env = { ...command.env, BENCH_CERT: certificate.cert, BENCH_KEY: certificate.key };
  if (logLevel !== undefined) env.BENCH_LOG_LEVEL = logLevel;
  if (forwarded === true) env.BENCH_TRUSTED = 'loopback';
  const server = await startServer({ ...command, env }, port);
  try {
    await check(work, port, contestant);
    const { share = 1, warmUpShare = 1 } = contestant;
    const first = Math.ceil(work.warmUp.first * warmUpShare);
    const most = warmUpShare < 1 ? first : work.warmUp.most;
    const { status, body } = work.answer;
    const order = { port, secure: work.secure === true, request: work.request, connections, status };
    Object.assign(order, { length: body.length, session: `${contestant.name} ${port}` });
    const early = await warmUp(server, order, load, { first, most });
    const count = Math.ceil((work.requests * scale * share) / SLICES) * SLICES;
    const rest = Math.min(SETTLING, work.warmUp.first) * share * warmUpShare;
    return { server, order, count, rest, early, spent: { total: 0, root: 0 }, seconds: 0 };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function settle({ order, rest }, load) {
  if (rest > 0) await load.send({ ...order, count: Math.ceil(rest) });
}

async function measureSlice(measured, slice, load) {
  const { server, order, count, spent } = measured;
  const before = treeTimes(server.pid);
  const { seconds } = await load.send({ ...order, count: count / SLICES, end: slice === SLICES - 1 });
  const { total, root } = timeBetween(before, treeTimes(server.pid), server.pid);
  spent.total += total;
  spent.root += root;
  measured.seconds += seconds;
}

function rowsOf(results, names, contestants, { filtered }, out) {
  const shown = names.filter((name) => !out.has(name) && results.get(name).length > 0);
  return shown.map((name) => {
    const against = shown.map((other) => [other, ratios(results, name, other, 'micros')]);
    const inverse = (figure) => {
      const portico = ratios(results, 'portico', name, figure);
      return portico.length > 0 && name !== 'portico' ? summary(portico) : undefined;
    };
    return {
      name,
      label: contestants[name].label,
      filters: contestants[name].filters,
      /** The contestants may do this work without filters. */
      unfiltered: filtered,
      micros: summary(results.get(name).map(({ micros }) => micros)),
      perSecond: summary(results.get(name).map(({ perSecond }) => perSecond)),
      ratio: Object.fromEntries(
        against.filter(([, list]) => list.length > 0).map(([other, list]) => [other, summary(list)]),
      ),
      inverse: inverse('micros'),
      early: summary(results.get(name).map(({ early }) => early)),
      earlyInverse: inverse('early'),
    };
  });
}
