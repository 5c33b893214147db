/** Periodic tasks that an app factory and a manager declare: an API runs them while it serves. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WSGIService } from 'portico';
import type { App } from 'portico/app';
import { Config } from 'portico/config';
import { silentLogger } from '../../dist/log/log.js';
import { deferred } from '../../dist/tasks/deferred.js';
import { JobList } from '../../dist/tasks/job-list.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { startedService } from './started-server.js';

const app: App = (_req, res) => {
  res.end('done');
};

test('AU-8 tasks of the app and of the manager run while the API serves, and those of the app before a reload end', async (t) => {
  const ran = new EventEmitter();
  const counts: Record<string, number> = {};
  const count = (name: string) => () => {
    counts[name] = (counts[name] ?? 0) + 1;
    ran.emit(name);
  };
  let built = 0;
  const loader = {
    has: () => true,
    async loadApp() {
      built++;
      const tasks = new JobList().every(0.01, count(`app ${built}`), { name: `app ${built}`, runImmediately: true });
      return Object.assign(((req, res) => app(req, res)) as App, { tasks, close: async () => undefined });
    },
  };
  class Manager {
    constructor({ tasks }: { readonly tasks: JobList }) {
      tasks.every('10ms', count('manager'), { name: 'manager', runImmediately: true });
    }
  }
  const config = Config.fromText('[api:books]\nlisten = 127.0.0.1:0\n');
  const service = new WSGIService('books', config, { loader, manager: Manager as never, log: silentLogger() } as never);
  await Promise.all([once(ran, 'app 1'), once(ran, 'manager'), service.start()]);
  t.after(() => service.stop());
  assert.deepEqual(service.periodicTasks.flatMap((tasks) => tasks.status().map(({ name }) => name)).toSorted(), [
    'app 1',
    'manager',
  ]);
  await service.stop({ graceful: true, reason: 'reload' });
  await Promise.all([once(ran, 'app 2'), service.start()]);
  assert.deepEqual(service.periodicTasks.flatMap((tasks) => tasks.status().map(({ name }) => name)).toSorted(), [
    'app 2',
    'manager',
  ]);
  await service.stop();
  const { ...after } = counts;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(counts, after);
});

test('AD-12 one app at two paths: its job of the fleet is declared once, that of its memory for each', async (t) => {
  const folder = temporaryFolder();
  const files = {
    'app.mjs': `export const app = (_global, _local, { tasks }) => {
      tasks.every('1h', () => {}, { name: 'mail', on: 'fleet' });
      tasks.every('1m', () => {}, { name: 'refresh' });
      return (req, res) => void res.end('done');
    };`,
    'api-paste.ini': `[composite:books]
use = egg:Paste#urlmap
/api = app
/v1 = app
[app:app]
paste.app_factory = ./app.mjs:app
`,
    'portico.ini': '[api:books]\nport = 0\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const config = await Config.load({ files: [join(folder, 'portico.ini')] });
  const service = await startedService(t, 'books', config, { log: silentLogger() });
  assert.deepEqual(
    service.periodicTasks.flatMap((tasks) => tasks.status().map(({ name }) => name)),
    ['mail', 'refresh', 'refresh 2'],
  );
});

/** An API whose apps have a job each that runs until it is let go, and the events of jobs and apps in their order. */
function slowJobs() {
  const events = new EventEmitter();
  const order: string[] = [];
  const tell = (event: string): void => {
    order.push(event);
    events.emit(event);
  };
  const letGo = [deferred(), deferred(), deferred()];
  let built = 0;
  const loader = {
    has: () => true,
    async loadApp() {
      const number = ++built;
      const job = async (_context: unknown, { signal }: { readonly signal: AbortSignal }) => {
        tell(`begin ${number}`);
        signal.addEventListener('abort', () => tell(`told ${number}`));
        await letGo[number]!.promise;
        tell(`end ${number}`);
      };
      const tasks = new JobList().every(60, job, { name: 'job', runImmediately: true });
      return Object.assign(((req, res) => app(req, res)) as App, { tasks, close: async () => tell(`close ${number}`) });
    },
  };
  const config = Config.fromText('[api:books]\nlisten = 127.0.0.1:0\n');
  const service = new WSGIService('books', config, { loader, log: silentLogger() } as never);
  return { service, events, order, letGo };
}

test('AU-8 a job ends before its app is closed by a stop for a reload, and before the job of the next app begins', async (t) => {
  const { service, events, order, letGo } = slowJobs();
  t.after(() => service.stop());
  await Promise.all([once(events, 'begin 1'), service.start()]);
  const told = once(events, 'told 1');
  const stopped = service.stop({ graceful: true, reason: 'reload' });
  const started = service.start();
  await told;
  letGo[1]!.resolve();
  await Promise.all([once(events, 'begin 2'), stopped, started]);
  assert.deepEqual(order, ['begin 1', 'told 1', 'end 1', 'close 1', 'begin 2']);
  letGo[2]!.resolve();
});

test('RW-2 an API without a manager begins anew in a reload while a job of its former app is at work, which ends by itself', async (t) => {
  const { service, events, order, letGo } = slowJobs();
  t.after(() => service.stop());
  await Promise.all([once(events, 'begin 1'), service.start()]);
  await service.stop({ graceful: true, reason: 'reload', pauseMs: 600_000 });
  // A job that runs immediately does so at each start.
  await Promise.all([once(events, 'begin 2'), service.start()]);
  const closed = once(events, 'close 1');
  letGo[1]!.resolve();
  await closed;
  assert.deepEqual(order, ['begin 1', 'told 1', 'begin 2', 'end 1', 'close 1']);
  letGo[2]!.resolve();
});
