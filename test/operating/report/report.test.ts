import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Config, defineOptions, string } from 'portico/config';
import { Service, type ServiceBase } from 'portico/service';
import { PeriodicTasks, TaskGroup } from 'portico/tasks';
import { FakeClock } from 'portico/testing';
import { GuruMeditation, type GuruMeditationOptions } from '#internal/operating';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { recordedLog } from '../../tasks/recorded-log.js';

const folder = temporaryFolder('report-');

/** Captures the output of a reporter. */
function output(): { text: () => string; output: { write(text: string): void } } {
  let text = '';
  return {
    text: () => text,
    output: {
      write: (more) => {
        text += more;
      },
    },
  };
}

/** The lines under a section's title. */
function section(report: string, title: string): string {
  const lines = report.split('\n');
  const at = lines.findIndex((line) => /^====[ ]+(.*?)[ ]+====$/.exec(line)?.[1] === title);
  assert.notEqual(at, -1, `there is a section ${title}`);
  const end = lines.findIndex((line, index) => index > at + 1 && line === '='.repeat(72));
  return lines
    .slice(at + 2, end === -1 ? undefined : end)
    .join('\n')
    .trim();
}

test('LC-1505 the title and each section stand under banners of 72 columns', async () => {
  const report = await new GuruMeditation().report();
  const lines = report.split('\n');
  assert.equal(lines[0], '='.repeat(72));
  assert.equal(lines[1], `====${' '.repeat(24)}Guru Meditation${' '.repeat(25)}====`);
  assert.equal(lines[2], '='.repeat(72));
  assert.equal(lines[3], '|'.repeat(72));
  const titles = lines.filter((line) => /^==== .* ====$/.test(line)).map((line) => line.slice(4, -4).trim());
  assert.deepEqual(titles, ['Guru Meditation', 'Package', 'Threads', 'Tasks', 'Processes', 'Configuration']);
});

test('LC-1506 the package: product, vendor, version, and what it runs on', async () => {
  const text = section(await new GuruMeditation({ service: 'compute' }).report(), 'Package');
  assert.match(
    text,
    /^product = compute\nvendor = none\nversion = none\nportico = \d+\.\d+\.\d+\nnode = v\d+.*\nv8 = .*\nuptime = /,
  );
});

