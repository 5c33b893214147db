/** Sessions: the cookie, its expiry and its keys, a store, and requests of other sites. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { inspect } from 'node:util';
import { type App, environ, Fault, filterFactory } from 'portico/app';
import { Config, type PorticoError, string } from 'portico/config';
import { Loader } from 'portico/loader';
import { rateLimit, session, stripIdentity } from 'portico/middleware';
import { type ActionRequest, Router } from 'portico/routing';
import { buildFilter, captureLog, request } from 'portico/testing';
import { ConfigurationRefused } from '#internal/config';
import { temporaryFolder } from '../fixtures/keeper.js';
import { filterUntilEnd } from '../fixtures/until-end.js';

const [FIRST, SECOND] = ['1'.repeat(32), '2'.repeat(32)];

declare module 'portico/app' {
  interface SessionData {
    visits?: number;
    note?: string;
  }
}

async function routes(): Promise<App> {
  const router = new Router();
  router.post('/login', async ({ session: kept }) => {
    await kept.begin({ userId: 'ada', roles: ['reader'], visits: 1 });
    return 'in';
  });
  router.post('/visit', async ({ session: kept }) => {
    await kept.update({ visits: (kept.data?.visits ?? 0) + 1 });
    return kept.data?.visits;
  });
  router.post('/logout', async ({ session: kept }) => kept.end());
  router.post('/slow', async ({ session: kept }) => {
    await (globalThis as { slowly?: () => Promise<void> }).slowly?.();
    await kept.update({ visits: 9 });
    await kept.update({ note: 'again' });
    return kept.data ?? 'ended';
  });
  router.get('/cached/{control}', async ({ session: kept, res, params }) => {
    res.setHeader('cache-control', decodeURIComponent(params.control));
    await kept.update({ visits: 2 });
    return '';
  });
  router.post('/large', async ({ session: kept }) => kept.begin({ note: 'x'.repeat(5000) }));
  router.post('/update', { body: { type: 'object' } }, async ({ session: kept, body }) => {
    await kept.update(body);
    return kept.data;
  });
  router.post('/parts', { body: { type: 'object' } }, async ({ session: kept, body }) => {
    const { names } = body as { names: string[] };
    await Promise.all(names.map((name) => kept.update({ [name]: 1 } as object)));
    return kept.data;
  });
  router.post('/again', { body: { type: 'object' } }, async ({ session: kept, body }) => {
    await assert.rejects(kept.begin({ userId: 'bob' }), { status: 503 });
    Object.assign(globalThis, { sessionFails: [] });
    await kept.update(body);
    return kept.data;
  });
  router.post('/fails', { body: { type: 'object' } }, async ({ session: kept, body }) => {
    await ((body as { ends?: true }).ends ? kept.end() : kept.begin(body));
    throw new Error('after the session has begun');
  });
  router.get('/me', { auth: true }, ({ context }) => [context.userId, context.roles]);
  const reader = ({ session: kept, context }: ActionRequest) => {
    if (kept.data?.roles?.includes('reader') !== true) throw new Fault(403);
    return context!;
  };
  router.get('/read', { auth: reader }, ({ context }) => context.userId);
  return router.build();
}

/** A client with the cookies that it was given, as a browser keeps them. */
async function client(local: Record<string, string> = {}, cookie = '', folder = '.', service = 'shop') {
  const { made } = await buildFilter(session, { local: { secrets: FIRST!, ...local }, folder, service });
  const app = made(await routes());
  let kept = cookie;
  const send = async (method: string, path: string, headers: Record<string, string> = {}, json?: unknown) => {
    const sent = { ...(kept !== '' && { cookie: kept }), ...headers };
    const answer = await request(app, method, path, { headers: sent, ...(json !== undefined && { json }) });
    const [set] = answer.headers['set-cookie'] ?? [];
    if (set !== undefined) kept = /Max-Age=0/.test(set) ? '' : set.split(';', 1)[0]!;
    return {
      status: answer.status,
      set,
      value: answer.body.length === 0 ? undefined : answer.json(),
      headers: answer.headers,
      error: answer.error,
    };
  };
  return { send, cookie: () => kept };
}

