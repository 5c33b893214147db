/** The log of an operator's actions, and the report on a fleet. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { get } from '../fixtures/http-client.js';
import { emptyProject, freePort, type Program, startModule, startProject } from './program.js';
import { pidProject } from './projects.js';

const app = `
export const app = () => (req, res) => {
  if (req.url === '/spin') for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(cell, 0, 0, 5);
  if (req.url !== '/work') return void res.end('0');
  res.writeHead(200, { 'x-pid': process.pid }).write('begun');
};
`;

async function project(t: TestContext, more: string, workers = 1) {
  const port = await freePort();
  const files = emptyProject({ ...pidProject(port, workers, more), 'app.js': app });
  const program = startProject(t, files);
  await program.printed(/http:\/\/127\.0\.0\.1:\d+ +\d worker/);
  return { port, program };
}

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly event?: string;
}

const lines = (program: Program): Line[] =>
  program.stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);

test('what an operator causes is in the log under log_level = error, at the level notice', async (t) => {
  const { program } = await project(t, 'log_level = error');
  await program.printed(/"event":"ready"/);
  program.kill('SIGHUP');
  await program.printed(/"event":"reload"/);
  program.kill('SIGTTIN');
  await program.printed(/1 -> 2 workers/);
  await program.stop();
  const said = lines(program).map(
    ({ level, msg }) => `${level}: ${msg.replaceAll(/\d+ ms/g, 'N ms').replace(/:\d+$/, ':P')}`,
  );
  assert.deepEqual(said, [
    'notice: Ready after N ms: hello on 127.0.0.1:P',
    'notice: Caught SIGHUP, restarting',
    'notice: Reload accepted after N ms',
    'notice: Service hello: 1 -> 2 workers',
    'notice: Caught SIGTERM, stopping',
    'notice: Stopped with status 0',
  ]);
});

test('LC-321 a parent that gives up ends with 1, and names max_restarts', async (t) => {
  const { program } = await project(t, 'max_restarts = 1', 2);
  for (const [, pid] of program.stderr.matchAll(/"event":"worker_ready".*?"pid":(\d+)/g)) {
    process.kill(Number(pid), 'SIGKILL');
  }
  assert.equal((await program.ended).code, 1);
  assert.match(
    program.stderr,
    /Service hello was restarted more than 1 times \(max_restarts\) within 3600 s: giving up/,
  );
});

/** Sends requests that never end until two workers have one in flight. Returns the number for each of them, by pid. */
async function busy(t: TestContext, port: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  while (counts.size < 2) {
    const req = request({ host: '127.0.0.1', port, path: '/work', agent: false }).end();
    t.after(() => req.destroy());
    req.on('error', () => undefined);
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    res.on('error', () => undefined);
    const pid = String(res.headers['x-pid']);
    counts.set(pid, (counts.get(pid) ?? 0) + 1);
  }
  return counts;
}

test("SIGUSR2 to a fleet shows a stuck worker's stack, and the requests that the others have in flight", async (t) => {
  const { port, program } = await project(t, 'worker_timeout = 60', 2);
  const counts = await busy(t, port);
  get(port, '/spin').catch(() => undefined);
  program.kill('SIGUSR2');
  const [, stuck] = await program.printed(
    /\(pid (\d+)\)\n\nno heartbeat for \d+ s; its main thread is stuck:\n +at .*app\.js/,
  );
  await program.printed(/Requests in flight:[\s\S]*Configuration[\s\S]*DEFAULT|Requests in flight:[\s\S]*\n\n\n/);
  const other = [...counts].find(([pid]) => pid !== stuck)!;
  assert.equal(program.output().match(/^ {2}GET \/work: for /gm)?.length, other[1]);
  assert.equal(program.output().match(/Requests in flight/g)?.length, 1);
});

test('a launcher lends its log to a configuration that has none: its warnings are heard', async (t) => {
  const program = startModule(
    t,
    `
import { Config, launch } from 'portico';
import { Service } from 'portico/service';
const config = Config.fromText('[DEFAULT]\\nstrict_config = yes\\n');
class Idle extends Service { name = 'idle'; }
const launcher = await launch(new Idle(), { config });
setTimeout(() => launcher.stop(), 100);
config.validate();
process.exitCode = await launcher.wait();
`,
  );
  await program.ended;
  assert.match(program.stderr, /"level":"warn".*strict_config/);
});
