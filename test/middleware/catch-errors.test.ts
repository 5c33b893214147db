import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, Fault } from 'portico/app';
import { catchErrors, requestId } from 'portico/middleware';
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

test('MW-14 anything else gets 500 without detail, logged once with stack and ids', async () => {
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

test('MW-14 after the headers the connection is destroyed, and the log line says so', async () => {
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

test('RT-175 the style of [DEFAULT] is used', async () => {
  const config = '[DEFAULT]\nfault_style = openstack\n';
  const app = failing(new Fault(404, { message: 'gone' }))[0]!;
  const general = await buildFilter(catchErrors, { config });
  assert.deepEqual((await request(lint(general.made(app)), 'GET', '/')).json(), {
    itemNotFound: { code: 404, message: 'gone' },
  });
});
