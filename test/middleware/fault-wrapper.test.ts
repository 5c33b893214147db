import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, Fault } from 'portico/app';
import type { PorticoError } from 'portico/config';
import { catchErrors, faultWrapper } from 'portico/middleware';
import { buildFilter, captureLog, lint, request } from 'portico/testing';

const failing = (error: unknown): App[] => [
  () => {
    throw error;
  },
  () => Promise.reject(error),
];

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
