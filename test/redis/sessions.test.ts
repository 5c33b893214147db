/** Sessions in Redis: shared by hosts, and what a store that fails costs. */

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { session } from 'portico/middleware';
import { buildFilter } from 'portico/testing';
import { commandBeside } from '../cli/command.js';
import { ask } from '../e2e/clients.js';
import { emptyProject, freePort, runApiCli, startProject } from '../e2e/program.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { TcpProxy } from '../fixtures/tcp-proxy.js';
import { until, untilIs } from '../fixtures/until.js';
import { startRedis, withoutRedis } from './redis-server.js';
import { Browser, before, hostOf, PATIENT, said } from './session-host.js';

const skip = withoutRedis;

test('hosts share sessions: a log in, a change and a log out at one are those of the other', { skip }, async (t) => {
  const { url: store, cli } = await startRedis(t);
  const [one, two] = [await hostOf(t, { store, ...PATIENT }), await hostOf(t, { store, ...PATIENT })];
  const browser = new Browser();
  assert.equal((await browser.send(one, 'POST', '/login')).status, 204);
  assert.equal((await browser.send(two, 'GET', '/me')).value, 'ada');
  assert.equal((await browser.send(two, 'POST', '/visit')).value, 1);
  assert.equal((await browser.send(one, 'POST', '/visit')).value, 2);
  const key = cli('--scan');
  assert.match(key, /^portico:session:shop:[\w-]{43}$/);
  assert.deepEqual(JSON.parse(cli('GET', key)), { userId: 'ada', visits: 2 });
  assert.ok(Number(cli('TTL', key)) > 86_300);
  const copy = new Browser();
  copy.cookie = browser.cookie;
  const other = await hostOf(t, { store, ...PATIENT }, 'blog');
  assert.equal((await copy.send(other, 'GET', '/me')).status, 401);
  await browser.send(one, 'POST', '/logout');
  assert.equal(cli('--scan'), '');
  assert.equal((await copy.send(two, 'GET', '/me')).status, 401);
  assert.equal(one.log.text() + two.log.text(), '');
});

test('a value that is no session is none, and the log tells nothing of it', { skip }, async (t) => {
  const { url: store, cli } = await startRedis(t);
  const host = await hostOf(t, { store, ...PATIENT });
  const browser = new Browser();
  for (const value of ['S3CRET', '{"userId":"S3CRET', '"S3CRET"', 'null', '']) {
    assert.equal((await browser.send(host, 'POST', '/login')).status, 204);
    cli('SET', cli('--scan'), value);
    assert.equal((await browser.send(host, 'GET', '/me')).status, 401, value);
    assert.equal((await browser.send(host, 'POST', '/visit')).value, 1);
    cli('FLUSHALL');
  }
  assert.equal(host.log.text(), '');
});

test('a session ends in the server after its life, and a request renews it there', { skip }, async (t) => {
  const { url: store, cli } = await startRedis(t);
  const host = await hostOf(t, { store, life_s: '100', ...PATIENT });
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  t.after(() => mock.timers.reset());
  const browser = new Browser();
  await browser.send(host, 'POST', '/login');
  const key = cli('--scan');
  cli('EXPIRE', key, '50');
  await browser.send(host, 'GET', '/me');
  assert.ok(Number(cli('TTL', key)) <= 50, 'not at each request');
  mock.timers.tick(20_000);
  assert.match((await browser.send(host, 'GET', '/me')).set!, /Max-Age=100/);
  assert.ok(Number(cli('TTL', key)) > 90);
  cli('PEXPIRE', key, '1');
  await untilIs(() => cli('EXISTS', key), '0');
  assert.equal((await browser.send(host, 'GET', '/me')).status, 401);
});

test('a log out stays while other requests of the session change it', { skip }, async (t) => {
  const { url: store, cli } = await startRedis(t);
  const hosts = [await hostOf(t, { store, ...PATIENT }), await hostOf(t, { store, ...PATIENT })] as const;
  for (let round = 0; round < 50; round++) {
    const browser = new Browser();
    await browser.send(hosts[0], 'POST', '/login');
    const key = cli('--scan');
    const copies = Array.from({ length: 6 }, () => Object.assign(new Browser(), { cookie: browser.cookie }));
    const changes = copies.map((copy, at) => copy.send(hosts[at % 2]!, 'POST', '/visit'));
    await Promise.all([...changes, browser.send(hosts[1], 'POST', '/logout')]);
    // A visit that came after the log out began a session of nobody.
    assert.equal(cli('EXISTS', key), '0');
    cli('FLUSHALL');
  }
});

