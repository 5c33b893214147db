/** `api-cli notify`, `api-cli wait-ready`, and the messages of a running fleet to its service manager. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Program, startApiCli, untilEnd } from '../e2e/program.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { get } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { NotifyListener } from '../fixtures/notify-listener.js';
import type { Outcome } from '../fixtures/project.js';
import { runningProgram } from '../fixtures/running-program.js';
import { commandBeside } from './command.js';

const folder = temporaryFolder('portico-notify-commands-');

function run(t: TestContext, args: readonly string[], socket: string | undefined): Program {
  return untilEnd(t, startApiCli(args, { env: { NOTIFY_SOCKET: socket } }));
}

/** Runs a command in a thread. */
const quick = (args: readonly string[], socket: string | undefined): Promise<Outcome> =>
  commandBeside(args, { cwd: folder, env: { NOTIFY_SOCKET: socket } });

async function listening(t: TestContext, name: string): Promise<NotifyListener> {
  const listener = closedAfter(t, new NotifyListener(join(folder, name)));
  await listener.listening;
  return listener;
}

/** Settles once `wait-ready` has bound its socket. */
async function bound(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 10));
}

test('LC-908 OP-16 notify sends READY=1; without NOTIFY_SOCKET it is no error', async (t) => {
  const listener = await listening(t, 'told');
  assert.equal((await quick(['notify'], join(folder, 'told'))).status, 0);
  await listener.message('READY=1');
  assert.deepEqual(listener.messages, ['READY=1']);
  const untold = await quick(['notify'], undefined);
  assert.equal(untold.status, 0);
  assert.match(untold.stderr, /^NOTIFY_SOCKET is not set/);
});

test('LC-908 OP-16 notify says who was not told when nobody listens, which is no failure', async () => {
  const nobody = await quick(['notify'], join(folder, 'nobody'));
  assert.equal(nobody.status, 0);
  assert.match(nobody.stderr, /^the service manager was not notified/);
  assert.ok(nobody.stderr.includes(join(folder, 'nobody')), nobody.stderr);
});

test('LC-907 LC-908 wait-ready leaves what stands at its path alone: a live socket, a file', async (t) => {
  const path = join(folder, 'live');
  const listener = await listening(t, 'live');
  const refused = await quick(['wait-ready', '5'], path);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /something already exists there/);
  assert.equal((await quick(['notify'], path)).status, 0);
  await listener.message('READY=1');

  const file = join(folder, 'file');
  writeFileSync(file, 'kept');
  assert.equal((await quick(['wait-ready', '5'], file)).status, 1);
  assert.equal(readFileSync(file, 'utf8'), 'kept');
});

test('LC-908 OP-16 wait-ready ends with 0 when READY=1 comes, 1 for anything else, 2 when nothing does', async (t) => {
  const path = join(folder, 'waits');
  const ready = run(t, ['wait-ready', '60'], path);
  await bound(path);
  assert.equal((await quick(['notify'], path)).status, 0);
  assert.equal((await ready.ended).code, 0);
  assert.equal(existsSync(path), false);

  const other = quick(['wait-ready', '60'], path);
  await bound(path);
  const { sendDatagram } = (await import('../../dist/launch/systemd/service-manager.js')) as {
    sendDatagram: (path: string, text: string) => Promise<void>;
  };
  await sendDatagram(path, 'STATUS=starting');
  assert.equal((await other).status, 1);

  assert.equal((await quick(['wait-ready', '0.2'], path)).status, 2);
  assert.equal(existsSync(path), false);
});

test('LC-908 wait-ready says what it lacks: the socket, or a number of seconds', async () => {
  const without = await quick(['wait-ready', '1'], undefined);
  assert.equal(without.status, 1);
  assert.match(without.stderr, /NOTIFY_SOCKET is not set/);
  const wrong = await quick(['wait-ready', 'soon'], join(folder, 'waits'));
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /"soon" is not a number of seconds/);
});

test('LC-910 RL-93 STATUS has the numbers of workers, and follows them', async (t) => {
  const listener = await listening(t, 'status');
  const fleet = runningProgram(
    t,
    'fleet',
    {
      services: [
        { name: 'api', workers: 1 },
        { name: 'other', workers: 1 },
      ],
    },
    { env: { NOTIFY_SOCKET: join(folder, 'status') } },
  );
  await listener.message('STATUS=api: 1 of 1 workers, other: 1 of 1 workers; configuration 1');
  fleet.kill('SIGHUP');
  await listener.message('STATUS=api: 1 of 1 workers, other: 1 of 1 workers; configuration 2');
  fleet.kill('SIGTTIN');
  await listener.message('STATUS=api: 2 of 2 workers, other: 2 of 2 workers; configuration 2');
});

test('LC-910 RL-93 WATCHDOG=1 pauses while a worker does not respond, and goes on when it was replaced', async (t) => {
  const listener = await listening(t, 'watchdog');
  const fleet = runningProgram(
    t,
    'fleet',
    { services: [{ name: 'api', workers: 2 }], options: { settings: { workerTimeoutMs: 7000 } } },
    { env: { NOTIFY_SOCKET: join(folder, 'watchdog'), WATCHDOG_USEC: '1000000', WATCHDOG_PID: '' } },
  );
  const beatsSoFar = () => listener.messages.filter((message) => message.startsWith('WATCHDOG=1')).length;
  await listener.message('WATCHDOG=1');
  const port = await fleet.port('api');
  const before = beatsSoFar();
  get(port, '/spin').catch(() => undefined);
  // At the latest when its supervisor ends it, the worker has been silent for longer than one or two messages.
  await fleet.event('worker_hung');
  const beats = beatsSoFar() - before;
  // Two messages a second until the worker is silent for longer than the service manager's second, and one under way. The five seconds
  // that are suspicious without a service manager would give ten.
  assert.ok(beats <= 8, `${beats} beats`);
  const from = listener.messages.length;
  await listener.message('WATCHDOG=1', from);
});
