/** `[admin] docs`: API descriptions on the admin listener, as HTML and in a browser where one is installed. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { browserOf, withoutBrowser as skip } from '../fixtures/browser.js';
import { samplePaste } from '../fixtures/sample.js';
import {
  emptyProject,
  freePort,
  type Program,
  startedOnce,
  startProject,
  type UntilEnd,
  untilFileEnds,
} from './program.js';

const app = `
import { action, Router } from 'portico/routing';
const body = { type: 'object', required: ['name'], properties: { name: { type: 'string', description: '<script>alert(1)</script>' } } };
const things = {
  index: action({ summary: 'List <script>alert(2)</script> things', query: { type: 'object', properties: { limit: { type: 'integer', minimum: 1 } } } }, () => ({})),
  create: action({ summary: 'Make a thing', body, status: 201 }, () => ({})),
};
export async function app(_globalConf, _localConf, ctx) {
  process.stderr.write('made ' + process.pid + '\\n');
  const router = new Router({ controllers: { things } });
  router.connect('/things', { controller: 'things', action: 'index', conditions: { method: ['GET'] } });
  router.connect('/things', { controller: 'things', action: 'create', conditions: { method: ['POST'] } });
  const built = await router.build();
  ctx.onClose(() => built.close());
  return built;
}
`;

const paste = `[pipeline:things]
pipeline = request_id things_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[app:things_app]
paste.app_factory = ./app.js:app
`;

interface Served {
  readonly folder: string;
  readonly admin: number;
  readonly program: Program;
  readonly write: (ini: string) => void;
  readonly ini: (docs: string) => string;
}

async function served(t: UntilEnd, docs = 'docs = true'): Promise<Served> {
  const port = await freePort();
  const ini = (line: string): string =>
    `[DEFAULT]\nenabled_apis = things\n[admin]\nlisten = 127.0.0.1:0\n${line}\n[api:things]\nport = ${port}\nworkers = 1\n`;
  const project = emptyProject({ 'app.js': app, 'api-paste.ini': paste, 'portico.ini': ini(docs) });
  const program = startProject(t, project);
  const admin = await program.adminPort();
  const write = (text: string): void => writeFileSync(join(project.folder, 'portico.ini'), text);
  return { folder: project.folder, admin, program, write, ini };
}

/** The service of the tests that change nothing. */
const file = untilFileEnds();
const shared = startedOnce(() => served(file));
const browser = browserOf(file);

function ask(admin: number, path: string, method = 'GET'): Promise<Response> {
  return fetch(`http://127.0.0.1:${admin}${path}`, { method });
}

test('OP-71 /docs/<api>/openapi.json is what api-cli openapi prints, made by a worker when it is first asked', async () => {
  const { admin, folder, program } = await shared();
  const answers = [await ask(admin, '/docs/things/openapi.json'), await ask(admin, '/docs/things/openapi.json')];
  const [first, second] = await Promise.all(answers.map((answer) => answer.json()));
  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers.get('content-type')]),
    [
      [200, 'application/json'],
      [200, 'application/json'],
    ],
  );
  const { stdout } = await commandBeside(['openapi', '--api', 'things'], { cwd: folder });
  assert.deepEqual([first, second], [JSON.parse(stdout), JSON.parse(stdout)]);
  const made = program.stderr.match(/^made \d+/gm) ?? [];
  assert.equal(made.length, 1, 'by a worker for serving, and not once more to describe');
  assert.ok(!made.includes(`made ${program.pid}`), 'the parent imports no application');
});

