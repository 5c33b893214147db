import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, type Filter } from 'portico/app';
import { authToken } from 'portico/middleware';
import { buildFilter, lint, request, type TestResponse } from 'portico/testing';
import { filesUntilEnd } from '../../fixtures/until-end.js';

const app: App = (req, res) => void res.end(JSON.stringify(environ(req).identity));

const send = (filter: Filter, sent: string): Promise<TestResponse> =>
  request(lint(filter(app)), 'GET', '/', { headers: { 'x-auth-token': sent } });

test('MW-32 static: tokens of a file, where debug is on', async (t) => {
  const files = await filesUntilEnd(t, {
    'tokens.json': JSON.stringify({
      devel: { user_id: 'dev', project_id: 'p', roles: ['member'] },
      over: { user_id: 'dev', expires_at: '2020-01-01T00:00:00Z' },
    }),
    'bad.json': '{"s3cret": 1}',
    'worse.json': '{"s3cret":',
  });
  const config = '[DEFAULT]\ndebug = true\n';
  const build = (name: string) =>
    buildFilter(authToken, { config, local: { validator: 'static', static_tokens_file: files.path(name) } });
  const { made, close } = await build('tokens.json');
  t.after(close);
  assert.deepEqual((await send(made, 'devel')).json().roles, ['member']);
  assert.equal((await send(made, 'over')).status, 401);
  const refused = await send(made, 'toString');
  assert.equal(refused.status, 401);
  assert.equal(refused.headers['www-authenticate'], 'Bearer realm="static", error="invalid_token"');
  for (const name of ['bad.json', 'worse.json', 'missing.json']) {
    await assert.rejects(
      async () => build(name),
      (error: { code?: string; message: string }) => {
        assert.equal(error.code, 'PORTICO_STATIC_TOKENS');
        assert.ok(!error.message.includes('s3cret'));
        return true;
      },
    );
  }
});

test('MW-32 a validator of one’s own is named by its module', async (t) => {
  const files = await filesUntilEnd(t, {
    'validator.mjs': `
let stopped = 0;
export const stops = () => stopped;
export class Mine {
  start({ options, log, config }) { this.type = options.serviceType; }
  stop() { stopped++; }
  challenge() { return 'Mine'; }
  async validate(token, { allowExpired, signal }) {
    if (token === 'down') throw Object.assign(new Error('down'), { code: 'PORTICO_VALIDATOR_UNAVAILABLE' });
    if (token === 'bug') throw new TypeError('a bug');
    return token === 'good' ? { userId: this.type, expiresAt: '2999-01-01' } : null;
  }
}
export const none = { check() {} };
`,
  });
  const build = (validator: string) =>
    buildFilter(authToken, { folder: files.folder, local: { validator, service_type: 'x' } });
  const { made, close } = await build('./validator.mjs:Mine');
  assert.deepEqual((await send(made, 'good')).json(), { userId: 'x', roles: [], isAdminProject: false });
  const bad = await send(made, 'bad');
  assert.deepEqual([bad.status, bad.headers['www-authenticate']], [401, 'Mine']);
  assert.equal((await send(made, 'down')).status, 503);
  assert.equal((await send(made, 'bug')).status, 500);
  await close();
  const { stops } = (await import(files.path('validator.mjs'))) as { stops: () => number };
  assert.equal(stops(), 1);
  await assert.rejects(async () => build('./validator.mjs:none'), { code: 'PORTICO_BAD_DRIVER' });
});
