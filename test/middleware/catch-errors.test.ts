import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PorticoError } from 'portico';
import { type App, compose, Fault } from 'portico/app';
import { catchErrors, faultWrapper, requestId } from 'portico/middleware';
import { buildFilter, captureLog, lint, request } from 'portico/testing';

const failing = (error: unknown): App[] => [
  () => {
    throw error;
  },
  () => Promise.reject(error),
];

test('MW-14 a fault keeps its status and headers, thrown or rejected, and is not logged', async () => {
  const { log, lines } = captureLog();
  const { made } = await buildFilter(catchErrors, { log });
  for (const app of failing(new Fault(429, { message: 'slower', headers: { 'retry-after': '7' } }))) {
    const response = await request(lint(made(app)), 'GET', '/');
    assert.equal(response.status, 429);
    assert.equal(response.headers['retry-after'], '7');
    assert.equal(response.json().error.message, 'slower');
  }
  assert.deepEqual(lines, []);
});

test('MW-14 anything else is 500 without detail, logged once with stack and ids', async () => {
  const { log, lines, text } = captureLog();
  const outer = await buildFilter(catchErrors, { log, local: { log_headers: 'true' } });
  const ids = await buildFilter(requestId);
  for (const app of failing(new Error('secret detail'))) {
    const response = await request(lint(compose([outer.made, ids.made], app)), 'POST', '/a?token=t0ps3cret&x=1', {
      headers: { authorization: 'Basic s3cret', cookie: 'c=s3cret', 'x-auth-token': 's3cret', 'x-plain': 'shown' },
      body: '{"password": "s3cret"}',
    });
    assert.equal(response.status, 500);
    assert.ok(!response.text().includes('secret detail'));
    assert.equal(response.json().error.message, 'Internal Server Error');
  }
  assert.equal(lines.length, 2);
  const line = lines[0]!;
  assert.equal(line.level, 'error');
  assert.equal(line.method, 'POST');
  assert.equal(line.target, '/a?token=****&x=1');
  assert.match(String((line.err as { stack: string }).stack), /secret detail\n\s+at /);
  assert.match(String(line.request_id), /^req-/);
  assert.equal((line.headers as Record<string, string>)['x-plain'], 'shown');
  assert.ok(!text().includes('s3cret'));
});

test('MW-14 after the head the connection is destroyed, and the log line says so', async () => {
  const { log, lines } = captureLog();
  const { made } = await buildFilter(catchErrors, { log });
  const app: App = (_req, res) =>
    new Promise((_resolve, reject) => {
      res.writeHead(200);
      res.write('half', () => reject(new Error('disk')));
    });
  await assert.rejects(request(lint(made(app)), 'GET', '/'), { code: 'ECONNRESET' });
  assert.equal(lines[0]?.truncated, true);
});

test('MW-14 names of headers and parameters to be masked can be added', async () => {
  const { log, text } = captureLog();
  const local = { log_headers: 'true', mask_headers: 'X-Card', mask_query: 'pin' };
  const { made } = await buildFilter(catchErrors, { log, local });
  await request(lint(made(failing(new Error('x'))[0]!)), 'GET', '/?pin=1234&access_token=abcd&Password=efgh', {
    headers: { 'x-card': '4711', 'x-long-name-token': 'ijkl', 'proxy-authorization': 'mnop', 'x-api-key': 'qrst' },
  });
  for (const secret of ['1234', 'abcd', 'efgh', '4711', 'ijkl', 'mnop', 'qrst']) assert.ok(!text().includes(secret));
});

test('RT-175 the style of [DEFAULT] is used, and a section may have its own', async () => {
  const config = '[DEFAULT]\nfault_style = openstack\n';
  const app = failing(new Fault(404, { message: 'gone' }))[0]!;
  const general = await buildFilter(catchErrors, { config });
  assert.deepEqual((await request(lint(general.made(app)), 'GET', '/')).json(), {
    itemNotFound: { code: 404, message: 'gone' },
  });
  const own = await buildFilter(catchErrors, { config, local: { fault_style: 'portico' } });
  assert.equal((await request(lint(own.made(app)), 'GET', '/')).json().error.code, 404);
});

const STATUSES: [error: object, status: number][] = [
  [Object.assign(new Error('m'), { status: 418 }), 418],
  [Object.assign(new Error('m'), { statusCode: 404 }), 404],
  [Object.assign(new Error('m'), { code: 409 }), 409],
  [Object.assign(new Error('m'), { code: 'ECONNREFUSED' }), 500],
  [Object.assign(new Error('m'), { code: 'ECONNREFUSED', statusCode: 503 }), 503],
  [Object.assign(new Error('m'), { status: 200 }), 500],
  [Object.assign(new Error('m'), { status: 600 }), 500],
  [new Error('m'), 500],
  [new Fault(403), 403],
];
for (const [error, status] of STATUSES) {
  test(`MW-15 ${JSON.stringify(error)} becomes ${status}`, async () => {
    const { made } = await buildFilter(faultWrapper);
    for (const app of failing(error)) assert.equal((await request(lint(made(app)), 'GET', '/')).status, status);
  });
}

test('MW-15 a message leaves only when the error says it is safe; headers are kept if HTTP allows them', async () => {
  const { made } = await buildFilter(faultWrapper);
  const headers = { 'Retry-After': '3', 'bad name': 'x', 'X-Split': 'a\nb' };
  const error = Object.assign(new Error('table users is locked'), { status: 503, headers });
  const unsafe = await request(lint(made(failing(error)[0]!)), 'GET', '/');
  assert.equal(unsafe.json().error.message, 'Service Unavailable');
  assert.equal(unsafe.headers['retry-after'], '3');
  assert.equal(unsafe.headers['x-split'], undefined);
  const safe = await request(lint(made(failing(Object.assign(error, { safe: true }))[0]!)), 'GET', '/');
  assert.equal(safe.json().error.message, 'table users is locked');
});

test('MW-15 4xx are logged at info without stack, 5xx at error with it', async () => {
  const { log, lines } = captureLog();
  const { made } = await buildFilter(faultWrapper, { log });
  await request(lint(made(failing(new Fault(404))[0]!)), 'GET', '/');
  await request(lint(made(failing(new Error('oops'))[0]!)), 'GET', '/');
  assert.deepEqual(
    lines.map(({ level, err }) => [level, err === undefined]),
    [
      ['info', true],
      ['error', false],
    ],
  );
});

test('MW-5 an option nobody declared refuses to load, naming the nearest', async () => {
  await assert.rejects(
    async () => buildFilter(catchErrors, { local: { log_haeders: 'true' } }),
    (error: PorticoError) => {
      assert.match(error.message, /log_haeders/);
      assert.match(error.describe(), /log_headers/);
      return true;
    },
  );
});