test('LC-1507 threads: where the main thread stands, and what holds the event loop', async () => {
  const text = section(await new GuruMeditation().report(), 'Threads');
  assert.match(text, /^------ Thread #0 \(main\) ------\n.*\/report\.ts:\d+ in GuruMeditation/);
  assert.match(text, /Active resources:\n/);
});

/** A worker thread that runs code right after it has announced it. */
async function workerThread(code: string): Promise<Worker> {
  const worker = new Worker(`require('node:worker_threads').parentPort.postMessage(1); ${code}`, { eval: true });
  await new Promise((resolve) => worker.once('message', resolve));
  return worker;
}

test('LC-1507 worker threads are shown with what they are doing, one that waits and one in a loop alike', async () => {
  const workers = [
    await workerThread('setInterval(() => {}, 60_000);'),
    await workerThread('setImmediate(function spinning() { for (;;); });'),
  ];
  const shown = async (): Promise<string> => section(await new GuruMeditation().report(), 'Threads');
  let text = await shown();
  // It may not spin yet.
  while (!text.includes('spinning')) text = await shown();
  await Promise.all(workers.map((worker) => worker.terminate()));
  assert.match(text, /Thread #\d+ \(worker\) ------\n\(no JavaScript is running: idle event loop, or native code\)/);
  assert.match(text, /Thread #\d+ \(worker\) ------\n.*:\d+ in spinning/);
});

test('LC-1502 LC-1507 a worker thread that is busy in native code holds up no report, and goes on afterwards', async () => {
  const worker = await workerThread(
    `require('node:crypto').pbkdf2Sync('a', 'b', 2_000_000, 64, 'sha512');
     require('node:worker_threads').parentPort.postMessage('done');`,
  );
  let done = false;
  const ended = new Promise<void>((resolve) => {
    worker.once('message', () => {
      done = true;
      resolve();
    });
  });
  const text = section(await new GuruMeditation().report(), 'Threads');
  assert.equal(done, false);
  assert.match(text, /Thread #\d+ \(worker\)/);
  await ended;
});

/** The verbs of a service. */
const VERBS = { start: () => {}, stop: () => {}, wait: () => {}, reset: () => {} };

test('LC-1508 tasks, timers, periodic tasks and requests, with ages and without queries', async () => {
  const clock = new FakeClock();
  const group = new TaskGroup({ clock, log: recordedLog().log });
  group.spawn(function synchronise() {
    return new Promise(() => {});
  });
  group.addTimer(60, function heartbeat() {});
  await clock.advance(90_000);
  const periodic = [
    {
      name: 'clean',
      spacing: 60,
      running: false,
      runs: 3,
      errors: 1,
      lastStartAgo: 20,
      lastEndAgo: 19,
      lastError: 'no',
      nextIn: 40,
    },
    { name: 'new', spacing: 10, running: false, runs: 0, errors: 0 },
  ];
  const report = await new GuruMeditation({
    services: () => [
      {
        ...VERBS,
        tasks: group,
        periodicTasks: [{ status: () => periodic }],
        requestsInFlight: () => [{ method: 'POST', path: '/v2.1/servers?token=secret', ageMs: 2500 }],
      },
    ],
  }).report();
  const text = section(report, 'Tasks');
  assert.match(text, /task synchronise: running, for 1m30s\n {2}timer heartbeat: running, for 1m30s/);
  assert.match(text, /clean: every 1m, 3 runs, 1 errors, last run 20s ago, next in 40s, last error: no/);
  assert.match(text, /new: every 10s, 0 runs, 0 errors, never ran, not scheduled yet/);
  assert.match(text, /POST \/v2\.1\/servers: for 2\.5s/);
  assert.doesNotMatch(report, /secret/);
  const stopping = group.stop();
  await clock.advance(1);
  await stopping;
});

test('LC-1509 processes: this one and its children, and the workers of a supervisor', {
  skip: process.platform !== 'linux',
}, async () => {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await new Promise((resolve) => child.once('spawn', resolve));
  const text = section(
    await new GuruMeditation({ workers: () => ['worker 0: up for 3m, 1 restart'] }).report(),
    'Processes',
  );
  child.kill('SIGKILL');
  assert.match(
    text,
    new RegExp(`^Process ${process.pid} \\(under ${process.ppid}\\) \\[ run by: \\S+ \\(\\d+\\), state: \\S+ \\]`),
  );
  assert.match(text, new RegExp(`\\n {2}Process ${child.pid} \\(under ${process.pid}\\)`));
  assert.match(text, /worker 0: up for 3m, 1 restart$/);
});

test('LC-1510 LC-1511 the configuration: default first, then each group, sorted, secrets masked', async () => {
  const config = Config.fromText('[DEFAULT]\nzeta = 1\nalpha = 2\n[keys]\npassword = hunter2\nname = n\n');
  const text = { help: 'A text.' };
  config.group('DEFAULT', defineOptions({ zeta: string(text), alpha: string(text) }));
  config.group('keys', defineOptions({ password: string({ ...text, secret: true }), name: string(text) }));
  const shown = section(await new GuruMeditation({ config }).report(), 'Configuration');
  assert.match(shown, /^default:\n {2}alpha = 2\n/);
  assert.match(shown, /zeta = 1\n/);
  assert.match(shown, /\n\nkeys:\n {2}name = n\n {2}password = \*{3,}/);
  assert.doesNotMatch(shown, /hunter2/);
});

test('LC-1512 sections of an application come last; one that fails shows its error and the rest appears', async () => {
  const reporter = new GuruMeditation();
  reporter.registerReportSection('Broken', () => {
    throw new Error('no pool');
  });
  reporter.registerReportSection('Pools', async () => 'a: 3 of 10');
  const report = await reporter.report();
  assert.match(section(report, 'Broken'), /Error: no pool/);
  assert.equal(section(report, 'Pools'), 'a: 3 of 10');
});

test('LC-1503 LC-1241 a report goes to standard error, or into a file of log_dir that only its user can read', async () => {
  const plain = output();
  assert.equal(await new GuruMeditation({ output: plain.output }).write(), undefined);
  assert.match(plain.text(), /Guru Meditation/);

  const config = Config.fromText(`[oslo_reports]\nlog_dir = ${folder}\n`);
  const now = (): Date => new Date(Date.UTC(2026, 10, 20, 8, 5, 9));
  const filed = output();
  const file = await new GuruMeditation({ service: 'compute', config, now, output: filed.output }).write();
  assert.equal(file, join(folder, `compute_gurumeditation_20261120080509_${process.pid}`));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(readFileSync(file, 'utf8'), /Guru Meditation/);
  assert.equal(filed.text(), '');
});

test('a report is written through no link, and over no file: it takes another name', async () => {
  const config = Config.fromText(`[oslo_reports]\nlog_dir = ${folder}\n`);
  const now = (): Date => new Date(Date.UTC(2026, 10, 20, 9, 5, 9));
  const planted = join(folder, `linked_gurumeditation_20261120090509_${process.pid}`);
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'kept');
  symlinkSync(victim, planted);
  const first = await new GuruMeditation({ service: 'linked', config, now }).write();
  const second = await new GuruMeditation({ service: 'linked', config, now }).write();
  assert.equal(readFileSync(victim, 'utf8'), 'kept');
  for (const file of [first, second]) {
    assert.notEqual(file, planted);
    assert.ok(file!.startsWith(`${planted}_`));
    assert.equal(statSync(file!).mode & 0o777, 0o600);
  }
  assert.notEqual(first, second);
});

test('LC-1503 LC-1504 what cannot be written or made is said on standard error', async () => {
  const unwritable = output();
  const config = Config.fromText(`[oslo_reports]\nlog_dir = ${join(folder, 'no', 'such')}\n`);
  assert.equal(await new GuruMeditation({ config, output: unwritable.output }).write(), undefined);
  assert.match(unwritable.text(), /could not be written to .*no\/such.*ENOENT/);
  assert.match(unwritable.text(), /Guru Meditation/);

  const failing = output();
  const broken: GuruMeditationOptions = {
    output: failing.output,
    get config(): never {
      throw new Error('gone');
    },
  };
  assert.equal(await new GuruMeditation(broken).write(), undefined);
  assert.match(failing.text(), /Error: gone\n[\s\S]*Unable to run Guru Meditation Report!\n$/);
});

test('LC-1501 a file triggers reports when it is modified, and then the signal does not', async () => {
  const trigger = join(folder, 'trigger');
  const reports = join(folder, 'reports');
  const { mkdirSync } = await import('node:fs');
  mkdirSync(reports);
  writeFileSync(trigger, '');
  utimesSync(trigger, 1000, 1000);
  const config = Config.fromText(`[oslo_reports]\nlog_dir = ${reports}\nfile_event_handler = ${trigger}\n`);
  const written: string[] = [];
  const reporter = new GuruMeditation({ config });
  const write = reporter.write.bind(reporter);
  let told!: () => void;
  const made = new Promise<void>((resolve) => {
    told = resolve;
  });
  reporter.write = async () => {
    const file = await write();
    written.push(file!);
    told();
    return file;
  };
  assert.equal(reporter.triggeredByFile, true);
  assert.equal(new GuruMeditation().triggeredByFile, false);
  reporter.start();
  // Modified repeatedly, because the time of the first check is unknown. The check alone does not keep a process alive.
  let time = 2000;
  const modified = setInterval(() => {
    time++;
    utimesSync(trigger, time, time);
  }, 20);
  await made;
  clearInterval(modified);
  await reporter.stop();
  assert.ok(written.length >= 1);
  assert.equal(readdirSync(reports).includes(basename(written[0]!)), true);
});

test('LC-1502 a report changes nothing: a thousand tasks are shown and go on', async () => {
  const group = new TaskGroup({ limit: 1000, log: recordedLog().log });
  for (let n = 0; n < 1000; n++) group.spawn(() => new Promise(() => {}));
  await new Promise((resolve) => setImmediate(resolve));
  const report = await new GuruMeditation({ services: () => [{ ...VERBS, tasks: group }] }).report();
  assert.equal(report.match(/task anonymous: running/g)?.length, 1000);
  await group.stop();
});

test('LC-1508 LC-1339 the report of a process shows what its services tell: tasks, periodic tasks, work under way', async () => {
  const log = recordedLog().log;
  const plain = new Service({ log });
  plain.tasks.spawn(function synchronise() {
    return new Promise(() => {});
  });
  const periodic = new PeriodicTasks(plain, { log });
  periodic.addPeriodicTask(() => {}, { name: 'clean' });
  const api = { ...VERBS, periodicTasks: [periodic], describeWork: () => ['GET /servers for 2.0 s'] };
  const services: ServiceBase[] = [plain, api, VERBS];
  await new Promise((resolve) => setImmediate(resolve));
  const text = section(await new GuruMeditation({ services: () => services }).report(), 'Tasks');
  await plain.stop();
  assert.match(text, /task synchronise: running/);
  assert.match(text, /clean: every 1m, 0 runs/);
  assert.match(text, /Open requests and tasks:\n {2}GET \/servers for 2\.0 s/);
});

test('LC-1506 a process says which application runs, and which Portico', async () => {
  writeFileSync(join(folder, 'package.json'), '{ "name": "cloud", "version": "7.1.0" }');
  mkdirSync(join(folder, 'bin'));
  const program = join(folder, 'bin', 'main.js');
  writeFileSync(program, '');
  const text = section(await new GuruMeditation({ services: () => [], program }).report(), 'Package');
  assert.match(text, /product = cloud\nvendor = none\nversion = 7\.1\.0\nportico = \d+\.\d+\.\d+/);
  const unknown = section(
    await new GuruMeditation({ services: () => [], program: '/nowhere/main.js' }).report(),
    'Package',
  );
  assert.match(unknown, /version = none\nportico = \d/);
});
