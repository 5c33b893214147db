#!/usr/bin/env node
// The benchmark: Portico and other frameworks on this machine in the same minutes.
//
//   npm run bench                          everything, five rounds, 45 minutes; renews bench/README.md
//   npm run bench -- --quick               one shorter round, four minutes
//   npm run bench -- work2 start           parts by name
//   npm run bench -- --rounds 15 work1
//
// A part returns { name, title, notes, problems, figures, table, bars }: the texts to show, and figures by name for the targets. Results
// of incomplete runs go to bench/results/partial, which is not committed.
import './measure/environment.mjs';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CONTESTANTS } from './contestants.mjs';
import { makeCertificate } from './measure/certificate.mjs';
import { installContestants } from './measure/install.mjs';
import { LoadProcess } from './measure/load-process.mjs';
import { canMeasure } from './measure/process-tree.mjs';
import { measureConduit } from './parts/conduit.mjs';
import { measureConnections } from './parts/connections.mjs';
import { measureFilters } from './parts/filter-costs.mjs';
import { measureGrowth } from './parts/growth.mjs';
import { measureLatency } from './parts/latency.mjs';
import { measureLayers } from './parts/layers.mjs';
import { measureMemory } from './parts/memory.mjs';
import { measurePaste, measureRouting } from './parts/micro.mjs';
import { measurePods } from './parts/pods.mjs';
import { measureReload } from './parts/reload.mjs';
import { measureCalls } from './parts/rpc.mjs';
import { measureStart } from './parts/start.mjs';
import { measureForwarded, measureMetrics, measureTraces } from './parts/switches.mjs';
import { measureWork } from './parts/works.mjs';
import { machine as machineFacts } from './report/machine.mjs';
import { writeResults } from './report/write.mjs';
import { WORKS } from './works/works.mjs';

const OTHERS = {
  latency: { measure: measureLatency, about: 'work 2 on 64 connections at 70 % of saturation, open loop' },
  connections: { measure: measureConnections, about: 'a new connection for each request, 1 process and 4 workers' },
  start: { measure: measureStart, about: 'from the start of the process to the first response' },
  memory: { measure: measureMemory, about: 'resident memory: started, idle and loaded' },
  pods: { measure: measurePods, about: 'memory of a pod: one process, parent and worker, Fastify' },
  reload: { measure: measureReload, about: 'from SIGHUP until the last worker is a new one' },
  growth: { measure: measureGrowth, about: 'idle processes, tables of many routes, /metrics of many routes' },
  filters: { measure: measureFilters, about: 'each shipped filter alone' },
  layers: { measure: measureLayers, about: 'server, router and pipeline, one after the other' },
  metrics: { measure: measureMetrics, about: 'metrics off, on, and with the times of filters' },
  traces: { measure: measureTraces, about: 'traces off, on, and with spans of filters' },
  forwarded: { measure: measureForwarded, about: 'forwarding headers: none, removed, of a trusted proxy' },
  conduit: { measure: measureConduit, about: "RealWorld's backend beside the same on Fastify, on PostgreSQL" },
  rpc: { measure: measureCalls, about: 'remote calls over RabbitMQ, beside others on the same broker; memory://' },
  paste: { measure: measurePaste, about: 'loading a large paste file' },
  routing: { measure: measureRouting, about: 'lookups of the router' },
};

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Rounds of a full run, and of a quick one, which also sends fewer requests and skips parts without a target. Its warm-up is as long,
 * because otherwise V8's compiling would dominate its figures.
 */
const ROUNDS = 5;
const QUICK = { rounds: 1, scale: 0.4, without: ['pods', 'layers', 'routing', 'rpc', 'conduit', 'growth'] };

/** After this time contestants without a target are measured less often, so that a full run takes less than an hour. */
const LATE_MS = 5 * 60_000;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const known = [...Object.keys(WORKS), ...Object.keys(OTHERS)];
const wrong = positionals.filter((word) => !known.some((name) => isMeant(name, word)));
const rounds = Number(options.rounds ?? (options.quick ? QUICK.rounds : ROUNDS));
if (options.help || wrong.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  const parts = { ...WORKS, ...OTHERS };
  const lines = known.map((name) => `  ${name.padEnd(14)} ${parts[name].title ?? parts[name].about}`);
  console.log(['npm run bench -- [--quick] [--rounds N] [part...]', 'Parts:', ...lines].join('\n'));
  if (!options.help)
    console.error(wrong.length > 0 ? `No such part: ${wrong.join(' ')}` : '--rounds takes a whole number');
  process.exit(options.help ? 0 : 2);
}
const usual = known.filter((name) => !options.quick || !QUICK.without.includes(name));
const names =
  positionals.length === 0 ? usual : known.filter((name) => positionals.some((word) => isMeant(name, word)));
await run();

/** Reports whether a word selects a part. `work2` also selects `work2-logged`. */
function isMeant(name, word) {
  return name === word || name.startsWith(`${word}-`);
}

/** Builds the current sources. */
function build() {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

async function run() {
  if (!canMeasure())
    throw new Error('this system does not tell the CPU time of a thread: /proc/<pid>/task/*/schedstat');
  build();
  const begun = performance.now();
  installContestants(console.log);
  const machine = machineFacts();
  const { contestants, absent } = present();
  const certificate = await makeCertificate();
  const load = new LoadProcess();
  const { quick } = options;
  const scale = quick ? QUICK.scale : 1;
  const isLate = () => performance.now() - begun > LATE_MS;
  const say = (line) => console.log(line);
  const context = { rounds, scale, quick, isLate, load, certificate, contestants, say };
  const works = [];
  const others = [];
  const failures = [];
  try {
    for (const name of names) {
      // A failed part is reported, and the results of the others are kept.
      try {
        if (name in WORKS) works.push(await measureWork(name, context));
        else others.push(await OTHERS[name].measure(context));
      } catch (error) {
        failures.push(`${name}: ${error.message}`);
        say(failures.at(-1));
        process.exitCode = 1;
      }
    }
  } finally {
    load.close();
    certificate.remove();
  }
  const whole = names.length === known.length && rounds >= ROUNDS && !quick;
  const folder = fileURLToPath(new URL(whole ? 'results' : 'results/partial', import.meta.url));
  const seconds = (performance.now() - begun) / 1000;
  const summary = writeResults({
    works,
    others,
    failures: [...absent, ...failures],
    machine,
    run: { rounds, seconds, quick },
    folder,
    readme: whole,
  });
  for (const other of others) console.log(`\n${other.title}: ${folder}/${other.name}.md`);
  console.log(`\n${summary}`);
  console.log(`\n${seconds.toFixed(0)} s; written to ${folder}`);
}

/** Returns the contestants that can run here, and prints a line for each other. */
function present() {
  const absent = [];
  const entries = Object.entries(CONTESTANTS).filter(([, { label, lacks }]) => {
    const lacking = lacks?.() ?? [];
    if (lacking.length > 0) absent.push(`${label}: not installed (${lacking.join(', ')})`);
    return lacking.length === 0;
  });
  for (const line of absent) console.log(line);
  return { contestants: Object.fromEntries(entries), absent };
}
