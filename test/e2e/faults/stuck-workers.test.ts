/** Workers that no longer respond though they live. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { faultFleet } from './fault-fleet.js';
import { describeLosses, describeTimes, isLong, printFigures } from './figures.js';
import { stuck } from './rows.js';

/** Seconds; a worker must be able to start within them on a loaded machine. */
const timeout = isLong ? 3 : 5;

test('RL-62 a worker that computes for ever, or is frozen by SIGSTOP, is replaced after worker_timeout, and at most 2 requests are lost', async (t) => {
  const fleet = await faultFleet(t, { options: { 'DEFAULT.worker_timeout': String(timeout) } });
  for (const [how, title] of [
    ['spin', 'computes for ever'],
    ['freeze', 'is frozen by SIGSTOP'],
  ] as const) {
    const before = fleet.events('worker_hung').length;
    const { answered, lost, times } = await stuck(fleet, how, 60_000);
    printFigures(`worker ${title}`, {
      worker_timeout: `${timeout} s`,
      answered,
      lost: describeLosses(lost),
      'until it is killed': describeTimes(times),
    });
    assert.equal(times.length, 1, 'it is ended');
    assert.ok(lost.length <= 2, describeLosses(lost));
    assert.ok(await fleet.settled(2));
    const hung = fleet.events('worker_hung').slice(before);
    assert.equal(hung.length, 1, fleet.text());
    if (how === 'spin') assert.match(String(hung[0]?.stack), /app\.js/);
  }
});

test('while a worker is frozen or computes, all new connections are served by its siblings, and by itself once it is back', async (t) => {
  const fleet = await faultFleet(t, { options: { 'DEFAULT.worker_timeout': '120' } });
  const [victim] = fleet.workers();
  const ask = async (path: string): Promise<number> => {
    const [res] = (await once(request(`${fleet.url}${path}`, { agent: false }).end(), 'response')) as [IncomingMessage];
    return Number((await text(res)).split(' ')[1]);
  };
  const areAnswered = async (): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      const answered = await Promise.allSettled(Array.from({ length: 30 }, () => ask('/')));
      assert.equal(answered.filter(({ status }) => status === 'rejected').length, 0);
    }
    assert.deepEqual(fleet.events('worker_exited'), []);
  };
  process.kill(victim!, 'SIGSTOP');
  await areAnswered();
  process.kill(victim!, 'SIGCONT');
  while ((await ask('/')) !== victim);
  process.kill(victim!, 'SIGSTOP');
  // A sibling that has helped can do so again.
  assert.ok(!(await Promise.all(Array.from({ length: 30 }, () => ask('/')))).includes(victim!));
  process.kill(victim!, 'SIGCONT');
  while ((await ask('/')) !== victim);
  // Its response comes when its process ends.
  const spinning = request(`${fleet.url}/spin-soon`, { agent: false }).on('error', () => undefined);
  await once(spinning.end(), 'response');
  await areAnswered();
});
