/** Tests the filter audit: its events with a Router, where they go, and errors of the map with their locations. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { type App, environ, readBody } from 'portico/app';
import { audit } from 'portico/audit';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { Router } from 'portico/routing';
import { NotificationService } from 'portico/rpc';
import { buildFilter, captureLog, request } from 'portico/testing';
import { deferred } from '../../dist/tasks/deferred.js';
import { filterUntilEnd } from '../fixtures/until-end.js';
import { folderOf } from '../loader/folder.js';
import { serveApp } from '../routing/served-router.js';
import { memoryLog } from '../server/memory-log.js';
import { audited, type Told } from './audited.js';

const TO_LOG = { use_oslo_messaging: 'false' };

/** The parts of events that tests look at: type, action, outcome, status. */
const seen = (told: readonly Told[]) =>
  told.map(([type, { action, outcome, reason }]) => [
    type,
    action,
    outcome,
    (reason as { reasonCode: string })?.reasonCode,
  ]);

/** A Router with an action of servers, which passes its body to `act`. */
async function serversApp(act: (body: unknown) => void = () => undefined): Promise<App> {
  const router = new Router();
  router.post('/servers/{id}/action', ({ body }) => act(body));
  router.get('/fail', () => {
    throw new Error('x');
  });
  return router.build();
}

test('the action of a body is known when the application has read it, and the application gets all of it', async (t) => {
  let got: unknown;
  const app = await serversApp((body) => {
    got = body;
  });
  // The body arrives before the application reads it.
  const slow: App = async (req, res) => {
    while (req.readableLength === 0) await new Promise(setImmediate);
    return app(req, res);
  };
  const send = await audited(t, TO_LOG, slow);
  const body = `{"reboot":{"type":"${'x'.repeat(50_000)}"}}`;
  const told = await send('POST', '/servers/1/action', { body, headers: { 'content-type': 'application/json' } });
  assert.deepEqual(seen(told), [
    ['audit.http.request', 'update/reboot', 'pending', undefined],
    ['audit.http.response', 'update/reboot', 'success', '204'],
  ]);
  assert.deepEqual(got, JSON.parse(body));
  assert.equal(told[0]![1].id, told[1]![1].id);
});

test('the action is that which the Router serves, in whatever form the caller writes it', async (t) => {
  const router = new Router({ useMethodOverride: true, bodyLimit: 200_000 });
  router.post('/servers/{id}/action', () => undefined);
  router.delete('/servers/{id}', () => undefined);
  router.get('/servers/{id}', () => ({}));
  const send = await audited(t, { ...TO_LOG, ignore_req_list: 'GET' }, await router.build());
  const action = async (...sent: Parameters<typeof send>): Promise<unknown[]> =>
    (await send(...sent)).map(([, { action: told }]) => told);
  const [headers, body] = [{ 'content-type': 'application/json' }, '{"delete":{}}'];
  const twice = ['update/delete', 'update/delete'];
  assert.deepEqual(await action('POST', '/servers/1/action', { headers, body: `\ufeff${body}` }), twice);
  assert.deepEqual(await action('POST', '/servers/1/action', { headers, body: ' '.repeat(150_000) + body }), twice);
  assert.deepEqual(await action('POST', '/servers/1/%61ction', { headers, body }), twice);
  assert.deepEqual(await action('GET', '/servers/1?_method=DELETE'), ['delete', 'delete']);
  assert.deepEqual(await action('DELETE', '/servers/1?_method=GET'), []);
  assert.deepEqual(await action('GET', '/servers/1'), []);
  assert.deepEqual(await action('DELETE', '/servers/1'), ['delete', 'delete']);
});

test('an app that is no Router has its own method, and an action in a body that is too long is unknown', async (t) => {
  const app: App = async (req, res) => {
    await readBody(req, { limit: 200_000 });
    res.end();
  };
  const send = await audited(t, TO_LOG, app);
  const actions = async (...sent: Parameters<typeof send>): Promise<unknown[]> =>
    (await send(...sent)).map(([, { action }]) => action);
  assert.deepEqual(await actions('POST', '/a/action', { body: '\ufeff{"start":1}' }), ['update/start', 'update/start']);
  assert.deepEqual(await actions('POST', '/a/action?_method=PUT', { body: '{"start":1}' }), [
    'update/start',
    'update/start',
  ]);
  assert.deepEqual(await actions('GET', '/a?_method=DELETE'), ['read', 'read']);
  assert.deepEqual(await actions('POST', '/a/action', { body: `${' '.repeat(150_000)}{"start":1}` }), [
    'unknown',
    'unknown',
  ]);
});

test('a body that nobody reads says nothing of the action; a failure has its status', async (t) => {
  const send = await audited(t, TO_LOG, await serversApp());
  assert.deepEqual(seen(await send('POST', '/nothing/1/action', { body: '{"reboot":{}}' })), [
    ['audit.http.request', 'create', 'pending', undefined],
    ['audit.http.response', 'create', 'failure', '404'],
  ]);
  assert.deepEqual(seen(await send('GET', '/fail')).at(-1), ['audit.http.response', 'read', 'failure', '500']);
});

