import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { environ, Fault } from 'portico/app';
import {
  type ActionRequest,
  type Args,
  action,
  Reply,
  Resource,
  Router,
  type RouterOptions,
  SENT,
} from 'portico/routing';
import { captureLog } from 'portico/testing';
import { type GenerationError, RouteTableError } from '#internal/routing';
import { closedAfter } from '../fixtures/closed-after.js';
import { keepingLogger, serveApp, serveRouter, testBoth } from './served-router.js';

/** Returns a router whose /x responds with the body of the request. */
function bodyRouter(): Router {
  const router = new Router({ bodyLimit: 64 });
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
  return router.connect('/x', {
    handler: ({ body }) => ({ body, none: body === undefined }),
    conditions: { method: methods },
  });
}

const JSON_TYPE = { 'content-type': 'application/json' };

testBoth(
  'RT-150 an action gets the request, and the match without controller, action and format',
  async (t, Router) => {
    const seen: unknown[] = [];
    class Servers {
      show(request: ActionRequest, args: Args): null {
        seen.push(this instanceof Servers, { ...request.params }, { ...args });
        return null;
      }
    }
    const router = new Router({ controllers: { servers: Servers } });
    router.connect('/servers/{id}.{format}', { controller: 'servers', action: 'show', defaults: { level: 9 } });
    const send = await serveRouter(t, router);
    await send('PUT', '/servers/1.json', { body: '{"a":1}' });
    assert.deepEqual(seen, [true, { id: '1', format: 'json' }, { id: '1', level: '9', body: { a: 1 } }]);
  },
);

test('RT-154 a body is read for POST, PUT, PATCH and DELETE, up to the limit', async (t) => {
  const send = await serveRouter(t, bodyRouter());
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    assert.deepEqual((await send(method, '/x', { body: '[1]' })).json, { body: [1], none: false }, method);
  }
  assert.deepEqual((await send('GET', '/x', { body: '[1]' })).json, { none: true });
  assert.deepEqual((await send('DELETE', '/x')).json, { none: true });
  const large = JSON.stringify('x'.repeat(70));
  assert.equal((await send('POST', '/x', { body: large })).status, 413);
  assert.equal((await send('POST', '/x', { body: large, headers: JSON_TYPE })).status, 413);
  const chunked = { 'transfer-encoding': 'chunked', 'content-length': [] as string[] };
  assert.equal((await send('POST', '/x', { body: large, headers: chunked })).status, 413);
  assert.equal((await send('POST', '/x', { body: large, headers: { ...chunked, ...JSON_TYPE } })).status, 413);
});

test('RT-155 JSON is read without a type, as text, as json and +json; all else gets 415', async (t) => {
  const send = await serveRouter(t, bodyRouter());
  const types = [
    undefined,
    'text/plain',
    'text/plain; charset=utf-8',
    'application/json',
    'application/vnd.x+json; a=b',
    'APPLICATION/JSON',
  ];
  for (const type of types) {
    const headers = type === undefined ? {} : { 'content-type': type };
    assert.deepEqual(
      (await send('POST', '/x', { body: '{"a":1}', headers })).json,
      { body: { a: 1 }, none: false },
      type,
    );
  }
  for (const type of ['application/xml', 'application/jsonx', 'multipart/form-data; boundary=x', 'nonsense']) {
    const refused = await send('POST', '/x', { body: '{"a":1}', headers: { 'content-type': type } });
    assert.deepEqual([refused.status, refused.headers.accept], [415, 'application/json'], type);
  }
  const packed = await send('POST', '/x', { body: 'x', headers: { ...JSON_TYPE, 'content-encoding': 'gzip' } });
  assert.equal(packed.status, 415);
  assert.equal((await send('POST', '/x', { body: '1', headers: { 'content-encoding': 'identity' } })).status, 200);
});