test('OP-71 the page has operations, parameters, bodies and responses without a script, and takes nothing from outside', async () => {
  const { admin } = await shared();
  const list = await ask(admin, '/docs');
  assert.match(await list.text(), /<a href="\/docs\/things">things<\/a>/);
  const answer = await ask(admin, '/docs/things');
  assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(
    answer.headers.get('content-security-policy') ?? '',
    /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  );
  const text = await answer.text();
  assert.match(text, /<h2 class="path" id="path-%2Fthings">\/things<\/h2>/);
  assert.match(
    text,
    /<th scope="row"><code>limit<\/code><\/th><td>query<\/td><td><\/td><td class="long">integer, minimum 1</,
  );
  assert.match(text, /Make a thing[\s\S]*<h3>Body<\/h3>[\s\S]*&#34;required&#34;: \[\s+&#34;name&#34;/);
  assert.match(text, /<th scope="row">201<\/th>/);
  assert.match(text, /<a href="#schemas-Fault">Fault<\/a>/);
  assert.doesNotMatch(text, /(?:src|href)="(?![#/])/, 'nothing from outside');
});

test('OP-71 what an application writes with markup in it is text', async () => {
  const { admin } = await shared();
  const text = await (await ask(admin, '/docs/things')).text();
  assert.match(text, /List &#60;script&#62;alert\(2\)&#60;\/script&#62; things/);
  assert.match(text, /&#60;script&#62;alert\(1\)/);
  assert.doesNotMatch(text, /<script/);
});

test('OP-71 it is off unless a reload or the start turns it on, and a wrong name has the nearest', async (t) => {
  const { admin, write, ini } = await served(t, '');
  for (const path of ['/docs', '/docs/things', '/docs/things/openapi.json']) {
    const off = await ask(admin, path);
    assert.equal(off.status, 404);
    assert.match(await off.text(), /PORTICO_DOCS_OFF[\s\S]*Set docs = true in \[admin\]/);
  }
  write(ini('docs = true'));
  const report = (await (await ask(admin, '/reload', 'POST')).json()) as { changes: { effect: string }[] };
  assert.equal(report.changes[0]?.effect, 'applied');
  assert.equal((await ask(admin, '/docs/things')).status, 200);
  const wrong = await ask(admin, '/docs/thing');
  assert.deepEqual([wrong.status, /Did you mean/.test(await wrong.text())], [404, true]);
});

test('OP-71 the whole sample is described', async (t) => {
  const ini = `[DEFAULT]\nenabled_apis = compute,metadata\n[api]\nauth_strategy = noauth\n[admin]\nlisten = 127.0.0.1:0\ndocs = true\n[api:compute]\nport = 0\nworkers = 1\n[api:metadata]\nport = 0\nworkers = 1\n`;
  const program = startProject(t, emptyProject({ 'portico.ini': ini, 'api-paste.ini': samplePaste() }));
  const admin = await program.adminPort();
  const compute = await (await ask(admin, '/docs/compute')).text();
  assert.match(compute, /<h2 class="path" id="[^"]+">\/v2\.1\/servers\/\{id\}<\/h2>/);
  assert.match(compute, /<p>Needs token\.<\/p>/);
  assert.match(await (await ask(admin, '/docs/metadata')).text(), /its app has no Router/);
});

test('OP-71 in a browser, by keyboard, light and dark, without scripts', { skip }, async () => {
  const { admin } = await shared();
  const papers = new Set<unknown>();
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await (await (await browser()).newContext({ javaScriptEnabled: false, colorScheme })).newPage();
    await page.goto(`http://127.0.0.1:${admin}/docs`);
    await page.getByRole('link', { name: 'things' }).click();
    await page.waitForURL(/\/docs\/things$/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#paths$/);
    const { length } = await page.locator('details.operation').all();
    assert.equal(length, 2);
    const summary = page.locator('details.operation > summary', { hasText: 'Make a thing' });
    await summary.focus();
    assert.equal(await page.getByRole('table', { name: 'Responses' }).count(), 0);
    await page.keyboard.press('Enter');
    await page.getByRole('table', { name: 'Responses' }).waitFor();
    await page.getByRole('link', { name: 'Fault', exact: true }).first().click();
    await page.waitForURL(/#schemas-Fault$/);
    papers.add((await page.screenshot()).toString('base64'));
  }
  assert.equal(papers.size, 2);
});
