/** A scrape's question for the gauges of all workers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnGauges } from '../../../dist/launch/parent/own-gauges.js';
import type { Answer } from '../../../dist/operating/index.js';

const gauge = { name: 'open', help: 'Open.', type: 'gauge' as const, aggregator: 'sum', bounds: [] };
const valued = (sum: number) => [{ ...gauge, series: [{ labels: [], counts: [], sum }] }];

/** Returns a worker with that response, and the number of its questions. */
function worker(workerId: number, answer: Pick<Answer, 'body' | 'error'>, stopping = false) {
  const asked = { stopping, times: 0 };
  const ask = async (): Promise<Answer> => {
    asked.times++;
    await new Promise(setImmediate);
    return { service: 'shop', workerId, pid: 100 + workerId, ...answer };
  };
  return Object.assign(asked, { ask });
}

test('simultaneous scrapes share one reading, and the next one reads again', async () => {
  const one = worker(0, { body: valued(3) });
  const gauges = new OwnGauges(() => [one], 1000, { warn: () => assert.fail('a warning') });
  assert.deepEqual(await Promise.all([gauges.read(), gauges.read()]), [[valued(3)], [valued(3)]]);
  assert.equal(one.times, 1);
  await gauges.read();
  assert.equal(one.times, 2);
});

test('gauges that are left out are in the log once, with worker and reason, but not those of a worker that ends', async () => {
  const warned: unknown[][] = [];
  const workers = [
    worker(0, { body: valued(3) }),
    worker(1, { error: 'no reply within 1000 ms' }),
    worker(3, { error: 'the worker ended' }, true),
  ];
  const gauges = new OwnGauges(() => workers, 1000, { warn: (...line: unknown[]) => void warned.push(line) } as never);
  for (let scrape = 0; scrape < 2; scrape++) assert.deepEqual(await gauges.read(), [valued(3)]);
  assert.equal(warned.length, 1);
  const [fields, message] = warned[0] as [{ code: string }, string];
  assert.equal(fields.code, 'PORTICO_METRICS_MISSING');
  assert.equal(
    message,
    "the application's gauges of some workers are left out: worker 1 of service shop (pid 101): no reply within 1000 ms",
  );
});
