import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Config } from 'portico';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';

test('a signed token says who asks; without one, or with another signature, nobody does', async () => {
  const token = execFileSync(process.execPath, ['token.js', 'alice', 'member'], { encoding: 'utf8' }).trim();
  const config = await Config.load({ files: ['portico.ini'] });
  const app = await new Loader('api-paste.ini', { config }).loadApp('notes');
  const ask = (authorization) => request(app, 'GET', '/', { headers: { authorization } });
  assert.deepEqual((await ask(`Bearer ${token}`)).json(), { user: 'alice', roles: ['member'] });
  const [head, claims] = token.split('.');
  assert.equal((await ask(`Bearer ${head}.${claims}.AAAA`)).status, 401);
  assert.equal((await request(app, 'GET', '/')).status, 401);
  await app.close();
});
