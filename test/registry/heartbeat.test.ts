/** Tests service records and heartbeats of real processes: signals, a blocked event loop, a database that cannot be written. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openDatabase } from 'portico/sqlite';
import type { Clock } from 'portico/tasks';
import { FakeClock } from 'portico/testing';
import { StoredRegistry } from '#internal/extras/registry';
import { Heartbeat } from '../../dist/extras/registry/heartbeat.js';
import { RegistryUnavailable } from '../../dist/extras/registry/service-store.js';
import { SqliteStore } from '../../dist/extras/registry/sqlite-store.js';
import { deferred } from '../../dist/tasks/internal.js';
import { commandBeside } from '../cli/command.js';
import { ask } from '../e2e/clients.js';
import { emptyProject, freePort, startMain, startProject } from '../e2e/program.js';
import { pidApp } from '../e2e/projects.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { until } from '../fixtures/until.js';
import { recordedLog } from '../tasks/recorded-log.js';

/** A launched service that prints each heartbeat. */
const MAIN = `
import { Config, createLogger, launch } from 'portico';
import { openRegistry } from 'portico/registry';
import { membership } from '${new URL('../../lib/extras/registry/internal.js', import.meta.url).href}';
import { RPCService } from 'portico/rpc';
const config = await Config.load({ files: ['portico.ini'], argv: [], env: {} });
const log = createLogger({ format: 'json', level: 'debug' });
const registry = openRegistry(config, { log });
const binary = 'portico-images';
const inFlight = () => { console.log('beat'); return 0; };
const registration = membership(registry, config, { binary, topic: 'images', log, inFlight });
const service = RPCService.create({ binary, config, log, registration, manager: {
  postStartHook() { process.on('SIGUSR1', () => block()); },
} });
function block() {
  const before = count();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3500);
  console.log('blocked', count() - before);
}
import { openDatabase } from 'portico/sqlite';
function count() {
  const database = openDatabase('services.db');
  try { return Number(database.prepare('SELECT report_count FROM services').get().report_count); } finally { database.close(); }
}
const launcher = await launch(service, { config, log });
process.exitCode = await launcher.wait();
`;

const INI = `[servicegroup]
connection = sqlite:///services.db
[DEFAULT]
report_interval = 1
service_down_time = 4
`;

async function started(t: TestContext) {
  const { folder } = emptyProject({ 'main.js': MAIN, 'portico.ini': INI });
  const program = startMain(t, { folder });
  const beats = async (count: number): Promise<void> => {
    // Whole lines, because messages on standard error contain the word too.
    const before = program.stdout.match(/^beat$/gm)?.length ?? 0;
    await program.printed(new RegExp(`(?:^beat$[^]*?){${before + count}}`, 'm'));
  };
  await beats(2);
  return { program, beats };
}

test('SG-23 LC-1356 the heart beats in the loop of its service: while that is blocked it does not, and then it does', async (t) => {
  const { program, beats } = await started(t);
  program.kill('SIGUSR1');
  await program.printed(/^blocked 0$/m);
  await beats(2);
  // More than two intervals of one second, but less than the down time of four, so the service never counted as down.
  assert.match(program.stderr, /The event loop was blocked: a heartbeat was [23]\.?\d*s late/);
  await program.stop();
});

/** A heart whose beats and clock the test decides. */
function heart(beat: (wait: (ms: number) => void) => void, { jitter = 0 } = {}) {
  const fake = new FakeClock();
  let skewMs = 0;
  // A blocked event loop: the time goes on, and no timer is late before it ends.
  const clock: Clock = { now: () => fake.now() + skewMs, after: (ms, run) => fake.after(ms, run) };
  const made = new Heartbeat({
    reportInterval: 1,
    initialDelay: 0,
    jitter,
    downTime: 3,
    clock,
    log: recordedLog().log,
    random: () => 0,
    beat: async () =>
      beat((ms) => {
        skewMs += ms;
      }),
  });
  made.start();
  return { made, advance: (ms: number) => fake.advance(ms) };
}

test('SG-23 a heartbeat that took longer than its interval is followed by a short pause, and the heart beats on', async () => {
  for (const [tookMs, jitter] of [
    [2500, 0],
    // The shortest interval is half a second then.
    [700, 0.5],
  ] as const) {
    let beats = 0;
    const { made, advance } = heart(
      (wait) => {
        beats += 1;
        if (beats === 1) wait(tookMs);
      },
      { jitter },
    );
    const counts: number[] = [];
    for (const ms of [99, 1]) {
      await advance(ms);
      counts.push(beats);
    }
    assert.deepEqual(counts, [1, 2], `${tookMs} ms`);
    await advance(5000);
    assert.ok(beats >= 6, `${beats}`);
    await made.stop();
  }
});

