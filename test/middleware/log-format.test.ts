import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type App, Fault, remoteOf } from 'portico/app';
import { Config } from 'portico/config';
import { requestLog } from 'portico/middleware';
import type { ServerOptions } from 'portico/server';
import { buildFilter, captureLog } from 'portico/testing';
import { abortResponse } from '#internal/app';
import { ConfigError } from '#internal/config';
import { compileLogFormat } from '../../dist/middleware/request-log.js';
import { emptyProject } from '../fixtures/project.js';
import { memoryLog } from '../server/memory-log.js';
import { Client, exchange, portOf } from '../server/raw-client.js';
import { startedServer, startedService } from '../server/started-server.js';

const OSLO = '%(client_ip)s "%(request_line)s" status: %(status_code)s  len: %(body_length)s time: %(wall_seconds).7f';

/** Starts a server, with the filter around its app if there is a template. */
async function started(t: TestContext, app: App, { format, ...options }: ServerOptions & { format?: string }) {
  const log = memoryLog();
  const filter = format === undefined ? undefined : (await buildFilter(requestLog, { log, local: { format } })).made;
  const server = await startedServer(t, 'access', filter?.(app) ?? app, { log, ...options });
  const lines = (): string[] => log.lines.map(({ message }) => message).filter((text) => text.startsWith('line '));
  return { server, port: portOf(server), lines };
}