test('RT-155 415 is sent before the body is read', async (t) => {
  const { port } = await serveRouter(t, bodyRouter());
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/xml\r\nContent-Length: 10\r\n\r\n<');
  const [data] = (await once(socket, 'data')) as [Buffer];
  assert.match(data.toString(), /^HTTP\/1\.1 415 /);
});

test('RT-156 bodies that are empty, broken, not UTF-8 or after a prototype', async (t) => {
  const send = await serveRouter(t, bodyRouter());
  assert.deepEqual((await send('POST', '/x', { body: '', headers: JSON_TYPE })).json, { none: true });
  assert.deepEqual((await send('POST', '/x', { body: '7' })).json, { body: 7, none: false });
  assert.deepEqual((await send('POST', '/x', { body: 'null' })).json, { body: null, none: false });
  const refused = [
    '{',
    "{'a':1}",
    Buffer.from([0x22, 0xff, 0x22]),
    '{"__proto__":{}}',
    '{"a":[{"__proto__":1}]}',
    '{"constructor":{"prototype":{}}}',
    '{"\\u005f_proto__":1}',
  ];
  for (const body of refused)
    assert.equal((await send('POST', '/x', { body, headers: JSON_TYPE })).status, 400, String(body));
  for (const body of ['{"constructor":"x"}', '{"a":"__proto__"}', '{"prototype":1}']) {
    assert.equal((await send('POST', '/x', { body, headers: JSON_TYPE })).status, 200, body);
  }
});

testBoth('RT-157 RT-158 what an action may return', async (t, Router) => {
  const values: Record<string, (request: ActionRequest) => unknown> = {
    nothing: () => undefined,
    null: () => null,
    object: () => ({ a: [1, 'é'] }),
    text: () => 'text',
    zero: () => 0,
    no: async () => false,
    buffer: () => Buffer.from([1, 2]),
    stream: () => Readable.from(['a', 'b']),
    response: () => new Response('hi', { status: 203, headers: { 'x-a': 'b' } }),
    reply: () => new Reply({ a: 1 }, { status: 201, headers: { location: '/x/1' } }),
    created: () => new Reply(null, { status: 201 }),
    plain: () => new Reply('plain', { headers: { 'content-type': 'text/plain' } }),
    sent: ({ res }) => {
      res.statusCode = 299;
      res.end('own');
      return SENT;
    },
    later: ({ res }) => {
      setImmediate(() => res.end('later'));
      return SENT;
    },
  };
  const router = new Router();
  for (const [name, handler] of Object.entries(values)) router.connect(`/${name}`, { handler });
  const send = await serveRouter(t, router);
  const expected: Record<string, [status: number, text: string, type: string | undefined]> = {
    nothing: [204, '', undefined],
    null: [204, '', undefined],
    object: [200, '{"a":[1,"é"]}', 'application/json'],
    text: [200, '"text"', 'application/json'],
    zero: [200, '0', 'application/json'],
    no: [200, 'false', 'application/json'],
    buffer: [200, '\x01\x02', 'application/octet-stream'],
    stream: [200, 'ab', undefined],
    response: [203, 'hi', 'text/plain;charset=UTF-8'],
    reply: [201, '{"a":1}', 'application/json'],
    created: [201, '', undefined],
    plain: [200, 'plain', 'text/plain'],
    sent: [299, 'own', undefined],
    later: [200, 'later', undefined],
  };
  for (const [name, [status, text, type]] of Object.entries(expected)) {
    const answer = await send('GET', `/${name}`);
    assert.deepEqual([answer.status, answer.text, answer.headers['content-type']], [status, text, type], name);
  }
  assert.equal((await send('GET', '/object')).headers['content-length'], '14');
  assert.equal((await send('HEAD', '/object')).headers['content-length'], '14');
});

