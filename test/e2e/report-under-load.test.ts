/** A report of a whole fleet under load: every process has a separate one, no request fails, and no secret is in it. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from '../fixtures/load.js';
import { emptyProject, freePort, startProject } from './program.js';
import { pidApp } from './projects.js';

const WORKERS = 2;
const SECRETS = ['hunter2', 'correct-horse', 'sesame'];

function project(port: number, folder: string): Record<string, string> {
  return {
    'app.js': `${pidApp}
      import { periodicTask } from 'portico/tasks';
      export class Manager {
        initHost() { void this.track('copying', new Promise((done) => { this.copied = done; }), { resourceId: 'image-7' }); }
        gracefulShutdown() { this.copied(); }
        sweep() {}
      }
      periodicTask({ spacing: 3600 })(Manager.prototype.sweep);`,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\npassword = sesame\n',
    'portico.ini': `[DEFAULT]
enabled_apis = hello
[api:hello]
port = ${port}
workers = ${WORKERS}
manager = ./app.js:Manager
[servicegroup]
connection = sqlite:///${join(folder, 'store.db')}
[database]
connection = postgresql://nova:correct-horse@127.0.0.1/nova
`,
  };
}

test('LC-1502 LC-1508 LC-1511 LC-1513 SIGUSR2 to a serving fleet: a report of each process, no request lost, no secret', async (t) => {
  const port = await freePort();
  const data = emptyProject({});
  const files = emptyProject(project(port, data.folder));
  const program = startProject(t, files);
  await program.printed(/^hello\b.*2 workers/m);
  const slow = request({ port, host: '127.0.0.1', path: '/?token=hunter2&ms=600000' }).on('error', () => {});
  slow.end();

  const stop = load(port, 4);
  program.kill('SIGUSR2');
  const banner = '====\\s+Configuration\\s+====';
  await program.printed(new RegExp(`(${banner}[\\s\\S]*){${WORKERS + 1}}`));
  const { answered, failed } = await stop();
  assert.deepEqual(failed, {});
  assert.ok(answered > 0);
  slow.destroy();
  await program.stop();

  const report = program.stderr.slice(program.stderr.indexOf('Guru Meditation') - 80);
  const count = (pattern: RegExp): number => report.match(pattern)?.length ?? 0;
  for (const title of ['Guru Meditation', 'Package', 'Threads', 'Tasks', 'Processes', 'Configuration']) {
    assert.equal(count(new RegExp(`^====\\s+${title}\\s+====$`, 'gm')), WORKERS + 1, title);
  }
  assert.equal(count(/^Worker \d of hello \(pid \d+\)$/gm), WORKERS);
  assert.equal(count(/hello: 2 processes, 0 restarts/g), 1);
  assert.equal(count(/^ {2}sweep: every 1h, 0 runs/gm), WORKERS);
  assert.equal(count(/^ {2}GET \/ for \d+\.\d s$/gm) >= 1, true, 'the request under way, without its query');
  assert.equal(count(/^ {2}task copying \(on image-7, since /gm), WORKERS);
  for (const secret of SECRETS) assert.equal(report.includes(secret), false, `${secret} is in the report`);
});
