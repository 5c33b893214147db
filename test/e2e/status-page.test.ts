/** The status page of the admin listener: as HTML, and in a browser where one is installed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { emptyProject, freePort, type Program, startProject } from './program.js';

const app = `
export const app = () => (req, res) => {
  if (req.url === '/spin') return endlessly();
  if (req.url.startsWith('/wait')) return void res.writeHead(200).write('begun');
  res.end('x');
};
export const refusing = () => (app) => async (req, res) => {
  if (req.url === '/refused') throw new Error('refused by a filter');
  await app(req, res);
};
function endlessly() {
  for (;;) Math.random();
}
`;

const paste = `
[pipeline:hello]
pipeline = request_id refusing hello_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:refusing]
paste.filter_factory = ./app.js:refusing

[app:hello_app]
paste.app_factory = ./app.js:app
`;

interface Served {
  readonly port: number;
  readonly admin: number;
  readonly program: Program;
  readonly folder: string;
}

async function served(t: TestContext, metrics = 'enabled = true\nfilters = true'): Promise<Served> {
  const port = await freePort();
  const project = emptyProject({
    'app.js': app,
    'api-paste.ini': paste,
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[admin]\nlisten = 127.0.0.1:0\n[metrics]\n${metrics}\n[database]\nconnection = postgresql://portico:s3cret@127.0.0.1/portico\n[api:hello]\nport = ${port}\nworkers = 2\n`,
  });
  const program = startProject(t, project, ['--set', 'servicegroup.driver=memory']);
  const [, admin] = await program.printed(/"event":"admin","url":"http:\/\/[^"]+:(\d+)"/);
  await program.printed(/"event":"ready"/);
  return { port, admin: Number(admin), program, folder: project.folder };
}

async function ask(port: number, path: string, method = 'GET') {
  const asked = request({ host: '127.0.0.1', port, path, method, agent: false }).end();
  const [res] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of res) text += String(chunk);
  return { status: res.statusCode, headers: res.headers, text };
}

/** Sends a request whose response never ends. */
function begin(t: TestContext, port: number, path: string): void {
  const asked = request({ host: '127.0.0.1', port, path }).on('error', () => undefined);
  asked.end();
  t.after(() => asked.destroy());
}

async function pageWith(admin: number, wanted: string | RegExp): Promise<string> {
  for (;;) {
    const { text } = await ask(admin, '/');
    if (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) return text;
  }
}

