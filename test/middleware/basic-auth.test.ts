import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { type App, compose, environ } from 'portico/app';
import { basicAuth, catchErrors } from 'portico/middleware';
import { buildFilter, captureLog, lint, request, type TestResponse, tempConfig } from 'portico/testing';

const hash = (password: string): string => hashSync(password, 4);
const FILE = `# users
alice:${hash('wonder:land')}
bob:${hash('x'.repeat(72)).replace('$2b$', '$2y$')}
`;

const app: App = (req, res) => {
  res.end(JSON.stringify({ identity: environ(req).identity, headers: req.headers }));
};

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

async function setUp(
  t: { after(fn: () => Promise<void>): void },
  inner: App = app,
  local: Record<string, string> = {},
) {
  const files = await tempConfig({ users: FILE });
  t.after(() => files.remove());
  await chmod(files.path('users'), 0o600);
  const captured = captureLog();
  const outer = await buildFilter(catchErrors, { log: captured.log });
  const options = { log: captured.log, local: { user_file: files.path('users'), failure_cache_s: '0', ...local } };
  const { made, close } = await buildFilter(basicAuth, options);
  t.after(close);
  const linted = lint(compose([outer.made, made], inner));
  const send = (authorization?: string, headers: Record<string, string> = {}): Promise<TestResponse> =>
    request(linted, 'GET', '/', { headers: { ...(authorization === undefined ? {} : { authorization }), ...headers } });
  return { send, ...captured };
}

test('MW-38 the right password sets the identity and takes Authorization off', async (t) => {
  const { send } = await setUp(t);
  const response = await send(basic('alice:wonder:land'), { 'X-User': 'root', 'x-roles': 'admin' });
  assert.equal(response.status, 200);
  const { identity, headers } = response.json();
  assert.deepEqual(identity, { userId: 'alice', userName: 'alice' });
  assert.equal(headers.authorization, undefined);
  assert.equal(headers['x-user'], 'alice');
  assert.equal(headers['x-roles'], undefined);
  assert.equal((await send(basic(`bob:${'x'.repeat(72)}`))).status, 200);
});

test('MW-38 everybody else gets 401, a challenge, and one and the same body', async (t) => {
  const { send } = await setUp(t, app, { realm: 'The "API"' });
  const bodies = new Set<string>();
  for (const authorization of [
    undefined,
    basic('alice:wrong'),
    basic('nobody:wonder:land'),
    basic('alice'),
    basic(':x'),
    basic(`bob:${'x'.repeat(73)}`),
    'Bearer abc',
    'Basic !!!',
    'Basic',
  ]) {
    const response = await send(authorization);
    assert.equal(response.status, 401, authorization);
    assert.equal(response.headers['www-authenticate'], 'Basic realm="The API", charset="UTF-8"');
    bodies.add(response.text());
  }
  assert.equal(bodies.size, 1);
});

test('MW-63.9 an application error under basic auth is a 500 without its text', async (t) => {
  const { send, text } = await setUp(t, () => {
    throw new Error('internal message');
  });
  const response = await send(basic('alice:wonder:land'));
  assert.equal(response.status, 500);
  assert.ok(!response.text().includes('internal message'));
  assert.ok(!text().includes('wonder:land') && !text().includes(basic('alice:wonder:land')));
});

test('MW-38 a file that is missing or malformed refuses to load', async (t) => {
  const files = await tempConfig({ sha: 'alice:{SHA}abc\n' });
  t.after(() => files.remove());
  for (const name of ['missing', 'sha']) {
    await assert.rejects(async () => buildFilter(basicAuth, { local: { user_file: files.path(name) } }), {
      code: 'PORTICO_USER_FILE',
    });
  }
});

test('MW-38 a file everybody can read, and a user who is there twice, are warned of', async (t) => {
  const files = await tempConfig({ users: `${FILE}alice:${hash('second')}\n` });
  t.after(() => files.remove());
  await chmod(files.path('users'), 0o644);
  const { log, lines } = captureLog();
  const { made, close } = await buildFilter(basicAuth, { log, local: { user_file: files.path('users') } });
  t.after(close);
  assert.deepEqual(
    lines.map(({ level }) => level),
    ['warn', 'warn'],
  );
  const headers = { authorization: basic('alice:second') };
  assert.equal((await request(lint(made(app)), 'GET', '/', { headers })).status, 200);
});
