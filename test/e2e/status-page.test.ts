/** The status page of the admin listener in a browser, with real fleets. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import { browserOf, withoutBrowser as skip } from '../fixtures/browser.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { until } from '../fixtures/until.js';
import { askPort } from './clients.js';
import { emptyProject, freePort, type Program, startedOnce, startProject, untilFileEnds } from './program.js';

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
  for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(cell, 0, 0, 5);
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
  /** Starts it again. */
  readonly start: () => Promise<Program>;
  readonly folder: string;
}

const file = untilFileEnds();

async function served(metrics = 'enabled = true\nfilters = true'): Promise<Served> {
  const [port, listen] = [await freePort(), await freePort()];
  const project = emptyProject({
    'app.js': app,
    'api-paste.ini': paste,
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[admin]\nlisten = 127.0.0.1:${listen}\n[metrics]\n${metrics}\n[database]\nconnection = sqlite:///registry.db?password=s3cret\n[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const start = async (): Promise<Program> => {
    const program = startProject(file, project);
    await program.printed(/"event":"ready"/);
    return program;
  };
  return { port, admin: listen, program: await start(), start, folder: project.folder };
}

const ask = (port: number, path: string, method = 'GET') => askPort(port, path, { method });

/** Sends a request whose response never ends. */
function begin(t: TestContext, port: number, path: string): void {
  const asked = request({ host: '127.0.0.1', port, path }).on('error', () => undefined);
  asked.end();
  t.after(() => asked.destroy());
}

/** Two services for the tests that follow one another. */
const first = startedOnce(() => served());
const second = startedOnce(() => served());
const browser = browserOf(file);

async function browse(t: TestContext, admin: number): Promise<{ page: Page; said: string[] }> {
  const page = closedAfter(t, await (await browser()).newPage());
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

test('OP-55 by keyboard: the first stop leads to the content, and the page can be paused', { skip }, async (t) => {
  const { admin, port } = await first();
  const { page } = await browse(t, admin);
  await page.getByText('No request is being served.').waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'To the content');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#live').textContent(), 'Resume');
  begin(t, port, '/wait/1');
  await until(
    () => ask(admin, '/requests'),
    ({ text }) => text.includes('/wait/1'),
  );
  assert.equal(await page.getByText('/wait/1').count(), 0);
  await page.keyboard.press('Enter');
  await page.getByText('/wait/1').waitFor();
});

test('OP-55 in a browser the page has all there is, follows what happens, and runs nothing that a client wrote', {
  skip,
}, async (t) => {
  const { admin, port } = await first();
  const { page, said } = await browse(t, admin);
  await page.getByText('No request is being served.').waitFor();
  assert.equal(await page.locator('#summary.good').textContent(), 'all APIs are ready');
  for (const name of ['APIs', 'Workers', 'Requests', 'Open requests', 'Pipelines', 'Configuration']) {
    assert.equal(await page.getByRole('region', { name, exact: true }).count(), 1, name);
  }
  begin(t, port, '/wait/<script>alert(1)</script><img/src=x/onerror=alert(2)>');
  await page.locator('#requests td', { hasText: '<script>alert(1)</script><img' }).waitFor();
  assert.equal(await page.locator('#requests img, #requests script').count(), 0);
  await ask(port, '/');
  await ask(port, '/refused');
  await page.getByText(/hello: \d+ % of its requests fail/).waitFor();
  await page.locator('#errors tr', { hasText: /GET -Errorapp\.js:8/ }).waitFor();
  await page.getByRole('img', { name: /^Pipeline hello: request_id.*; refusing.* 1 err; hello_app$/ }).waitFor();
  await page.getByRole('img', { name: /^Requests a second over the last 60 s: now all/ }).waitFor();
  await page.getByRole('table', { name: 'Last report of each worker (one a second)' }).waitFor();
  await page.getByText(`127.0.0.1:${port}`).first().waitFor();
  await page
    .locator('#configuration tr', { hasText: /^\[api:hello\] port\d+.*portico\.ini:\d+/ })
    .waitFor({ state: 'attached' });
  await page.locator('#configuration tr', { hasText: '[database] connection' }).waitFor({ state: 'attached' });
  assert.doesNotMatch(await page.content(), /s3cret/);
  await ask(admin, '/reload', 'POST');
  await page.locator('#reload', { hasText: /accepted after \d+ ms/ }).waitFor();
  assert.deepEqual(said, []);
});

test('OP-53 OP-55 the page responds while a worker is stuck, with the line of code', { skip }, async (t) => {
  const { admin, port, program } = await first();
  ask(port, '/spin').catch(() => undefined);
  const { page } = await browse(t, admin);
  await page.getByText('has been stuck for').waitFor();
  await page.locator('#workers pre', { hasText: /at endlessly .*app\.js:\d+:\d+/ }).waitFor();
  await page.locator('#apis', { hasText: /worker \d has sent no heartbeat/ }).waitFor();
  await program.end();
});

test('OP-55 when the service is gone the page says that it is old, and goes on when it is back', {
  skip,
}, async (t) => {
  const { admin, program, start } = await second();
  const { page } = await browse(t, admin);
  await page.getByText('all APIs are ready').waitFor();
  program.kill();
  await page.getByText(/^The service does not respond since .*; what is shown is old\.$/).waitFor();
  assert.equal(await page.title(), 'hello: does not respond');
  assert.equal(await page.locator('#summary').isVisible(), false);
  await program.ended;
  const { pid } = (await start()).child;
  await page.locator('#process', { hasText: `pid ${pid}` }).waitFor();
  await page.locator('#summary.good', { hasText: 'all APIs are ready' }).waitFor();
  assert.equal(await page.getByText('does not respond').count(), 0);
});

test('DO-2 the headline has the name of the service, a worker that was killed and a reload that was refused', {
  skip,
}, async (t) => {
  const { admin, folder } = await second();
  const { page } = await browse(t, admin);
  await page.getByText('all APIs are ready').waitFor();
  assert.equal(await page.locator('h1').textContent(), 'hello');
  assert.equal(await page.title(), 'hello: ready');
  assert.match((await page.locator('#process').textContent())!, /^api-cli \S+ · pid \d+/);
  const { services } = JSON.parse((await ask(admin, '/status')).text) as { services: [{ workers: [{ pid: number }] }] };
  process.kill(services[0].workers[0].pid, 'SIGKILL');
  const killed = page.locator('#summary.bad p', {
    hasText: /^a worker of hello was killed by signal SIGKILL [\dms]+ ago$/,
  });
  await killed.waitFor();
  writeFileSync(join(folder, 'portico.ini'), '[DEFAULT]\nenabled_apis = none of them\n');
  await ask(admin, '/reload', 'POST');
  await page.locator('#summary p', { hasText: /^the last reload was refused$/ }).waitFor();
  await killed.waitFor();
});

test('OP-55 without metrics the page says how requests are counted, and which errors failed them', {
  skip,
}, async (t) => {
  const { admin, port } = await served('');
  await ask(port, '/refused');
  await ask(port, '/refused');
  const { page, said } = await browse(t, admin);
  await page.getByText('Requests are not counted: set enabled = true').waitFor();
  await page.locator('#errors tr', { hasText: /GET -Errorapp\.js:82/ }).waitFor();
  await page.getByText('all APIs are ready; their requests are not counted').waitFor();
  assert.deepEqual(said, []);
});