test('ten parallel updates at two hosts are all there', { skip }, async (t) => {
  const { url: store, cli } = await startRedis(t);
  const hosts = [await hostOf(t, { store, ...PATIENT }), await hostOf(t, { store, ...PATIENT })] as const;
  const browser = new Browser();
  await browser.send(hosts[0], 'POST', '/login');
  const copies = Array.from({ length: 10 }, () => Object.assign(new Browser(), { cookie: browser.cookie }));
  await Promise.all(copies.map((copy, at) => copy.send(hosts[at % 2]!, 'POST', `/part/${at}`)));
  const { userId, visits, ...parts } = JSON.parse(cli('GET', cli('--scan'))) as Record<string, unknown>;
  assert.deepEqual([userId, visits], ['ada', 0]);
  assert.equal(Object.keys(parts).length, 10);
});

test('a store that stalls costs one request in a second its timeout, and no request an error', { skip }, async (t) => {
  const { url: store, pid } = await startRedis(t);
  // More than a request takes on a busy machine.
  const host = await hostOf(t, { store, timeout: '400' });
  const browser = new Browser();
  await browser.loggedIn(host);
  const { cookie } = browser;
  process.kill(pid, 'SIGSTOP');
  const answers = [];
  for (let sent = 0; sent < 50; sent++) answers.push(await browser.send(host, 'GET', sent % 2 === 0 ? '/' : '/me'));
  assert.deepEqual(
    new Set(answers.map(({ status, value }, at) => (at % 2 === 0 ? value : status))),
    new Set(['nobody', 401]),
  );
  const slow = answers.filter(({ ms }) => ms > 390);
  assert.ok(slow.length <= 5, `${slow.length} waited`);
  assert.equal(browser.cookie, cookie, 'it is no log out');
  assert.equal(said(host, 'no response within 400 ms; requests have no session'), 1);
  process.kill(pid, 'SIGCONT');
  await browser.known(host);
  await until(
    async () => {
      await browser.send(host, 'GET', '/me');
      return said(host, 'keeps the sessions again');
    },
    (count) => count === 1,
  );
});

test('while the store is away, a log in, a change and a log out get 503, and the session is there afterwards', {
  skip,
}, async (t) => {
  const port = await freePort();
  const host = await hostOf(t, { store: `redis://127.0.0.1:${port}` });
  const browser = new Browser();
  const refused = await browser.send(host, 'POST', '/login');
  assert.deepEqual([refused.status, refused.headers['retry-after'], refused.set], [503, '5', undefined]);
  assert.match(JSON.stringify(refused.value), /The session cannot be kept at the moment/);
  assert.equal((await browser.send(host, 'GET', '/')).value, 'nobody');
  assert.equal((await browser.send(host, 'POST', '/try')).value, 'nothing', 'what is not kept is not there');
  const { url, cli } = await startRedis(t, { port });
  await browser.loggedIn(host);
  const proxy = closedAfter(t, await TcpProxy.to(url));
  // Longer than a pause of a busy machine.
  const other = await hostOf(t, { store: proxy.url, timeout: '500' });
  await browser.known(other);
  const { cookie } = browser;
  proxy.partition();
  assert.equal((await browser.send(other, 'GET', '/')).value, 'nobody');
  for (const path of ['/visit', '/logout', '/login']) {
    assert.equal((await browser.send(other, 'POST', path)).status, 503, path);
  }
  assert.equal(browser.cookie, cookie);
  proxy.heal();
  await browser.known(other);
  assert.equal((await browser.send(other, 'POST', '/visit')).value, 1);
  assert.equal((await browser.send(other, 'POST', '/logout')).status, 204);
  assert.equal(cli('DBSIZE'), '0');
});

test('a change of a session that could not be read, and is gone when the store is back, begins one', {
  skip,
}, async (t) => {
  const { url, cli } = await startRedis(t);
  const proxy = closedAfter(t, await TcpProxy.to(url));
  const host = await hostOf(t, { store: proxy.url, timeout: '500' });
  const browser = new Browser();
  await browser.loggedIn(host);
  const { cookie } = browser;
  proxy.partition();
  cli('FLUSHALL');
  before.change = async () => {
    proxy.heal();
    await new Browser().loggedIn(host);
  };
  t.after(() => (before.change = undefined));
  assert.deepEqual((await browser.send(host, 'POST', '/later')).value, { visits: 9 });
  assert.notEqual(browser.cookie, cookie);
  before.change = undefined;
  assert.equal((await browser.send(host, 'POST', '/visit')).value, 10);
  assert.equal(cli('DBSIZE'), '2');
});

test('on_failure = refuse responds with 503 to requests with a session, and serves others as ever', {
  skip,
}, async (t) => {
  const { url, pid } = await startRedis(t);
  const host = await hostOf(t, { store: url, on_failure: 'refuse' });
  const browser = new Browser();
  await browser.loggedIn(host);
  process.kill(pid, 'SIGSTOP');
  const answer = await browser.send(host, 'GET', '/');
  assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '5']);
  assert.equal((await new Browser().send(host, 'GET', '/')).value, 'nobody');
  assert.equal(said(host, 'requests with a session get 503'), 1);
  process.kill(pid, 'SIGCONT');
});

