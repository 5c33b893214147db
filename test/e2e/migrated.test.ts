/** The code that `api-cli migrate` writes: it compiles, it is served, and it responds with 501 until its author has written it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../cli/command.js';
import { errorsIn } from '../docs/compiler.js';
import { typeScriptNode } from './packed.js';
import { apiCli, emptyProject, freePort, startApiCli, untilEnd } from './program.js';

const PASTE = `[composite:shop]
use = egg:Paste#urlmap
/: versions
/v2: shop_v2

[pipeline:shop_v2]
pipeline = faultwrap gift_wrap shop_app

[filter-app:versions]
paste.filter_app_factory = shop.api:gate
next = versions_app

[composite:hall]
paste.composite_factory = shop.api:hall
door = shop_app

[app:versions_app]
paste.app_factory = shop.api.versions:Versions.factory
[app:shop_app]
use = egg:shop#v2
page_size = 20
[filter:faultwrap]
paste.filter_factory = nova.api.openstack:FaultWrapper.factory
[filter:gift_wrap]
paste.filter_factory = shop.api.gifts:Wrap.factory
`;

test('WI-8 the code of a migrated project compiles', async (t) => {
  const node = await typeScriptNode(t);
  if (node === undefined) return;
  const { folder } = emptyProject({ 'shop/api-paste.ini': PASTE });
  execFileSync(node, [apiCli, 'migrate', 'shop', '--output', 'new'], { cwd: folder });
  const names = readdirSync(join(folder, 'new/app'));
  assert.deepEqual(names.toSorted(), ['filters.ts', 'hall.ts', 'not-written.ts', 'shop_app.ts', 'versions_app.ts']);
  const files = names.map((name) => [`app/${name}`, readFileSync(join(folder, 'new/app', name), 'utf8')]);
  assert.equal(errorsIn(Object.fromEntries(files)), '');
});

test('WI-8 a migrated project is served, responds with 501, and with an action once it is written', async (t) => {
  const { folder } = emptyProject({ 'shop/api-paste.ini': PASTE });
  const project = join(folder, 'new');
  assert.equal(command(['migrate', 'shop', '--output', 'new', '--javascript'], { cwd: folder }).status, 0);
  const port = await freePort();
  const env = {
    PORTICO_API_SHOP__PORT: String(port),
    PORTICO_API_SHOP__WORKERS: '1',
    PORTICO_DEFAULT__ENABLED_APIS: 'shop',
  };
  const program = untilEnd(t, startApiCli([], { cwd: project, env }));
  await program.printed(/Ready after/);
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set('connection', 'close');
    return fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers });
  };
  for (const [path, init] of [
    ['/', {}],
    ['/v2', {}],
    ['/v2/goods/7?x=1', { method: 'DELETE' }],
    ['/v2/goods', { method: 'POST', body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    ['/v2/goods', { method: 'PROPFIND' }],
  ] as const) {
    const answer = await ask(path, init);
    const message = `${init.method ?? 'GET'} of this path is not written yet.`;
    assert.deepEqual([answer.status, await answer.json()], [501, { notImplemented: { code: 501, message } }], path);
  }
  assert.match(program.output(), /the filter gift_wrap does nothing yet/);

  const file = join(project, 'app/shop_app.js');
  const route = "router.get('/goods', () => ({ goods: [] }));\n  notWritten(router);";
  writeFileSync(file, readFileSync(file, 'utf8').replace('notWritten(router);', route));
  const from = program.output().length;
  program.kill('SIGHUP');
  await program.printed(/"outcome":"accepted"|Reload accepted/, from);
  assert.deepEqual(await (await ask('/v2/goods')).json(), { goods: [] });
  await program.stop();
});
