/** Rate limits in Redis: shared by hosts, and what a store that fails costs. */
import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type App, environ } from 'portico/app';
import { rateLimit } from 'portico/middleware';
import { buildFilter, captureLog, request } from 'portico/testing';
import { commandBeside } from '../cli/command.js';
import { ask } from '../e2e/clients.js';
import { emptyProject, freePort, startProject } from '../e2e/program.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { TcpProxy } from '../fixtures/tcp-proxy.js';
import { until, untilIs } from '../fixtures/until.js';
import { filterUntilEnd } from '../fixtures/until-end.js';
import { startRedis, withoutRedis } from './redis-server.js';

const skip = withoutRedis;
const app: App = (_req, res) => void res.end();

/** Builds the filter of one host. Each has its own buckets, for while the store is away. */
async function hostOf(t: TestContext, local: Readonly<Record<string, string>>, service = 'shop') {
  const log = captureLog();
  const { made } = await filterUntilEnd(t, rateLimit, {
    local: { rules: 'all address 1/h 3', ...local },
    service,
    log: log.log,
  });
  const limited = made((req, res) => app(req, res));
  const from: App = (req, res) => {
    environ(req).remote = { address: '192.0.2.7', port: undefined, scheme: 'http', host: undefined };
    return limited(req, res);
  };
  return {
    log,
    ask: async () => {
      const begun = performance.now();
      const answer = await request(from, 'GET', '/');
      return { ...answer, ms: performance.now() - begun };
    },
  };
}

/** For tests of what hosts share: a busy machine is no store that fails. */
const PATIENT = { timeout: '10000' };

type Host = Awaited<ReturnType<typeof hostOf>>;

const statusesOf = async (host: Host, count: number): Promise<number[]> => {
  const found: number[] = [];
  for (let sent = 0; sent < count; sent++) found.push((await host.ask()).status);
  return found;
};

const said = ({ log }: Host, text: string): number => log.lines.filter(({ msg }) => String(msg).includes(text)).length;

const warned = ({ log }: Host): string[] =>
  log.lines.flatMap(({ level, msg }) => (level === 'warn' ? [String(msg)] : []));

const countsAgain = (host: Host): Promise<unknown> =>
  until(
    async () => {
      await host.ask();
      return said(host, 'counts the rate limits again');
    },
    (count) => count > 0,
  );

test('hosts share a limit; another API has its own, and a bucket ends when it is full', { skip }, async (t) => {
  const { url: store, cli } = await startRedis(t);
  const local = { store, ...PATIENT };
  const [one, two] = [await hostOf(t, local), await hostOf(t, local)];
  const other = await hostOf(t, local, 'blog');
  const [first, second] = [await one.ask(), await two.ask()];
  assert.match(String(first.headers.ratelimit), /^"all";r=2;t=3600$/);
  assert.match(String(second.headers.ratelimit), /^"all";r=1;t=7200$/);
  assert.deepEqual(await statusesOf(one, 2), [200, 429]);
  const refused = await two.ask();
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers['retry-after']) > 3500);
  assert.equal((await other.ask()).status, 200);
  const keys = cli('--scan').split('\n').toSorted();
  assert.deepEqual(
    keys.map((key) => key.slice(0, 18)),
    ['portico:rate:blog:', 'portico:rate:shop:'],
  );
  assert.ok(Number(cli('PTTL', keys[1]!)) > 10_700_000);
  assert.equal(one.log.text(), '');
});

test('two hosts grant the rate within two percent', { skip }, async (t) => {
  const { url: store } = await startRedis(t);
  // No pause of a busy machine fills the bucket, and enough is asked to empty it.
  const local = { store, rules: 'all address 20/s 40', ...PATIENT };
  const hosts = [await hostOf(t, local), await hostOf(t, local)];
  const first = await Promise.all(hosts.map((host) => host.ask()));
  let granted = first.filter(({ status }) => status === 200).length;
  const begun = performance.now();
  await Promise.all(
    [...hosts, ...hosts, ...hosts, ...hosts].map(async (host) => {
      while (performance.now() - begun < 3000) if ((await host.ask()).status === 200) granted++;
    }),
  );
  // The last requests end later on a busy machine.
  const [least, most] = [3000, performance.now() - begun].map((ms) => 40 + ms / 50) as [number, number];
  assert.ok(granted >= least * 0.98 && granted <= most * 1.02 + 1, `${granted} of ${least} to ${most}`);
});

