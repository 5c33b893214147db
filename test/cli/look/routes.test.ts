import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { apiCli, emptyProject } from '../../fixtures/project.js';
import { command } from '../command.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs `api-cli` in a folder with one API, `things`, behind a mount point. */
function run(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const folder = temporaryFolder('cli-routes-', join(root, 'dist-test'));
  const files: Record<string, string> = {
    'portico.ini': '[DEFAULT]\nenabled_apis = things\napi_paste_config = api-paste.ini\n[api:things]\nport = 0\n',
    'api-paste.ini':
      '[composite:things]\nuse = egg:Paste#urlmap\n/v1: things_app\n\n[app:things_app]\npaste.app_factory = ./app.mjs:things\n',
    'app.mjs': `import { action, Router } from 'portico/routing';
export async function things(_globalConf, _localConf, ctx) {
  const body = { type: 'object', properties: { name: { type: 'string' } } };
  const controller = { index: () => [], show: () => ({}), create: action({ body, status: 202 }, () => ({})) };
  const router = new Router({ controllers: { things: controller }, onShadow: 'ignore' });
  router.resource('thing', 'things', { controller: 'things', only: ['index', 'show', 'create'], formatted: false });
  router.connect('/things', { controller: 'things', action: 'index', conditions: { method: ['GET'] } });
  router.connect('/slow/{x}', { controller: 'things', action: 'show', requirements: { x: '(a+)+' } });
  router.connect('/typed/{id:int}/{flag:true|false}/{rest:.+}', { controller: 'things', action: 'show' });
  const app = await router.build();
  ctx.onClose(() => app.close());
  return app;
}
`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return command(words, { cwd: folder });
}

test('OP-4 RT-195 routes in the order they are tried, with action and location; shadowed ones are marked', () => {
  const { status, stdout, stderr } = run('routes');
  assert.equal(stderr, '');
  assert.equal(status, 0);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines[0], 'things, things_app at /v1');
  assert.match(lines[1]!, /^ {2}POST +\/v1\/things +things\.create +app\.mjs:6/);
  assert.match(stdout, /GET +\/v1\/things +things +things\.index +app\.mjs:6/);
  assert.match(stdout, /GET +\/v1\/things +things\.index +app\.mjs:7 +NEVER MATCHES: \/things at app\.mjs:6/);
  assert.match(stdout, /\/v1\/typed\/\{id\}\/\{flag\}\/\{rest\} .* id: int; flag: true\|false; rest: \.\+$/m);
  assert.match(stdout, /any +\/v1\/slow\/\{x\} .* x: \(a\+\)\+/);
});

test('RT-195 --json, and --match of the URL a client sends, with the routes that were passed over', () => {
  const { stdout } = run('routes', '--json', '--match', 'GET /v1/things/7?limit=1');
  const { schema, routers } = JSON.parse(stdout) as {
    schema: string;
    routers: { api: string; route: object; match: object; passedOver: object[] }[];
  };
  assert.equal(schema, 'portico/routes');
  assert.deepEqual(routers[0]?.match, { id: '7', controller: 'things', action: 'show' });
  assert.equal(routers[0]?.api, 'things');
  const text = run('routes', '--match', 'POST http://127.0.0.1:1/v1/things/7').stdout;
  assert.match(text, /no route matches POST \/things\/7/);
  assert.match(text, /GET +\/things\/\{id\} +it does not accept POST +app\.mjs:6/);
  const unmounted = run('routes', '--match', 'GET /things/7').stdout;
  assert.match(unmounted, /^things\n {2}no mount matches \/things\/7 \(\/v1\)$/m);
  const table = JSON.parse(run('routes', '--json').stdout) as {
    routers: { prefix: string; routes: { url: string }[] }[];
  };
  assert.deepEqual([table.routers[0]?.prefix, table.routers[0]?.routes[0]?.url], ['/v1', '/v1/things']);
});

