/** Signs of periodic jobs for an operator: in the status, at the metrics, and in the log of a stop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { parseExposition, sumOf } from '../fixtures/exposition.js';
import { until } from '../fixtures/until.js';
import { askPort } from './clients.js';
import { emptyProject, freePort, startProject } from './program.js';

const app = `
import { appFactory, defineOptions } from 'portico';
export const hello = appFactory('hello', defineOptions({}), (_options, { tasks }) => {
  let runs = 0;
  let held;
  const hang = (_context, { signal }) => new Promise((resolve) => {
    signal.addEventListener('abort', () => { held?.end('let go by the signal'); setTimeout(resolve, 3000); });
  });
  tasks.every(0.2, hang, { name: 'hang', runImmediately: true, concurrent: true });
  tasks.every(0.2, () => { if (runs++ === 0) throw new Error('the store is away'); }, { name: 'quick', runImmediately: true, concurrent: true });
  return (req, res) => {
    if (req.url === '/held') held = res;
    else res.end('hello');
  };
});
`;

const ask = async (port: number, path: string): Promise<string> => (await askPort(port, path)).text;

interface Job {
  readonly name: string;
  readonly runs: number;
  readonly running: readonly { readonly worker: number; readonly seconds: number }[];
  readonly lastSeconds?: number;
  readonly lastFailure?: { readonly error: string };
  readonly nextIn?: number;
}

/** The status of the only service. */
async function statusOf(
  admin: number,
): Promise<{ readonly reasons: readonly string[]; readonly jobs: readonly Job[] }> {
  return (JSON.parse(await ask(admin, '/status')) as { services: [Awaited<ReturnType<typeof statusOf>>] }).services[0];
}

test('LC-705 OP-51 a job that hangs is seen: its age, the metrics, and its name where a stop waits for it', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'app.js': app,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:hello\n',
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[admin]\nlisten = 127.0.0.1:0\n[metrics]\nenabled = true\n[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const program = startProject(t, project);
  const admin = await program.adminPort();
  const service = await until(
    () => statusOf(admin),
    ({ jobs }) => {
      const [hang, quick] = ['hang', 'quick'].map((name) => jobs.find((each) => each.name === name));
      return (hang?.running[0]?.seconds ?? 0) > 1 && (quick?.runs ?? 0) > 1;
    },
  );
  const job = (name: string) => service.jobs.find((each) => each.name === name)!;
  assert.equal(job('hang').runs, 1);
  assert.equal(job('hang').running[0]!.worker, 0);
  assert.equal(job('quick').lastFailure?.error, 'the store is away');
  assert.equal(typeof job('quick').lastSeconds, 'number');
  assert.equal(typeof job('quick').nextIn, 'number');
  assert.match(
    service.reasons.join('\n'),
    /^job hang has been running for \S+ in worker 0, longer than its spacing of 200ms$/,
  );
  const { stdout } = await commandBeside(['status'], { cwd: project.folder });
  assert.match(stdout, /^hello: job hang has been running for /m);
  assert.match(stdout, /^ {2}job hang: every 200ms, running for \S+ in worker 0, 1 run$/m);
  assert.match(
    stdout,
    /^ {2}job quick: every 200ms, .*, 1 failure, the last took \S+, next in \S+; last failure \S+ ago: the store is away$/m,
  );

  const metrics = parseExposition(await ask(admin, '/metrics'));
  const labels = { api: 'hello', worker: '0', name: 'hang' };
  assert.equal(sumOf(metrics, 'portico_job_running_seconds', labels) > 1, true);
  assert.equal(sumOf(metrics, 'portico_job_spacing_seconds', labels), 0.2);
  assert.equal(sumOf(metrics, 'portico_job_runs_total', { name: 'quick', outcome: 'failed' }), 1);
  assert.equal(sumOf(metrics, 'portico_job_duration_seconds_count', { name: 'quick', outcome: 'ok' }) > 0, true);

  // The signals of jobs come first, then the requests in progress.
  const held = ask(port, '/held');
  await until(
    async () => (await commandBeside(['requests'], { cwd: project.folder })).stdout,
    (text) => text.includes('/held'),
  );
  program.kill();
  await program.printed(/hello: 1 unfinished task at the shutdown: job hang \(since [^)]+\)/);
  const { reasons } = await statusOf(admin);
  assert.match(reasons.join('\n'), /^the service is stopping: what is still open in \S+ is cut off$/m);
  assert.equal(await held, 'let go by the signal');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
});