test('LC-1222 with a template request_log writes one line for each request, as oslo.service has it', async (t) => {
  const app: App = (req, res) => {
    if (req.url?.startsWith('/fault') === true) throw new Fault(404, { message: 'none' });
    if (req.url?.startsWith('/pieces') === true) res.write('12345');
    res.end('hello');
  };
  const { port, lines } = await started(t, app, { format: `line ${OSLO}` });
  await exchange(port, 'GET /servers?token=abc&limit=2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await exchange(port, 'GET /fault HTTP/1.0\r\n\r\n');
  await exchange(port, 'GET /pieces HTTP/1.0\r\n\r\n');
  await exchange(port, 'HEAD / HTTP/1.0\r\n\r\n');
  const [first, fault, pieces, head, ...more] = lines();
  assert.deepEqual(more, []);
  const seconds = String.raw`time: \d+\.\d{7}$`;
  assert.match(
    first!,
    new RegExp(
      String.raw`^line 127\.0\.0\.1 "GET /servers\?token=\*{4}&limit=2 HTTP/1\.1" status: 200  len: 5 ${seconds}`,
    ),
  );
  assert.match(fault!, new RegExp(String.raw`"GET /fault HTTP/1\.0" status: 404  len: \d+ ${seconds}`));
  assert.match(pieces!, new RegExp(`status: 200  len: 10 ${seconds}`));
  assert.match(head!, new RegExp(String.raw`"HEAD / HTTP/1\.0" status: 200  len: 0 ${seconds}`));
});

const BODIES: Record<string, readonly [number, App]> = {
  'a text whose length nobody declared': [5, (_req, res) => void res.end('gr\u00fcn')],
  'a declared text': [4, (_req, res) => void res.writeHead(200, { 'content-length': 4 }).end('text')],
  chunks: [
    10,
    (_req, res) => {
      res.write('12345');
      setImmediate(() => res.end('67890'));
    },
  ],
  'an answer behind hints': [
    4,
    (_req, res) => {
      res.writeProcessing();
      res.end('text');
    },
  ],
  'no body': [0, (_req, res) => void res.writeHead(304, { 'content-length': 9 }).end()],
};

for (const [what, [bytes, app]] of Object.entries(BODIES)) {
  test(`the bytes of an access line are those of the body: ${what}`, async (t) => {
    const captured = captureLog();
    const { made: filter } = await buildFilter(requestLog, { log: captured.log });
    const { port, lines } = await started(t, app, { format: 'line %(body_length)s' });
    const filtered = await started(t, filter(app), {});
    for (const each of [port, filtered.port])
      await exchange(each, 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.deepEqual(lines(), [`line ${bytes}`]);
    assert.equal(captured.lines[0]?.bytes, bytes);
  });
}

test('LC-1222 a request that is refused before the pipeline has no line', async (t) => {
  const app: App = (_req, res) => void res.end('hello');
  const { port, lines } = await started(t, app, { format: 'line %(status_code)s' });
  await exchange(port, 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n');
  await exchange(port, 'GET / HTTP/1.0\r\n\r\n');
  assert.deepEqual(lines(), ['line 200']);
});

test('LC-1222 a client that left before the headers is logged as 499', async (t) => {
  let called = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    called = resolve;
  });
  const { server, port, lines } = await started(t, () => called(), { format: 'line %(client_ip)s %(status_code)s' });
  const client = new Client(port);
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await reached;
  client.close();
  while (server.inFlight > 0) await new Promise(setImmediate);
  assert.deepEqual(lines(), ['line 127.0.0.1 499']);
});

const BROKEN_OFF: Record<string, App> = {
  'by the app behind the head': (_req, res) => {
    res.write('12345');
    abortResponse(res, new Error('the disk is full'));
  },
  'by the app before the head': (_req, res) => abortResponse(res, new Error('the disk is full')),
  'by the server, for its body is shorter than declared': (_req, res) => {
    res.writeHead(200, { 'content-length': 9 });
    res.end('12345');
  },
};

for (const [how, app] of Object.entries(BROKEN_OFF)) {
  test(`LC-1222 a response that is broken off ${how} is logged as 500, as request_log and the metrics have it`, async (t) => {
    const captured = captureLog();
    const { made: filter } = await buildFilter(requestLog, { log: captured.log });
    const { port, lines } = await started(t, filter(app), { format: 'line %(status_code)s' });
    const client = new Client(port);
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await client.closed;
    assert.deepEqual(lines(), ['line 500']);
    assert.equal(captured.lines[0]?.status, 500);
  });
}

test('LC-1222 widths, precision and percent signs are written as Python writes them', () => {
  const write = (template: string): string =>
    compileLogFormat(template)({
      client_ip: '192.0.2.7',
      date_time: '17/Oct/2026 13:55:36',
      request_line: 'GET / HTTP/1.1',
      status_code: 200,
      body_length: 5,
      wall_seconds: 0.0012345678,
      request_id: 'req-1',
      global_request_id: '-',
      user_id: '-',
      project_id: 'p1',
      api_version: '-',
      route: '/servers/{id}',
    });
  for (const [template, expected] of [
    ['%(wall_seconds).7f', '0.0012346'],
    ['%(wall_seconds)f', '0.001235'],
    ['%(body_length)5d|%(body_length)-5d|%(body_length)05d', '    5|5    |00005'],
    ['%(request_line).3s', 'GET'],
    ['%(date_time)s 100%% %(client_ip)12s', '17/Oct/2026 13:55:36 100%    192.0.2.7'],
    ['%(request_id)s %(project_id)s %(route)s', 'req-1 p1 /servers/{id}'],
    ['', ''],
  ] as const) {
    assert.equal(write(template), expected);
  }
});

test('LC-1222 CF-60 a format that is none is refused with its location and the nearest name', async () => {
  const { group, options } = requestLog;
  for (const [template, told] of [
    ['%(client)s', /portico\.ini:2:10: .*format: has no field called client.*client_ip/s],
    ['100% of it', /has a % that does not start a field.*%%/s],
    ['%(status_code)', /has a % that does not start a field/],
    ['%(client_ip)d', /cannot write client_ip as a number/],
    ['%(client_ip)999999999s', /portico\.ini:2:10: .*a width that is too large for client_ip.*at most 3 digits/s],
    ['%(wall_seconds).100f', /a width that is too large for wall_seconds.*a precision at most 2/s],
    ['jason', /is neither auto nor json nor text.*%\(status_code\)s/s],
  ] as const) {
    const config = Config.fromText(`[request_log]\nformat = ${template}\n`);
    assert.throws(
      () => config.group(group, options),
      (error) => error instanceof ConfigError && told.test(error.message),
      template,
    );
  }
  const old = Config.fromText(`[DEFAULT]\nwsgi_log_format = ${OSLO}\n`);
  assert.equal(old.group(group, options).format, OSLO);
});

test('LC-1229 the scheme is what the named field of the proxy says, and nothing else than http and https', async (t) => {
  const app: App = (req, res) => void res.end(`scheme ${remoteOf(req).scheme} of ${remoteOf(req).address}`);
  const ask = (port: number, said: string): Promise<string> =>
    exchange(port, `GET / HTTP/1.0\r\nX-Forwarded-Proto: ${said}\r\n\r\n`);
  for (const name of ['X-Forwarded-Proto', 'HTTP_X_FORWARDED_PROTO']) {
    const { port } = await started(t, app, { secureProxySslHeader: name });
    assert.match(await ask(port, 'https'), /scheme https of 127\.0\.0\.1$/);
    assert.match(await ask(port, 'http'), /scheme http of/);
    assert.match(await ask(port, 'javascript'), /scheme http of/);
  }
  const plain = await started(t, app, {});
  assert.match(await ask(plain.port, 'https'), /scheme http of/);
});

test('LC-1222 LC-1229 an API takes both from its files', async (t) => {
  const { folder } = emptyProject({
    'api-paste.ini':
      '[pipeline:compute]\npipeline = request_log app\n[filter:request_log]\npaste.filter_factory = portico/middleware:requestLog\n[app:app]\npaste.app_factory = ./app.js:app\n',
    'app.js': `import { remoteOf } from 'portico/app';
export const app = () => (req, res) => res.end(remoteOf(req).scheme);
`,
    'portico.ini':
      '[request_log]\nformat = line %(status_code)s\n[wsgi]\nsecure_proxy_ssl_header = X-Forwarded-Proto\n',
  });
  const config = await Config.load({ files: [join(folder, 'portico.ini')], env: {}, argv: [] });
  const log = memoryLog();
  const service = await startedService(t, 'compute', config, { log });
  assert.match(await exchange(service.port!, 'GET / HTTP/1.0\r\nX-Forwarded-Proto: https\r\n\r\n'), /https$/);
  assert.deepEqual(
    log.lines.map(({ message }) => message).filter((text) => text.startsWith('line ')),
    ['line 200'],
  );
});