test('AU-5 log in, roles, log out: the caller of the session is the context of actions and guards', async () => {
  const { send, cookie } = await client();
  assert.equal((await send('GET', '/me')).status, 401);
  assert.equal((await send('GET', '/read')).status, 403);
  const { set, headers } = await send('POST', '/login');
  assert.match(set!, /^session=[\w.-]+; Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure$/);
  assert.equal(headers['cache-control'], 'no-store');
  assert.doesNotMatch(Buffer.from(set!.split('.')[3] ?? '', 'base64url').toString(), /ada/, 'it is encrypted');
  const me = await send('GET', '/me');
  assert.deepEqual(me.value, ['ada', ['reader']]);
  assert.equal(me.set, undefined, 'no cookie is sent without a change');
  assert.equal((await send('GET', '/read')).value, 'ada');
  assert.equal((await send('POST', '/visit')).value, 2);
  assert.equal((await send('POST', '/visit')).value, 3);
  assert.match((await send('POST', '/logout')).set!, /^session=; Path=\/; Max-Age=0;/);
  assert.equal(cookie(), '');
  assert.equal((await send('GET', '/me')).status, 401);
});

test('AU-5 a changed cookie is no session; a new secret in front reads the cookies of the old one', async () => {
  const { send, cookie } = await client();
  await send('POST', '/login');
  const given = cookie();
  const changed = await client({}, given.slice(0, -2) + (given.endsWith('AA') ? 'BB' : 'AA'));
  assert.equal((await changed.send('GET', '/me')).status, 401);
  assert.equal((await (await client({ secrets: `${SECOND},${FIRST}` }, given)).send('GET', '/me')).status, 200);
  assert.equal((await (await client({ secrets: SECOND! }, given)).send('GET', '/me')).status, 401);
});

test('AT-6 a cookie of one filter or API is no session in another with the same secret', async (t) => {
  const { send, cookie } = await client();
  await send('POST', '/login');
  const statusIn = async (service: string) =>
    (await (await client({}, cookie(), '.', service)).send('GET', '/me')).status;
  assert.deepEqual([await statusIn('shop'), await statusIn('admin')], [200, 401]);

  const folder = temporaryFolder('portico-session-');
  const file = join(folder, 'api-paste.ini');
  const sections = ['first', 'second'].map(
    (name) =>
      `[pipeline:${name}]\npipeline = ${name}_session app\n[filter:${name}_session]\npaste.filter_factory = portico/middleware:session\nsecrets = ${FIRST}\n`,
  );
  writeFileSync(join(folder, 'app.mjs'), 'export const app = globalThis.sessionRoutes;\n');
  writeFileSync(file, `${sections.join('')}[app:app]\npaste.app_factory = ./app.mjs:app\n`);
  Object.assign(globalThis, { sessionRoutes: routes });
  t.after(() => Reflect.deleteProperty(globalThis, 'sessionRoutes'));
  const loader = new Loader(file);
  const [first, second] = [await loader.loadApp('first'), await loader.loadApp('second')];
  const headers = { cookie: (await request(first, 'POST', '/login')).headers['set-cookie']![0]!.split(';', 1)[0]! };
  assert.equal((await request(first, 'GET', '/me', { headers })).status, 200);
  assert.equal((await request(second, 'GET', '/me', { headers })).status, 401);
});

test('AT-8 update without a user logs out: nothing of the caller stays, other members do', async () => {
  for (const userId of [null, '']) {
    const { send } = await client();
    await send('POST', '/login');
    assert.deepEqual((await send('POST', '/update', {}, { userId })).value, { visits: 1 });
    assert.deepEqual([(await send('GET', '/me')).status, (await send('GET', '/read')).status], [401, 403]);
  }
});

