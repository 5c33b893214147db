/** SIGTERM, SIGINT and SIGKILL of the parent: the responses to clients, the exit status and the remaining processes. */

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { type FaultFleet, faultFleet } from './fault-fleet.js';
import { isLong, printFigures, seconds } from './figures.js';
import { askFor } from './load.js';
import { stopAtWork } from './rows.js';
import { childrenOf, pause, until } from './target.js';

/** Opens connections that send this text. Returns a function that counts the closed ones. */
async function connections(fleet: FaultFleet, count: number, text: string, answers: boolean): Promise<() => number> {
  let closed = 0;
  const { port } = new URL(fleet.url);
  await Promise.all(
    Array.from({ length: count }, async () => {
      const socket: Socket = connect(Number(port), '127.0.0.1');
      socket
        .on('error', () => undefined)
        .on('close', () => {
          closed += 1;
        });
      await new Promise<void>((settle) => {
        socket.once('connect', () => {
          socket.write(text);
          if (!answers) settle();
        });
        socket.on('data', () => settle());
      });
    }),
  );
  return () => closed;
}

/** Starts a request that computes forever. Settles when its worker no longer responds. */
async function spinning(fleet: FaultFleet): Promise<void> {
  askFor(`${fleet.url}/spin`).catch(() => undefined);
  await pause(500);
}

const gone = (fleet: FaultFleet): Promise<boolean> => until(() => fleet.leftovers().length === 0, 30_000);

