import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { lint, request } from 'portico/testing';
import { appendVary, headerMask, removeHeaders } from '../../dist/middleware/headers.js';

test('a request header is taken off in every spelling, of its names and of the raw ones', async () => {
  const app: App = (req, res) => {
    removeHeaders(req, (name) => name === 'x-user-id');
    res.end(JSON.stringify([Object.keys(req.headers), req.rawHeaders.filter((_, at) => at % 2 === 0)]));
  };
  const headers = { 'X-User-Id': 'a', x_user_id: 'b', 'X-USER_ID': 'c', 'x-user': 'stays' };
  const [names, raw] = (await request(lint(app), 'GET', '/', { headers })).json() as string[][];
  assert.ok(names!.includes('x-user'));
  for (const list of [names!, raw!])
    assert.deepEqual(
      list.filter((name) => /user.id/i.test(name)),
      [],
    );
});

test('Vary keeps what is there, has each name once in any case, and nothing beside *', async () => {
  const vary = async (present: string | string[] | undefined): Promise<unknown> => {
    const app: App = (_req, res) => {
      if (present !== undefined) res.setHeader('vary', present);
      appendVary(res, 'Origin', 'Accept');
      res.end();
    };
    return (await request(lint(app), 'GET', '/')).headers.vary;
  };
  assert.equal(await vary(undefined), 'Origin, Accept');
  assert.equal(await vary('accept-encoding, ORIGIN'), 'accept-encoding, ORIGIN, Accept');
  assert.equal(await vary(['Cookie', 'Origin, Accept']), 'Cookie, Origin, Accept');
  assert.equal(await vary('*'), '*');
});

test('MW-14 a copy for the log has the names of all headers, and no value of those with credentials', () => {
  const mask = headerMask(['X-Card']);
  const secret = [
    'authorization',
    'proxy-authorization',
    'cookie',
    'x-auth-token',
    'x-api-key',
    'x-card',
    'x_password',
  ];
  const shown = mask({ ...Object.fromEntries(secret.map((name) => [name, 's3cret'])), accept: '*/*' });
  assert.deepEqual(Object.keys(shown), [...secret, 'accept']);
  assert.equal(shown.accept, '*/*');
  assert.ok(!JSON.stringify(shown).includes('s3cret'));
});