test('AT-9 update with another user changes the id, and inherits no role', async (t) => {
  const kept = new Map<string, object>();
  Object.assign(globalThis, { keptSessions: kept });
  t.after(() => Reflect.deleteProperty(globalThis, 'keptSessions'));
  const folder = storeIn(MAP);
  const { send, cookie } = await client({ store: STORE }, '', folder);
  await send('POST', '/visit');
  const [fixed, [anonymous]] = [cookie(), kept.keys()];
  await send('POST', '/update', {}, { userId: 'ada', roles: ['reader'] });
  assert.deepEqual([...kept.values()], [{ visits: 1, userId: 'ada', roles: ['reader'] }]);
  const [ada] = kept.keys();
  assert.notEqual(ada, anonymous);
  assert.equal((await (await client({ store: STORE }, fixed, folder)).send('GET', '/me')).status, 401);
  await send('POST', '/update', {}, { userId: 'ada', note: 'the same' });
  assert.deepEqual([...kept.keys()], [ada], 'the same user keeps the id');
  await send('POST', '/update', {}, { userId: 'bob' });
  assert.deepEqual([...kept.values()], [{ visits: 1, note: 'the same', userId: 'bob' }]);
});

test('AT-10 a failed request begins no session; one that ended a session still ends it', async () => {
  const { send } = await client();
  const begun = await send('POST', '/fails', {}, { userId: 'ada' });
  assert.deepEqual([begun.status, begun.set], [500, undefined]);
  await send('POST', '/login');
  const ended = await send('POST', '/fails', {}, { ends: true });
  assert.equal(ended.status, 500);
  assert.match(ended.set!, /^session=; Path=\/; Max-Age=0;/);
});

test('AU-5 a session slides with its requests, up to its longest life, and ends without them', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 });
  t.after(() => mock.timers.reset());
  const { send } = await client({ life_s: '100', longest_life_s: '250' });
  await send('POST', '/login');
  mock.timers.tick(5_000);
  assert.equal((await send('GET', '/me')).set, undefined, 'not at each request');
  mock.timers.tick(90_000);
  assert.match((await send('GET', '/me')).set!, /Max-Age=100/);
  mock.timers.tick(90_000);
  assert.match((await send('GET', '/me')).set!, /Max-Age=65/);
  mock.timers.tick(64_000);
  assert.equal((await send('GET', '/me')).status, 200);
  mock.timers.tick(2_000);
  assert.equal((await send('GET', '/me')).status, 401, 'its longest life');
  await send('POST', '/login');
  mock.timers.tick(101_000);
  assert.equal((await send('GET', '/me')).status, 401, 'no request for its life');
});

type Factory = Parameters<typeof buildFilter>[0];

const STORE = './store.mjs:store';

/** A store in a map, which the test sees too. */
const MAP =
  'const kept = globalThis.keptSessions;\nexport const store = { get: async (id) => kept.get(id), set: async (id, data) => kept.set(id, data), touch: async () => {}, delete: async (id) => kept.delete(id) };\n';

/** Returns the folder of a module with the store. */
function storeIn(text: string): string {
  const folder = temporaryFolder('portico-session-');
  writeFileSync(join(folder, 'store.mjs'), text);
  return folder;
}

test('AU-5 a store keeps the data; the cookie has an id, which a log in changes and a log out forgets', async (t) => {
  const kept = new Map<string, object>();
  Object.assign(globalThis, { keptSessions: kept });
  t.after(() => Reflect.deleteProperty(globalThis, 'keptSessions'));
  const folder = storeIn(MAP);
  const { send, cookie } = await client({ store: STORE }, '', folder);
  await send('POST', '/login');
  assert.deepEqual([...kept.values()], [{ userId: 'ada', roles: ['reader'], visits: 1 }]);
  const [before] = kept.keys();
  assert.deepEqual((await send('GET', '/me')).value, ['ada', ['reader']]);
  const stolen = cookie();
  await send('POST', '/login');
  assert.equal(kept.size, 1);
  assert.notEqual([...kept.keys()][0], before);
  assert.equal((await (await client({ store: STORE }, stolen, folder)).send('GET', '/me')).status, 401);
  await send('POST', '/logout');
  assert.equal(kept.size, 0);
});

