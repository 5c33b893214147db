import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type App, type AppFactory, compose, type Filter, type FilterFactory } from 'portico/app';
import { requestId } from 'portico/middleware';
import { Router } from 'portico/routing';
import { buildApp, buildFilter, request, tempConfig } from 'portico/testing';
import { recordedLog } from '../tasks/recorded-log.js';

/** A value that the compiler would not let through. */
const wrong = <T>(value: unknown): T => value as T;

test('what a factory gives is looked at as a Loader does', async () => {
  const wrongResult = { code: 'PORTICO_WRONG_RESULT' };
  await assert.rejects(buildApp(wrong<AppFactory>(() => undefined)), {
    ...wrongResult,
    message: /gave undefined, not an app/,
  });
  await assert.rejects(buildFilter(wrong<FilterFactory>(() => ({}))), {
    ...wrongResult,
    message: /an object, not a filter/,
  });
  await assert.rejects(buildFilter(wrong<FilterFactory>(5)), wrongResult);
  const { made } = await buildFilter(wrong<FilterFactory>(() => () => 5));
  assert.throws(() => made(() => {}), { ...wrongResult, message: /the filter gave the number 5, not an app/ });
});

test('files of a test stay in its folder', async (t) => {
  const files = await tempConfig({ 'etc/app.ini': '' });
  t.after(() => files.remove());
  const outside = { code: 'PORTICO_FILE_OUTSIDE' };
  for (const name of ['../escape', 'a/../../escape', '/etc/escape', '..']) {
    await assert.rejects(tempConfig({ [name]: '' }), outside, name);
    await assert.rejects(files.write(name, ''), outside, name);
    assert.throws(() => files.path(name), outside, name);
  }
  assert.ok(!existsSync(join(files.folder, '../escape')));
});

test('a request shows what its app failed with', async () => {
  const failure = new TypeError('of the app');
  const failed = await request(() => Promise.reject(failure), 'GET', '/');
  assert.equal(failed.status, 500);
  assert.equal(failed.error, failure);
  assert.equal((await request((_req, res) => void res.end('fine'), 'GET', '/')).error, undefined);
  const late: App = async (_req, res) => {
    res.writeHead(200, { 'content-length': 5 });
    res.write('a');
    throw failure;
  };
  await assert.rejects(request(late, 'GET', '/'), ({ cause }: Error) => cause === failure);
});

test('a 500 is found in the log by its id, without a context too', async () => {
  const { log, lines } = recordedLog();
  const router = new Router({ log });
  router.connect('/boom', {
    handler: () => {
      throw new Error('of the action');
    },
  });
  const app = await router.build();
  const { made, close } = await buildFilter(requestId);
  const { status, headers } = await request(made(app), 'GET', '/boom');
  assert.equal(status, 500);
  const line = lines.find(({ msg }) => msg === 'an action failed') as { readonly request_id?: string } | undefined;
  assert.match(line?.request_id ?? '', /^req-/);
  assert.equal(line?.request_id, headers['x-openstack-request-id']);
  await close();
  await app.close();
});

test('a pipeline says what it is made of', () => {
  const app: App = (_req, res) => void res.end();
  const pass: Filter = (inner) => inner;
  assert.equal(compose([], app), app);
  const mistake = { code: 'PORTICO_PIPELINE' };
  assert.throws(() => compose(wrong<Filter[]>(pass), app), { ...mistake, message: /a list, not a function/ });
  assert.throws(() => compose([wrong<Filter>(undefined)], app), {
    ...mistake,
    message: /a filter is a function, not undefined/,
  });
  assert.throws(() => compose([pass], wrong<App>(undefined)), {
    ...mistake,
    message: /the app is a function, not undefined/,
  });
});
