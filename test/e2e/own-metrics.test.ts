/** The metrics of an application on /metrics: sums over workers, also over those that have ended. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseExposition, sumOf } from '../fixtures/exposition.js';
import { until } from '../fixtures/until.js';
import { ask } from './clients.js';
import { emptyProject, freePort, root, startProject } from './program.js';

const app = `
import client from 'prom-client';
import { metrics } from 'portico/metrics';
import { Router } from 'portico/routing';

const old = new client.Registry();
old.setDefaultLabels({ team: 'blue' });
client.collectDefaultMetrics({ register: old });
const logins = new client.Counter({ name: 'logins_total', help: 'Logins.', registers: [old] });

export const app = async (_globalConf, _localConf, { config }) => {
  await metrics(config, old);
  const { Counter, Gauge, Histogram, Summary } = await metrics(config);
  const orders = new Counter({ name: 'orders_total', help: 'Orders.', labelNames: ['kind', 'size'] });
  const open = new Gauge({ name: 'orders_open', help: 'Open orders.' });
  const age = new Gauge({ name: 'oldest_order_seconds', help: 'Age.', aggregator: 'max', async collect() { this.set(process.pid); } });
  const time = new Histogram({ name: 'order_seconds', help: 'Time of an order.', labelNames: ['kind'], buckets: [0.1, 1] });
  const size = new Summary({ name: 'order_bytes', help: 'Size of an order.' });
  const router = new Router();
  router.post('/orders/{kind}', ({ params: { kind } }) => {
    orders.inc({ kind, size: 'xl' });
    open.inc();
    logins.inc(2);
    time.observe({ kind }, 0.5);
    size.observe(100);
    return { pid: process.pid };
  });
  router.post('/orders-of-other-order/{kind}', ({ params: { kind } }) => (orders.inc({ size: 'xl', kind }), { pid: process.pid }));
  router.post('/many', () => {
    for (let id = 0; id < 30000; id++) orders.inc({ kind: String(id), size: 's' });
    return {};
  });
  return router.build();
};
`;

interface More {
  readonly global?: string;
  /** Whether metrics are enabled at first. */
  readonly enabled?: boolean;
  readonly app?: string;
}

async function served(t: TestContext, workers: number, more: More = {}) {
  const port = await freePort();
  const project = emptyProject({
    'app.js': more.app ?? app,
    'api-paste.ini': '[app:shop]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `[DEFAULT]\nenabled_apis = shop\n${more.global ?? ''}\n[metrics]\nenabled = ${more.enabled ?? true}\n[admin]\nlisten = 127.0.0.1:0\ndocs = true\n[api:shop]\nport = ${port}\nworkers = ${workers}\n`,
  });
  symlinkSync(join(root, 'node_modules/prom-client'), join(project.folder, 'node_modules/prom-client'));
  const program = startProject(t, project);
  const admin = await program.adminPort();
  const scrapedText = async (): Promise<string> => (await ask(`http://127.0.0.1:${admin}/metrics`)).text;
  return {
    program,
    folder: project.folder,
    admin,
    /** Sends SIGHUP; settles when the reload has ended. */
    reload: async (): Promise<void> => {
      const from = program.output().length;
      program.kill('SIGHUP');
      await program.printed(/"event":"reload","/, from);
    },
    /** Sends requests, one after another, until each of so many workers has served some. Returns how many each has served. */
    order: async (kind: string, path = 'orders'): Promise<Map<number, number>> => {
      const byPid = new Map<number, number>();
      do {
        const { text } = await ask(`http://127.0.0.1:${port}/${path}/${kind}`, { method: 'POST' });
        const { pid } = JSON.parse(text) as { pid: number };
        byPid.set(pid, (byPid.get(pid) ?? 0) + 1);
      } while (byPid.size < Math.max(1, workers));
      return byPid;
    },
    post: (path: string) => ask(`http://127.0.0.1:${port}${path}`, { method: 'POST' }),
    scrapedText,
    scraped: async () =>
      parseExposition(
        (await scrapedText())
          .replaceAll(' summary\n', ' histogram\n')
          .replace(/^order_bytes_count (\d+)$/m, 'order_bytes_bucket{le="+Inf"} $1\n$&'),
      ),
  };
}

const countOf = (byPid: Map<number, number>): number => [...byPid.values()].reduce((sum, count) => sum + count, 0);

test('the metrics of two workers are one: counters and histograms are sums, gauges are as their aggregator says', async (t) => {
  const { order, scraped, scrapedText } = await served(t, 2);
  const byPid = await order('book');
  const others = await order('book', 'orders-of-other-order');
  const count = countOf(byPid);
  const found = await scraped();
  assert.equal(sumOf(found, 'orders_total', { kind: 'book', size: 'xl' }), count + countOf(others));
  assert.equal(found.get('orders_total')!.samples.length, 1);
  assert.equal(sumOf(found, 'orders_open'), count);
  assert.equal(sumOf(found, 'oldest_order_seconds'), Math.max(...byPid.keys()));
  assert.equal(sumOf(found, 'order_seconds_bucket', { kind: 'book', le: '0.1' }), 0);
  assert.equal(sumOf(found, 'order_seconds_bucket', { kind: 'book', le: '1' }), count);
  assert.equal(sumOf(found, 'order_seconds_sum'), count / 2);
  assert.equal(sumOf(found, 'order_bytes_sum'), count * 100);
  assert.equal(sumOf(found, 'order_bytes_count'), count);
  // Those of a registry that the application had, with its default labels, but for names that Portico has.
  assert.equal(sumOf(found, 'logins_total', { team: 'blue' }), count * 2);
  assert.ok(sumOf(found, 'nodejs_heap_size_used_bytes', { team: 'blue' }) > 0);
  assert.equal(found.get('process_resident_memory_bytes')!.samples.length, 1);
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: await scrapedText(), encoding: 'utf8' });
  if (checked.error === undefined) {
    const about = checked.stderr.split('\n').filter((line) => !/^(nodejs|process)_/.test(line));
    assert.deepEqual([checked.stdout, about], ['', ['']]);
  }
});

