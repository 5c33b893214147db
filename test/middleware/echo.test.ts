import assert from 'node:assert/strict';
import { test } from 'node:test';
import { echo, noauth } from 'portico/middleware';
import { buildApp, buildFilter, lint, request } from 'portico/testing';

test('MW-54 the echo app shows headers and identity as its pipeline delivered them', async (t) => {
  const app = await buildApp(echo);
  const filter = await buildFilter(noauth, { config: '[api]\nauth_strategy = noauth\n' });
  t.after(filter.close);
  const headers = { 'x-auth-token': 'alice:blue', 'x-user-id': 'root' };
  const response = await request(lint(filter.made(app.made)), 'GET', '/a?b=c', { headers });
  const { url, context, headers: seen } = response.json();
  assert.equal(url, '/a?b=c');
  assert.equal(context.user_id, 'alice');
  assert.equal(seen['x-user-id'], undefined);
});
