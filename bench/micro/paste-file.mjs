#!/usr/bin/env node
// Measures a Loader with files of growing size: a URL map of pipelines with shared filters.
//
//   node bench/micro/paste-file.mjs [--json] [sections...]        default: 125 250 500 1000 2000
//
// Prints milliseconds of CPU time for reading and parsing, for contexts alone (appConfig), and for the whole app, as the median of
// nine runs, and microseconds per section, which stay constant while the time is linear in the size. The last line is a file that
// expands exponentially, whose value doubles in each of ten steps: the time until it is refused.
import { Loader, urlmap } from 'portico/loader';

const words = process.argv.slice(2);
const sizes = words.filter((word) => word !== '--json').map(Number);
const RUNS = 9;

/** Returns a file of about `count` sections: each third one is a pipeline with its app, and all share ten filters. */
function fileOf(count) {
  const apis = Math.floor((count - 11) / 2);
  const lines = ['[DEFAULT]', 'log_dir = %(here)s/log', 'debug = false'];
  lines.push('[composite:main]', 'paste.composite_factory = urlmap');
  for (let at = 0; at < apis; at++) lines.push(`/v${at} = pipeline${at}`);
  for (let at = 0; at < 10; at++) lines.push(`[filter:f${at}]`, 'paste.filter_factory = filter', 'limit = 10');
  for (let at = 0; at < apis; at++) {
    const filters = [0, 1, 2].map((step) => `f${(at + step) % 10}`).join(' ');
    lines.push(`[pipeline:pipeline${at}]`, `pipeline = ${filters}`, `    app${at}`);
    lines.push(`[app:app${at}]`, 'paste.app_factory = app', 'log = %(log_dir)s/app.log', `name = app${at}`);
    lines.push('set debug = true');
  }
  return lines.join('\n');
}

/** Ten values, each twice as long as the next. The last is so long that the first would exceed the limit of a value. */
function explodingFile() {
  const steps = Array.from({ length: 10 }, (_, at) => `x${at} = %(x${at + 1})s%(x${at + 1})s`);
  return ['[app:main]', 'paste.app_factory = app', ...steps, `x10 = ${'x'.repeat(2000)}`].join('\n');
}

const factories = { urlmap, app: () => () => undefined, filter: () => (inner) => inner };
const resolve = { expression: (text) => factories[text], distribution: () => new Map() };

async function timed(act) {
  const times = [];
  for (let run = 0; run < RUNS; run++) {
    const start = process.cpuUsage();
    await act();
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
  }
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)];
}

const rows = [];
for (const sections of sizes.length > 0 ? sizes : [125, 250, 500, 1000, 2000]) {
  const bytes = Buffer.from(fileOf(sections));
  const open = () => new Loader('/etc/api-paste.ini', { resolve, readFile: () => bytes });
  const parse = await timed(open);
  const loader = open();
  const contexts = await timed(() => loader.appConfig('pipeline0'));
  const app = await timed(() => open().loadApp());
  rows.push({ sections, parse, contexts, app, perSection: (app * 1000) / sections });
}

const exploding = Buffer.from(explodingFile());
let refusal = 'not refused';
const refused = await timed(() => {
  try {
    new Loader('/etc/api-paste.ini', { resolve, readFile: () => exploding }).appConfig();
  } catch (error) {
    refusal = error.code;
  }
});

if (words.includes('--json')) console.log(JSON.stringify({ rows, refused, refusal }));
else {
  console.log('sections    parse  contexts      app   µs/section');
  const ms = (time) => time.toFixed(2).padStart(8);
  for (const { sections, parse, contexts, app, perSection } of rows) {
    const start = `${String(sections).padStart(8)} ${ms(parse)}  ${ms(contexts)} ${ms(app)}`;
    console.log(`${start}   ${perSection.toFixed(1).padStart(10)}`);
  }
  console.log(`\nten steps of doubling: ${refused.toFixed(2)} ms, ${refusal}`);
}
