// The time of a reload: from SIGHUP until the last worker is replaced.
import { createInterface } from 'node:readline';
import { timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { answers, porticoWorkers } from '../processes.mjs';
import { WORKS } from '../works/works.mjs';

const PATIENCE_MS = 300_000;

/** Measures reloads. @see ../run.mjs for the members of the result. */
export async function measureReload({ rounds, quick, say }) {
  const rows = [];
  for (const workers of [1, 4]) rows.push(await measureFleet(workers, quick ? 1 : Math.min(rounds, 5), say));
  return {
    name: 'reload',
    title: 'A reload',
    notes: [
      'Milliseconds from SIGHUP until the parent says that the configuration is in force and every worker is a new process,',
      'and CPU time of the tree. Workers are replaced one by one, in large fleets several at a time; a new one serves before its old one is told to',
      'drain, so nobody waits meanwhile: docs/reliability.md counts the requests that are lost, which are none.',
    ],
    figures: Object.fromEntries(rows.map((row) => [`portico-${row.workers}`, row])),
    table: {
      head: ['', 'ms', 'ms of CPU time'],
      rows: rows.map(({ workers, millis, cpu }) => [
        `${workers} ${workers === 1 ? 'worker' : 'workers'}`,
        { ...millis, digits: 0 },
        { ...cpu, digits: 0 },
      ]),
    },
  };
}

/** Reloads so many workers some times. `millis`, and `cpu` and `root` in milliseconds of CPU time: of the tree, and of the parent. */
export async function measureFleet(workers, times, say) {
  const port = await freePort();
  const command = porticoWorkers(workers, ['DEFAULT.log_level=info'])('work1', port);
  const server = await startServer({ ...command, stderr: 'pipe' }, port);
  const lines = createInterface({ input: server.child.stderr });
  // A fleet listens when its first worker serves. A reload waits for the others, whose start would count as its time.
  const ready = until(lines, ({ event }) => event === 'ready', PATIENCE_MS);
  const millis = [];
  const cpu = [];
  const root = [];
  try {
    await ready;
    await answers(port, WORKS.work1);
    for (let time = 0; time < times; time++) {
      const before = treeTimes(server.pid);
      const begun = performance.now();
      const reloaded = until(lines, ({ event }) => event === 'reload', PATIENCE_MS);
      server.child.kill('SIGHUP');
      const { outcome } = await reloaded;
      if (outcome !== 'accepted') throw new Error(`a reload was ${outcome}`);
      millis.push(performance.now() - begun);
      const spent = timeBetween(before, treeTimes(server.pid), server.pid);
      cpu.push(spent.total / 1000);
      root.push(spent.root / 1000);
      await answers(port, WORKS.work1);
      say(`reload  ${workers} workers  ${millis.at(-1).toFixed(0).padStart(6)} ms`);
    }
  } finally {
    await server.stop();
  }
  return { workers, millis: summary(millis), cpu: summary(cpu), root: summary(root) };
}

/** Returns the first log line that `isMeant` accepts. Rejects after a timeout. */
function until(lines, isMeant, patience) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('a reload did not end in time')), patience);
    const look = (line) => {
      if (!line.startsWith('{')) return;
      const facts = JSON.parse(line);
      if (!isMeant(facts)) return;
      clearTimeout(timer);
      lines.off('line', look);
      resolve(facts);
    };
    lines.on('line', look);
  });
}