test('several rules are one round trip; a request that one refuses takes no token of the next', { skip }, async (t) => {
  const { url: store, cli } = await startRedis(t);
  const rules = 'first address 1/h 2\nsecond address 1/h 9\nthird address 1/h 9';
  const host = await hostOf(t, { store, rules, ...PATIENT });
  assert.deepEqual(await statusesOf(host, 4), [200, 200, 429, 429]);
  const calls = (command: string): number =>
    Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(cli('INFO', 'commandstats'))?.[1] ?? 0);
  assert.deepEqual([calls('evalsha'), calls('eval')], [4, 1]);
  const reset = 'third address 1/h 9';
  const other = await hostOf(t, { store, rules: reset, ...PATIENT });
  assert.match(String((await other.ask()).headers.ratelimit), /^"third";r=6;/);
});

test('a request that may wait gets its token in advance', { skip }, async (t) => {
  const { url: store } = await startRedis(t);
  const host = await hostOf(t, { store, rules: 'all address 20/s 1', sleep_ms: '1000' });
  assert.deepEqual(await statusesOf(host, 3), [200, 200, 200]);
  assert.ok((await host.ask()).ms > 30);
});

test('a store that stalls costs one request in a second its timeout; then it counts again', { skip }, async (t) => {
  const { url: store, pid } = await startRedis(t);
  // More than a request takes on a busy machine.
  const host = await hostOf(t, { store, rules: 'all address 1000/s 1000', timeout: '400' });
  assert.deepEqual(await statusesOf(host, 2), [200, 200]);
  process.kill(pid, 'SIGSTOP');
  const stalled = [];
  for (let sent = 0; sent < 50; sent++) stalled.push(await host.ask());
  assert.deepEqual([...new Set(stalled.map(({ status }) => status))], [200]);
  const slow = stalled.filter(({ ms }) => ms > 390);
  assert.ok(slow.length <= 5, `${slow.length} waited`);
  assert.equal(said(host, 'no response within 400 ms; each machine limits by itself'), 1);
  process.kill(pid, 'SIGCONT');
  await countsAgain(host);
});

test('while the store is away, each machine has its own buckets, without an error for any client', {
  skip,
}, async (t) => {
  const port = await freePort();
  const store = `redis://127.0.0.1:${port}`;
  const hosts = [await hostOf(t, { store }), await hostOf(t, { store })];
  for (const host of hosts) assert.deepEqual(await statusesOf(host, 4), [200, 200, 200, 429]);
  await startRedis(t, { port });
  const [host] = hosts as [Host];
  await countsAgain(host);
  assert.equal(said(host, 'ECONNREFUSED'), 1);
});

test('a first connection that fails is reported without a request, with the reason, and when it is there', {
  skip,
}, async (t) => {
  const port = await freePort();
  const host = await hostOf(t, { store: `redis://127.0.0.1:${port}` });
  assert.deepEqual(warned(host), [
    `redis://127.0.0.1:${port}, the store of test, fails: connect ECONNREFUSED 127.0.0.1:${port}; each machine limits by itself`,
  ]);
  const { cli } = await startRedis(t, { port });
  await untilIs(() => said(host, 'counts the rate limits again'), 1);
  cli('ACL', 'SETUSER', 'shop', 'on', '>right', '~*', '+@all');
  const wrong = await hostOf(t, { store: `redis://shop:hidden@127.0.0.1:${port}` });
  assert.equal(said(wrong, 'fails: WRONGPASS '), 1);
  await wrong.ask();
  assert.equal(warned(wrong).length, 1);
  assert.doesNotMatch(wrong.log.text(), /hidden/);
});

test('an error that repeats the password is reported without it; a server without a word, by the time', async (t) => {
  const said: string[] = ['-ERR unknown command AUTH, with args beginning with: hidden\r\n', ''];
  for (const [at, reason] of [/fails: ERR unknown .*: \*{4};/, /fails: no connection within 1000 ms;/].entries()) {
    const server = createServer(
      (socket) => void socket.on('error', () => undefined).once('data', () => socket.write(said[at]!)),
    );
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const host = await hostOf(t, { store: `redis://:hidden@127.0.0.1:${port}` });
    t.after(() => server.close());
    assert.match(host.log.text(), reason);
    assert.doesNotMatch(host.log.text(), /hidden/);
  }
});