test('AU-5 a log out during a slow request ends the session; a change of roles during one is kept', async (t) => {
  const kept = new Map<string, object>();
  const shared = globalThis as { slowly?: () => Promise<void> };
  Object.assign(globalThis, { keptSessions: kept });
  t.after(() => ['keptSessions', 'slowly'].map((name) => Reflect.deleteProperty(globalThis, name)));
  const folder = storeIn(MAP);
  const { send, cookie } = await client({ store: STORE }, '', folder);
  await send('POST', '/login');
  const other = await client({ store: STORE }, cookie(), folder);
  shared.slowly = async () => {
    kept.set([...kept.keys()][0]!, { userId: 'ada', roles: [] });
  };
  assert.deepEqual((await send('POST', '/slow')).value, { userId: 'ada', roles: [], visits: 9, note: 'again' });
  shared.slowly = async () => {
    await other.send('POST', '/logout');
  };
  const { value, set } = await send('POST', '/slow');
  assert.deepEqual([value, set, kept.size], ['ended', undefined, 0]);
});

/** A store whose `get` waits at a gate of the test, after it has read. */
const GATED = `const { keptSessions: kept, sessionCalls: calls, sessionGate: gate } = globalThis;
export const store = {
  get: async (id) => { const data = kept.get(id); gate.read?.(); await gate.passed; return data; },
  set: async (id, data) => { calls.push('set'); kept.set(id, data); },
  touch: async (id, seconds) => { calls.push(['touch', kept.has(id), seconds]); return globalThis.sessionTouched?.(id); },
  delete: async (id) => kept.delete(id),
};
`;

test('RW-7 a log out and an update stay when another request renews the session', async (t) => {
  const kept = new Map<string, object>();
  const calls: unknown[] = [];
  const gate: { read?: () => void; passed?: Promise<void> | undefined } = {};
  Object.assign(globalThis, { keptSessions: kept, sessionCalls: calls, sessionGate: gate });
  mock.timers.enable({ apis: ['Date'], now: 1_000_000_000_000 });
  t.after(() => {
    mock.timers.reset();
    for (const name of ['keptSessions', 'sessionCalls', 'sessionGate', 'sessionTouched'])
      Reflect.deleteProperty(globalThis, name);
  });
  const { send } = await client({ store: STORE, life_s: '100' }, '', storeIn(GATED));
  /** Returns the status, and whether the response has a cookie. */
  const renewedDuring = async (change: (id: string) => void): Promise<[number, boolean]> => {
    await send('POST', '/login');
    mock.timers.tick(20_000);
    calls.length = 0;
    let open = (): void => {};
    gate.passed = new Promise((resolve) => (open = resolve));
    const read = new Promise<void>((resolve) => (gate.read = resolve));
    const answered = send('GET', '/me');
    await read;
    change([...kept.keys()][0]!);
    open();
    gate.passed = undefined;
    const { status, set } = await answered;
    return [status, set !== undefined];
  };
  assert.deepEqual(await renewedDuring((id) => kept.set(id, { userId: 'ada', visits: 7 })), [200, true]);
  assert.deepEqual(calls, [['touch', true, 100]]);
  assert.deepEqual([...kept.values()], [{ userId: 'ada', visits: 7 }], 'the update stays');
  await renewedDuring((id) => kept.delete(id));
  assert.deepEqual(calls, [['touch', false, 100]]);
  assert.equal(kept.size, 0, 'the log out stays');
  assert.equal((await send('GET', '/me')).status, 401);
  for (const [gone, there] of [
    [0, 1],
    [false, true],
  ]) {
    Object.assign(globalThis, { sessionTouched: (id: string) => (kept.has(id) ? there : gone) });
    assert.deepEqual(await renewedDuring(() => {}), [200, true]);
    assert.deepEqual(
      await renewedDuring((id) => kept.delete(id)),
      [401, false],
      'a session that is gone has no cookie',
    );
  }
});

