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
});

test('RT-24 RT-198 --check names shadowed routes and overlaps', () => {
  const { stdout } = run('routes', '--check');
  assert.match(stdout, /shadowed: 1\n.*\/things at app\.mjs:7 can never match: \/things at app\.mjs:6/);
  assert.match(stdout, /overlaps: 1\n.*\/things at app\.mjs:6 goes before \/things at app\.mjs:7/);
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
