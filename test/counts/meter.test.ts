/** Tests counting in one process and adding up in another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Distribution, LABEL_CHARACTERS, Meter, MOST_SERIES, Totals } from '../../dist/counts/index.js';

function meterWith(buckets: readonly number[]): Meter {
  const meter = new Meter();
  meter.buckets = buckets;
  return meter;
}

test('each taking has what came since the last one, and nothing where nothing came', () => {
  const meter = meterWith([1]);
  const values = meter.distribution('durations', ['GET', '/servers']);
  values.observe(0.5);
  const series = { metric: 'durations', labels: ['GET', '/servers'], counts: [1, 0], sum: 0.5 };
  assert.deepEqual(meter.take(), { buckets: [1], series: [series] });
  assert.deepEqual(meter.take(), { buckets: [1], series: [] });
  values.observe(2);
  assert.deepEqual(meter.take().series, [{ ...series, counts: [0, 1], sum: 2 }]);
});

test('what is known beforehand is given once at 0, so that its first rise is seen', () => {
  const meter = meterWith([]);
  meter.distribution('rejected', ['queue full']);
  meter.follow('rejected', ['rate limit'], 0);
  const zero = (reason: string) => ({ metric: 'rejected', labels: [reason], counts: [], sum: 0 });
  assert.deepEqual(meter.take().series, [zero('queue full'), zero('rate limit')]);
  assert.deepEqual(meter.take().series, []);
});

test('a counter that is kept elsewhere is followed by what it has grown', () => {
  const meter = meterWith([]);
  meter.follow('rejected', ['queue full'], 3);
  assert.equal(meter.take().series[0]?.sum, 3);
  meter.follow('rejected', ['queue full'], 3);
  assert.deepEqual(meter.take().series, []);
  meter.follow('rejected', ['queue full'], 5);
  assert.equal(meter.take().series[0]?.sum, 2);
});

test('a metric of another release of the workers is left out, and the others are counted', () => {
  const totals = new Totals([]);
  const unknown = { metric: 'added later' as 'rejected', labels: [], counts: [], sum: 1 };
  const known = { metric: 'rejected', labels: ['queue full'], counts: [], sum: 2 } as const;
  totals.add('compute', { buckets: [], series: [unknown, known] });
  assert.equal([...totals.of('rejected')][0]?.values.sum, 2);
});

test('totals have what every process reported', () => {
  const totals = new Totals([1]);
  const one = meterWith([1]);
  one.count('rejected', ['queue full']);
  totals.add('compute', one.take());
  totals.add('compute', one.take());
  one.count('rejected', ['queue full']);
  totals.add('compute', one.take());
  assert.deepEqual(
    [...totals.of('rejected')].map(({ api, labels, values }) => [api, labels, values.sum]),
    [['compute', ['queue full'], 2]],
  );
});

test('GR-2 an API has its own limit of series; what is above it is counted together, and reported once', () => {
  const full: string[] = [];
  const totals = new Totals([1], (api) => full.push(api));
  const series = Array.from({ length: MOST_SERIES + 2 }, (_, at) => ({
    metric: 'rejected' as const,
    labels: [String(at)],
    counts: [],
    sum: 1,
  }));
  const least = { buckets: [], series: series.slice(0, 2) };
  for (let times = 0; times < 2; times++) totals.add('compute', { buckets: [], series });
  totals.add('volume', least);
  const of = (api: string) => [...totals.of('rejected')].filter((total) => total.api === api);
  assert.equal(of('compute').length, MOST_SERIES + 1);
  assert.deepEqual(of('compute').at(-1)?.labels, ['other']);
  assert.equal(of('compute').at(-1)?.values.sum, 4);
  assert.deepEqual(
    of('volume').map(({ labels, values }) => [labels, values.sum]),
    least.series.map(({ labels }) => [labels, 1]),
  );
  assert.deepEqual(full, ['compute']);
  assert.deepEqual(
    [...totals.sizes],
    [
      ['compute', MOST_SERIES],
      ['volume', 2],
    ],
  );
});

test('a label is cut to what a parent takes', () => {
  const meter = meterWith([]);
  meter.count('rejected', ['x'.repeat(1000)]);
  assert.equal(meter.take().series[0]?.labels[0]?.length, LABEL_CHARACTERS);
});

test('a value counts in the first bucket whose bound it does not pass, the last one has the rest', () => {
  const values = new Distribution([0.1, 1]);
  for (const value of [0, 0.1, 0.2, 1, 5]) values.observe(value);
  assert.deepEqual(values.counts, [2, 2, 1]);
  assert.equal(values.sum, 6.3);
});

test('what was counted by other bounds is added so that common bounds stay true', () => {
  const values = new Distribution([0.1, 0.5, 1]);
  values.add([0.1, 1], [3, 4, 5], 20);
  assert.deepEqual(values.counts, [3, 0, 4, 5]);
  values.add([0.05, 2], [1, 1, 1], 4);
  assert.deepEqual(values.counts, [4, 0, 4, 7]);
  assert.equal(values.sum, 24);
});