test('an update stays away when a store has nothing to replace: a log out came between', async (t) => {
  const calls: unknown[] = [];
  Object.assign(globalThis, { setCalls: calls });
  t.after(() => Reflect.deleteProperty(globalThis, 'setCalls'));
  const store =
    'let data = { userId: "ada", visits: 1 };\nexport const store = { get: async () => data, set: async (id, next, seconds, before) => (setCalls.push(before), (data = before === undefined ? next : undefined) !== undefined), touch: async () => 1, delete: async () => 1 };\n';
  const { send } = await client({ store: STORE }, '', storeIn(store));
  await send('POST', '/login');
  assert.deepEqual((await send('POST', '/update', {}, { note: 'late' })).set, undefined);
  assert.deepEqual(calls, [undefined, { userId: 'ada', roles: ['reader'], visits: 1 }]);
});

/** A store in a map, which sets only what has not changed. */
const COMPARING = `const kept = globalThis.keptSessions;
export const store = {
  get: async (id) => kept.get(id),
  set: async (id, data, seconds, before) => before === kept.get(id) && (kept.set(id, data), true),
  touch: async () => {},
  delete: async (id) => kept.delete(id),
};
`;

test('ten parallel updates of a session are all there, in ten requests and in one', async (t) => {
  const kept = new Map<string, object>();
  Object.assign(globalThis, { keptSessions: kept });
  t.after(() => Reflect.deleteProperty(globalThis, 'keptSessions'));
  const folder = storeIn(COMPARING);
  const { send, cookie } = await client({ store: STORE }, '', folder);
  await send('POST', '/login');
  const names = Array.from({ length: 10 }, (_, at) => `part${at}`);
  const clients = await Promise.all(names.map(() => client({ store: STORE }, cookie(), folder)));
  const answers = await Promise.all(clients.map((each, at) => each.send('POST', '/update', {}, { [names[at]!]: at })));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  const [data] = kept.values();
  assert.deepEqual(Object.keys(data!).toSorted(), [...names, 'roles', 'userId', 'visits'].toSorted());
  for (const local of [{ store: STORE }, {}]) {
    const one = await client(local, '', folder);
    const { value } = await one.send('POST', '/parts', {}, { names });
    assert.deepEqual(Object.keys(value as object).toSorted(), names);
  }
});

test('a session that a failed request has begun leaves the one before', async (t) => {
  const kept = new Map<string, object>();
  Object.assign(globalThis, { keptSessions: kept });
  t.after(() => Reflect.deleteProperty(globalThis, 'keptSessions'));
  const { send, cookie } = await client({ store: STORE }, '', storeIn(MAP));
  await send('POST', '/login');
  const [ids, before] = [[...kept.keys()], cookie()];
  assert.equal((await send('POST', '/fails', {}, { userId: 'bob' })).status, 500);
  assert.deepEqual([[...kept.keys()], cookie()], [ids, before]);
  assert.deepEqual((await send('GET', '/me')).value, ['ada', ['reader']]);
});

test('data that JSON cannot write, and a user id that is no text, are errors of the code, not of the store', async () => {
  const { made } = await buildFilter(session, { local: { secrets: FIRST! } });
  const cyclic: { self?: object } = {};
  cyclic.self = cyclic;
  for (const [data, said] of [
    [{ userId: 'ada', size: 7n }, /^JSON cannot write the data of the session: .*BigInt/],
    [{ cyclic }, /^JSON cannot write the data of the session: .*circular/],
    [{ userId: 7 }, /^the userId of a session is a text, not the number 7$/],
    [{ userId: true }, /^the userId of a session is a text, not .*true/],
    [{ userId: ['ada'] }, /^the userId of a session is a text, not a list/],
    [{ userId: {} }, /^the userId of a session is a text, not an object$/],
  ] as const) {
    const app = made(async (req, res) => {
      for (const change of ['begin', 'update'] as const) {
        await assert.rejects(environ(req).session![change](data as never), (error: PorticoError) => {
          assert.match(error.message, said);
          return error.code === 'PORTICO_SESSION_DATA';
        });
      }
      res.end();
    });
    assert.equal((await request(app, 'POST', '/')).status, 200, inspect(data));
  }
});