testBoth('RT-158 the status an action declares', async (t, Router) => {
  const router = new Router();
  router.connect('/a', { controller: { x: action({ status: 202 }, () => undefined) }, action: 'x' });
  router.connect('/b', { controller: { x: action({ status: 201 }, () => ({ a: 1 })) }, action: 'x' });
  const send = await serveRouter(t, router);
  const empty = await send('POST', '/a');
  assert.deepEqual([empty.status, empty.text, empty.headers['content-type']], [202, '', undefined]);
  assert.deepEqual([(await send('POST', '/b')).status, (await send('POST', '/b')).text], [201, '{"a":1}']);
});

testBoth('RT-159 dates, response schemas; a cycle gets 500 and is logged', async (t, Router) => {
  const log = keepingLogger();
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const response = { 200: { type: 'object', properties: { id: { type: 'string' } } } };
  const router = new Router({ log });
  router.connect('/date', { handler: () => ({ at: new Date(0), text: '"1"' }) });
  router.connect('/cycle', { handler: () => cycle });
  router.connect('/schema', { controller: { x: action({ response }, () => ({ id: 5, secret: 1 })) }, action: 'x' });
  const send = await serveRouter(t, router);
  assert.equal((await send('GET', '/date')).text, '{"at":"1970-01-01T00:00:00.000Z","text":"\\"1\\""}');
  assert.equal((await send('GET', '/cycle')).status, 500);
  const levels = log.lines.map(({ level }) => level);
  assert.deepEqual(levels, ['error']);
  const shaped = await send('GET', '/schema');
  assert.deepEqual([shaped.text, shaped.headers['content-type']], ['{"id":"5"}', 'application/json']);
});

testBoth(
  'a function and a BigInt have no JSON: 500, and the log says what to return; an integer of a schema may be one',
  async (t, Router) => {
    const { log, lines } = captureLog();
    const schema = { type: 'object', properties: { id: { type: 'integer' } } };
    const router = new Router({ log });
    router.get('/function', () => () => 1);
    router.get('/text', { response: { 200: { type: 'string' } } }, () => (() => 'code') as unknown as string);
    router.get('/symbol', () => new Reply(Symbol('x')));
    router.get('/big', () => ({ books: [{ id: 2n ** 70n }] }));
    router.get('/alone', () => 5n);
    router.get('/schema', { response: { 200: schema } }, () => ({ id: 2n ** 70n }) as unknown as { id: number });
    const send = await serveRouter(t, router);
    for (const [path, said] of [
      ['/function', 'it is a function: call it, and return the result'],
      ['/text', 'it is a function: call it, and return the result'],
      ['/symbol', 'it is a symbol: return a text'],
      ['/big', 'JSON has no form for the BigInt at "id": return Number(value) or String(value), or declare an integer'],
      ['/alone', 'JSON has no form for the BigInt: return Number(value)'],
    ] as const) {
      assert.equal((await send('GET', path)).status, 500, path);
      assert.ok(JSON.stringify(lines.at(-1)).includes(JSON.stringify(said).slice(1, -1)), JSON.stringify(lines));
    }
    assert.equal((await send('GET', '/schema')).text, '{"id":1180591620717411303424}');
    assert.equal(lines.length, 5);
  },
);

testBoth('RT-160 JSON unless more is offered; a suffix beats the header; strict refuses', async (t, Router) => {
  const table = (options: object): Router =>
    new Router(options).connect('/x{.format}', { handler: () => ({ a: 1 }), conditions: { method: ['GET'] } });
  const xml = { 'application/xml': (value: unknown) => `<a>${(value as { a: number }).a}</a>` };
  const plain = await serveRouter(t, table({}));
  assert.equal((await plain('GET', '/x', { headers: { accept: 'text/html' } })).text, '{"a":1}');
  const both = await serveRouter(t, table({ serializers: xml }));
  assert.equal((await both('GET', '/x')).text, '{"a":1}');
  const chosen = await both('GET', '/x', { headers: { accept: 'application/xml' } });
  assert.deepEqual([chosen.text, chosen.headers['content-type']], ['<a>1</a>', 'application/xml']);
  assert.equal((await both('GET', '/x.json', { headers: { accept: 'application/xml' } })).text, '{"a":1}');
  assert.equal((await both('GET', '/x.xml')).text, '<a>1</a>');
  assert.equal((await both('GET', '/x', { headers: { accept: 'text/html' } })).text, '{"a":1}');
  const strict = await serveRouter(t, table({ strictAccept: true }));
  assert.equal((await strict('GET', '/x', { headers: { accept: 'text/html' } })).status, 406);
  assert.equal((await strict('GET', '/x', { headers: { accept: '*/*' } })).status, 200);
});