test('OP-55 the page has all there is without a script: APIs, workers, pipelines, configuration, the last reload', async (t) => {
  const { admin, port } = await served(t);
  await ask(port, '/');
  await ask(port, '/refused');
  await ask(admin, '/reload', 'POST');
  const { status, headers } = await ask(admin, '/');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  assert.match(
    String(headers['content-security-policy']),
    /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-/,
  );
  const text = await pageWith(admin, /1 req, 1 err|2 req, 1 err/);
  // The refusing filter answers 500: green means that requests succeed.
  assert.match(text, /hello: \d+ % of its requests fail/);
  assert.match(text, new RegExp(`127\\.0\\.0\\.1:${port}`));
  assert.match(
    text,
    /<svg class="pipeline"[\s\S]*?>request_id<\/text>[\s\S]*?>refusing<\/text>[\s\S]*?>hello_app<\/text>/,
  );
  assert.match(text, />accepted<\/span> after \d+ ms/);
  assert.match(
    text,
    /\[api:hello\] port<\/th><td class="long"><code>\d+<\/code><\/td><td class="long">[^<]*portico\.ini:\d+/,
  );
  assert.match(text, /\[database\] connection/);
  assert.doesNotMatch(text, /s3cret/);
  assert.doesNotMatch(text, /(?:src|href)="(?!#)/, 'nothing from outside');
});

test('DO-2 the headline has the name of the service, a worker that was killed and a reload that was refused', async (t) => {
  const { admin, folder } = await served(t);
  const before = await pageWith(admin, 'all APIs are ready');
  assert.match(before, /<h1>hello<\/h1>[\s\S]*?>api-cli \S+ · pid \d+/);
  assert.match(before, /<title>hello: ready<\/title>/);
  const [, pid] = /<td>0<\/td><td class="number">(\d+)</.exec(before)!;
  process.kill(Number(pid), 'SIGKILL');
  const killed = /class="bad">[^<]*a worker of hello killed by signal SIGKILL [\dms.]+ ago/;
  await pageWith(admin, killed);
  writeFileSync(join(folder, 'portico.ini'), '[DEFAULT]\nenabled_apis = none of them\n');
  await ask(admin, '/reload', 'POST');
  const text = await pageWith(admin, 'the last reload was refused');
  assert.match(text, killed);
});

test('OP-55 a path with markup in it is text, in the page as in its script', async (t) => {
  const { admin, port } = await served(t);
  begin(t, port, "/wait/<script>alert(1)</script>'%22");
  const text = await pageWith(admin, '/wait/');
  assert.match(text, /\/wait\/&#60;script&#62;alert\(1\)&#60;\/script&#62;&#39;%22/);
  assert.equal(text.match(/<script>/g)?.length, 1);
});

test('OP-55 without metrics the page says how requests are counted, and which errors failed them', async (t) => {
  const { admin, port } = await served(t, '');
  await ask(port, '/refused');
  await ask(port, '/refused');
  const text = await pageWith(admin, '<td class="number">2</td><td><time');
  assert.match(text, /Requests are not counted: set <code>enabled = true<\/code>/);
  assert.match(text, /<td class="long">GET -<\/td><td class="long">Error<\/td><td>app\.js:8<\/td>/);
});

test('OP-53 OP-55 the page answers while a worker is stuck, with the line of code', async (t) => {
  const { admin, port } = await served(t);
  ask(port, '/spin').catch(() => undefined);
  const text = await pageWith(admin, 'has been stuck for');
  assert.match(text, /at endlessly [^<]*app\.js:\d+:\d+/);
  assert.match(text, /worker \d has sent no heartbeat/);
});

/** The path in Debian; undefined if it is not installed. */
const CHROMIUM = ['/usr/bin/chromium'].find((path) => existsSync(path));
const skip = CHROMIUM === undefined ? 'chromium is not installed' : false;

async function browse(
  t: TestContext,
  admin: number,
  options: { javaScriptEnabled?: boolean; colorScheme?: 'light' | 'dark' } = {},
): Promise<{ page: Page; said: string[] }> {
  const { chromium } = await import('playwright-core');
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
  t.after(() => browser.close());
  const page = await (await browser.newContext(options)).newPage();
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('dialog', (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(`http://127.0.0.1:${admin}/`);
  return { page, said };
}

/** The message of a browser about the page's missing icon. */
const noIcon = (text: string): boolean => text.includes('favicon') || text.includes('404');

test('OP-55 in a browser the page follows what happens, and runs nothing that a client wrote', { skip }, async (t) => {
  const { admin, port } = await served(t);
  const { page, said } = await browse(t, admin);
  await page.getByText('No request is being served.').waitFor();
  begin(t, port, '/wait/<script>alert(1)</script><img/src=x/onerror=alert(2)>');
  await page.locator('#requests td', { hasText: '<script>alert(1)</script><img' }).waitFor();
  assert.equal(await page.locator('#requests img, #requests script').count(), 0);
  assert.deepEqual(
    said.filter((text) => !noIcon(text)),
    [],
  );
});

test('OP-55 by keyboard: the first stop leads to the content, and the page can be paused', { skip }, async (t) => {
  const { admin, port } = await served(t);
  const { page } = await browse(t, admin);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'To the content');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#live').textContent(), 'Resume');
  begin(t, port, '/wait/1');
  await pageWith(admin, '/wait/1');
  assert.equal(await page.getByText('/wait/1').count(), 0);
  await page.keyboard.press('Enter');
  await page.getByText('/wait/1').waitFor();
});

test('OP-55 for screen readers: sections, tables and pictures have names; no script is needed', { skip }, async (t) => {
  const { admin } = await served(t);
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await browse(t, admin, { javaScriptEnabled: false, colorScheme });
    for (const name of ['APIs', 'Workers', 'Requests', 'Open requests', 'Pipelines', 'Configuration']) {
      assert.equal(await page.getByRole('region', { name, exact: true }).count(), 1, name);
    }
    assert.equal(await page.getByRole('img', { name: /^Pipeline hello: request_id/ }).count(), 1);
    assert.equal(await page.getByRole('table', { name: 'Last report of each worker (one a second)' }).count(), 1);
    assert.equal(await page.locator('#live').isVisible(), false);
  }
});

test('OP-55 when the service is gone the page says that it is old', { skip }, async (t) => {
  const { admin, program } = await served(t);
  const { page } = await browse(t, admin);
  program.kill();
  await page.getByText('The service does not answer').waitFor();
});