test('identity headers of the client are removed, and those of an outer authenticator stay', async () => {
  const { made } = await buildFilter(session, { local: { secrets: FIRST! } });
  const app = made((req, res) => void res.end(String(req.headers['x-user-id'])));
  const headers = { 'x-user-id': 'eve', 'X-Roles': 'admin' };
  assert.equal((await request(app, 'GET', '/', { headers })).body.toString(), 'undefined');
  const outer: App = (req, res) => {
    stripIdentity(req);
    req.headers['x-user-id'] = 'ada';
    return app(req, res);
  };
  assert.equal((await request(outer, 'GET', '/', { headers })).body.toString(), 'ada');
});

test('AU-5 an error about a store shows neither its text nor its line, which have a password', async () => {
  const folder = storeIn(MAP);
  const file = join(folder, 'api-paste.ini');
  const refused = async (factory: object, lines: string): Promise<string> => {
    const sections = `[pipeline:main]\npipeline = some app\n[filter:some]\npaste.filter_factory = some\n${lines}\n`;
    writeFileSync(file, `${sections}[app:app]\npaste.app_factory = app\n`);
    const factories: Record<string, unknown> = { some: factory, app: () => () => {} };
    const distribution = () => new Map<string, ReadonlyMap<string, unknown>>();
    const loader = new Loader(file, { resolve: { expression: (text) => factories[text], distribution } });
    const error: unknown = await loader.loadApp('main').then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ConfigurationRefused, `${lines} is refused`);
    const text = `${error.describe()}${error.stack}${inspect(error.cause)}${JSON.stringify(error)}`;
    assert.doesNotMatch(text, /S3CRET/, lines);
    return error.describe();
  };
  for (const store of ['user:S3CRETpw@host:6379', ':S3CRETpw@host', 'S3CRETpw@host', '//user:S3CRETpw@host:6379']) {
    const said = await refused(session, `secrets = ${FIRST}\nstore = ${store}`);
    assert.match(
      said,
      /ini:6:9: error: \[filter:some\] store: the store is neither a URL nor a module\n {2}Write redis:/,
    );
  }
  for (const store of [
    'user/S3:S3CRETpw@host',
    '/user:S3CRETpw@host:x',
    'redsi:/u:S3CRETpw@h',
    'file:u:S3CRETpw@h',
    'S3CRET pw',
  ]) {
    await refused(session, `secrets = ${FIRST}\nstore = ${store}`);
  }
  for (const store of ['user:S3CRETpw@host:6379', 'redis:/user:S3CRETpw@host', 'redsi://u:S3CRETpw@h']) {
    await refused(session, `secrets = ${FIRST}\nstore = ${store}`);
    await refused(rateLimit, `rules = all address 1/h 5\nstore = ${store}`);
  }
  await refused(session, 'secrets = S3CRETpw');
  const own = filterFactory('own', { dsn: string({ secret: true, help: 'Where.' }) }, (_options, ctx) => {
    const { origin } = ctx.section.options.get('dsn')!;
    throw new ConfigurationRefused('PORTICO_OWN', { message: 'cannot be used', origin });
  });
  assert.match(await refused(own, 'dsn = u:S3CRETpw@h'), /ini:5:7: error: \[filter:some\] dsn: cannot be used$/);
  for (const store of ['./none.mjs:store', 'nothing-installed:store', '@some/where/store:one.two', '/@none/x.mjs'])
    await assert.rejects(client({ store }, '', folder), { code: 'PORTICO_MODULE_NOT_FOUND' });
});

test('AU-5 options of a store with a URL are refused without one, all at once', async () => {
  const folder = storeIn(MAP);
  const rules = 'all address 1/h 5';
  const refused = async (factory: Factory, local: Record<string, string>, told: RegExp, config = '') => {
    const building = buildFilter(factory, { local, folder, config, isTrial: true });
    await assert.rejects(building, (error: PorticoError) => {
      assert.match(error.describe(), told);
      return true;
    });
  };
  const both =
    /timeout: has no effect: store is no URL\n {2}Remove it.*\n.*on_failure: has no effect: store is no URL\n/;
  const options = { timeout: '100', on_failure: 'refuse' };
  await refused(session, { secrets: FIRST!, ...options }, both);
  await refused(session, { secrets: FIRST!, store: STORE, ...options }, both);
  await refused(rateLimit, { rules, ...options }, both);
  await refused(
    session,
    { secrets: FIRST! },
    /:2:11: error: \[session\] timeout: has no effect/,
    '[session]\ntimeout = 9\n',
  );
});