test('a request without a response has an unknown outcome', async (t) => {
  const log = memoryLog();
  const { made } = await buildFilter(audit, { local: TO_LOG, log });
  const { promise: closed, resolve: close } = deferred();
  const { port } = await serveApp(t, (req, res) => {
    res.on('close', () => setImmediate(close));
    return made(() => void client.destroy())(req, res);
  });
  const client = httpRequest({ port, path: '/' })
    .on('error', () => undefined)
    .end();
  await closed;
  const told = log.lines.map(({ fields }) => [fields.event_type, fields.payload] as Told);
  assert.deepEqual(seen(told).at(-1), ['audit.http.response', 'read', 'unknown', undefined]);
});

test('without a broker events are lines of the log; noop and ignored methods have none', async (t) => {
  assert.equal((await (await audited(t, {}))('GET', '/')).length, 2);
  assert.equal((await (await audited(t, { driver: 'log', use_oslo_messaging: 'true' }))('GET', '/')).length, 2);
  assert.deepEqual(await (await audited(t, { driver: 'noop' }))('GET', '/'), []);
  assert.deepEqual(await (await audited(t, { ignore_req_list: ' get, head' }))('GET', '/'), []);
});

for (const [topic, publisher, local] of [
  ['security', 'nova-api', { topics: 'security', service_name: 'nova-api' }],
  ['notifications', 'compute', {}],
] as const) {
  test(`events are notifications of priority info in the topic ${topic}, of the publisher ${publisher}`, async (t) => {
    const config = new Config();
    const { promise: both, resolve } = deferred();
    const got: unknown[] = [];
    const receiver = NotificationService.create({
      config,
      topics: [topic],
      handlers: {
        info: ({ eventType, publisherId, context, payload }) => {
          const { isAdmin } = context as { isAdmin: boolean };
          got.push([eventType, publisherId, isAdmin, (payload as { action: string }).action]);
          if (got.length === 2) resolve();
        },
      },
    });
    await receiver.start();
    t.after(() => receiver.stop());
    const options = { config, service: 'compute', local: { use_oslo_messaging: 'true', ...local } };
    const { made } = await filterUntilEnd(t, audit, options);
    const app = made((_req, res) => void res.end());
    await (await serveApp(t, app))('GET', '/');
    await both;
    assert.deepEqual(got, [
      ['audit.http.request', publisher, true, 'read'],
      ['audit.http.response', publisher, true, 'read'],
    ]);
  });
}

test('a trial emits nothing, and says what a request would', async (t) => {
  const { made } = await filterUntilEnd(t, audit, { local: TO_LOG, log: memoryLog() });
  const said: string[] = [];
  const send = await serveApp(t, (req, res) => {
    Object.assign(environ(req), { trial: { would: (text: string) => said.push(text) } });
    return made((_req, out) => void out.end())(req, res);
  });
  await send('GET', '/');
  assert.deepEqual(said, ['emit an event of audit for the request, and one for the response']);
});

test('events that are lines of the log are written whatever log_level is', async (t) => {
  const { log, lines } = captureLog();
  log.level = 'warn';
  const { made } = await filterUntilEnd(t, audit, { local: TO_LOG, log });
  await request(
    made((_req, res) => void res.end()),
    'GET',
    '/',
  );
  assert.deepEqual(
    lines.map(({ level, event_type }) => [level, event_type]),
    [
      ['notice', 'audit.http.request'],
      ['notice', 'audit.http.response'],
    ],
  );
});

test('a token of less than four characters is not shown', async (t) => {
  const [[, payload]] = (await (
    await audited(t, TO_LOG)
  )('GET', '/', { headers: { 'x-auth-token': 'abc' } })) as [Told];
  assert.equal((payload.initiator as { credential: { token: string } }).credential.token, ' xxxxxxxx ');
});

test('a catalog of another shape leaves the target unknown, and the request as it is', async (t) => {
  const send = await audited(t, TO_LOG);
  const url = 'http://here.example:1';
  for (const catalog of [
    {},
    7,
    [null],
    [[]],
    [{}],
    [{ endpoints: {} }],
    [{ endpoints: [null] }],
    [{ type: 1, name: 'x', endpoints: [{ publicURL: url }] }],
    [{ type: 'x', name: 'x', endpoints: [{ publicURL: [url], adminURL: 7 }] }],
  ]) {
    const headers = { 'x-user-id': 'ada', 'x-service-catalog': JSON.stringify(catalog), host: 'here.example:1' };
    const told = await send('GET', '/', { headers });
    assert.deepEqual(told[0]?.[1].target, { typeURI: 'unknown', id: 'unknown', name: 'unknown' });
    assert.deepEqual(seen(told).at(-1), ['audit.http.response', 'read', 'success', '200']);
  }
});