test('LC-1003 a job that ignores its signal is named at the deadline of the stop', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'app.js': `import { appFactory, defineOptions } from 'portico';
    export const hello = appFactory('hello', defineOptions({}), (_options, { tasks }) => {
      tasks.every(60, () => new Promise(() => {}), { name: 'deaf', runImmediately: true });
      return (req, res) => res.end('hello');
    });`,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:hello\n',
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\ngraceful_shutdown_timeout = 1\n[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const program = startProject(t, project);
  await program.printed(/"event":"ready"/);
  await until(
    async () => (await commandBeside(['status'], { cwd: project.folder })).stdout,
    (text) => text.includes('job deaf: every 1m, running for'),
  );
  program.kill();
  await program.ended;
  assert.match(program.output(), /stopped without waiting for job deaf|"busy":\[[^\]]*job deaf \(since /);
});

const LONG = `
import { appFactory, defineOptions } from 'portico';
export const hello = appFactory('hello', defineOptions({}), (_options, { tasks }) => {
  tasks.every('10m', () => {}, { name: 'clean' });
  return (req, res) => {
    if (req.url === '/held') console.log('held');
    else res.end('hello');
  };
});
`;

test('S3-7 the interval of a job goes on over a reload and a crash', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'app.js': LONG,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:hello\n',
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[admin]\nlisten = 127.0.0.1:0\n[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const program = startProject(t, project);
  const admin = await program.adminPort();
  const next = async (): Promise<number | undefined> => (await statusOf(admin)).jobs[0]?.nextIn;
  await until(next, (seconds = 600) => seconds < 597);
  // It is left to the former configuration.
  ask(port, '/held').catch(() => {});
  await program.printed(/^held$/m);
  const { status, stderr } = await commandBeside(['reload'], { cwd: project.folder });
  assert.equal(status, 0, stderr);
  // That of the status comes with a heartbeat.
  const after = (await until(next, (seconds) => seconds !== undefined))!;
  assert.ok(after < 597, `${after}`);
  process.kill(
    Number(
      (await program.printed(/"event":"worker_ready".*"workerId":0,"pid":(\d+)[\s\S]*"worker_ready".*"pid":(\d+)/))[2],
    ),
    'SIGKILL',
  );
  await program.printed(/"event":"worker_exited".*"signal":"SIGKILL"[\s\S]*"event":"worker_ready"/);
  const then = (await until(next, (seconds) => seconds !== undefined))!;
  assert.ok(then < 597, `${then}`);
});

test('a job that runs in the old worker while the new one starts runs once', async (t) => {
  const project = emptyProject({
    'app.js': `import { writeSync } from 'node:fs';
export const hello = (_globalConf, _localConf, { tasks }) => {
  tasks.every(3, () => writeSync(1, 'ran ' + Date.now() + '\\n'), { name: 'job', jitter: 0 });
  return (req, res) => res.end('hello');
};
`,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:hello\n',
    'portico.ini': `[api:hello]\nport = ${await freePort()}\nworkers = 1\n`,
  });
  const program = startProject(t, project);
  const runs = (): number[] => [...program.output().matchAll(/^ran (\d+)$/gm)].map(([, at]) => Number(at));
  const count = (wanted: number): Promise<unknown> =>
    until(
      async () => runs().length,
      (found) => found >= wanted,
    );
  for (const round of [1, 2]) {
    await count(round);
    // The next worker takes longer to start than this.
    await new Promise((resolve) => setTimeout(resolve, runs().at(-1)! + 2900 - Date.now()));
    program.kill('SIGHUP');
  }
  await count(4);
  const gaps = runs().map((at, index, all) => at - (all[index - 1] ?? 0));
  assert.ok(
    gaps.slice(1).every((gap) => gap > 2000),
    gaps.join(' '),
  );
});
