/** The script of the status page in a browser, with documents that no fleet would have at one time. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { ControlAnswer, ControlServer } from '../../dist/operating/control/control-server.js';
import { statusPage } from '../../dist/operating/page/frame.js';
import { captureLog } from '../../dist/testing/index.js';
import { untilFileEnds } from '../e2e/program.js';
import { browserOf, withoutBrowser as skip } from '../fixtures/browser.js';
import { closedAfter } from '../fixtures/closed-after.js';

const browser = browserOf(untilFileEnds());

const HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>\'{}\\"';
const now = (): string => new Date().toISOString();

interface Given {
  /** The text in each place of a document that an application, a client or a file may set. */
  readonly text?: string;
  readonly metrics?: () => string;
}

/** Documents in which each text that Portico does not write itself is the given one. */
function documents({ text = 'shop', metrics }: Given): Record<string, () => unknown> {
  const counts = { rate: 2, failed: 0.5, p95: 0.25 };
  const worker = { id: 0, pid: 7, state: 'ready', uptimeMs: 65_000, silentMs: 12_000, stuck: true, otherCode: [text] };
  const end = { at: now(), worker: 1, pid: 8, reason: 'error', code: 1, signal: null, error: text, lost: 1 };
  const service = {
    name: text,
    addresses: [{ host: '::1', port: 8774 }],
    wanted: 2,
    configured: 2,
    ready: 1,
    restarts: 3,
    state: 'ready',
    reasons: [text],
    lastFailure: end,
    errors: [{ route: text, error: text, place: text, count: 2, at: now(), requestId: text }],
    recent: { ...counts, refused: { [text]: 3 }, routes: [{ route: text, ...counts }] },
    certificateEnds: '2020-01-01T00:00:00.000Z',
    workers: [{ ...worker, node: text, stack: [text], rss: 2 ** 20 }],
  };
  const change = { option: text, old: text, new: text, where: text, effect: text };
  const reload = {
    outcome: 'refused',
    at: now(),
    durationMs: 5,
    error: text,
    changes: [change],
    replaced: { [text]: 1 },
  };
  const branch = { at: text, app: { name: text, pipeline: text, filters: [text], inner: { name: 'app' } } };
  const registered = { binary: text, host: text, status: 'disabled', disabled_reason: text, state: 'down' };
  const override = { setting: 'log level', service: text, value: text, configured: text, since: now() };
  const place = { kind: 'user', detail: text };
  return {
    status: () => ({
      process: { name: text, version: text, pid: 6, node: 'v1', uptimeMs: 5000, generation: 1, logLinesLost: 2 },
      services: [service],
      reloads: [{ ...reload, added: [text], removed: [text] }],
      reloading: { at: now(), dryRun: true, doing: text },
      overrides: [override],
    }),
    requests: () => ({
      requests: [
        { ageMs: 1500, method: text, path: text, route: text, filter: text, peer: text, service: text, worker: 0 },
      ],
    }),
    config: () => ({
      options: [
        { group: 'metrics', opt: 'enabled', value: String(metrics !== undefined), location: place },
        { group: 'admin', opt: 'docs', value: String(metrics !== undefined), location: place },
        { group: text, opt: text, value: text, location: place },
      ],
    }),
    pipelines: () => ({
      services: [{ name: text, app: { name: text, branches: [{ at: '/', app: { name: 'app' } }, branch] } }],
    }),
    services: () => ({
      services: [{ ...registered, lifecycle: text, forced_down: true, workers: [], last_seen_up: null }],
    }),
    metrics: () => new ControlAnswer(200, metrics?.()),
  };
}