class ServerActions {
  reboot = action({ bodyKey: 'reboot', status: 202 }, (_request, { id, body }) => ({ id, body }));
  stopServer(): string {
    return 'stopped';
  }
  readonly actions = { 'os-stop': 'stopServer' };
}

testBoth('RT-151 RT-152 the key of the body selects the method', async (t, Router) => {
  const router = new Router({
    controllers: { servers: new Resource(new ServerActions(), { actions: { halt: 'stopServer' } }) },
  });
  router.connect('/servers/{id}/action', { controller: 'servers', action: 'action', conditions: { method: ['POST'] } });
  const send = await serveRouter(t, router);
  const post = (body?: string) => send('POST', '/servers/1/action', { body });
  const rebooted = await post('{"reboot":{"type":"SOFT"}}');
  assert.deepEqual([rebooted.status, rebooted.json], [202, { id: '1', body: { reboot: { type: 'SOFT' } } }]);
  assert.equal((await post('{"os-stop":null}')).json, 'stopped');
  assert.equal((await post('{"halt":null}')).json, 'stopped');
  for (const body of [undefined, '', '{', '7', 'null', '[]', '{}', '{"reboot":1,"halt":2}', '{"toString":1}']) {
    assert.equal((await post(body)).status, 400, body);
  }
  assert.match((await post('{"rebot":1}')).text, /There is no such action: rebot\./);
});

testBoth('RT-151 a real method comes first, and a key may stand for a usual action', async (t, Router) => {
  const own = { action: () => 'own', reboot: action({ bodyKey: 'reboot' }, () => 'by key') };
  const key = { create: undefined, made: action({ bodyKey: 'create' }, () => 'created') };
  const router = new Router();
  router.connect('/own', { controller: own, action: 'action' });
  router.connect('/key', { controller: key, action: 'create' });
  const send = await serveRouter(t, router);
  assert.equal((await send('POST', '/own', { body: '{"reboot":1}' })).json, 'own');
  assert.equal((await send('POST', '/key', { body: '{"x":1}' })).json, 'created');
});

testBoth(
  'RT-151 of a list of methods, a plain function counts only where the list is named for a key',
  async (t, Router) => {
    const list = [action({ bodyKey: 'reboot', versions: ['2.1'] }, () => 'rebooted'), () => 'plain'];
    const servers = new Resource({ list, resize: [() => 'resized'], actions: { resize: 'resize' } });
    assert.deepEqual(servers.bodyKeys(), ['reboot', 'resize']);
    assert.deepEqual(servers.actionNames(), []);
    const router = new Router({
      controllers: { servers },
      versions: { serviceType: 'compute', min: '2.1', max: '2.9' },
    });
    const send = await serveRouter(t, router.connect('/x', { controller: 'servers', action: 'action' }));
    assert.equal((await send('POST', '/x', { body: '{"reboot":null}' })).json, 'rebooted');
    assert.equal((await send('POST', '/x', { body: '{"resize":null}' })).json, 'resized');
  },
);