test('a full store refuses log ins only', { skip }, async (t) => {
  const { url: store, cli } = await startRedis(t);
  const host = await hostOf(t, { store, life_s: '100', ...PATIENT });
  const browser = new Browser();
  await browser.send(host, 'POST', '/login');
  assert.equal(cli('CONFIG', 'SET', 'maxmemory', '1'), 'OK');
  for (let round = 0; round < 5; round++) {
    assert.equal((await new Browser().send(host, 'POST', '/login')).status, 503);
    assert.equal((await browser.send(host, 'GET', '/me')).status, 200);
  }
  assert.equal(said(host, 'OOM command not allowed'), 1);
  assert.equal(said(host, 'keeps the sessions again'), 0);
  assert.equal((await browser.send(host, 'POST', '/logout')).status, 204);
});

test('a store that flaps costs sessions for a moment, and no request an error', { skip }, async (t) => {
  const { url } = await startRedis(t);
  const proxy = closedAfter(t, await TcpProxy.to(url));
  const host = await hostOf(t, { store: proxy.url });
  const browser = new Browser();
  await browser.loggedIn(host);
  const seen = new Set<number>();
  for (let round = 0; round < 10; round++) {
    const asked = browser.statuses(host, '/me', 10);
    proxy.cut();
    for (const status of await asked) seen.add(status);
  }
  const unexpected = [...seen].filter((status) => status !== 200 && status !== 401);
  assert.deepEqual(unexpected, []);
  await browser.known(host);
});

test('a connection without responses is replaced', { skip }, async (t) => {
  const { url } = await startRedis(t);
  const proxy = closedAfter(t, await TcpProxy.to(url));
  const host = await hostOf(t, { store: proxy.url });
  const browser = new Browser();
  await browser.loggedIn(host);
  proxy.hold();
  await browser.known(host);
});

test('workers share sessions, and the status tells that the store is away', { skip }, async (t) => {
  const { url: store, pid } = await startRedis(t, { words: ['--requirepass', 'hidden'] });
  const port = await freePort();
  const project = emptyProject({
    'app.mjs': `import { Router } from 'portico';
export const app = () => {
  const router = new Router();
  router.post('/login', ({ session }) => session.begin({ userId: 'ada' }));
  router.get('/me', { auth: true }, ({ context }) => [context.userId, process.pid]);
  router.get('/', () => 'everybody');
  return router.build();
};
`,
    'api-paste.ini': `[pipeline:shop]\npipeline = session app\n[filter:session]\npaste.filter_factory = portico/middleware:session\nsecrets = ${'1'.repeat(32)}\nstore = ${store.replace('//', '//:hidden@')}\n[app:app]\npaste.app_factory = ./app.mjs:app\n`,
    'portico.ini': `[api:shop]\nport = ${port}\nworkers = 2\n`,
  });
  const program = startProject(t, project);
  await program.printed(/"event":"ready"/);
  const address = `http://127.0.0.1:${port}`;
  const login = await until(
    () => ask(`${address}/login`, { method: 'POST' }),
    ({ status }) => status === 204,
  );
  const headers = { cookie: login.headers['set-cookie']![0]!.split(';', 1)[0]! };
  const workers = new Set<number>();
  await until(
    async () => {
      const { status, text } = await ask(`${address}/me`, { headers });
      if (status === 200) workers.add((JSON.parse(text) as [string, number])[1]);
      return workers.size;
    },
    (size) => size === 2,
  );
  process.kill(pid, 'SIGSTOP');
  const status = await until(
    async () => {
      assert.equal((await ask(`${address}/`, { headers })).status, 200);
      return commandBeside(['status'], { cwd: project.folder });
    },
    ({ stdout }) => stdout.includes('the store of session, fails'),
  );
  process.kill(pid, 'SIGCONT');
  assert.match(status.stdout, /no response within 50 ms; requests have no session/);
  const plan = await runApiCli(project.folder, 'explain', '/me');
  assert.doesNotMatch(status.stdout + program.output() + plan.stdout + plan.stderr, /hidden/);
});

test('a store that there is not is an error at its line, without its password', async () => {
  const build = (store: string) => buildFilter(session, { local: { secrets: '1'.repeat(32), store }, isTrial: true });
  await assert.rejects(build('redsi://x'), {
    code: 'PORTICO_STORE',
    message: /no store redsi:\/\/ of sessions/,
    hint: /redis/,
  });
  for (const store of ['redis://user:hidden@host:port', 'redis:user:hidden@host:6379/0', 'redis//user:hidden@host']) {
    await assert.rejects(build(store), (error: Error & { code: string }) => {
      assert.equal(error.code, 'PORTICO_STORE');
      assert.doesNotMatch(JSON.stringify(error) + error.stack, /hidden/);
      return true;
    });
  }
});