/** Starts a fleet as operators do, with access to its registry. */
async function fleet(t: TestContext, size = 2) {
  const port = await freePort();
  const { folder } = emptyProject({
    'app.js': pidApp,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `${INI}enabled_apis = hello\n[api:hello]\nport = ${port}\nworkers = ${size}\n`,
  });
  const program = startProject(t, { folder });
  await program.printed(new RegExp(`^hello\\b.*\\b${size} worker`, 'm'));
  const store = closedAfter(t, new SqliteStore(join(folder, 'services.db')));
  const registry = new StoredRegistry(store);
  const view = async () => (await registry.list())[0]!;
  // All workers, and a second heartbeat.
  const beating = async (): Promise<boolean> => {
    const { record, workers } = await view();
    return record.reportCount >= 2 && workers.length === size;
  };
  await until(beating, (isBeating) => isBeating);
  return { folder, program, view, registry, port };
}

test('a registry that cannot be written is in the status, and service list says that its records are stale', async (t) => {
  const { folder, program } = await fleet(t, 1);
  const other = closedAfter(t, openDatabase(join(folder, 'services.db')));
  const command = (...words: string[]) => commandBeside(words, { cwd: folder, env: { NO_COLOR: '1' } });
  // As on a full disk, every write fails and every query succeeds.
  const writes = ['UPDATE ON services', 'INSERT ON service_workers', 'INSERT ON service_leases'];
  for (const [at, write] of writes.entries()) {
    other.exec(`CREATE TRIGGER full_${at} BEFORE ${write} BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END`);
  }
  await program.printed(/Lost connection to the service registry/);
  await until(
    () => command('status'),
    ({ stdout }) => stdout.includes('its record cannot be written'),
  );
  const list = await until(
    () => command('service', 'list'),
    ({ stdout }) => /\bdown\b/.test(stdout),
  );
  assert.match(list.stderr, /^The registry cannot be written, so the records may be stale/m);
  for (const at of writes.keys()) other.exec(`DROP TRIGGER full_${at}`);
  await program.printed(/Recovered from being unable to report status/);
});

test('SG-31 a record that an operator deletes under a running fleet: 503 at once for all, until it is restarted', async (t) => {
  const { program, registry, view, port } = await fleet(t);
  await registry.delete((await view()).record.uuid, { force: true });
  await program.printed(/(accepts no more work until it is restarted: its record was deleted[\s\S]*){2}/);
  for (let request = 0; request < 4; request++) {
    const answer = await ask(`http://127.0.0.1:${port}/`);
    assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '60']);
  }
  assert.deepEqual(await registry.list(), []);
  program.kill('SIGHUP');
  await program.printed(/("event":"worker_ready"[\s\S]*){4}/);
  await program.printed(/("event":"worker_exited"[\s\S]*){2}/);
  assert.equal((await ask(`http://127.0.0.1:${port}/`)).status, 200);
  assert.equal((await view()).record.binary, 'portico-hello');
  await program.stop();
});

for (const workers of [1, 2]) {
  test(`SIGTERM cuts a start short that waits for the registry: ${workers} workers`, async (t) => {
    const source = MAIN.replace('launch(service, {', `launch(service, { workers: ${workers},`);
    const waits = INI.replace('[servicegroup]', '[servicegroup]\nfence_on_forced_down = true');
    // A directory at the database's path, so that opening it fails.
    const { folder } = emptyProject({ 'main.js': source, 'portico.ini': waits, 'services.db/in-the-way': '' });
    const program = startMain(t, { folder });
    await program.printed(/waiting for the service registry/);
    await program.stop();
    assert.doesNotMatch(program.stderr, /Graceful shutdown timeout exceeded|killing/);
  });
}

test('NI-3 a heartbeat that a stop has not waited for says nothing, and ends no later loop', async () => {
  const clock = new FakeClock();
  const { log, messages } = recordedLog();
  const away = new RegistryUnavailable(new Error('no answer'));
  const first = deferred();
  let beats = 0;
  const heartbeat = new Heartbeat({
    reportInterval: 0,
    initialDelay: 0,
    jitter: 0,
    log,
    clock,
    random: () => 0.5,
    beat: async () => {
      beats++;
      if (beats === 1) await first.promise;
      if (beats === 2) throw away;
    },
    downTime: 60,
  });
  heartbeat.beginWithout(away);
  heartbeat.start();
  await clock.advance(0);
  await heartbeat.stop();
  heartbeat.start();
  await clock.advance(0);
  first.resolve();
  await clock.advance(0);
  assert.deepEqual([beats, heartbeat.disconnected, messages().length], [2, true, 1]);
  await clock.advance(10_000);
  assert.deepEqual([beats, heartbeat.disconnected], [3, false]);
});
