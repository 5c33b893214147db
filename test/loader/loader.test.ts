/** Tests the Loader as applications use it, with real files and modules in a temporary directory. */

import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';
import { ConfigNotFound, PasteAppNotFound } from '#internal/loader';
import { folderOf } from './folder.js';

const FILTERS = `
export const app = (globalConf, localConf) => (req, res) => res.end((localConf.get('name') ?? 'app') + ' ' + req.url);
export const filter = (globalConf, localConf, ctx) => {
  ctx.onClose(() => { globalThis.released?.push(ctx.section.name); });
  return (app) => (req, res) => { res.passed.push(ctx.section.name); return app(req, res); };
};
export const slow = async (...given) => { await new Promise((done) => setImmediate(done)); return filter(...given); };
`;

const PASTE = `
[composite:main]
use = egg:Paste#urlmap
/ = home
/v2: api

[pipeline:api]
pipeline = outer
    inner leaf

[filter:outer]
paste.filter_factory = ./filters.js:filter

[filter:inner]
use = call:./filters.js:slow

[app:leaf]
paste.app_factory = ./filters.js:app
name = api

[app:home]
use = leaf
name = home
`;

/** Returns an app's response to a request, and the filters that the request passed. */
function ask(app: App, url: string): { body: string; passed: string[] } {
  const passed: string[] = [];
  let body = '';
  const res = { passed, end: (text: string) => (body = text) };
  void app({ url, headers: {} } as IncomingMessage, res as unknown as ServerResponse);
  return { body, passed };
}

test('PD-68 a pipeline puts its filters around its app, the first outermost; PD-84 a mount takes its prefix', async () => {
  const folder = folderOf({ 'api-paste.ini': PASTE, 'filters.js': FILTERS, 'package.json': '{"type":"module"}' });
  const app = await new Loader(`${folder}/api-paste.ini`).loadApp();
  assert.deepEqual(ask(app, '/v2/servers?limit=1'), { body: 'api /servers?limit=1', passed: ['outer', 'inner'] });
  assert.deepEqual(ask(app, '/v2x'), { body: 'home /v2x', passed: [] });
  await app.close();
});

test('PD-165 what factories registered is released in reverse order, once', async (t) => {
  const folder = folderOf({ 'api-paste.ini': PASTE, 'filters.js': FILTERS, 'package.json': '{"type":"module"}' });
  const released: string[] = [];
  Object.assign(globalThis, { released });
  t.after(() => Reflect.deleteProperty(globalThis, 'released'));
  const app = await new Loader(`${folder}/api-paste.ini`).loadApp('api');
  await app.close();
  await app.close();
  assert.deepEqual(released, ['inner', 'outer']);
});

test('PD-170 an app with the name of an API has the options of that API, unless code names another', async () => {
  const folder = folderOf({
    'api-paste.ini': `
[pipeline:notes]
pipeline = named leaf
[filter:named]
paste.filter_factory = ./notes.js:named
[app:leaf]
paste.app_factory = ./notes.js:app
[app:other]
use = notes
`,
    'notes.js': `
export const named = (_globalConf, _localConf, { service }) => (app) => (req, res) => {
  res.setHeader('x-service', String(service));
  return app(req, res);
};
export const app = () => () => { throw Object.assign(new Error('No such note.'), { statusCode: 404 }); };
export const render = (fault) => ({ body: { refused: fault.status } });
`,
    'portico.ini': '[api:notes]\nfault_style = ./notes.js:render\n[api:mail]\nfault_style = openstack\n',
    'package.json': '{"type":"module"}',
  });
  const config = await Config.load({ files: [`${folder}/portico.ini`], argv: false, env: {} });
  const asked = async (name: string, service?: string): Promise<unknown> => {
    const app = await new Loader(`${folder}/api-paste.ini`, { config, service }).loadApp(name);
    const { headers, json } = await request(app, 'GET', '/');
    await app.close();
    return [headers['x-service'], json()];
  };
  assert.deepEqual(await asked('notes'), ['notes', { refused: 404 }]);
  assert.deepEqual(await asked('notes', 'mail'), ['mail', { itemNotFound: { code: 404, message: 'No such note.' } }]);
  const [service, answer] = (await asked('other')) as [string, { error: object }];
  assert.equal(service, 'undefined');
  assert.deepEqual(Object.keys(answer), ['error']);
});

test('PD-102 PD-170 a file or an app that is not there has a separate error; has() asks without loading', async () => {
  const folder = folderOf({ 'api-paste.ini': PASTE });
  assert.throws(() => new Loader(`${folder}/nowhere.ini`), ConfigNotFound);
  const loader = new Loader(`${folder}/api-paste.ini`);
  assert.deepEqual([loader.has('api'), loader.has('outer'), loader.has('nope')], [true, false, false]);
  await assert.rejects(loader.loadApp('hmoe'), (error: unknown) => {
    assert.ok(error instanceof PasteAppNotFound);
    assert.equal(error.code, 'PORTICO_PASTE_NO_SECTION');
    assert.match(error.describe(), /no app is called "hmoe"\.\n {2}Did you mean "home"\?/);
    return true;
  });
});
