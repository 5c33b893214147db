// The targets and the measured figures.

/** `figure(results)` returns a summary or a number, or undefined if the part did not run. `least` or `most` is the target. */
const TARGETS = [
  over('work1', 'fastify', 1.15, 'Work 1, empty pipeline, to Fastify'),
  over('work2-plain', 'fastify', 1.05, 'Work 2 without filters, to Fastify without hooks'),
  over('work2', 'hooks', 0.95, 'Work 2 to Fastify with the same filters as its own hooks'),
  over('work2-logged', 'hooks', 0.95, 'The same with its log written'),
  over('work3', 'hooks', 0.95, 'Work 3 to Fastify with the same schema and hooks'),
  over('work2-forwarded', 'hooks', 1, 'Work 2 behind a trusted proxy, to the same'),
  over('work2-connections', 'hooks', 1, 'Work 2 on 64 connections, to the same'),
  over('work3-forwarded', 'hooks', 1, 'Work 3 behind a trusted proxy, to the same'),
  over('work3-connections', 'hooks', 1, 'Work 3 on 64 connections, to the same'),
  {
    text: 'p99 latency at 70 % load, to the same',
    most: 1.1,
    figure: ({ latency }) => latency?.portico.ratio,
  },
  { text: 'The same with its log written', most: 1.1, figure: ({ latency }) => latency?.['portico-logged'].ratio },
  over('work5', 'node', 1.05, 'Work 5 to bare node:http'),
  over('work6', 'fastify', 1.05, 'Work 6 to Fastify over TLS'),
  {
    text: 'oslo.service with eventlet to Portico, work 2',
    least: Number(process.versions.node.split('.', 1)[0]) >= 26 ? 20 : 17,
    figure: ({ work2 }) => work2?.oslo?.ratio.portico,
    digits: 1,
  },
  {
    text: 'the same, work 2 with its log written',
    least: Number(process.versions.node.split('.', 1)[0]) >= 26 ? 20 : 17,
    figure: (results) => results['work2-logged']?.oslo?.ratio.portico,
    digits: 1,
  },
  {
    text: 'New connections: 4 workers to one process',
    most: 1.6,
    figure: ({ connections }) => connections?.['portico-4'].ratio,
  },
  {
    text: 'New connections: the parent, µs a request',
    most: 1,
    figure: ({ connections }) => connections?.['portico-4'].root,
  },
  {
    text: 'Start to first response, one process, to Fastify',
    most: 1.2,
    figure: ({ start }) => start?.['portico-lone'].ratio,
  },
  {
    text: 'Start to first response, parent and one worker, to Fastify',
    most: 1.5,
    figure: ({ start }) => start?.['portico-1'].ratio,
  },
  {
    text: 'Start to first response, parent and four workers, to Fastify',
    most: 2.5,
    figure: ({ start }) => start?.['portico-4'].ratio,
  },
  { text: 'An idle worker, ms of CPU time a minute', most: 15, figure: ({ growth }) => growth?.worker },
  { text: 'with 9,000 idle connections', most: 60, figure: ({ growth }) => growth?.crowded },
  { text: 'The parent of 32 idle workers, ms of CPU time a minute', most: 100, figure: ({ growth }) => growth?.fleet },
  { text: 'Lookup of /{id}-x among 4,000 routes, µs', most: 2, figure: ({ growth }) => growth?.['hit-4000'] },
  { text: '/metrics of 400 used routes, ms of the parent', most: 20, figure: ({ growth }) => growth?.['metrics-400'] },
  { text: 'Forwarding headers that are removed', most: 1.05, figure: ({ forwarded }) => forwarded?.removed.ratio },
  { text: 'Those of a trusted proxy', most: 1.03, figure: ({ forwarded }) => forwarded?.trusted.ratio },
  { text: 'A request with metrics, to one without', most: 1.05, figure: ({ metrics }) => metrics?.on.ratio },
  { text: 'The same with the times of filters', most: 1.08, figure: ({ metrics }) => metrics?.filters.ratio },
  {
    text: 'A remote call over RabbitMQ, to the bare client',
    most: 1.8,
    figure: ({ rpc }) => rpc?.portico?.toBare,
  },
  {
    text: "RealWorld's list of articles, to the same on Fastify",
    most: 1.05,
    figure: ({ conduit }) => conduit?.articles?.ratio,
  },
  { text: 'its current user, with token', most: 1.05, figure: ({ conduit }) => conduit?.user?.ratio },
  { text: 'its login', most: 1.05, figure: ({ conduit }) => conduit?.login?.ratio },
  {
    text: 'oslo.messaging to Portico, a remote call',
    least: 2.85,
    figure: ({ rpc }) => rpc?.oslo?.toPortico,
    digits: 1,
  },
  { text: 'Worker with the sample API, idle, MiB', most: 85, figure: ({ memory }) => memory?.sampleWorker.idle },
  { text: 'Worker with the sample API, loaded, MiB', most: 105, figure: ({ memory }) => memory?.sampleWorker.loaded },
  {
    text: 'Parent, MiB',
    most: 55,
    figure: ({ memory }) => memory && Math.max(memory.sampleParent.idle, memory.sampleParent.loaded),
  },
];

function over(work, other, most, text) {
  return { text, most, figure: (results) => results[work]?.portico?.ratio[other] };
}

/** Returns the table of targets for the parts that ran. `results` are figures by part. */
export function targetTable(results) {
  const rows = [];
  for (const { text, most, least, figure, digits = 2 } of TARGETS) {
    const found = figure(results);
    if (found === undefined) continue;
    const value = typeof found === 'number' ? found : found.median;
    const met = most === undefined ? value >= least : value <= most;
    const wanted = most === undefined ? `≥ ${least}` : `≤ ${most}`;
    rows.push([
      text,
      wanted,
      typeof found === 'number' ? found.toFixed(1) : { ...found, digits },
      met ? 'yes' : '**no**',
    ]);
  }
  return { head: ['', 'target', 'measured', 'met'], rows };
}