test('what a killed worker has counted stays, without a scrape too, its gauges go, and a reload loses none of the counts', async (t) => {
  const { program, order, reload, scraped } = await served(t, 2);
  const before = await order('book');
  const counted = countOf(before);
  // The next heartbeat.
  await new Promise((settle) => setTimeout(settle, 1500));
  const [[pid, gone]] = before as unknown as [[number, number]];
  const from = program.output().length;
  process.kill(pid, 'SIGKILL');
  await program.printed(/SIGKILL/, from);
  const more = countOf(await order('book'));
  const found = await until(scraped, (each) => sumOf(each, 'orders_open') === counted - gone + more);
  assert.equal(sumOf(found, 'orders_total'), counted + more);
  assert.equal(sumOf(found, 'order_seconds_count'), counted + more);

  await reload();
  const after = countOf(await order('book'));
  await until(scraped, (each) => sumOf(each, 'orders_total') === counted + more + after);
  assert.equal(program.output().includes('PORTICO_METRIC_DEFINITION'), false);
});

test('metrics that a reload enables have those of the application', async (t) => {
  const { folder, reload, order, scraped } = await served(t, 1, { enabled: false });
  const file = join(folder, 'portico.ini');
  writeFileSync(file, readFileSync(file, 'utf8').replace('enabled = false', 'enabled = true'));
  await reload();
  const count = countOf(await order('book'));
  const found = await scraped();
  assert.equal(sumOf(found, 'orders_open'), count);
  assert.equal(sumOf(found, 'orders_total'), count);
});

const slowApp = `
import { metrics } from 'portico/metrics';
import { Router } from 'portico/routing';

export const app = async (_globalConf, _localConf, { config }) => {
  const { Counter, Gauge } = await metrics(config);
  const orders = new Counter({ name: 'orders_total', help: 'Orders.' });
  new Gauge({ name: 'slow', help: 'Slow.', collect: () => (console.log('collect begins'), new Promise(() => undefined)) });
  const router = new Router();
  router.post('/orders/{kind}', () => (orders.inc(), { pid: process.pid }));
  return router.build();
};
`;