testBoth('RT-153 controllers extend a resource; two with one key are an error', async (t, Router) => {
  const lock = { lock: action({ bodyKey: 'lock' }, () => 'locked') };
  const extended = new Resource(new ServerActions()).extend(lock);
  const router = new Router().connect('/a', { controller: extended, action: 'action' });
  const send = await serveRouter(t, router);
  assert.equal((await send('POST', '/a', { body: '{"lock":null}' })).json, 'locked');
  assert.throws(() => extended.extend({ again: action({ bodyKey: 'reboot' }, () => null) }), {
    code: 'PORTICO_ROUTE_BODY_KEY',
    message: /"reboot" has two actions: ServerActions\.reboot and controller\.again/,
  });
});

testBoth('RT-161 the project of the path must be the one who asks', async (t, Router) => {
  const router = new Router({
    kind: 'project',
    controllers: { servers: { show: (_request: unknown, args: Args) => args } },
  });
  router.createRoute('/servers/{id}', 'GET', 'servers', 'show');
  const app = closedAfter(t, await router.build());
  const send = await serveApp(t, (req, res) => {
    environ(req).context = { projectId: 'abc' } as never;
    return app(req, res);
  });
  assert.deepEqual((await send('GET', '/abc/servers/1')).json, { id: '1' });
  assert.equal((await send('GET', '/def/servers/1')).status, 400);
  assert.deepEqual((await send('GET', '/servers/1')).json, { id: '1' });
});

testBoth(
  'request.url with a name that no route has is an error that names the nearest, and a path is taken as it is',
  async (t, Router) => {
    const log = keepingLogger();
    const router = new Router({ log }).connect('server', '/servers/{id}', { handler: () => null });
    router.get('/links/{name}', (request) => request.url(request.params.name, { id: 7 }));
    router.get('/path', (request) => request.url('/elsewhere', { id: 7 }));
    const send = await serveRouter(t, router);
    assert.match(String((await send('GET', '/links/server')).json), /^http:\/\/[^/]+\/servers\/7$/);
    assert.match(String((await send('GET', '/path')).json), /^http:\/\/[^/]+\/elsewhere\?id=7$/);
    assert.equal((await send('GET', '/links/sever')).status, 500);
    const [line] = log.lines;
    const { code, message, hint } = line!.fields.err as GenerationError;
    assert.deepEqual(
      [code, message, hint],
      ['PORTICO_ROUTE_GENERATION', 'no route is called "sever"', 'Did you mean "server"?'],
    );
    await send('GET', '/links/elsewhere');
    assert.equal((log.lines[1]!.fields.err as GenerationError).hint, 'Routes: server.');
  },
);

testBoth('url, queryValue and files work apart from their request', async (t, Router) => {
  const router = new Router();
  router.get('/links/{id}', ({ url, queryValue }) => [url('/elsewhere'), queryValue('a')]);
  router.post('/forms', { body: { 'multipart/form-data': 'stream' } }, async ({ files }) => {
    const names: string[] = [];
    for await (const file of files({ files: 1 })) names.push(file.name);
    return names;
  });
  const send = await serveRouter(t, router);
  const [link, a] = (await send('GET', '/links/7?a=1&a=2')).json as string[];
  assert.match(link!, /^http:\/\/[^/]+\/elsewhere$/);
  assert.equal(a, '2');
  const headers = { 'content-type': 'multipart/form-data; boundary=x' };
  const body = '--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\n1\r\n--x--\r\n';
  assert.deepEqual((await send('POST', '/forms', { headers, body })).json, ['a.txt']);
});

testBoth('request.url gives the URL of an external route, and of a host, as it is', async (t, Router) => {
  const router = new Router({ linkPrefix: 'http://api.example/v1' })
    .connect('ext', 'http://ext.example/x', { _static: true })
    .connect('server', '/servers/{id}', { handler: () => null });
  router.get('/links', (request) => [
    request.url('ext', { a: 1 }),
    request.url('server', { id: 7, host: 'b.example', protocol: 'https' }),
    request.url('server', { id: 7 }),
  ]);
  const send = await serveRouter(t, router);
  assert.deepEqual((await send('GET', '/links')).json, [
    'http://ext.example/x?a=1',
    'https://b.example/servers/7',
    'http://api.example/v1/servers/7',
  ]);
});