/** Prometheus' text of these numbers of requests: good ones of 50 ms, and failed ones. */
function requests(good: number, failed: number, label = 'shop'): string {
  const api = label.replaceAll(/["\\]/g, '\\$&');
  const route = `api="${api}",method="GET",route="${api}"`;
  const labels = (status: number): string => `${route},status="${status}"`;
  const pipeline = `api="${api}",pipeline="${api}"`;
  return [
    '# TYPE portico_http_requests_total counter',
    `portico_http_requests_total{${labels(200)}} ${good}`,
    `portico_http_requests_total{${labels(503)}} ${failed}`,
    ...['0.1', '0.2', '+Inf'].map((le) => `portico_http_request_duration_seconds_bucket{le="${le}",${route}} ${good}`),
    `portico_filter_duration_seconds_count{${pipeline},filter="${api}",direction="in"} 2`,
    `portico_filter_duration_seconds_sum{${pipeline},filter="${api}",direction="in"} 0.00002`,
    `portico_filter_errors_total{${pipeline},filter="${api}"} 1`,
    `portico_application_duration_seconds_count{${pipeline}} 2`,
    `portico_application_duration_seconds_sum{${pipeline}} 0.02`,
    '',
  ].join('\n');
}

async function browse(t: TestContext, given: Given, options: BrowserContextOptions = {}) {
  const routes = Object.entries(documents(given)).map(([name, handler]) => [`GET /${name}`, handler]);
  const server = new ControlServer({ 'GET /': statusPage, ...Object.fromEntries(routes) }, captureLog().log);
  const port = await server.listenOn({ host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  const context = closedAfter(t, await (await browser()).newContext(options));
  const page = await context.newPage();
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('dialog', (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.clock.setFixedTime(Date.now());
  await page.goto(`http://127.0.0.1:${port}/`);
  // The last part of each of the two updates.
  await page.locator('#services table').waitFor();
  await page.locator('#requests table').waitFor();
  return { page, said };
}

/** Lets time pass for the page, which then asks for everything and draws its charts. */
async function pass(page: Page, ms: number): Promise<void> {
  await page.clock.setFixedTime((await page.evaluate<number>('Date.now()')) + ms);
  await page.locator('#live').click();
  await Promise.all([page.waitForResponse('**/services'), page.locator('#live').click()]);
  await page.evaluate("dispatchEvent(new Event('resize'))");
}

test('OP-55 a hostile text is a text in each place of the page, and the console stays empty', { skip }, async (t) => {
  let count = 0;
  const metrics = (): string => {
    count += 10;
    return requests(count, 0, HOSTILE);
  };
  const { page, said } = await browse(t, { text: HOSTILE, metrics });
  await pass(page, 6000);
  await page.locator('svg.chart').first().waitFor();
  assert.equal(await page.locator('script').count(), 1);
  assert.equal(await page.locator('img:not(svg), iframe, object, base, form').count(), 0);
  assert.equal(await page.locator('h1').textContent(), HOSTILE);
  const where = [
    '#summary',
    '#process',
    '#apis',
    '#errors',
    '#routes',
    '#workers',
    '#requests',
    '#pipelines',
    '#services',
    '#reload',
  ];
  for (const part of [...where, '#configuration']) {
    assert.ok((await page.locator(part).textContent())!.includes(HOSTILE), part);
  }
  // The names in the counters are those of the pipeline.
  await page.getByText('2 req, 1 err', { exact: true }).waitFor();
  assert.deepEqual(said, []);
});

test('DO-2 the headline tells first what is wrong now, each in a line', { skip }, async (t) => {
  const { page } = await browse(t, {});
  const lines = await page.locator('#summary p').allTextContents();
  assert.deepEqual(
    lines.map((line) => line.replace(/\d+s ago/, 'some seconds ago')),
    [
      'worker 0 of shop is stuck',
      'shop: 50 % of its requests fail',
      'shop has refused 3 requests in the last minute: shop 3',
      'a worker of shop exited with status 1 some seconds ago',
      'the last reload was refused',
      'shop runs mixed code',
      'shop runs another Node than its parent',
      '2 lines of the log could not be written',
    ],
  );
  assert.match(await page.title(), /^shop: worker 0 of shop is stuck, /);
  await page
    .getByText(/^shop: last failure: worker 1 \(pid 8\) exited with status 1 \d+s ago, with 1 request: shop$/)
    .waitFor();
  await page.getByText('[::1]:8774').waitFor();
  await page
    .getByText(/log level shop, set/)
    .first()
    .waitFor();
  await page.getByText('A dry run has been running since').waitFor();
  await page.getByText('Requests are not counted: set enabled = true in [metrics].').waitFor();
});

test('DO-2 charts have an axis of time and a legend; two minutes take the whole width, ten are kept', {
  skip,
}, async (t) => {
  let count = 0;
  const metrics = (): string => {
    count += 60;
    return requests(count, count / 6);
  };
  const { page, said } = await browse(t, { metrics });
  const labels = () => page.locator('svg.chart').first().locator('.time').allTextContents();
  await page.locator('svg.chart').first().waitFor();
  assert.deepEqual(await labels(), ['60 s ago', '30 s ago', 'now']);
  await pass(page, 60_000);
  await pass(page, 60_000);
  await page.getByText('2 min ago').first().waitFor();
  const [axis, line] = await page.evaluate<[number, number]>(
    "['axis', 'line'].map((name) => document.querySelector('svg.chart .' + name).getBBox().width)",
  );
  assert.ok(line > 0.9 * axis, `${line} of ${axis}`);
  assert.match(
    (await page.locator('figcaption').allTextContents()).join(),
    /^Requests a secondall [\d.]+5xx [\d.]+,Durationmedian 50 ms95 % 95 ms$/,
  );
  assert.equal(await page.locator('figcaption svg path').count(), 4);
  await page
    .getByRole('img', { name: /^Duration over the last [\d.]+ min: now median 50 ms, 95 % 95 ms; at most 95 ms$/ })
    .waitFor();
  for (let minute = 0; minute < 9; minute++) await pass(page, 60_000);
  await page.getByText('10 min ago').first().waitFor();
  assert.deepEqual(await labels(), ['10 min ago', '5 min ago', 'now']);
  assert.deepEqual(said, []);
});

test('SG-58 OP-71 the page shows the services of the registry, and leads to the descriptions of APIs', {
  skip,
}, async (t) => {
  const { page } = await browse(t, { metrics: () => requests(1, 0) });
  const cells = await page.locator('#services tbody tr').locator('th, td').allTextContents();
  assert.deepEqual(cells, ['shop', 'shop', 'disabled: shop', 'down (forced)', 'shop', '0 of 0', 'never']);
  assert.equal(await page.locator('#services .bad').textContent(), 'down (forced)');
  await page.getByRole('link', { name: 'API descriptions' }).waitFor();
  const { page: other } = await browse(t, {});
  assert.equal(await other.locator('#docs').isVisible(), false);
});

test('DO-2 counters that begin anew leave no negative rate', { skip }, async (t) => {
  const counts = [100, 200, 50, 60];
  const { page } = await browse(t, { metrics: () => requests(counts.shift() ?? 60, 0) });
  for (let time = 0; time < 3; time++) await pass(page, 60_000);
  await page.getByRole('img', { name: /at most 1\.\d+$/ }).waitFor();
  const ways = await page.locator('svg.chart').first().locator('path.line').first().getAttribute('d');
  assert.equal(ways!.match(/M/g)?.length, 2);
});

test('OP-55 the picture of an API has a line for each branch, and on each filter its own time and errors', {
  skip,
}, async (t) => {
  const at = 'https://images.example.org:8774/v2.1/{project}';
  const { page } = await browse(t, { text: at, metrics: () => requests(1, 0, at) });
  await page
    .getByRole('img', {
      name: `Pipeline ${at}: ${at} (at / to app, at ${at} to ${at} in 10 µs 2 req, 1 err; app)`,
      exact: true,
    })
    .waitFor();
  assert.deepEqual(await page.locator('#pipelines text').allTextContents(), [
    at,
    '/',
    'app',
    at,
    at,
    'in 10 µs',
    '2 req, 1 err',
    'app',
    'takes 10.0 ms',
    '2 req',
  ]);
  assert.equal(await page.locator('#pipelines rect.errors').count(), 1);
  const fits = await page.evaluate(
    "[...document.querySelectorAll('#pipelines g')].every((g) => g.querySelector('text').getBBox().width < g.querySelector('rect').getBBox().width)",
  );
  assert.equal(fits, true, 'a long name is whole, and in its box');
});

test('OP-55 a phone shows the page without overflow, and dark if its user wants that', { skip }, async (t) => {
  const metrics = (): string => requests(1, 0);
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await browse(
      t,
      { text: 'a-long-name-'.repeat(8), metrics },
      { viewport: { width: 390, height: 844 }, isMobile: true, colorScheme },
    );
    await page.locator('svg.chart').first().waitFor();
    assert.deepEqual(await page.evaluate('[document.documentElement.scrollWidth, innerWidth]'), [390, 390]);
    const paper = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    assert.equal(paper, colorScheme === 'dark' ? 'rgb(21, 23, 26)' : 'rgb(255, 255, 255)');
    // A table that the reader has scrolled stays there.
    await page.evaluate("document.querySelector('#requests .scroll').scrollLeft = 40");
    await pass(page, 6000);
    assert.equal(await page.evaluate("document.querySelector('#requests .scroll').scrollLeft"), 40);
  }
});
