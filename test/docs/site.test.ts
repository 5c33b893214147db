/** The site of `npm run docs`, built from the pages as they are: in a browser, and its search, for what authors and operators ask. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { untilFileEnds } from '../e2e/program.js';
import { browserOf, withoutBrowser as skip } from '../fixtures/browser.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { root } from '../fixtures/project.js';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};
const run = promisify(execFile);
const site = temporaryFolder('portico-site-');
/** A subdirectory, because a site need not be at the root of its server. */
const BASE = '/portico/';
const server = createServer((req, res) => {
  const path = join(site, new URL(req.url!, 'http://localhost').pathname.replace(BASE, '/'));
  const there = req.url!.startsWith(BASE) && existsSync(path);
  // Browsers ask for an icon where a page names none.
  const status = there ? 200 : req.url === '/favicon.ico' ? 204 : 404;
  const type = TYPES[extname(path)] ?? 'application/octet-stream';
  // The browser compiles scripts once that it may keep.
  res.writeHead(status, { 'content-type': type, 'cache-control': 'max-age=3600' });
  res.end(there ? readFileSync(path) : '');
});
const browser = browserOf(untilFileEnds());
let origin: string;
let paths: readonly string[];

before(() => run(process.execPath, ['site/build.mjs', site], { cwd: root }));
if (skip === false) {
  before(async () => {
    const typedoc = join(root, 'node_modules/typedoc/bin/typedoc');
    // The build has checked the types.
    const words = ['--logLevel', 'Warn', '--skipErrorChecking', '--out', join(site, 'api')];
    await run(process.execPath, [typedoc, ...words], { cwd: root });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    paths = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.html'));
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
}
interface Seen {
  readonly headings: number;
  readonly width: number;
  readonly ids: readonly string[];
  readonly links: readonly string[];
  readonly diagrams: number;
}
/** Shows the body of another page in the open one, which has the same scripts and styles: each page that is opened costs a fifth of a second. */
const LOOK = `async (url) => {
  const parsed = new DOMParser().parseFromString(await (await fetch(url)).text(), 'text/html');
  const base = document.querySelector('base') ?? document.head.appendChild(document.createElement('base'));
  base.href = url;
  document.body.replaceWith(document.adoptNode(parsed.body));
  await Promise.all([...document.images].map((image) => image.decode()));
  return {
    headings: document.querySelectorAll('h1').length,
    width: document.documentElement.scrollWidth,
    ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
    links: [...document.querySelectorAll('a[href]')].map(({ href }) => href),
    diagrams: document.querySelectorAll('.language-mermaid').length,
  };
}`;

/** Words of a reader, and the address of a section that says it. */
const AUTHORS = {
  'how do I validate a body': 'docs/how-to/validation.html#validate-requests',
  'return 404': 'docs/how-to/errors.html',
  'stream response': 'docs/how-to/streaming.html',
  'upload file': 'docs/how-to/files.html',
  'own error format': 'docs/how-to/errors.html',
  'own logger': 'docs/how-to/logging.html#your-own-logger',
  authentication: 'docs/how-to/authentication.html',
  cors: 'docs/reference/filters/browsers.html#cors',
  'route timeout': 'docs/reference/filters/limits.html#deadline',
  'test a route': 'docs/how-to/testing.html',
  'middleware order': 'docs/reference/filters.html#order',
  'types of params': 'docs/reference/routing.html#types-of-params-query-and-body',
  websockets: 'docs/how-to/websockets.html',
  'database pool per worker': 'docs/how-to/databases.html',
  'background job': 'docs/how-to/jobs.html',
  openapi: 'docs/how-to/openapi.html',
  'api versioning': 'docs/reference/routing.html#api-versions',
  'rate limit': 'docs/reference/filters/limits.html#rate_limit',
  'graceful shutdown hook': 'docs/how-to/shutdown-hooks.html',
  'own config option': 'docs/reference/config.html',
};
const OPERATORS = {
  'reload without losing requests': 'docs/operate/reload.html#reload',
  'which config applies': 'docs/operations.html#which-configuration-applies',
  'why is it down at 3 a.m.': 'docs/operations.html',
  'log level at runtime': 'docs/reference/commands.html#log-level',
  metrics: 'docs/how-to/metrics.html',
  'tls renewal': 'docs/production.html#tls',
  'number of workers': 'docs/reference/options.html#apiname-workers',
  'memory limit': 'docs/reference/options.html#default-max_memory',
  'systemd unit': 'docs/operate/systemd.html#the-systemd-unit',
  kubernetes: 'docs/how-to/kubernetes.html',
  'stuck worker': 'docs/operate/signals.html#workers-that-end',
  'unknown option': 'docs/reference/errors.html#portico_config_unknown_option',
  'dry run': 'docs/operations.html#dry-run-of-a-reload',
  'drain load balancer': 'docs/reference/options.html#default-drain_delay',
  'who holds the port': 'docs/operations.html#an-address-is-already-in-use',
};

/** Words of readers, and part of the address that search finds first for them. */
const FINDS = {
  kubernetes: 'docs/how-to/kubernetes.html',
  k8s: 'docs/how-to/kubernetes.html',
  Router: 'docs/reference/routing.html',
  middleware: 'docs/reference/filters.html',
  'how do I set a cookie': 'docs/how-to/sessions.html',
  'database pool close shutdown': 'docs/how-to/databases.html',
  'cron job': 'docs/how-to/jobs.html',
  'limits of size': 'docs/reference/limits.html',
  'concurrency limit': 'docs/reference/server.html',
  'p99 latency': 'docs/how-to/metrics.html',
  throughput: 'docs/stability.html',
};

/** Opens a tab that fails the test at its end if a page wrote an error, or asked another server. */
async function tab(width: number, colorScheme: 'light' | 'dark' = 'light'): Promise<{ page: Page; wrong: string[] }> {
  const page = await (await (await browser()).newContext({ viewport: { width, height: 844 }, colorScheme })).newPage();
  const wrong: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') wrong.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', ({ message }) => wrong.push(`${page.url()}: ${message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith('data:') && !request.url().startsWith(origin + BASE)) wrong.push(request.url());
  });
  return { page, wrong };
}

test('DO-6 every page of the site has a heading, fits a phone, and its links lead somewhere', { skip }, async () => {
  const { page, wrong } = await tab(390);
  const anchors = new Map<string, Set<string>>();
  const links = new Map<string, readonly string[]>();
  const shown = paths.filter((path) => !/^api\/(?!index\.html|modules\/)/.test(path));
  const isReference = (path: string): boolean => path.startsWith('api/');
  const templates = [shown.filter((path) => !isReference(path)), shown.filter(isReference)];
  for (const [at, path] of templates.flatMap((all) => [...all.entries()])) {
    const url = `${origin}${BASE}${path}`;
    if (at === 0) await page.goto(url);
    const seen = await page.evaluate<Seen>(`(${LOOK})(${JSON.stringify(url)})`);
    anchors.set(path, new Set(seen.ids));
    links.set(path, seen.links);
    if (seen.headings !== 1) wrong.push(`${path}: ${seen.headings} headings`);
    if (seen.width > 390) wrong.push(`${path}: ${seen.width} px wide`);
    if (seen.diagrams > 0) wrong.push(`${path}: a diagram is text`);
  }
  assert.ok(anchors.size > 80, String(anchors.size));
  for (const [from, targets] of links) {
    for (const target of new Set(targets)) {
      const { href, pathname, hash } = new URL(target);
      if (!href.startsWith(origin)) continue;
      const path = pathname.slice(BASE.length);
      const ids = anchors.get(path);
      if (!existsSync(join(site, path))) wrong.push(`${from}: ${target}`);
      else if (ids !== undefined && hash !== '' && !ids.has(decodeURIComponent(hash.slice(1))))
        wrong.push(`${from}: ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('DO-6 the start page leads through the index to each page, and search finds an option first', {
  skip,
}, async () => {
  const { page, wrong } = await tab(1280, 'dark');
  await page.goto(`${origin}${BASE}index.html`);
  await page.keyboard.press('/');
  await page.keyboard.type('graceful_shutdown_timeout');
  const first = page.getByRole('option').first();
  await first.waitFor();
  assert.match((await first.textContent())!, /^graceful_shutdown_timeout Options/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/docs\/reference\/options\.html#/);
  const row = page.locator('tr:target');
  assert.match((await row.textContent())!, /graceful_shutdown_timeout/);
  await page.getByRole('link', { name: 'portico/app', exact: true }).first().waitFor({ state: 'attached' });
  for (const [query, address] of Object.entries(FINDS)) {
    await page.getByRole('combobox').fill(query);
    await page.getByRole('option').first().waitFor();
    const found = await page.evaluate<string>("document.querySelector('#found a').href");
    if (!found.includes(address)) wrong.push(`${query}: ${found}`);
  }
  assert.deepEqual(wrong, []);
});

test('DO-6 the first code of the start page is whole at 1280 px, and its picture can be read on a phone', {
  skip,
}, async () => {
  const { page, wrong } = await tab(1280);
  await page.goto(`${origin}${BASE}index.html`);
  const hidden = await page.evaluate<number>(
    "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('pre'))",
  );
  assert.equal(hidden, 0);
  await page.setViewportSize({ width: 390, height: 844 });
  assert.ok((await page.locator('main img').first().boundingBox())!.width >= 600);
  assert.deepEqual(wrong, []);
});

test('DO-6 diagrams are pictures, light and dark follow the system and the button, and a phone has a menu', {
  skip,
}, async () => {
  const papers = new Set<string>();
  for (const scheme of ['light', 'dark'] as const) {
    const { page, wrong } = await tab(390, scheme);
    await page.goto(`${origin}${BASE}docs/architecture.html`);
    assert.ok((await page.locator('.diagram svg[role=img]').count()) > 0);
    const paper = (): Promise<string> => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    papers.add(await paper());
    const before = await paper();
    await page.getByRole('button', { name: 'Light or dark' }).click();
    assert.notEqual(await paper(), before);
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('link', { name: 'Documentation', exact: true }).click();
    await page.waitForURL(/docs\/index\.html$/);
    assert.notEqual(await paper(), before, 'the choice is kept');
    assert.deepEqual(wrong, []);
  }
  assert.equal(papers.size, 2);
});

test('DO-6 the reference has each entry point by its name, with Router in portico/routing', { skip }, async () => {
  const { page, wrong } = await tab(1280);
  await page.goto(`${origin}${BASE}docs/reference/routing.html`);
  await page.getByRole('link', { name: 'All classes and functions of portico/routing' }).click();
  await page.getByRole('heading', { level: 1, name: 'portico/routing' }).waitFor();
  await page.locator('main, .col-content').getByRole('link', { name: 'Router', exact: true }).first().click();
  await page.waitForURL(/classes\/portico_routing\.Router\.html$/);
  await page.getByRole('link', { name: 'Guides and reference' }).click();
  await page.waitForURL(`${origin}${BASE}index.html`);
  assert.deepEqual(wrong, []);
});

test('the search finds a section for 35 questions among its first three', async () => {
  const { default: MiniSearch } = await import('minisearch');
  const { find, options } = await import(pathToFileURL(join(root, 'site/search-options.mjs')).href);
  const index = MiniSearch.loadJSON(readFileSync(join(site, '_site/index.json'), 'utf8'), options);
  const missed = Object.entries({ ...AUTHORS, ...OPERATORS }).flatMap(([query, address]) => {
    const urls: readonly string[] = find(index, query).map(({ url }: { url: string }) => url);
    return urls.slice(0, 3).some((url) => url.startsWith(address)) ? [] : [`${query}: ${urls.slice(0, 3).join(', ')}`];
  });
  assert.deepEqual(missed, []);
});