test('RW-7 a store without touch is refused, with the methods that it must have', async () => {
  const folder = storeIn(
    'const none = async () => {};\nexport const store = { get: none, set: none, delete: none };\n',
  );
  await assert.rejects(client({ store: STORE }, '', folder), (error: PorticoError) => {
    assert.match(error.describe(), /it has no touch\n.*It must have get, set, touch, delete/s);
    return true;
  });
});

test('AU-5 a response with the cookie is private, whatever the action says of caches', async () => {
  const { send } = await client();
  await send('POST', '/login');
  const said = async (control: string) =>
    (await send('GET', `/cached/${encodeURIComponent(control)}`)).headers['cache-control'];
  assert.equal(await said('public, max-age=3600'), 'no-store');
  assert.equal(await said('private="x-a", max-age=3600'), 'no-store');
  assert.equal(await said('max-age=60, Private'), 'max-age=60, Private');
  assert.equal(await said('no-store'), 'no-store');
});

test('AU-5 a store that is an exported object closes with the last app that uses it', async (t) => {
  const calls: string[] = [];
  Object.assign(globalThis, { keptSessions: new Map(), storeCalls: calls });
  t.after(() => ['keptSessions', 'storeCalls'].map((name) => Reflect.deleteProperty(globalThis, name)));
  const life =
    'store.open = async () => storeCalls.push("open");\nstore.close = async () => storeCalls.push("close");\n';
  const folder = storeIn(MAP + life);
  const local = { secrets: FIRST!, store: STORE };
  const before = await buildFilter(session, { local, folder });
  const after = await buildFilter(session, { local, folder });
  await before.close();
  assert.deepEqual(calls, ['open']);
  await after.close();
  assert.deepEqual(calls, ['open', 'close']);
});

test('AU-5 a store that fails gets 503, not a log out', async () => {
  const down = 'const down = async () => { throw new Error("down"); };\n';
  const failing = storeIn(
    `${down}export const store = { get: down, set: async () => 1, touch: down, delete: down };\n`,
  );
  const { send } = await client({ store: STORE }, '', failing);
  await send('POST', '/login');
  assert.equal((await send('GET', '/me')).status, 503);
});

/** A store in a map, which rejects the calls that the test names, and notes all. */
const FAILING = `const { keptSessions: kept, sessionCalls: calls } = globalThis;
const asked = async (name, answer) => {
  calls.push(name);
  if (globalThis.sessionFails.includes(name)) throw new Error('down');
  return answer();
};
export const store = {
  get: (id) => asked('get', () => kept.get(id)),
  set: (id, data) => asked('set', () => void kept.set(id, data)),
  touch: () => asked('touch', () => 1),
  delete: (id) => asked('delete', () => kept.delete(id)),
};
`;

test('AU-5 what a failing store has not kept is reported, and nothing else is lost', async (t) => {
  const kept = new Map<string, object>();
  const calls: string[] = [];
  const fails = (...names: string[]): void => void Object.assign(globalThis, { sessionFails: names });
  Object.assign(globalThis, { keptSessions: kept, sessionCalls: calls });
  fails();
  t.after(() => {
    for (const name of ['keptSessions', 'sessionCalls', 'sessionFails']) Reflect.deleteProperty(globalThis, name);
  });
  const folder = storeIn(FAILING);
  const { send, cookie } = await client({ store: STORE }, '', folder);

  fails('set');
  const again = await send('POST', '/again', {}, { note: 'kept' });
  assert.deepEqual([again.status, again.value], [200, { note: 'kept' }], 'a change after a begin that failed');
  assert.deepEqual([...kept.values()], [{ note: 'kept' }]);

  kept.clear();
  await send('POST', '/login');
  const [ada] = kept.keys();
  calls.length = 0;
  await send('POST', '/login');
  assert.deepEqual(calls, ['get', 'set', 'delete'], 'the old one is there until the new one is');
  assert.ok(!kept.has(ada!));
  const before = cookie();
  fails('set');
  assert.equal((await send('POST', '/login')).status, 503);
  fails();
  assert.equal(cookie(), before);
  assert.equal((await send('GET', '/me')).status, 200, 'the old session is there when set has failed');
});

