/** Many slow and idle clients beside a few normal ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultFleet } from './fault-fleet.js';
import { describeLosses, describeTimes, isLong, printFigures, quantile } from './figures.js';
import { askFor, Load } from './load.js';
import {
  idleConnections,
  isWholeAnswer,
  type SlowGroup,
  slowBodies,
  slowHeads,
  slowReaders,
  steadyBodies,
  stoppedReaders,
} from './slow-clients.js';
import { connectionsOf, until } from './target.js';

/**
 * In seconds. The long run uses the defaults, so that the table describes the shipped values. A slow reader on a busy machine takes a third of
 * the system's buffer, for which a write waits, in up to 3 s.
 */
const limits = isLong
  ? { headers_timeout: 20, body_grace: 15, send_timeout: 60, keep_alive_timeout: 65 }
  : { headers_timeout: 2, body_grace: 2, send_timeout: 6, keep_alive_timeout: 4 };

test('RL-3 RL-7 RL-25 RL-26 RL-28 RL-29 RL-33 200 slow headers, 100 slow bodies, 50 slow readers and 1,000 idle connections: a normal client loses nothing, and the slow ones are cut', async (t) => {
  const options = Object.fromEntries(Object.entries(limits).map(([name, value]) => [`wsgi.${name}`, String(value)]));
  const fleet = await faultFleet(t, { options });
  const port = Number(new URL(fleet.url).port);
  const load = new Load(fleet, { kept: 4, fresh: 4 });
  await load.more(300);
  const quiet = quantile(load.times, 0.99);
  load.times = [];
  const heads = slowHeads(port, 200);
  const bodies = slowBodies(port, 100);
  const stopped = stoppedReaders(port, 25);
  const slow = slowReaders(port, 25);
  const idle = idleConnections(port, 1000);
  const groups = { heads, bodies, stopped, slow, idle };
  t.after(() => {
    for (const group of Object.values(groups)) group.close();
  });
  await Promise.all(Object.values(groups).map(({ begun }) => begun));
  const ended = (group: SlowGroup, count: number): Promise<boolean> =>
    until(() => group.endedAfter.length === count, 100_000);
  assert.ok(await ended(heads, 200), `${heads.endedAfter.length} slow heads ended`);
  assert.ok(await ended(bodies, 100), `${bodies.endedAfter.length} slow bodies ended`);
  assert.ok(await ended(slow, 25), `${slow.endedAfter.length} slow readers ended`);
  assert.ok(await ended(idle, 1000), `${idle.endedAfter.length} idle connections ended`);
  // Clients that do not read do not notice the close either, so the connections of the workers are counted.
  const left = (): number => fleet.workers().reduce((sum, pid) => sum + connectionsOf(pid), 0);
  await load.stop();
  assert.ok(await until(() => left() === 0, 90_000), `${left()} connections are left`);
  stopped.resume();
  assert.ok(await ended(stopped, 25));
  const whole = slow.received().filter(isWholeAnswer).length;
  const cut = stopped.received().filter((bytes) => !isWholeAnswer(bytes)).length;
  printFigures('slow clients', {
    answered: load.total,
    lost: describeLosses(load.lost),
    'p99 latency, before': `${Math.round(quiet)} ms`,
    'p99 latency, meanwhile': `${Math.round(quantile(load.times, 0.99))} ms`,
    [`slow heads cut (headers_timeout ${limits.headers_timeout} s)`]: summary(heads),
    [`slow bodies cut (body_grace ${limits.body_grace} s)`]: summary(bodies),
    [`idle closed (keep_alive_timeout ${limits.keep_alive_timeout} s)`]: summary(idle),
    [`readers that stopped, cut (send_timeout ${limits.send_timeout} s)`]: cut,
    'slow readers served whole': whole,
  });
  assert.deepEqual(load.lost, []);
  assert.deepEqual(new Set(heads.statuses), new Set(['408']));
  assert.deepEqual(new Set(bodies.statuses), new Set(['408']));
  assert.deepEqual(new Set(idle.statuses), new Set(['200']));
  assert.equal(whole, 25);
  assert.equal(cut, 25);
  assert.equal(fleet.events('worker_exited').length, 0, fleet.text());
  assert.equal((await askFor(`${fleet.url}/`)).status, 200);
});

test('RL-3 RL-16 one worker, with as many slow bodies as it may have requests in progress and as many slow readers, responds to others', async (t) => {
  const fleet = await faultFleet(t, { workers: 1 });
  const port = Number(new URL(fleet.url).port);
  const load = new Load(fleet, { kept: 4, fresh: 4 });
  await load.more(300);
  const quiet = quantile(load.times, 0.99);
  const groups = [steadyBodies(port, 100), stoppedReaders(port, 100)];
  t.after(() => {
    for (const group of groups) group.close();
  });
  await Promise.all(groups.map(({ begun }) => begun));
  load.times = [];
  const before = load.total;
  await load.more(isLong ? 5000 : 500);
  const answered = load.total - before;
  await load.stop();
  printFigures('slow clients, one worker', {
    answered,
    lost: describeLosses(load.lost),
    'p99 latency, before': `${Math.round(quiet)} ms`,
    'p99 latency, meanwhile': `${Math.round(quantile(load.times, 0.99))} ms`,
    'longest, meanwhile': `${Math.round(quantile(load.times, 1))} ms`,
  });
  assert.ok(answered >= 500, `${answered} answered`);
  assert.deepEqual(load.lost, []);
  assert.ok(groups.every(({ endedAfter }) => endedAfter.length === 0));
});

function summary({ endedAfter }: SlowGroup): string {
  return `${endedAfter.length}, ${describeTimes(endedAfter)}`;
}
