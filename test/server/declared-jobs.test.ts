/** Periodic tasks that an app factory and a manager declare: an API runs them while it serves. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { WSGIService } from 'portico';
import type { App } from 'portico/app';
import { Config } from 'portico/config';
import { silentLogger } from '../../dist/log/log.js';
import { JobList } from '../../dist/tasks/job-list.js';

const app: App = (_req, res) => {
  res.end('done');
};

test('AU-8 tasks of the app and of the manager run while the API serves, and those of a replaced app end', {
  timeout: 60_000,
}, async (t) => {
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
  await Promise.all([once(ran, 'app 2'), service.renew()]);
  assert.deepEqual(service.periodicTasks.flatMap((tasks) => tasks.status().map(({ name }) => name)).toSorted(), [
    'app 2',
    'manager',
  ]);
  await service.stop();
  const { ...after } = counts;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(counts, after);
});
