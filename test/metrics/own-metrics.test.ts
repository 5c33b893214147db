/** The classes of prom-client for a configuration, and what is read of a registry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config, type PorticoError } from 'portico/config';
import { metrics } from 'portico/metrics';
import { Counter as PlainCounter, Gauge as PlainGauge, Registry } from 'prom-client';
import { silentLogger } from '#internal/log';
import { asTrial } from '../../dist/config/internal.js';
import { isShippedMetric, type OwnMetric, OwnTotals, readOwnMetrics } from '../../dist/counts/index.js';

const configured = (log = silentLogger()): Promise<Config> =>
  Config.load({ files: [], argv: [], env: {}, overrides: { 'metrics.enabled': true }, log });

/** Returns what a scrape reads: names with labels, and increments. */
async function readOf(config: Config): Promise<Readonly<Record<string, number>>> {
  const read = (await readOwnMetrics(config, 'all')) ?? [];
  return Object.fromEntries(
    read.flatMap(({ name, series }) => series.map(({ labels, sum }) => [[name, ...labels].join(' '), sum])),
  );
}

test('a metric that is made again is the one that there is, with the newer function collect', async () => {
  const config = await configured();
  const { Counter, Gauge, registry } = await metrics(config);
  const make = () => new Counter({ name: 'orders_total', help: 'Orders.', labelNames: ['kind'] });
  const first = make();
  first.inc({ kind: 'a' });
  make().inc({ kind: 'a' });
  assert.equal(make(), first);
  // @ts-expect-error The types of prom-client know the labels.
  assert.throws(() => first.inc({ knd: 'a' }), /knd/);
  assert.ok(first instanceof Counter && first instanceof PlainCounter);
  for (const value of [1, 2])
    new Gauge({
      name: 'answer',
      help: 'Answer.',
      collect() {
        this.set(value);
      },
    });
  assert.equal(registry.getMetricsAsArray().length, 2);
  assert.deepEqual(await readOf(config), { answer: 2, 'orders_total kind a': 2 });
  assert.equal(await metrics(config), await metrics(config));
});

test('another definition of a metric is refused with both, and a name of Portico with the name', async () => {
  const { Counter, Histogram } = await metrics(await configured());
  new Counter({ name: 'a_total', help: 'A.', labelNames: ['kind'] });
  assert.throws(
    () => new Histogram({ name: 'a_total', help: 'A.', buckets: [1, 2] }),
    ({ code, message }: PorticoError) => {
      assert.equal(code, 'PORTICO_METRIC_DEFINITION');
      assert.equal(
        message,
        'the metric a_total is a counter; labels kind, and is defined again as a histogram; buckets 1, 2',
      );
      return true;
    },
  );
  for (const name of ['portico_http_requests_total', 'process_open_fds']) {
    assert.throws(() => new Counter({ name, help: 'A.' }), { code: 'PORTICO_METRIC_NAME', message: new RegExp(name) });
  }
});

test('an own option registers is left as it is', async () => {
  const config = await configured();
  const { Counter } = await metrics(config);
  const other = new Registry();
  new Counter({ name: 'b_total', help: 'B.', registers: [other] });
  assert.deepEqual(await readOf(config), {});
  assert.equal(other.getMetricsAsArray().length, 1);
});

test('increments are what was added since the last reading, from 0 again after a reset', async () => {
  const config = await configured();
  const { Counter, Histogram } = await metrics(config);
  const counter = new Counter({ name: 'c_total', help: 'C.' });
  const histogram = new Histogram({ name: 'd', help: 'D.', buckets: [1] });
  assert.deepEqual(await readOf(config), { c_total: 0, d: 0 });
  counter.inc(3);
  histogram.observe(-2);
  assert.deepEqual(await readOf(config), { c_total: 3, d: -2 });
  assert.deepEqual(await readOf(config), {});
  counter.reset();
  counter.inc(2);
  assert.deepEqual(await readOf(config), { c_total: 2 });
});

test('a label value with a line break is no other series', async () => {
  const config = await configured();
  const { Counter } = await metrics(config);
  const counter = new Counter({ name: 'orders_total', help: 'Orders.', labelNames: ['a', 'b'] });
  counter.inc({ a: 'x\nb\ny', b: 'z' }, 5);
  counter.inc({ a: 'x', b: 'y\nb\nz' }, 7);
  const read = (await readOwnMetrics(config, 'all'))!;
  const totals = new OwnTotals();
  totals.add(read);
  // Nothing was counted since.
  totals.add((await readOwnMetrics(config, 'all'))!);
  const [orders] = totals.with([]);
  assert.deepEqual(
    [...orders!.series.values()].map(({ values }) => values.sum),
    [5, 7],
  );
});

test('a heartbeat runs no function collect; one that fails leaves out its metric, and the log says so once', async () => {
  const warned: unknown[] = [];
  const log = { ...silentLogger(), warn: (...line: unknown[]) => void warned.push(line) };
  const config = await configured(log as never);
  const registry = new Registry();
  let runs = 0;
  const collect = (): never => {
    runs++;
    throw new Error('no database');
  };
  new PlainGauge({ name: 'rows', help: 'Rows.', registers: [registry], collect });
  new PlainCounter({ name: 'e_total', help: 'E.', registers: [registry] }).inc();
  new PlainCounter({ name: 'portico_e_total', help: 'E.', registers: [registry] }).inc();
  assert.equal(await metrics(config, registry), await metrics(config, registry));
  const beat = await readOwnMetrics(config, 'kept');
  const names = beat?.map(({ name }) => name);
  assert.deepEqual(names, ['e_total']);
  assert.equal(runs, 0);
  for (let scrape = 0; scrape < 2; scrape++) assert.deepEqual(await readOf(config), {});
  assert.equal(runs, 2);
  assert.equal(warned.length, 2, JSON.stringify(warned));
});