// A second SIGTERM in the short run is in `launch-signals.test.ts`.
for (const repeated of isLong ? [false, true] : [false]) {
  const title = repeated ? 'TERM, repeated ten times' : 'TERM';
  test(`${repeated ? 'RL-82 LC-512' : 'RL-80 LC-511 LC-542 LC-543'} ${title}: requests at work get whole responses; idle, silent and half-sent connections are closed; status 0`, async (t) => {
    const fleet = await faultFleet(t, { workers: repeated ? 1 : 2 });
    const idle = await connections(fleet, 8, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', true);
    const silent = await connections(fleet, 8, '', false);
    const half = await connections(fleet, 8, 'GET / HTTP/1.1\r\nho', false);
    let refused = '';
    const { whole, cut, status, afterLastMs } = await stopAtWork(fleet, 8, async () => {
      for (let i = 0; repeated && i < 9; i++) {
        await pause(50);
        fleet.signal('SIGTERM');
      }
      await until(async () => {
        refused = await askFor(`${fleet.url}/`).then(
          () => '',
          (error: NodeJS.ErrnoException) => error.code ?? '',
        );
        return refused === 'ECONNREFUSED';
      }, 20_000);
    });
    const clean = await gone(fleet);
    printFigures(title, {
      status: String(status),
      whole,
      cut,
      'idle closed': idle(),
      'silent closed': silent(),
      'half-sent closed': half(),
      'new connections': refused,
      'from the last answer to the end': seconds(afterLastMs),
      'left behind': fleet.leftovers().length,
    });
    assert.deepEqual({ whole, cut, status }, { whole: 8, cut: 0, status: 0 }, fleet.text());
    assert.deepEqual([idle(), silent(), half()], [8, 8, 8]);
    assert.equal(refused, 'ECONNREFUSED');
    assert.ok(clean);
  });
}

test('RL-81 LC-354 LC-355 LC-377 LC-1904 LC-1202 LC-1405 LC-1613 SIGTERM, deadline passed: what is at work is cut and named, status 1, nothing left', async (t) => {
  const fleet = await faultFleet(t, { workers: isLong ? 2 : 1, options: { 'DEFAULT.graceful_shutdown_timeout': '1' } });
  const cut = Promise.allSettled(Array.from({ length: 4 }, () => askFor(`${fleet.url}/work`)));
  await pause(300);
  await askFor(`${fleet.url}/`);
  const begun = performance.now();
  const status = await fleet.stop();
  const took = performance.now() - begun;
  const lost = (await cut).filter((each) => each.status === 'rejected').length;
  const named = fleet.lines().flatMap(({ requests }) => (requests as { path: string }[] | undefined) ?? []);
  printFigures('TERM, deadline of 1 s passed', {
    status: String(status),
    cut: lost,
    named: named.length,
    'ended after': seconds(took),
    'left behind': fleet.leftovers().length,
  });
  assert.equal(status, 1);
  assert.equal(lost, 4);
  const paths = named.map(({ path }) => path);
  assert.deepEqual(paths, ['/work', '/work', '/work', '/work'], fleet.text());
  const errors = fleet.lines().filter(({ level }) => level === 'error');
  assert.ok(errors.some(({ msg }) => msg === 'Graceful shutdown timeout exceeded'));
  assert.ok(
    errors.every(({ err }) => err === undefined),
    'no stack for what is no fault of the program',
  );
  assert.ok(await gone(fleet));
});

// In the short run a worker that does not end is in `launch-stopping.test.ts`.
test('RL-81 LC-357 LC-377 SIGTERM with a stuck worker: it is killed behind the deadline, status 1, nothing left', {
  skip: !isLong && 'only in the long run',
}, async (t) => {
  const fleet = await faultFleet(t, { workers: 1, options: { 'DEFAULT.graceful_shutdown_timeout': '1' } });
  await spinning(fleet);
  const begun = performance.now();
  const status = await fleet.stop();
  const took = performance.now() - begun;
  printFigures('TERM with a stuck worker, deadline of 1 s', { status: String(status), 'ended after': seconds(took) });
  assert.equal(status, 1);
  assert.ok(
    fleet.events('worker_exited').some(({ signal }) => signal === 'SIGKILL'),
    fleet.text(),
  );
  assert.ok(await gone(fleet));
});

test('RL-83 LC-514 SIGINT after SIGTERM: everything is cut and gone, status 1', async (t) => {
  const fleet = await faultFleet(t, { workers: 1 });
  const cut = Promise.allSettled(Array.from({ length: 4 }, () => askFor(`${fleet.url}/work`)));
  await pause(300);
  fleet.signal('SIGTERM');
  await until(() => fleet.lines().some(({ msg }) => msg === 'Caught SIGTERM, stopping'));
  const begun = performance.now();
  fleet.signal('SIGINT');
  const { code } = await fleet.ended;
  const clean = await gone(fleet);
  const took = performance.now() - begun;
  const lost = (await cut).filter((each) => each.status === 'rejected').length;
  printFigures('INT after TERM', {
    status: String(code),
    cut: lost,
    'all gone after': seconds(took),
    'left behind': fleet.leftovers().length,
  });
  assert.equal(code, 1);
  assert.equal(fleet.events('stopped').filter((line) => line.status === 1).length, 1, fleet.text());
  assert.equal(lost, 4);
  assert.ok(clean);
});

// A stuck worker serves nobody: it ends long before the deadline of a stop.
for (const withStuck of [false, true]) {
  const title = withStuck ? 'parent killed, one worker stuck' : 'parent killed';
  test(`RL-64 ${withStuck ? 'RW-14 LC-343 LC-1904' : 'LC-341 LC-342 LC-376 LC-1705'} ${title}: requests at work get responses, no worker is left, the port is free`, async (t) => {
    const deadline = withStuck ? 60 : 3;
    const fleet = await faultFleet(t, { options: { 'DEFAULT.graceful_shutdown_timeout': String(deadline) } });
    const slow = Promise.allSettled(withStuck ? [] : Array.from({ length: 4 }, () => askFor(`${fleet.url}/slow`)));
    if (withStuck) await spinning(fleet);
    else await pause(300);
    assert.equal(childrenOf(fleet.pid).length, 2);
    const begun = performance.now();
    fleet.signal('SIGKILL');
    const whole = (await slow).filter((each) => each.status === 'fulfilled').length;
    const clean = await gone(fleet);
    const took = performance.now() - begun;
    // The system may close the sockets of an ended process later: connections queued there are reset, not refused.
    let refused: string | undefined = 'ECONNRESET';
    for (let tries = 0; tries < 100 && refused === 'ECONNRESET'; tries++) {
      refused = await askFor(`${fleet.url}/`).then(
        () => 'answered',
        (error: NodeJS.ErrnoException) => error.code,
      );
    }
    printFigures(`${title}, deadline of ${deadline} s`, {
      whole,
      'workers gone after': seconds(took),
      'left behind': fleet.leftovers().length,
      'the port': String(refused),
    });
    assert.ok(clean);
    if (!withStuck) {
      assert.equal(whole, 4);
      const noticed = fleet.lines().filter(({ event }) => event === 'parent_died');
      const msg = `Parent process ${fleet.pid} has died unexpectedly, exiting`;
      assert.deepEqual(
        noticed.map((line) => [line.level, line.parent, line.msg]),
        [0, 1].map(() => ['error', fleet.pid, msg]),
        fleet.text(),
      );
      assert.deepEqual(noticed.map(({ workerId }) => workerId).toSorted(), [0, 1]);
    } else {
      const said =
        /^Process \d+ has lost its parent .*, killing it; it was stuck in:\n {4}at spin \(.*app\.js:\d+:\d+\)/m;
      assert.match(fleet.text(), said);
    }
    assert.equal(refused, 'ECONNREFUSED');
  });
}
