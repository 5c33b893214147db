/**
 * SIGTERM while clients connect: connections that the kernel has accepted get responses; later ones are refused, which clients may repeat. A
 * process that loses its CPU between its last accept and the close of its socket resets those that came in between.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type FaultFleet, faultFleet } from './fault-fleet.js';
import { describeLosses, isLong, printFigures } from './figures.js';
import { askFor } from './load.js';
import { pause } from './target.js';

const trials = isLong ? 20 : 1;

/** The results of requests: `answered`, `ECONNREFUSED`, or another loss. */
class Results {
  readonly #all: Promise<string>[] = [];

  ask(url: string): void {
    const one = askFor(url).then(
      ({ status }) => (status < 400 ? 'answered' : `STATUS ${status}`),
      ({ code, message }: NodeJS.ErrnoException) => code ?? message,
    );
    this.#all.push(one);
  }

  async counts(): Promise<{ answered: number; refused: number; lost: string[] }> {
    const all = await Promise.all(this.#all);
    const count = (wanted: string): number => all.filter((each) => each === wanted).length;
    const lost = all.filter((each) => each !== 'answered' && each !== 'ECONNREFUSED');
    return { answered: count('answered'), refused: count('ECONNREFUSED'), lost };
  }
}

/** Runs the trials, each with a fresh fleet; `fault` stops it. */
async function run(
  t: TestContext,
  row: string,
  fault: (fleet: FaultFleet, trial: number, results: Results) => Promise<void>,
): Promise<string[]> {
  const results = new Results();
  for (let trial = 0; trial < trials; trial++) {
    const fleet = await faultFleet(t);
    await fault(fleet, trial, results);
    assert.equal((await fleet.ended).code, 0, fleet.text());
    await fleet.end();
  }
  const { answered, refused, lost } = await results.counts();
  printFigures(row, { trials, answered, refused, lost: describeLosses(lost) });
  return lost;
}

for (const during of isLong ? ['nothing else', 'a reload'] : ['a reload']) {
  test(`LA-3 SIGTERM during ${during}, under 60 requests a second, responds on every connection of the kernel`, async (t) => {
    const lost = await run(t, `TERM during ${during}`, async (fleet, trial, results) => {
      let over = false;
      void fleet.ended.then(() => (over = true));
      const load = (async () => {
        for (; !over; await pause(1000 / 60)) results.ask(`${fleet.url}/`);
      })();
      await pause(300);
      if (during === 'a reload') fleet.reload('slow');
      await pause(300 + (700 * trial) / trials);
      fleet.signal('SIGTERM');
      await load;
    });
    assert.ok(lost.length <= Math.max(1, trials / 4), lost.join());
  });
}

test('LA-4 SIGTERM while all event loops are blocked for a second resets no connection in the queue of the socket', async (t) => {
  const lost = await run(t, 'TERM while all event loops are blocked', async (fleet, _, results) => {
    for (let worker = 0; worker < 2; worker++) {
      results.ask(`${fleet.url}/block`);
      await pause(100);
    }
    for (let i = 0; i < 160; i++) results.ask(`${fleet.url}/`);
    await pause(100);
    fleet.signal('SIGTERM');
  });
  assert.deepEqual(lost, []);
});