test('the last reading of a worker has counts that are computed, and no gauge', async () => {
  const warned: unknown[] = [];
  const log = { ...silentLogger(), warn: (...line: unknown[]) => void warned.push(line) };
  const config = await configured(log as never);
  const { Counter, Gauge } = await metrics(config);
  const collect = (): never => {
    throw new Error('Database connection is closed');
  };
  new Gauge({ name: 'rows', help: 'Rows.', collect });
  new Counter({
    name: 'f_total',
    help: 'F.',
    collect() {
      this.inc(2);
    },
  });
  new Counter({ name: 'g_total', help: 'G.' }).inc();
  const last = await readOwnMetrics(config, 'counts');
  assert.deepEqual(
    last?.map(({ name, series }) => [name, series[0]?.sum]),
    [
      ['f_total', 2],
      ['g_total', 1],
    ],
  );
  assert.deepEqual(warned, []);
});

test('a function collect that does not end costs its metric, and no other', async () => {
  const warned: string[] = [];
  const log = { ...silentLogger(), warn: (_fields: unknown, message: string) => void warned.push(message) };
  const config = await configured(log as never);
  const { Gauge } = await metrics(config);
  new Gauge({ name: 'stuck', help: 'Stuck.', collect: () => new Promise(() => undefined) });
  new Gauge({ name: 'well', help: 'Well.' }).set(4);
  const both = await Promise.all([readOf(config), readOf(config)]);
  assert.deepEqual(both, [{ well: 4 }, { well: 4 }]);
  assert.deepEqual(warned, ['the metric stuck is left out: its function collect takes longer than 700 ms']);
});

test('an app that is built for a trial leaves the metrics of the serving one alone', async () => {
  const config = await configured();
  const build = async (value: number): Promise<Registry> => {
    const { Counter, Gauge, registry } = await metrics(config);
    new Counter({ name: 'builds_total', help: 'Builds.' }).inc();
    new Gauge({
      name: 'answer',
      help: 'Answer.',
      collect() {
        this.set(value);
      },
    });
    const own = new Registry();
    new PlainGauge({ name: 'own', help: 'Own.', registers: [own] }).set(value);
    const { Gauge: OwnGauge } = await metrics(config, own);
    new OwnGauge({ name: 'own_too', help: 'Own.' }).set(value);
    return registry;
  };
  const serving = await build(42);
  const tried = await asTrial(() => build(-1));
  assert.notEqual(tried, serving);
  assert.equal(tried.getMetricsAsArray().length, serving.getMetricsAsArray().length);
  assert.deepEqual(await readOf(config), { answer: 42, builds_total: 1, own: 42, own_too: 42 });
  // Classes that a module holds do so too.
  const { Gauge } = await metrics(config);
  asTrial(() => new Gauge({ name: 'answer', help: 'Answer.', collect: () => assert.fail('the trial collects') }));
  asTrial(() => {
    assert.throws(() => new Gauge({ name: 'answer', help: 'Answer.', labelNames: ['kind'] }), {
      code: 'PORTICO_METRIC_DEFINITION',
    });
  });
  assert.equal((await readOf(config)).answer, 42);
});

test('nothing is read while metrics are disabled', async () => {
  const config = await Config.load({ files: [], argv: [], env: {} });
  const { Counter } = await metrics(config);
  new Counter({ name: 'f_total', help: 'F.' }).inc();
  assert.equal(await readOwnMetrics(config, 'all'), undefined);
});

test('a metric that is a counter in one worker and a gauge in another is the former, with a warning', () => {
  const warnings: string[] = [];
  const totals = new OwnTotals((_key, code) => warnings.push(code));
  const metric = { name: 'g', help: 'G.', aggregator: 'sum', bounds: [], series: [{ labels: [], counts: [], sum: 1 }] };
  totals.add([{ ...metric, type: 'counter' }]);
  totals.add([{ ...metric, type: 'summary' }]);
  assert.deepEqual(warnings, ['PORTICO_METRIC_DEFINITION']);
  const types = totals.with([]).map(({ type }) => type);
  assert.deepEqual(types, ['counter']);
  // A gauge is read for a scrape, apart from what is counted.
  const shown = (gauges: readonly OwnMetric[]): string[] => totals.with([gauges]).map(({ type }) => type);
  assert.deepEqual(shown([{ ...metric, type: 'gauge' }]), ['counter']);
  assert.equal(warnings.length, 2);
  assert.deepEqual(shown([{ ...metric, name: 'other', type: 'gauge' }]), ['counter', 'gauge']);
  assert.equal(warnings.length, 2);
  assert.equal(isShippedMetric('g'), false);
});

test('a histogram with other buckets in another worker counts in those of the first, with a warning', () => {
  const warnings: string[] = [];
  const totals = new OwnTotals((_key, code, message) => warnings.push(`${code}: ${message}`));
  const metric = { name: 'h', help: 'H.', aggregator: 'sum', type: 'histogram' as const };
  const series = [{ labels: [], counts: [1, 1, 0], sum: 3 }];
  totals.add([{ ...metric, bounds: [1, 10], series }]);
  totals.add([{ ...metric, bounds: [1, 10], series }]);
  assert.deepEqual(warnings, []);
  totals.add([{ ...metric, bounds: [1, 5], series }]);
  assert.deepEqual(warnings, [
    'PORTICO_METRIC_DEFINITION: the metric h has the buckets 1, 10 in one process and 1, 5 in another: all count in the former',
  ]);
  const [total] = totals.with([]);
  assert.deepEqual(
    [...total!.series.values()].map(({ values }) => values.counts),
    [[3, 3, 0]],
  );
});