test('AU-5 other sites change nothing, and open no WebSocket; other clients and trusted origins do', async () => {
  const { send } = await client({ trusted_origins: 'https://app.example.com' });
  const asked = async (headers: Record<string, string>, method = 'POST') =>
    (await send(method, method === 'GET' ? '/me' : '/login', { host: 'api.example.com', ...headers })).status;
  assert.equal(await asked({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }), 403);
  assert.equal(await asked({ 'sec-fetch-site': 'same-site', origin: 'https://other.example.com' }), 403);
  assert.equal(await asked({ origin: 'null' }), 403);
  assert.equal(await asked({ origin: 'https://evil.example' }), 403);
  assert.equal(await asked({}), 200);
  assert.equal(await asked({ 'sec-fetch-site': 'same-origin', origin: 'https://api.example.com' }), 200);
  assert.equal(await asked({ origin: 'https://api.example.com' }), 200);
  assert.equal(await asked({ 'sec-fetch-site': 'cross-site', origin: 'https://app.example.com' }), 200);
  assert.equal(await asked({ 'sec-fetch-site': 'cross-site' }, 'GET'), 200, 'a followed link');
});

test('AU-5 errors are reported: no or short secrets, cookies that browsers ignore, a session too large', async () => {
  const refused = (local: Record<string, string>, code: string) =>
    assert.rejects(buildFilter(session, { local }), (error: Error & { code?: string }) => {
      assert.equal(error.code, code, error.message);
      assert.doesNotMatch(error.message, /1111/);
      return true;
    });
  await refused({}, 'PORTICO_SESSION_SECRET');
  await refused({ secrets: '1111' }, 'PORTICO_SESSION_SECRET');
  await refused({ secrets: FIRST!, same_site: 'none', secure: 'false' }, 'PORTICO_CONFIG_VALUE');
  // AT-20: browsers compare the prefixes without regard to case (RFC 6265bis §5.7).
  for (const cookie of ['__Host-id', '__host-id']) {
    await refused({ secrets: FIRST!, cookie, domain: 'a.example' }, 'PORTICO_CONFIG_VALUE');
  }
  await refused({ secrets: FIRST!, cookie: '__SECURE-id', secure: 'false' }, 'PORTICO_CONFIG_VALUE');
  const { send } = await client();
  const { status, error } = await send('POST', '/large');
  assert.equal(status, 500);
  assert.equal((error as { code?: string }).code, 'PORTICO_SESSION_SIZE');
});

test('AU-5 request.session without the filter says what is missing', async () => {
  const { status, error } = await request(await routes(), 'POST', '/login');
  assert.equal(status, 500);
  assert.equal((error as { code?: string }).code, 'PORTICO_SESSION_ABSENT');
});

test('a store of an extension that never responds costs a request its timeout', async (t) => {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'silent.js'),
    `const never = () => new Promise(() => undefined);
export const extension = {
  name: 'silent',
  provides: { sessionStores: { silent: async () => async () => ({ get: never, set: never, touch: never, delete: never, close() {} }) } },
};
`,
  );
  const config = Config.fromText('[DEFAULT]\nextensions = ./silent.js\n', { file: join(folder, 'portico.ini') });
  const log = captureLog();
  const { made } = await filterUntilEnd(t, session, {
    config,
    log: log.log,
    local: { secrets: FIRST!, store: 'silent://', timeout: '20' },
  });
  const app = made(async (req, res) => {
    await assert.rejects(environ(req).session!.begin({ userId: 'ada' }), (error: Fault) => {
      return error.status === 503 && /^no response within 20 ms$/.test((error.cause as Error).message);
    });
    res.end();
  });
  assert.equal((await request(app, 'POST', '/')).status, 200);
  assert.match(log.text(), /silent:\/\/, the store of test, fails: no response within 20 ms/);
});
