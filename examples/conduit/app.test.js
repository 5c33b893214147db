import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import newman from 'newman';
import pg from 'pg';

const SERVER = process.env.PORTICO_TEST_POSTGRESQL ?? 'postgresql://postgres@127.0.0.1:5432/postgres';

async function run(connectionString, sql) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

/** A database of the test's own; undefined where there is no server. */
async function database(t) {
  const name = `conduit_${randomBytes(4).toString('hex')}`;
  try {
    await run(SERVER, `CREATE DATABASE ${name}`);
  } catch (error) {
    t.skip(`PostgreSQL is not there: ${error.message} (PORTICO_TEST_POSTGRESQL names one)`);
    return undefined;
  }
  t.after(() => run(SERVER, `DROP DATABASE ${name} WITH (FORCE)`));
  const url = new URL(SERVER);
  url.pathname = name;
  await run(url.href, readFileSync('schema.sql', 'utf8'));
  return url.href;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts the API, two workers of it, and gives its URL once they serve. */
async function serve(t, connection) {
  const port = await freePort();
  const args = ['--set', `api:conduit.port=${port}`, '--set', `conduit.database=${connection}`];
  const env = { ...process.env, PORTICO_JWT__SECRET: randomBytes(32).toString('hex') };
  const program = spawn('api-cli', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(program, 'exit');
  t.after(async () => {
    program.kill();
    assert.deepEqual(await ended, [0, null]);
  });
  let log = '';
  await new Promise((resolve, reject) => {
    for (const stream of [program.stdout, program.stderr]) {
      stream.on('data', (text) => {
        log += text;
        if (/Ready/.test(log)) resolve();
      });
    }
    program.once('exit', () => reject(new Error(log)));
  });
  return `http://127.0.0.1:${port}/api`;
}

test("two workers pass RealWorld's collection", { timeout: 110_000 }, async (t) => {
  const connection = await database(t);
  if (connection === undefined) return;
  const url = await serve(t, connection);

  await t.test('every assertion of it holds', async () => {
    const name = `u${randomBytes(4).toString('hex')}`;
    const variables = { APIURL: url, USERNAME: name, EMAIL: `${name}@mail.com`, PASSWORD: 'password' };
    const globals = { values: Object.entries(variables).map(([key, value]) => ({ key, value })) };
    const collection = 'realworld/Conduit.postman_collection.json';
    const { run: done } = await promisify(newman.run)({ collection, globals });
    assert.deepEqual(
      done.failures.map(({ error, source }) => `${source?.name}: ${error.test}`),
      [],
    );
    assert.equal(done.stats.assertions.total, 311);
  });

  await t.test('who asks is known before the body is read, and all errors have one form', async () => {
    const send = async (method, path, body, headers = {}) => {
      const init = {
        method,
        body: body && JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      };
      const answer = await fetch(url + path, init);
      return [answer.status, await answer.json()];
    };
    const ada = { username: 'ada', email: 'ada@example.com', password: 'secret' };
    const [status, { user }] = await send('POST', '/users', { user: ada });
    assert.equal(status, 201);
    assert.deepEqual(await send('POST', '/users', { user: { ...ada, email: 'other@example.com' } }), [
      422,
      { errors: { username: ['has already been taken'] } },
    ]);
    assert.deepEqual(await send('POST', '/articles', { nothing: 1 }), [
      401,
      { errors: { credentials: ['The request is not authenticated.'] } },
    ]);
    const forged = { authorization: `Token ${user.token.slice(0, -3)}AAA` };
    assert.deepEqual(await send('GET', '/user', undefined, forged), [
      401,
      { errors: { credentials: ['The token is not valid.'] } },
    ]);
    const signed = { authorization: `Token ${user.token}` };
    const [refused, { errors }] = await send('POST', '/articles', { article: { title: '', body: 1 } }, signed);
    assert.equal(refused, 422);
    assert.deepEqual(Object.keys(errors).toSorted(), ['body', 'description', 'title']);
    assert.deepEqual(await send('GET', '/articles/none'), [404, { errors: { body: ['not found'] } }]);
    assert.equal((await send('GET', '/nowhere'))[0], 404);
  });
});
