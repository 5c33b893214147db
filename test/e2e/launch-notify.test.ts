/** Notifications to the service manager from a single process, and the helper that sends them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { NotifyListener } from '../fixtures/notify-listener.js';
import { isAlive, launchedProgram, runningProgram } from '../fixtures/running-program.js';

const folder = temporaryFolder('portico-notify-cli-');

test('LC-204 LC-901 LC-351 ready once the service has started; a reload lets wait() go on; a stop gives the status', async (t) => {
  const path = join(folder, 'single');
  const listener = closedAfter(t, new NotifyListener(path));
  await listener.listening;
  const program = runningProgram(t, 'single', { startMs: 700 }, { env: { NOTIFY_SOCKET: path } });
  await listener.message('READY=1');
  assert.ok(
    program.lines.some(({ event }) => event === 'started'),
    'not before the start was over',
  );
  assert.equal(listener.messages.filter((message) => message === 'READY=1').length, 1);
  program.kill('SIGHUP');
  await listener.message('RELOADING=1');
  await program.event('reload');
  await listener.message(
    'READY=1',
    listener.messages.findIndex((message) => message.startsWith('RELOADING=1')),
  );
  program.kill('SIGTERM');
  await listener.message('STOPPING=1');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
});

/** An environment in which `systemd-notify` is this shell script. */
function withHelper(name: string, script: string): NodeJS.ProcessEnv {
  const bin = temporaryFolder(`portico-helper-${name}-`);
  writeFileSync(join(bin, 'systemd-notify'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, 'systemd-notify'), 0o755);
  return { PATH: `${bin}${delimiter}${process.env.PATH}` };
}

test('LC-909 LC-906 a helper that hangs is ended, delays no start, and is no error', async (t) => {
  const pidFile = join(folder, 'helper.pid');
  const env = { ...withHelper('hangs', `echo $$ > ${pidFile}; exec sleep 120`), NOTIFY_SOCKET: join(folder, 'nobody') };
  const fleet = await launchedProgram(t, 'fleet', { services: [{ name: 'api', workers: 1 }] }, { env });
  await fleet.line(({ msg }) => msg === 'the service manager could not be notified');
  await fleet.stop();
  assert.ok(
    fleet.lines.every(({ level }) => level !== 'error' && level !== 'warn'),
    fleet.text(),
  );
  assert.equal((await commandBeside(['notify'], { cwd: folder, env })).status, 0);
  assert.equal(isAlive(Number(readFileSync(pidFile, 'utf8'))), false, 'the helper is gone');
});

test('LC-909 READY=1, RELOADING=1 and STOPPING=1 that could not be sent are sent again', async (t) => {
  const told = join(folder, 'told');
  // The first message of each kind fails.
  const script = `echo "$*" >> ${told}
case "$*" in
*RELOADING=1*) [ "$(grep -c RELOADING=1 ${told})" -gt 1 ] ;;
*READY=1*) [ "$(grep -c READY=1 ${told})" -gt 1 ] ;;
*STOPPING=1*) [ "$(grep -c STOPPING=1 ${told})" -gt 1 ] ;;
esac`;
  const env = { ...withHelper('fails', script), NOTIFY_SOCKET: join(folder, 'nobody') };
  const fleet = await launchedProgram(t, 'fleet', { services: [{ name: 'api', workers: 1 }] }, { env });
  const lines = (): string[] => (existsSync(told) ? readFileSync(told, 'utf8').split('\n') : []);
  const changes = closedAfter(t, watch(folder));
  const ready = async (times: number): Promise<void> => {
    while (lines().filter((line) => line.includes('READY=1')).length < times) await once(changes, 'change');
  };
  await ready(2);
  fleet.kill('SIGHUP');
  await fleet.event('reload');
  await ready(3);
  await fleet.stop();
  const states = lines().flatMap((line) => /READY|RELOADING|STOPPING/.exec(line)?.[0] ?? []);
  assert.deepEqual(states, ['READY', 'READY', 'RELOADING', 'RELOADING', 'READY', 'STOPPING', 'STOPPING']);
  assert.deepEqual(
    lines()
      .filter((line) => line.endsWith('READY=1'))
      .slice(0, 2),
    ['--no-block READY=1', '--no-block READY=1'],
  );
});

test('LC-909 helpers that hang hold the end of a launch at most once, whatever was still to be said', async (t) => {
  const started = join(folder, 'started');
  const env = {
    ...withHelper('slow', `echo "$*" >> ${started}; exec sleep 120`),
    NOTIFY_SOCKET: join(folder, 'nobody'),
  };
  const fleet = await launchedProgram(
    t,
    'fleet',
    { services: [{ name: 'api', workers: 1 }] },
    { env: { ...env, WATCHDOG_USEC: '200000', WATCHDOG_PID: '' } },
  );
  for (let i = 0; i < 2; i++) {
    const from = fleet.lines.length;
    fleet.kill('SIGHUP');
    await fleet.event('reload', from);
  }
  const before = readFileSync(started, 'utf8').trim().split('\n').length;
  const from = performance.now();
  await fleet.stop();
  const told = readFileSync(started, 'utf8').trim().split('\n').slice(before);
  // The message in progress may use the whole time; then the last one is not sent.
  assert.ok(told.length <= 1, told.join());
  assert.ok(performance.now() - from < 30_000);
});

test('LC-909 the helper waits until systemd has read the message, which drops those of ended processes, and for no other receiver', async () => {
  const seen = join(folder, 'arguments');
  const helper = withHelper('tells', `printf '%s\\n' "$@" > ${seen}`);
  for (const [socket, words] of [
    ['nobody', ['--no-block', 'READY=1']],
    ['systemd/notify', ['READY=1']],
  ] as const) {
    const env = { ...helper, NOTIFY_SOCKET: join(folder, socket) };
    assert.equal((await commandBeside(['notify'], { cwd: folder, env })).status, 0);
    assert.deepEqual(readFileSync(seen, 'utf8').trim().split('\n'), words);
  }
});