test('a worker that ends during a scrape with a slow function collect loses no counts', async (t) => {
  const { program, order, scraped } = await served(t, 1, { app: slowApp });
  const slow = scraped();
  await program.printed(/collect begins/);
  const pids = [...(await order('book')).keys()];
  process.kill(pids[0]!, 'SIGTERM');
  await slow;
  const after = await order('book');
  assert.notDeepEqual([...after.keys()], pids);
  const found = await until(scraped, (each) => sumOf(each, 'portico_http_requests_total') >= 2);
  assert.equal(sumOf(found, 'orders_total'), 2);
});

const registriesApp = `
import client from 'prom-client';
import { metrics } from 'portico/metrics';
import { Router } from 'portico/routing';

const always = new client.Registry();
new client.Gauge({ name: 'always', help: 'Always.', registers: [always] }).set(5);
let shown;

export const app = async (_globalConf, localConf, { config }) => {
  const own = new client.Registry();
  const size = new client.Gauge({ name: 'size', help: 'Size.', registers: [own] });
  const orders = new client.Counter({ name: 'orders_total', help: 'Orders.', registers: [own] });
  size.set(7);
  await metrics(config, own);
  if (localConf.get('fails')) throw new Error('fails');
  await (shown ??= metrics(config, always));
  const router = new Router();
  router.post('/orders/{kind}', () => (orders.inc(), { pid: process.pid }));
  return router.build();
};
`;

test('a registry that the app makes for itself goes with it in a reload without workers, or with a refused reload', async (t) => {
  const { program, folder, reload, order, scraped } = await served(t, 1, {
    global: 'workers = 0\n',
    app: registriesApp,
  });
  const look = async () => {
    const found = await scraped();
    return ['size', 'always', 'orders_total'].map((name) => sumOf(found, name));
  };
  await order('book');
  assert.deepEqual(await look(), [7, 5, 1]);
  await order('book');
  for (let reloads = 0; reloads < 2; reloads++) await reload();
  await order('book');
  assert.deepEqual(await look(), [7, 5, 3]);
  for (const [name, line] of [
    ['portico.ini', 'no_such_option = 1'],
    ['api-paste.ini', 'fails = 1'],
  ] as const) {
    const file = join(folder, name);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, `${text}${line}\n`);
    await reload();
    assert.match(program.output(), /"outcome":"refused"/);
    assert.deepEqual(await look(), [7, 5, 3], line);
    writeFileSync(file, text);
    await reload();
    assert.deepEqual(await look(), [7, 5, 3]);
  }
});

test('further series than the limit are counted together, and the log says so once', async (t) => {
  const { program, post, scraped } = await served(t, 1);
  await post('/many');
  const found = await until(scraped, (each) => sumOf(each, 'orders_total') === 30_000);
  assert.ok(found.get('orders_total')!.samples.length <= 20_001);
  assert.ok(sumOf(found, 'orders_total', { kind: 'other', size: 'other' }) >= 10_000);
  await post('/many');
  await until(scraped, (each) => sumOf(each, 'orders_total') === 60_000);
  assert.equal(program.output().split('PORTICO_METRICS_SERIES').length, 2);
});

const closedApp = `
import { metrics } from 'portico/metrics';
import { Router } from 'portico/routing';

export const app = async (_globalConf, _localConf, { config, onClose }) => {
  const { Counter, Gauge } = await metrics(config);
  let isClosed = false;
  onClose(() => (isClosed = true));
  const orders = new Counter({ name: 'orders_total', help: 'Orders.' });
  new Gauge({
    name: 'rows',
    help: 'Rows.',
    collect() {
      if (isClosed) throw new Error('Database connection is closed');
      this.set(3);
    },
  });
  const router = new Router();
  router.post('/orders/{kind}', () => (orders.inc(), { pid: process.pid }));
  return router.build();
};
`;

test('a gauge that reads what the application closes at its end is no warning at a reload or a stop', async (t) => {
  const { program, order, reload, scraped } = await served(t, 1, { app: closedApp });
  const count = countOf(await order('book'));
  await reload();
  const found = await until(scraped, (each) => sumOf(each, 'orders_total') === count);
  assert.equal(sumOf(found, 'rows'), 3);
  program.kill('SIGTERM');
  await program.ended;
  assert.doesNotMatch(program.output(), /is left out/);
});