testBoth(
  'WD-10 RT-162 RT-163 the signal is aborted when the client is gone, and a late failure is logged once',
  async (t, Router) => {
    const log = keepingLogger();
    const events = new EventEmitter();
    const router = new Router({ log }).connect('/slow', {
      handler: async ({ signal }) => {
        events.emit('started');
        await once(signal, 'abort');
        setImmediate(() => events.emit('aborted', signal.reason));
        throw new Error('stopped half-way');
      },
    });
    const { port } = await serveRouter(t, router);
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(events, 'started');
    socket.destroy();
    const [reason] = (await once(events, 'aborted')) as [unknown];
    assert.equal(String(reason), 'AbortError: the client is gone');
    const messages = log.lines.map(({ message }) => message);
    assert.deepEqual(messages, ['an action failed after its client disconnected']);
  },
);

testBoth('RT-162 RT-203 a route’s deadline responds with 503 and aborts the signal', async (t, Router) => {
  let reason: unknown;
  const router = new Router({ log: keepingLogger() }).connect('/slow', {
    deadline: 20,
    handler: async ({ signal }) => {
      await once(signal, 'abort');
      reason = signal.reason;
      return 'too late';
    },
  });
  const send = await serveRouter(t, router);
  assert.equal((await send('GET', '/slow')).status, 503);
  assert.ok(reason instanceof Fault);
});

testBoth('RT-163 a stream that comes after the deadline is let go', async (t, Router) => {
  const closed: string[] = [];
  const pending: Promise<unknown>[] = [];
  const late = (name: string, make: (stream: Readable) => unknown) => async (request: ActionRequest) => {
    await once(request.signal, 'abort');
    const stream = new Readable({ read: () => undefined });
    const gone = new Promise((resolve) => stream.on('error', () => undefined).on('close', resolve));
    pending.push(gone.then(() => closed.push(name)));
    return make(stream);
  };
  const router = new Router({ log: keepingLogger() });
  router.connect('/plain', { deadline: 20, handler: late('plain', (stream) => stream) });
  router.connect('/reply', { deadline: 20, handler: late('reply', (stream) => new Reply(stream)) });
  const web = (stream: Readable): Response => new Response(Readable.toWeb(stream) as never);
  router.connect('/web', { deadline: 20, handler: late('web', web) });
  const send = await serveRouter(t, router);
  for (const path of ['/plain', '/reply', '/web']) assert.equal((await send('GET', path)).status, 503);
  await Promise.all(pending);
  assert.deepEqual(closed.sort(), ['plain', 'reply', 'web']);
});

testBoth('RT-176 an error that is no fault gets 500 without detail, logged once with its stack', async (t, Router) => {
  const log = keepingLogger();
  const router = new Router({ log });
  const failure = new Error('secret');
  router.connect('/sync', {
    handler: () => {
      throw failure;
    },
  });
  router.connect('/async', { handler: () => Promise.reject(failure) });
  router.connect('/odd', { handler: () => Promise.reject(undefined) });
  const send = await serveRouter(t, router);
  for (const path of ['/sync', '/async', '/odd']) {
    const answer = await send('GET', path);
    assert.equal(answer.status, 500, path);
    assert.doesNotMatch(answer.text, /secret/);
  }
  assert.equal(log.lines.length, 3);
  assert.equal(log.lines[0]?.fields.err, failure);
});

testBoth('RT-170 two methods of one action must not overlap', async (_t, Router) => {
  const show = [action({ versions: ['2.1', '2.35'] }, () => 1), action({ versions: ['2.30'] }, () => 2)];
  const router = new Router({ versions: { serviceType: 'compute', min: '2.1', max: '2.79' } });
  router.connect('/x', { controller: { show }, action: 'show' });
  await assert.rejects(router.build(), (error: unknown) => {
    return (
      error instanceof RouteTableError && /the versions 2\.1 to 2\.35 and 2\.30 to the last overlap/.test(error.message)
    );
  });
});