test('an event that cannot be made is reported in the log, and the request passes', async (t) => {
  const log = memoryLog();
  const { made } = await buildFilter(audit, { local: TO_LOG, log });
  const send = await serveApp(t, (req, res) => {
    Object.defineProperty(environ(req), 'identity', {
      get: () => {
        throw new Error('no identity');
      },
    });
    return made((_req, out) => void out.end('here'))(req, res);
  });
  for (let sent = 0; sent < 3; sent++) assert.equal((await send('GET', '/')).text, 'here');
  const lines = log.lines.map(({ fields, message }) => [message, fields.requests, (fields.err as Error).message]);
  assert.deepEqual(lines, [['requests have no events of audit: making one failed', 1, 'no identity']]);
});

test('headers of an identity count only behind an authenticator that has found it', async (t) => {
  const send = await audited(t, TO_LOG);
  const service = { type: 'compute', name: 'nova', endpoints: [{ publicURL: 'http://api.example:8774/' }] };
  const headers = {
    host: 'api.example:8774',
    'x-identity-status': 'Confirmed',
    'x-service-catalog': JSON.stringify([service]),
  };
  const statusOf = ([[, { initiator }]]: [Told]) =>
    (initiator as { credential: { identity_status: string } }).credential.identity_status;
  const claimed = (await send('GET', '/', { headers })) as [Told];
  assert.equal(statusOf(claimed), 'unknown');
  assert.equal((claimed[0][1].target as { name: string }).name, 'unknown');
  const found = (await send('GET', '/', { headers: { ...headers, 'x-user-id': 'ada' } })) as [Told];
  assert.equal(statusOf(found), 'Confirmed');
  assert.equal((found[0][1].target as { name: string }).name, 'nova');
  // As auth_token says it, which passes a caller on with delay_auth_decision.
  assert.equal(
    statusOf((await send('GET', '/', { headers: { 'x-identity-status': 'Invalid' } })) as [Told]),
    'Invalid',
  );
});

test('a map that is named in portico.ini, and is missing, is told there', async () => {
  const paste = join(
    folderOf({
      'app.js': 'export const app = () => () => undefined;\n',
      'api-paste.ini':
        '[pipeline:main]\npipeline = audit app\n[filter:audit]\npaste.filter_factory = portico/audit:audit\n[app:app]\npaste.app_factory = ./app.js:app\n',
    }),
    'api-paste.ini',
  );
  const ini = '[DEFAULT]\n[audit_middleware_notifications]\naudit_map_file = gone.conf\n';
  const diagnostics = await new Loader(paste, { config: Config.fromText(ini, { file: 'portico.ini' }) }).check();
  const [missing] = diagnostics.filter(({ severity }) => severity === 'error');
  assert.match(missing!.message, /^the map cannot be read: /);
  assert.deepEqual(missing!.location!.origin?.line, 3);
  assert.match(missing!.location!.origin!.file, /portico\.ini$/);
});

test('a path in an event has no secrets of its query', async (t) => {
  const [[, { requestPath }]] = (await (await audited(t, TO_LOG))('GET', '/v1/a?token=SECRET123&b=1')) as [Told];
  assert.equal(requestPath, '/v1/a?token=****&b=1');
});

test('all errors of a map are reported with their locations, and a file that is missing', async () => {
  const found = async (map: string, more = ''): Promise<string[]> => {
    const folder = folderOf({ 'map.conf': map, 'app.js': 'export const app = () => () => undefined;\n' });
    const paste = join(folder, 'api-paste.ini');
    writeFileSync(
      paste,
      `[pipeline:main]\npipeline = noauth audit app\n[filter:audit]\npaste.filter_factory = keystonemiddleware.audit:filter_factory
audit_map_file = ${folder}/${more || 'map.conf'}\n[filter:noauth]\npaste.filter_factory = portico/middleware:noauth\n[app:app]\npaste.app_factory = ./app.js:app\n`,
    );
    const config = Config.fromText('[api]\nauth_strategy = noauth\n');
    const diagnostics = await new Loader(paste, { config }).check();
    const ofMap = diagnostics.filter(({ severity }) => severity === 'error');
    return ofMap.map(({ location, message, hint }) =>
      `${location?.detail}: ${message}${hint === undefined ? '' : ` | ${hint}`}`.replaceAll(`${folder}/`, ''),
    );
  };
  const map = `[DEFAULT]
target_endpoint = compute
[path_keyword]
a = b
[custom_actions]
reboot = strat/it
Reboot = start
[service_endpoints]
compute = %(x)s
a line
`;
  assert.deepEqual(await found(map), [
    'map.conf:2:1: [DEFAULT] has no option target_endpoint | It has target_endpoint_type alone.',
    'map.conf:3:1: there is no section [path_keyword] | Did you mean "path_keywords"?',
    'map.conf:6:10: strat/it does not begin with a word of CADF | Did you mean "start"?',
    'map.conf:7:1: reboot occurs twice in [custom_actions]',
    'map.conf:9:11: a reference such as %(name)s is not read here | Write its value; %% is a percent sign.',
    'map.conf:10:1: the file has an error here: bad line',
  ]);
  assert.match((await found('', 'gone.conf'))[0]!, /^api-paste\.ini:5:18: the map cannot be read: ENOENT/);
  assert.deepEqual(await found('[path_keywords]\nservers = server\n'), []);
});
