/** Tests renderers of faults: an application's renderers, the problem style, and the choice for a request. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Fault, type FaultRenderer, type FaultStyle } from 'portico/app';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { action, type FaultMapping, Router } from 'portico/routing';
import { Server, WSGIService } from 'portico/server';
import { captureLog, request } from 'portico/testing';
import { openApiDocument } from '#internal/routing';
import { closedAfter } from '../../fixtures/closed-after.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { keepingLogger, serveRouter } from '../../routing/served-router.js';
import { startedService } from '../../server/started-server.js';

const shouting: FaultRenderer = ({ status, message }, { method }) => ({
  type: 'application/vnd.shout+json',
  headers: { 'x-shouted': 'yes', 'retry-after': '9' },
  body: { shout: message.toUpperCase(), status, method },
});

test('a Router writes its faults with a renderer: its own, those of actions, and unknown errors', async (t) => {
  const router = new Router({ faultStyle: shouting, log: keepingLogger() });
  router.connect('/own', {
    handler: () => {
      throw new Fault(429, { message: 'slowly', headers: { 'Retry-After': '5' } });
    },
    conditions: { method: ['GET'] },
  });
  router.connect('/broken', {
    handler: () => {
      throw new Error('not for clients');
    },
  });
  const send = await serveRouter(t, router);
  const own = await send('GET', '/own');
  assert.deepEqual(
    [own.status, own.headers['content-type'], own.headers['x-shouted'], own.headers['retry-after'], own.json],
    [429, 'application/vnd.shout+json', 'yes', '5', { shout: 'SLOWLY', status: 429, method: 'GET' }],
  );
  assert.deepEqual((await send('GET', '/nowhere')).json, {
    shout: 'THE RESOURCE COULD NOT BE FOUND.',
    status: 404,
    method: 'GET',
  });
  assert.equal((await send('PUT', '/own')).headers['content-type'], 'application/vnd.shout+json');
  assert.equal((await send('GET', '/broken')).status, 500);
});

const nonsense: readonly (readonly [name: string, render: unknown, told: RegExp])[] = [
  [
    'throws',
    () => {
      throw new TypeError('no such member');
    },
    /threw: no such member/,
  ],
  ['undefined', () => undefined, /gave undefined/],
  ['promise', () => Promise.resolve({ body: 'x' }), /gave a promise/],
  ['SE-2 rejection', () => Promise.reject(new Error('no translation')), /gave a promise/],
  [
    'SE-2 rejected body',
    () => ({ type: 'x', body: Promise.reject(new Error('none')) }),
    /gave a body that is a promise/,
  ],
  ['type', () => ({ type: 'a\r\nx: y', body: '' }), /gave a type that is no media type/],
  ['body', () => ({ body: 1n }), /gave a body that JSON cannot say: the bigint 1/],
  ['headers', () => ({ body: '', headers: 'x' }), /gave headers that are the text "x"/],
];

for (const [name, render, told] of nonsense) {
  test(`a renderer that gives nonsense (${name}) still has a response, and one line names it`, async (t) => {
    const log = keepingLogger();
    const { lines } = log;
    const renderer = Object.defineProperty(render as FaultRenderer, 'name', { value: 'renderOurs' });
    const send = await serveRouter(t, new Router({ faultStyle: renderer, log }));
    const answer = await send('GET', '/nowhere');
    assert.equal(answer.status, 404);
    assert.deepEqual(answer.json, {
      error: { code: 404, title: 'Not Found', message: 'The resource could not be found.' },
    });
    const [line, ...others] = lines.filter(({ level }) => level === 'error');
    assert.deepEqual(others, []);
    assert.match(String((line!.fields.err as Error).message), /renderOurs/);
    assert.match(String((line!.fields.err as Error).message), told);
  });
}

test('faultStyle = problem is RFC 9457, whatever the client accepts', async (t) => {
  const router = new Router({ faultStyle: 'problem', log: keepingLogger() });
  router.connect('/paid', {
    handler: () => {
      throw new Fault(402, { message: 'There is no credit.', title: 'No credit', type: 'https://example.test/credit' });
    },
  });
  router.connect('/odd', {
    handler: () => {
      const message = 'There is no parameter x.';
      throw new Fault(400, { message, issues: [{ where: 'query', path: [], message, keyword: 'unrecognized_keys' }] });
    },
  });
  const send = await serveRouter(t, router);
  const missing = await send('GET', '/a%20b?token=secret', { headers: { accept: 'text/html' } });
  assert.equal(missing.headers['content-type'], 'application/problem+json');
  assert.deepEqual(missing.json, {
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    detail: 'The resource could not be found.',
    instance: '/a%20b',
  });
  const { json } = await send('GET', '/paid');
  assert.equal((json as { type: string }).type, 'https://example.test/credit');
  // An issue of the whole query names no parameter.
  const odd = (await send('GET', '/odd')).json as { errors: readonly object[] };
  assert.deepEqual(odd.errors, [{ detail: 'There is no parameter x.', keyword: 'unrecognized_keys' }]);
});

test('errors of other libraries keep their status; from 500 on their message is for the log', async (t) => {
  const log = keepingLogger();
  const { lines } = log;
  const router = new Router({ log });
  const thrown: Record<string, unknown> = {
    status: Object.assign(new Error('gone away'), { status: 410 }),
    hidden: Object.assign(new Error('secret'), { statusCode: 404, expose: false }),
    late: Object.assign(new Error('10.0.0.7 is down'), { statusCode: 504, headers: { 'retry-after': '3' } }),
    odd: Object.assign(new Error('inner'), { statusCode: 200 }),
    text: Object.assign(new Error('inner'), { status: 'failed' }),
  };
  router.connect('/{which}', {
    handler: ({ params }) => {
      throw thrown[String(params.which)];
    },
  });
  const send = await serveRouter(t, router);
  const said = async (which: string) => {
    const { status, json } = await send('GET', `/${which}`);
    return [status, (json as { error: { message: string } }).error.message];
  };
  assert.deepEqual(await said('status'), [410, 'Gone']);
  assert.deepEqual(await said('hidden'), [404, 'Not Found']);
  const errors = lines.filter(({ level }) => level === 'error');
  assert.deepEqual(errors, []);
  assert.deepEqual(await said('late'), [504, 'Gateway Timeout']);
  assert.equal((await send('GET', '/late')).headers['retry-after'], '3');
  assert.deepEqual(await said('odd'), [500, 'Internal Server Error']);
  assert.deepEqual(await said('text'), [500, 'Internal Server Error']);
  assert.equal(lines.filter(({ level }) => level === 'error').length, 4);
});

test('SE-3 what a renderer writes on a fault is in no later response', async (t) => {
  const seen: unknown[] = [];
  const writing: FaultRenderer = (fault) => {
    seen.push([fault.message, { ...fault.headers }]);
    fault.message = 'written';
    Object.assign(fault.headers, { 'x-written': 'yes' });
    return { body: {} };
  };
  const send = await serveRouter(
    t,
    new Router({ faultStyle: writing, log: keepingLogger() }).get('/x', () => 1),
  );
  const twice = async (method: string, path: string) => {
    seen.length = 0;
    await send(method, path);
    await send(method, path);
    assert.deepEqual(seen[1], seen[0]);
  };
  await twice('GET', '/nowhere');
  await twice('POST', '/x');
  await twice('GET', `/${'x'.repeat(9000)}`);
});

const PASTE = `
[composite:main]
use = egg:Paste#urlmap
/ = api
/plain = plain

[pipeline:api]
pipeline = guard app

[filter:guard]
paste.filter_factory = ./app.mjs:guard

[app:app]
paste.app_factory = ./app.mjs:app

[app:plain]
paste.app_factory = ./app.mjs:plain
`;

const APP = `
import { Fault } from 'portico/app';
import { Router } from 'portico/routing';
export const guard = () => (app) => (req, res) => {
  if (req.headers['x-guard'] === 'no') throw new Fault(403, { message: 'guarded' });
  return app(req, res);
};
export const app = async (_global, _local, ctx) => {
  const router = new Router({ log: ctx.log });
  const built = await router.build();
  ctx.onClose(() => built.close());
  return built;
};
export const plain = () => () => { throw new Fault(409, { message: 'in use' }); };
`;

const RENDERER = `
export const render = ({ status, message, issues }) => ({ body: { ours: [status, message] } });
export const page = { render };
export const late = async () => ({ body: {} });
`;

function written(ini: string): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(resolve(fileURLToPath(import.meta.url), '..', '..', '..', '..'), join(folder, 'node_modules', 'portico'));
  writeFileSync(join(folder, 'api-paste.ini'), PASTE);
  writeFileSync(join(folder, 'app.mjs'), APP);
  writeFileSync(join(folder, 'errors.mjs'), RENDERER);
  writeFileSync(join(folder, 'portico.ini'), `[DEFAULT]\n${ini}`);
  return folder;
}

async function served(
  t: TestContext,
  ini: string,
  faultStyle?: FaultStyle,
): Promise<(path: string, headers?: object) => Promise<unknown>> {
  const folder = written(ini);
  const config = await Config.load({ files: [join(folder, 'portico.ini')] });
  const { log } = captureLog();
  const service = await startedService(t, 'main', config, { log, ...(faultStyle && { faultStyle }) });
  return async (path, headers = {}) => {
    const answer = await fetch(`http://127.0.0.1:${service.port}${path}`, {
      headers: headers as Record<string, string>,
    });
    return [answer.status, await answer.json()];
  };
}

test('fault_style of a file names a renderer: filters, Routers without a style and bare apps have their faults written by it', async (t) => {
  const get = await served(t, 'fault_style = ./errors.mjs:render\n');
  assert.deepEqual(await get('/nowhere'), [404, { ours: [404, 'The resource could not be found.'] }]);
  assert.deepEqual(await get('/nowhere', { 'x-guard': 'no' }), [403, { ours: [403, 'guarded'] }]);
  assert.deepEqual(await get('/plain'), [409, { ours: [409, 'in use'] }]);
});

test('[api:<name>] fault_style wins over that of [DEFAULT], and code over both', async (t) => {
  const ini = 'fault_style = openstack\n[api:main]\nfault_style = ./errors.mjs:render\n';
  assert.deepEqual(await (await served(t, ini))('/plain'), [409, { ours: [409, 'in use'] }]);
  const styled = await served(t, ini, (fault) => ({ body: [fault.title] }));
  assert.deepEqual(await styled('/plain'), [409, ['Conflict']]);
});

test('a Loader without a service writes faults as its configuration says, and request() of portico/testing shows them so', async (t) => {
  const folder = written('fault_style = ./errors.mjs:render\n');
  const config = await Config.load({ files: [join(folder, 'portico.ini')] });
  const app = closedAfter(t, await new Loader(join(folder, 'api-paste.ini'), { config }).loadApp('main'));
  assert.deepEqual((await request(app, 'GET', '/plain')).json(), { ours: [409, 'in use'] });
  assert.deepEqual((await request(app, 'GET', '/nowhere')).json(), { ours: [404, 'The resource could not be found.'] });
});

for (const [value, code, told] of [
  ['./errors.mjs:rendr', 'PORTICO_FAULT_STYLE', /portico\.ini:2:15: .*no export "rendr"[\s\S]*"render"/],
  ['./erors.mjs:render', 'PORTICO_FAULT_STYLE', /portico\.ini:2:15: .*erors\.mjs/],
  ['./errors.mjs:page', 'PORTICO_FAULT_STYLE', /is an object, not a function/],
  ['./errors.mjs:late', 'PORTICO_FAULT_STYLE', /portico\.ini:2:15: .*is an async function/],
  ['protico', undefined, /portico\.ini:2:15[\s\S]*did you mean 'portico'/],
] as const) {
  test(`a start refuses fault_style = ${value}, with its location`, async (t) => {
    const folder = written(`fault_style = ${value}\n`);
    const config = await Config.load({ files: [join(folder, 'portico.ini')] });
    const service = new WSGIService('main', config, { log: captureLog().log });
    t.after(() => service.stop());
    await assert.rejects(service.start(), (error: Error & { code: string; describe(): string }) => {
      if (code !== undefined) assert.equal(error.code, code, error.describe());
      assert.match(error.describe(), told);
      return true;
    });
  });
}

test('SE-2 an async renderer in code is refused, and an async mapping', async () => {
  const late = (async () => ({ body: {} })) as unknown as FaultRenderer;
  assert.throws(() => new Router({ faultStyle: late }), { code: 'PORTICO_ROUTER_OPTION', message: /async function/ });
  assert.throws(() => new Server('x', () => undefined, { faultStyle: late }), { code: 'PORTICO_INVALID_OPTION' });
  const faults = (async () => undefined) as unknown as FaultMapping;
  await assert.rejects(
    new Router({ faults, log: keepingLogger() }).build(),
    /faults of a Router are an async function/,
  );
});

test('a style in code that does not exist is refused with the nearest', () => {
  assert.throws(() => new Router({ faultStyle: 'openstak' as 'openstack' }), {
    code: 'PORTICO_ROUTER_OPTION',
    hint: /Did you mean "openstack"/,
  });
  assert.throws(() => new Server('x', () => undefined, { invalidInputStatus: 200 }), {
    code: 'PORTICO_INVALID_OPTION',
  });
});

test('an OpenAPI document has the form that is sent: of the styles that ship, and what a renderer says of itself', () => {
  const documented = (faultStyle: FaultStyle) => {
    const router = new Router({ faultStyle, invalidInputStatus: 422 });
    const show = action({ query: { type: 'object', properties: { n: { type: 'integer' } } } }, () => null);
    router.connect('/x', { controller: { show }, action: 'show', conditions: { method: ['GET'] } });
    // biome-ignore lint/suspicious/noExplicitAny: a document
    const document = openApiDocument(router, { title: 't' }) as any;
    const { responses } = document.paths['/x'].get;
    assert.deepEqual(responses[422].content, responses.default.content);
    return { content: responses.default.content, schemas: document.components.schemas };
  };
  const problem = documented('problem');
  assert.deepEqual(problem.content, {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  });
  assert.ok(problem.schemas.Problem.properties.errors);
  const schema = { type: 'object', properties: { shout: { type: 'string' } } };
  const render: FaultRenderer = Object.assign(() => ({ body: {} }), { type: 'application/vnd.shout+json', schema });
  const own = documented(render);
  assert.deepEqual(own.content, {
    'application/vnd.shout+json': { schema: { $ref: '#/components/schemas/CustomFault' } },
  });
  assert.deepEqual(own.schemas, { CustomFault: schema });
});