testBoth('RT-170 build() warns of an action whose versions the router does not serve', async (_t, Router) => {
  const versions = { serviceType: 'compute', min: '2.1', max: '2.79' };
  const never = action({ versions: ['2.80'] }, () => 2);
  const things = {
    show: [action({ versions: ['2.1', '2.79'] }, () => 1), never],
    renamed: action({ bodyKey: 'rename', versions: ['1.0', '2.0'] }, () => 3),
    within: action({ versions: ['2.79', '3.0'] }, () => 4),
  };
  const warningsFor = async (options: RouterOptions): Promise<unknown[]> => {
    const { log, lines } = captureLog();
    const router = new Router({ ...options, log, controllers: { things } });
    for (const name of ['show', 'again', 'action', 'within']) {
      router.connect(`/${name}`, { controller: 'things', action: name === 'again' ? 'show' : name });
    }
    await (await router.build()).close();
    return lines.map(({ code, msg, hint, at }) => [code, msg, hint, /actions\.test\.js:\d+:\d+$/.test(String(at))]);
  };
  const hint = 'Change versions of the action, or min and max of the Router.';
  const said = (place: string, range: string): string =>
    `no request can reach ${place}: it is for the versions ${range}, and the router serves 2.1 to 2.79`;
  assert.deepEqual(await warningsFor({ versions }), [
    ['PORTICO_ROUTE_VERSIONS', said('things.show', '2.80 to the last'), hint, true],
    ['PORTICO_ROUTE_VERSIONS', said('controller.renamed', '1.0 to 2.0'), hint, true],
  ]);
  assert.deepEqual(await warningsFor({}), []);
});

testBoth(
  'RT-150 options of an action that cannot be meant so fail the build, each with what to write',
  async (_t, Router) => {
    const schema = { type: 'object', properties: { name: { type: 'string' } } } as const;
    const wrong: readonly [options: object, said: RegExp][] = [
      [{ status: 201, response: { 200: schema } }, /responds with status 201, and response has a schema for 200 alone/],
      [{ response: { 201: schema } }, /responds with status 200, and response has a schema for 201 alone/],
      [{ response: { '2XX': schema } }, /response has "2XX" where a status should be/],
      [{ response: schema }, /response has "type" where a status should be/],
      [{ response: { 2000: schema } }, /response has "2000" where a status should be/],
      [{ status: '201' }, /cannot respond with status "201"/],
      [{ versions: '1.2' }, /versions is the text "1\.2", not a list of the first and the last version/],
    ];
    for (const [options, said] of wrong) {
      const router = new Router();
      await assert.rejects(async () => {
        router.get('/', action(options as object, () => ({ name: 'x' })) as never);
        await router.build();
      }, said);
    }
    for (const options of [
      { status: 201, response: { '2xx': schema } },
      { status: 204, response: { 200: schema } },
      { status: 202, response: { 404: schema } },
      { status: { '2.1': 202, '2.14': 200 }, response: { 200: schema } },
    ]) {
      const router = new Router();
      router.get('/', action(options as object, () => ({ name: 'x' })) as never);
      await (await router.build()).close();
    }
  },
);

testBoth('RT-140 versions of a Router: a misspelt option, no text, and min above max', async (_t, Router) => {
  const made = (versions: object) => async () => new Router({ versions: versions as never }).build();
  const range = { serviceType: 'compute', min: '1.1', max: '1.5' };
  await Promise.all([
    assert.rejects(made({ ...range, deflt: '1.2' }), /versions has no option "deflt"/),
    assert.rejects(made({ ...range, min: 1.1 }), /1\.1 is not a version: write 'X\.Y', a text/),
    assert.rejects(made({ ...range, min: '1.6' }), /min 1\.6 is above max 1\.5/),
  ]);
});