test('RT-24 RT-198 --check names shadowed routes, overlaps and slow requirements', () => {
  const { stdout } = run('routes', '--check');
  assert.match(stdout, /shadowed: 1\n.*\/things at app\.mjs:7 can never match: \/things at app\.mjs:6/);
  assert.match(stdout, /slow: \d[\s\S]*x: \(a\+\)\+ takes \d+ ms for \d+ characters/);
  assert.match(stdout, /warnings: none/);
});

test('explain, openapi and routes end although the app has left a handle open', () => {
  const { folder } = emptyProject({
    'portico.ini': '[DEFAULT]\nenabled_apis = things\n[api:things]\nport = 1\n',
    'api-paste.ini': '[app:things]\npaste.app_factory = ./app.mjs:things\n',
    'app.mjs': `import { Router } from 'portico/routing';
export const things = () => {
  setInterval(() => undefined, 1000);
  return new Router().connect('/things', { handler: function index() {} }).build();
};
`,
  });
  for (const words of [['explain', 'GET', '/things'], ['openapi'], ['routes']]) {
    const ran = spawnSync(process.execPath, [apiCli, ...words], { cwd: folder, encoding: 'utf8', timeout: 20_000 });
    assert.deepEqual([ran.status, ran.signal, ran.stderr], [0, null, ''], words.join(' '));
    assert.match(ran.stdout, /\/things/);
  }
});

test('--match of a cascade: a Router that has no route hands on to the next, the first that has one is named', () => {
  const { folder } = emptyProject({
    'portico.ini': '[DEFAULT]\nenabled_apis = all\n[api:all]\nport = 1\n',
    'api-paste.ini': `[composite:all]
use = portico/loader:cascade
app1 = first
app2 = second
app3 = other
[app:first]
paste.app_factory = ./app.mjs:first
[app:second]
paste.app_factory = ./app.mjs:second
[app:other]
paste.app_factory = ./app.mjs:other
`,
    'app.mjs': `import { Router } from 'portico/routing';
export const first = () => new Router().connect('/things', { handler: function things() {}, conditions: { method: ['GET'] } }).build();
export const second = () => new Router().connect('/parts', { handler: function parts() {} }).build();
export const other = () => (_req, res) => res.end();
`,
  });
  const match = (request: string): string => {
    const words = ['routes', '--match', request];
    const ran = command(words, { cwd: folder });
    assert.equal(ran.status, 0, ran.stderr);
    return ran.stdout;
  };
  assert.match(match('GET /parts'), /^all\n {2}any \/parts {2}/);
  assert.match(match('GET /things'), /^all\n {2}GET \/things {2}/);
  assert.match(match('GET /neither'), /^all\n {2}other responds, which is not a Router\n$/);
  // The cascade does not skip a 405.
  assert.match(match('POST /things'), /^all\n {2}no route matches POST \/things\n/);
  assert.match(match('GET /a/../parts'), /^all\n {2}400 Bad Request: The path has a dot segment/);
});

test('an API whose app is no Router is reported to have none, alone and beside others', () => {
  const { folder } = emptyProject({
    'portico.ini':
      '[DEFAULT]\nenabled_apis = things,stock\napi_paste_config = api-paste.ini\n[api:things]\nport = 0\n[api:stock]\nport = 0\n',
    'api-paste.ini':
      '[app:things]\npaste.app_factory = ./app.mjs:things\n[app:stock]\npaste.app_factory = ./app.mjs:stock\n',
    'app.mjs': `import { Router } from 'portico/routing';
export const things = () => new Router().connect('/things', { handler: () => [] }).build();
export const stock = () => (req, res) => res.end('stock');
`,
  });
  const routes = (...words: string[]): string => {
    const ran = command(['routes', ...words], { cwd: folder });
    assert.equal(ran.status, 0, ran.stderr);
    return ran.stdout;
  };
  assert.equal(routes('--api', 'stock'), 'stock\n  has no Router\n');
  assert.match(routes(), /^things, things at \/\n {2}any .*\n\nstock\n {2}has no Router\n$/);
});

test('routes of an API that is not there: the nearest name', () => {
  const { status, stderr } = run('routes', '--api', 'thing');
  assert.equal(status, 2);
  assert.match(stderr, /no enabled API is called "thing"[\s\S]*Did you mean "things"/);
});