test('the status tells that the store is away, also without a request', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'api-paste.ini':
      '[pipeline:shop]\npipeline = limit echo\n[filter:limit]\npaste.filter_factory = portico/middleware:rateLimit\nrules = all address 9/s 9\nstore = redis://me:hidden@127.0.0.1:1\n[app:echo]\npaste.app_factory = portico/middleware:echo\n',
    'portico.ini': `[api:shop]\nport = ${port}\nworkers = 1\n`,
  });
  const program = startProject(t, project);
  await program.printed(/"event":"ready"/);
  const status = await until(
    () => commandBeside(['status'], { cwd: project.folder }),
    ({ stdout }) => stdout.includes('the store of limit, fails'),
  );
  assert.match(status.stdout, /connect ECONNREFUSED 127\.0\.0\.1:1; each machine limits by itself/);
  assert.equal((await ask(`http://127.0.0.1:${port}/`)).status, 200);
  assert.doesNotMatch(status.stdout + program.output(), /hidden/);
});

test('on_failure = refuse responds with 503 with Retry-After', { skip }, async (t) => {
  const host = await hostOf(t, { store: `redis://127.0.0.1:${await freePort()}`, on_failure: 'refuse' });
  const answer = await host.ask();
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['retry-after'], '1');
});

test('a full store and one that flaps leave requests as they are', { skip }, async (t) => {
  const { url, cli } = await startRedis(t);
  const proxy = closedAfter(t, await TcpProxy.to(url));
  const host = await hostOf(t, { store: proxy.url, rules: 'all address 1000/s 1000' });
  assert.equal(cli('CONFIG', 'SET', 'maxmemory', '1'), 'OK');
  assert.deepEqual([...new Set(await statusesOf(host, 10))], [200]);
  assert.equal(said(host, 'OOM'), 1);
  cli('CONFIG', 'SET', 'maxmemory', '0');
  for (let round = 0; round < 10; round++) {
    const asked = statusesOf(host, 10);
    proxy.cut();
    assert.deepEqual([...new Set(await asked)], [200]);
  }
  // A server that has lost its scripts.
  await countsAgain(host);
  cli('SCRIPT', 'FLUSH');
  assert.deepEqual([...new Set(await statusesOf(host, 10))], [200]);
});

test('a connection without responses is replaced', { skip }, async (t) => {
  const { url } = await startRedis(t);
  const proxy = closedAfter(t, await TcpProxy.to(url));
  const host = await hostOf(t, { store: proxy.url, rules: 'all address 1000/s 1000' });
  await host.ask();
  const before = proxy.connections;
  proxy.hold();
  await until(
    async () => {
      await host.ask();
      return proxy.connections;
    },
    (count) => count > before,
  );
});

/** Blocks this process, as a long computation does. */
const block = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

test('a blocked event loop is no failure of the store: responses that came meanwhile are read', { skip }, async (t) => {
  const { url, pid } = await startRedis(t);
  const host = await hostOf(t, { store: url, rules: 'all address 1000/s 1000', timeout: '300' });
  await host.ask();
  for (let round = 0; round < 3; round++) {
    process.kill(pid, 'SIGSTOP');
    const asked = Promise.all([host.ask(), host.ask(), host.ask()]);
    // The commands are sent, and their timers run.
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    process.kill(pid, 'SIGCONT');
    block(800);
    assert.deepEqual([...new Set((await asked).map(({ status }) => status))], [200]);
  }
  assert.equal(host.log.text(), '');
});

test('many requests that one stall makes late leave the connection as it is', { skip }, async (t) => {
  const { url, pid } = await startRedis(t);
  const proxy = closedAfter(t, await TcpProxy.to(url));
  const host = await hostOf(t, { store: proxy.url, rules: 'all address 1000/s 1000' });
  await host.ask();
  const { connections } = proxy;
  process.kill(pid, 'SIGSTOP');
  const stalled = Promise.all(Array.from({ length: 20 }, () => host.ask()));
  assert.deepEqual([...new Set((await stalled).map(({ status }) => status))], [200]);
  process.kill(pid, 'SIGCONT');
  await countsAgain(host);
  assert.equal(proxy.connections, connections);
});

test('a store that there is not is an error at its line, without its password', async () => {
  const build = (store: string) =>
    buildFilter(rateLimit, { local: { rules: 'all address 1/h 3', store }, isTrial: true });
  await assert.rejects(build('redsi://x'), {
    code: 'PORTICO_STORE',
    message: /no store redsi:\/\/ of rate limits/,
    hint: /redis/,
  });
  const unreadable = ['redis://user:hidden@host:port', 'redis:user:hidden@host:6379/0', 'redis:user:hidden@host://0'];
  for (const store of [...unreadable, 'redis//user:hidden@host', ' ://hidden', 'hidden']) {
    await assert.rejects(build(store), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'PORTICO_STORE');
      assert.match(error.message, /the URL of the store cannot be read/);
      assert.match(error.hint, /redis:\/\/user:password@host/);
      assert.doesNotMatch(JSON.stringify(error) + error.stack, /hidden/);
      return true;
    });
  }
});
