/** Responses to requests that no filter sees: the API's error style, Accept, CORS and ids, as far as the request was readable. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { type App, beforeHead, Fault, type Filter } from 'portico/app';
import { Config } from 'portico/config';
import { requestLog } from 'portico/middleware';
import { buildFilter, captureLog } from 'portico/testing';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { Client, portOf, type RawResponse } from '../raw-client.js';
import { startedServer, startedService } from '../started-server.js';

const FIELDS = 'host: x\r\norigin: https://page.example\r\naccept: application/problem+json\r\n';
const ORIGIN = 'access-control-allow-origin';

test('refusals before the pipeline have the style, Accept, CORS and the id of the API', async (t) => {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'api-paste.ini'),
    `[pipeline:main]
pipeline = request_id cors app
[filter:request_id]
paste.filter_factory = portico/middleware:requestId
[filter:cors]
paste.filter_factory = portico/middleware:cors
[app:app]
paste.app_factory = ./app.mjs:app
`,
  );
  writeFileSync(join(folder, 'app.mjs'), 'export const app = () => (req, res) => { req.resume(); };\n');
  writeFileSync(
    join(folder, 'portico.ini'),
    '[wsgi]\nmax_header_size = 16384\n[cors]\nallowed_origin = https://page.example\n[api:main]\nport = 0\n',
  );
  const { log, lines } = captureLog();
  const service = await startedService(t, 'main', await Config.load({ files: [join(folder, 'portico.ini')] }), { log });

  const answer = async (...bytes: string[]): Promise<RawResponse> => {
    const client = new Client(service.port!);
    for (const part of bytes) client.write(part);
    const response = await client.response();
    await client.closed;
    return response;
  };
  const styled = ({ status, headers, body }: RawResponse, wanted: number, detail: string, instance?: string): void => {
    const id = headers.get('x-request-id');
    const { request_id, ...problem } = JSON.parse(body);
    assert.equal(request_id, id);
    assert.match(String(id), /^req-/);
    assert.deepEqual([status, problem.status, problem.detail, problem.instance], [wanted, wanted, detail, instance]);
    assert.equal(headers.get('content-type'), 'application/problem+json');
    assert.equal(headers.get('connection'), 'close');
    assert.equal(headers.get(ORIGIN), 'https://page.example');
    assert.ok(lines.some((line) => line.msg === 'request rejected' && line.request_id === id));
  };

  const badPath = 'The path has an invalid percent-encoding.';
  styled(await answer(`GET /api/%ff HTTP/1.1\r\n${FIELDS}\r\n`), 400, badPath, '/api/%ff');
  const large = `GET /big HTTP/1.1\r\n${FIELDS}x: ${'x'.repeat(17_000)}\r\n\r\n`;
  styled(await answer(large), 431, 'The headers are too large.', '/big');
  const malformed = 'The request is malformed.';
  styled(await answer(`GET /a HTTP/1.1\r\n${FIELDS}bad\r\n\r\n`), 400, malformed, '/a');
  const chunked = `POST /c HTTP/1.1\r\n${FIELDS}transfer-encoding: chunked\r\n\r\nZ\r\n`;
  styled(await answer(chunked), 400, malformed, '/c');
  styled(await answer(`CONNECT a:1 HTTP/1.1\r\n${FIELDS}\r\n`), 400, 'CONNECT is not supported.');
  styled(await answer(`GET / HTTP/1.1\r\n${FIELDS}expect: x\r\n\r\n`), 417, 'The expectation cannot be met.', '/');

  // A page may read the refusal of a request that needs a preflight.
  const preflight = `OPTIONS /%ff HTTP/1.1\r\n${FIELDS}access-control-request-method: PUT\r\n\r\n`;
  const allowed = await answer(preflight);
  assert.deepEqual([allowed.status, allowed.headers.get(ORIGIN)], [204, 'https://page.example']);

  // Unreadable bytes, or bytes after a request with a response, have no context.
  const nothing = await answer('\0\0\r\n\r\n');
  assert.deepEqual([nothing.status, nothing.headers.get('content-type')], [400, 'application/json']);
  assert.deepEqual(JSON.parse(nothing.body).error.message, malformed);
  const client = new Client(service.port!);
  client.write(`OPTIONS * HTTP/1.1\r\n${FIELDS}\r\n\0`);
  await client.closed;
  // `OPTIONS *` itself passes the same filters.
  assert.match(client.received, /^HTTP\/1.1 204 .*\r\nx-request-id: req-.*HTTP\/1.1 400 /is);
  const [, refused = ''] = client.received.toLowerCase().split('http/1.1 400');
  assert.ok(!refused.includes(ORIGIN));
});

test('OP-57 a request whose body breaks has one id and one status: of its response, its access line and its refusal', async (t) => {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'api-paste.ini'),
    `[pipeline:main]
pipeline = request_id request_log app
[filter:request_id]
paste.filter_factory = portico/middleware:requestId
[filter:request_log]
paste.filter_factory = portico/middleware:requestLog
[app:app]
paste.app_factory = ./app.mjs:app
`,
  );
  const app =
    'export const app = () => async (req, res) => { for await (const piece of req) void piece; res.end(); };\n';
  writeFileSync(join(folder, 'app.mjs'), app);
  writeFileSync(join(folder, 'portico.ini'), '[api:main]\nport = 0\n');
  const { log, lines } = captureLog();
  const service = await startedService(t, 'main', await Config.load({ files: [join(folder, 'portico.ini')] }), { log });
  const bodies = { chunked: 'transfer-encoding: chunked\r\n\r\nZ\r\n', cut: 'content-length: 10\r\n\r\nhalf' };
  for (const [path, body] of Object.entries(bodies)) {
    const client = new Client(service.port!);
    client.write(`POST /${path} HTTP/1.1\r\nhost: x\r\n${body}`);
    if (path === 'cut') client.socket.end();
    // S3-6: it has given up, and gets no response.
    const answer = path === 'cut' ? undefined : await client.response();
    await client.closed;
    assert.equal(path === 'cut' ? client.received : answer?.status, path === 'cut' ? '' : 400);
    while (!lines.some(({ target }) => target === `/${path}`)) await new Promise((resolve) => setImmediate(resolve));
    const ofPath = lines.filter((line) => line.target === `/${path}` || line.path === `/${path}`);
    const told = ofPath.filter(({ level }) => level !== 'debug');
    assert.deepEqual(
      told.map(({ msg, level, status: of }) => [msg, level, of]).toSorted(),
      path === 'cut'
        ? [['request', 'info', 499]]
        : ['request rejected', 'request'].map((msg) => [msg, 'info', 400]).toSorted(),
      path,
    );
    if (answer !== undefined)
      assert.deepEqual(new Set(told.map(({ request_id: id }) => id)), new Set([answer.headers.get('x-request-id')]));
  }
  const errors = lines.filter(({ level }) => level === 'error');
  assert.deepEqual(errors, []);
});

test('AD-12 a request that the server refuses has one line in the access log, whatever pipelines there are', async (t) => {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'api-paste.ini'),
    `[composite:main]
use = egg:Paste#urlmap
/ = one
/two = two
[pipeline:one]
pipeline = request_id request_log app
[pipeline:two]
pipeline = request_log_two app
[filter:request_id]
paste.filter_factory = portico/middleware:requestId
[filter:request_log]
paste.filter_factory = portico/middleware:requestLog
[filter:request_log_two]
paste.filter_factory = portico/middleware:requestLog
[app:app]
paste.app_factory = ./app.mjs:app
`,
  );
  writeFileSync(join(folder, 'app.mjs'), 'export const app = () => (req, res) => void res.end();\n');
  writeFileSync(join(folder, 'portico.ini'), '[api:main]\nport = 0\n');
  const { log, lines } = captureLog();
  const service = await startedService(t, 'main', await Config.load({ files: [join(folder, 'portico.ini')] }), { log });
  const refused = [
    ['/../etc/passwd?token=x', 400, 'target invalid'],
    [`/${'x'.repeat(9000)}`, 414, 'url too long'],
    ['/a HTTP/1.1\r\nbad', 400, 'malformed'],
    ['\0', 400, 'malformed'],
  ] as const;
  for (const [target, status, reason] of refused) {
    const client = new Client(service.port!);
    client.write(`GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`);
    const answer = await client.response();
    await client.closed;
    assert.equal(answer.status, status, reason);
  }
  const isSeen = (): boolean => lines.filter(({ msg }) => msg === 'request').length >= 3;
  while (!isSeen()) await new Promise((resolve) => setImmediate(resolve));
  const access = lines.filter(({ msg }) => msg === 'request');
  assert.deepEqual(
    access.map(({ target, status, method, section }) => [String(target).slice(0, 26), status, method, section]),
    [
      ['/../etc/passwd?token=****', 400, 'GET', 'request_log'],
      [`/${'x'.repeat(25)}`, 414, 'GET', 'request_log'],
      ['/a', 400, 'GET', 'request_log'],
    ],
  );
  const told = lines.filter(({ msg }) => msg === 'request rejected');
  assert.deepEqual(
    told.map(({ reason }) => reason),
    refused.map(([, , reason]) => reason),
  );
  // The same id as in the response and the reason.
  assert.deepEqual(
    access.map(({ request_id: id }) => id),
    told.slice(0, 3).map(({ request_id: id }) => id),
  );
});

test('aroundRefusals of a Server may respond later, and a HEAD gets no body', async (t) => {
  const server = await startedServer(t, 'slow', () => undefined, {
    aroundRefusals: [
      (app) => async (req, res) => {
        await new Promise((resolve) => setImmediate(resolve));
        res.setHeader('x-seen', req.url ?? '');
        return app(req, res);
      },
    ],
  });
  for (const bytes of ['HEAD /%ff HTTP/1.1\r\nhost: x\r\n\r\n', 'HEAD /%ff HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n']) {
    const client = new Client(portOf(server));
    client.write(bytes);
    await client.closed;
    assert.match(client.received, /^HTTP\/1.1 400 Bad Request\r\n.*x-seen: \/%ff\r\n.*\r\n\r\n$/is);
  }
});

test('a filter that fails around a refusal is logged, and the refusal stays what it was', async (t) => {
  const failing: readonly Filter[] = [
    () => () => {
      throw new Error('on the way in');
    },
    (app) => async (req, res) => {
      try {
        await app(req, res);
      } finally {
        await Promise.reject(new Error('on the way out'));
      }
    },
    (app) => (req, res) => {
      beforeHead(res, () => {
        throw new Error('before the head');
      });
      return app(req, res);
    },
    () => () => {
      throw new Fault(403);
    },
  ];
  for (const filter of failing) {
    const { log, lines } = captureLog();
    const server = await startedServer(t, 'failing', () => undefined, { aroundRefusals: [filter], log });
    const client = new Client(portOf(server));
    client.write('GET /%ff HTTP/1.1\r\nhost: x\r\n\r\n');
    const { status, body } = await client.response();
    await client.closed;
    assert.deepEqual([status, JSON.parse(body).error.message], [400, 'The path has an invalid percent-encoding.']);
    assert.equal(lines.filter(({ level }) => level === 'error').length, 1, filter.toString());
  }
});

test('while aroundRefusals waits an app may respond instead, and further bytes do not end the connection', async (t) => {
  let answer = (): unknown => undefined;
  let goOn = (): void => undefined;
  let reached = (_req: IncomingMessage): void => undefined;
  const waits: Filter = (app) => async (req, res) => {
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    reached(req);
    await gate;
    return app(req, res);
  };
  const app: App = (req, res) => {
    req.on('error', () => undefined);
    answer = () => res.end('from the app');
  };
  const server = await startedServer(t, 'slow', app, { aroundRefusals: [waits] });
  const refused = async (bytes: string): Promise<{ client: Client; req: IncomingMessage }> => {
    const seen = new Promise<IncomingMessage>((resolve) => {
      reached = resolve;
    });
    const client = new Client(portOf(server));
    client.write(bytes);
    return { client, req: await seen };
  };

  const half = await refused('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZ\r\n');
  answer();
  goOn();
  await half.client.closed;
  assert.deepEqual(half.client.received.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 200']);
  assert.match(half.client.received, /from the app$/);

  const { client, req } = await refused('GET / HTTP/1.1\r\n: y\r\n\r\n');
  const { bytesRead } = req.socket;
  client.write('more');
  while (req.socket.bytesRead === bytesRead) await new Promise((resolve) => setImmediate(resolve));
  goOn();
  await client.closed;
  assert.match(client.received, /^HTTP\/1.1 400 /);
});

test('aroundRefusals whose filter never responds holds a refused connection for lingeringTime, and is named in the log', async (t) => {
  const inputs = {
    'a request that is refused': 'GET /%ff HTTP/1.1\r\nhost: x\r\n\r\n',
    'input that is no request': 'GET / HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n',
    'a broken body of a request at work': 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZ\r\n',
    'broken input behind a response': 'GET /now HTTP/1.1\r\nhost: x\r\n\r\n\0\0\0\0',
  };
  for (const [what, bytes] of Object.entries(inputs)) {
    await t.test(what, async (t) => {
      const { log, lines } = captureLog();
      const app: App = (req, res) => {
        req.on('error', () => undefined);
        if (req.url === '/now') res.end('now');
      };
      const never: Filter = () => () => new Promise<void>(() => undefined);
      const server = await startedServer(t, 'never', app, { aroundRefusals: [never], lingeringTime: 1, log });
      const client = new Client(portOf(server));
      client.write(bytes);
      await client.closed;
      const errors = lines.filter(({ level }) => level === 'error');
      assert.equal(errors.length, 1);
      assert.match(String(errors[0]!.msg), /^a filter that applies to refusals \(aroundRefusals\).* in time: /);
      await server.stop();
      assert.equal(server.inFlight, 0);
    });
  }
});

test('no line about a refused request has the password of a target in absolute form', async (t) => {
  const { log, lines } = captureLog();
  const { made } = await buildFilter(requestLog, { log });
  const server = await startedServer(t, 'refusing', () => undefined, { log, aroundRefusals: [made] });
  const client = new Client(portOf(server));
  client.write('GET http://ann:s3cret@x/a?b=1 HTTP/1.1\r\nhost: x\r\n\r\n');
  assert.equal((await client.response()).status, 400);
  await client.closed;
  assert.deepEqual(
    lines.flatMap(({ msg, target = null, path = target }) => (path === null ? [] : [[msg, path]])),
    [
      ['request rejected', 'http://ann:****@x/a'],
      ['request', 'http://ann:****@x/a?b=1'],
    ],
  );
  assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
});
