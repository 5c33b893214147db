/** The text of /metrics, written in pieces. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Distribution, Meter, Totals } from '../../../dist/counts/index.js';
import { countedMetrics, exposition } from '../../../dist/operating/control/metrics-text.js';
import { parseExposition } from '../../fixtures/exposition.js';

async function piecesOf(metrics: Parameters<typeof exposition>[0]): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of exposition(metrics)) pieces.push(piece);
  return pieces;
}

test('labels and helps are escaped, numbers are those of Prometheus, and a histogram is cumulative', async () => {
  const values = new Distribution([0.5, 1]);
  for (const value of [0.25, 0.75, 9]) values.observe(value);
  const text = await piecesOf([
    { name: 'a', help: 'one\ntwo \\', type: 'gauge', values: [{ labels: { x: 'a"b\\c\nd' }, value: Infinity }] },
    { name: 'b', help: 'None.', type: 'counter', values: [{ labels: {}, value: 1e21 }] },
    { name: 'c', help: 'Some.', type: 'histogram', values: [{ labels: {}, value: values }] },
  ]);
  assert.deepEqual(text.join('').split('\n'), [
    '# HELP a one\\ntwo \\\\',
    '# TYPE a gauge',
    'a{x="a\\"b\\\\c\\nd"} +Inf',
    '# HELP b None.',
    '# TYPE b counter',
    'b 1e+21',
    '# HELP c Some.',
    '# TYPE c histogram',
    'c_bucket{le="0.5"} 1',
    'c_bucket{le="1"} 2',
    'c_bucket{le="+Inf"} 3',
    'c_sum 10',
    'c_count 3',
    '',
  ]);
  parseExposition(text.join(''));
});

/** Totals of an API of which so many routes had one request. */
function totalsOf(routes: number): Totals {
  const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const meter = new Meter();
  meter.buckets = buckets;
  for (let route = 0; route < routes; route++) {
    const labels = ['GET', `/v2/volumes${String(route).padStart(4, '0')}/{id}`];
    meter.distribution('durations', labels).observe(0.002);
    for (const status of ['200', '500', '503']) meter.distribution('answered', [...labels, status]);
  }
  const totals = new Totals(buckets);
  totals.add('compute', meter.take());
  return totals;
}

test('GR-1 the text is as long as there are routes with requests, and comes in pieces between which others have their turn', async () => {
  const [none, few, many] = await Promise.all(
    [0, 400, 4000].map(async (routes) => piecesOf(countedMetrics(totalsOf(routes), 0))),
  );
  const lengthOf = (pieces: readonly string[]): number => pieces.reduce((sum, { length }) => sum + length, 0);
  const base = lengthOf(none!);
  const aRoute = (lengthOf(few!) - base) / 400;
  assert.ok(aRoute < 2048, `a route has ${aRoute} characters`);
  assert.ok(Math.abs((lengthOf(many!) - base) / 4000 - aRoute) < 16);
  assert.ok(Math.max(...many!.map(({ length }) => length)) < 70_000);
  let turns = 0;
  let hasEnded = false;
  const count = (): void => {
    turns++;
    if (!hasEnded) setImmediate(count);
  };
  setImmediate(count);
  const { length } = await piecesOf(countedMetrics(totalsOf(4000), 0));
  hasEnded = true;
  assert.ok(turns >= length - 1, `${length} pieces in ${turns} turns`);
});
