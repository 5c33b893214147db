/** Servers of Redis as operators run them: with TLS, users, databases, Sentinel, and as a cluster. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import { environ } from 'portico/app';
import { rateLimit } from 'portico/middleware';
import { buildFilter, request } from 'portico/testing';
import { closedAfter } from '../fixtures/closed-after.js';
import { freePort } from '../fixtures/free-port.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { until, untilIs } from '../fixtures/until.js';
import { filterUntilEnd } from '../fixtures/until-end.js';
import { type RedisServer, startRedis, withoutRedis } from './redis-server.js';
import { Browser, hostOf, PATIENT, said } from './session-host.js';

const skip = withoutRedis;

/** Returns what a rate limit of a hundred at once tells of each of some requests of an address. */
async function limited(t: TestContext, store: string, rules = 'all address 1/h 100'): Promise<() => Promise<string>> {
  const { made } = await filterUntilEnd(t, rateLimit, { local: { rules, store, ...PATIENT }, service: 'shop' });
  const app = made((_req, res) => void res.end());
  return async () => {
    const answer = await request(
      (req, res) => {
        environ(req).remote = { address: '192.0.2.7', port: undefined, scheme: 'http', host: undefined };
        return app(req, res);
      },
      'GET',
      '/',
    );
    return String(answer.headers.ratelimit);
  };
}

/** Returns the paths of an authority, and of a certificate that it has issued for localhost. */
function certificates(): { ca: string; cert: string; key: string } {
  const folder = temporaryFolder();
  const [ca, own, cert, key] = ['ca', 'ca-key', 'cert', 'key'].map((name) => join(folder, `${name}.pem`)) as [
    string,
    string,
    string,
    string,
  ];
  const issue = (name: string, keyFile: string, file: string, ...more: string[]): void => {
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
    execFileSync('openssl', ['req', '-x509', '-subj', `/CN=${name}`, ...made, '-out', file, ...more], {
      stdio: 'ignore',
    });
  };
  issue('authority', own, ca);
  issue('localhost', key, cert, '-CA', ca, '-CAkey', own, '-addext', 'subjectAltName=DNS:localhost');
  return { ca, cert, key };
}

/** Starts a server that notes the names that clients tell, and sends all the same response. */
async function namedServer(t: TestContext, files?: { readonly cert: string; readonly key: string }, answer?: string) {
  const names: string[] = [];
  const pair = files && { cert: readFileSync(files.cert), key: readFileSync(files.key) };
  const note = (name: string, done: (error: null) => void): void => done(void names.push(name) as unknown as null);
  const server = closedAfter(
    t,
    createServer({ ...pair, SNICallback: note }, (socket) => {
      socket.on('error', () => undefined).on('data', () => answer !== undefined && socket.write(answer));
      t.after(() => socket.destroy());
    }),
  );
  await new Promise<void>((listening) => server.listen(0, 'localhost', listening));
  return { names, port: (server.address() as AddressInfo).port };
}

test('TLS with an authority and a certificate of the client; a server that is not certified is not used', {
  skip,
}, async (t) => {
  const { ca, cert, key } = certificates();
  const port = await freePort();
  const files = ['--tls-ca-cert-file', ca, '--tls-cert-file', cert, '--tls-key-file', key];
  const cliWords = ['-h', 'localhost', '--tls', '--cacert', ca, '--cert', cert, '--key', key];
  const server = await startRedis(t, { port, words: ['--port', '0', '--tls-port', String(port), ...files], cliWords });
  const store = `rediss://localhost:${port}?ca=${ca}&cert=${cert}&key=${key}`;
  const host = await hostOf(t, { store, ...PATIENT });
  const browser = new Browser();
  await browser.loggedIn(host);
  assert.equal((await browser.send(host, 'GET', '/me')).status, 200);
  assert.match(await (await limited(t, store))(), /r=99;/);
  assert.equal(server.cli('DBSIZE'), '2');
  const stranger = await hostOf(t, { store: `rediss://localhost:${port}` });
  assert.equal((await browser.send(stranger, 'GET', '/me')).status, 401);
  assert.equal(said(stranger, 'the store of test, fails: '), 1);
  assert.match(stranger.log.text(), /certificate/);
  await assert.rejects(hostOf(t, { store: `rediss://localhost?ca=${ca}.none` }), {
    code: 'PORTICO_STORE',
    message: /its ca cannot be read: ENOENT/,
  });
});

test('the name of the host is sent with TLS, by which an address finds one of many servers', async (t) => {
  const { port, names } = await namedServer(t);
  await hostOf(t, { store: `rediss://localhost:${port}` });
  await untilIs(() => names[0], 'localhost');
});

test('the name of the host is sent to nodes of a cluster, also to those that others name', { skip }, async (t) => {
  const files = certificates();
  const node = await namedServer(t, files);
  const slots = `*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\nlocalhost\r\n:${node.port}\r\n$1\r\nx\r\n`;
  const root = await namedServer(t, files, slots);
  const host = await hostOf(t, { store: `rediss+cluster://localhost:${root.port}?ca=${files.ca}` });
  await untilIs(
    () => new Browser().send(host, 'POST', '/login').then(() => [root.names[0], node.names[0]].join()),
    'localhost,localhost',
  );
});

test('a user with the commands of the pages, a password with any characters, and a database', { skip }, async (t) => {
  const { port, cli } = await startRedis(t);
  const rights = ['~portico:rate:*', '~portico:session:*', '+eval', '+evalsha', '+get', '+set', '+time'];
  cli('ACL', 'SETUSER', 'shop', 'on', '>p@ss:w/rd?#%', ...rights, '+expire', '+del', '+select', '+ping');
  const store = `redis://shop:${encodeURIComponent('p@ss:w/rd?#%')}@127.0.0.1:${port}/3`;
  const host = await hostOf(t, { store, ...PATIENT, life_s: '100' });
  const browser = new Browser();
  await browser.send(host, 'POST', '/login');
  assert.equal((await browser.send(host, 'POST', '/visit')).value, 1);
  assert.match(await (await limited(t, store))(), /r=99;/);
  assert.deepEqual([cli('DBSIZE'), cli('-n', '3', 'DBSIZE')], ['0', '2']);
  assert.equal((await browser.send(host, 'POST', '/logout')).status, 204);
  assert.equal(host.log.text(), '');
  const wrong = await hostOf(t, { store: `redis://shop:hidden@127.0.0.1:${port}/3` });
  assert.equal((await new Browser().send(wrong, 'POST', '/login')).status, 503);
  assert.equal(said(wrong, 'redis://shop:****@127.0.0.1'), 1);
  assert.doesNotMatch(wrong.log.text(), /hidden/);
});

test('the parts of a URL that cannot be used are reported, and nothing else of it', async () => {
  const refused: readonly [string, RegExp][] = [
    ['redis://u:hidden@h/hidden', /its database is not a number/],
    ['redis+cluster://u:hidden@h,i/1', /a cluster has no database/],
    ['redis+sentinel://u:hidden@h,i', /the name of the service is missing/],
    ['redis://u:hidden@h?ca=/hidden', /only a scheme with TLS has files/],
    ['rediss://u:hidden@h?hidden=1', /its query can have ca, cert, key only/],
    ['redis://u:hidden%zz@h', /% in it is not followed by two hexadecimal digits/],
    ['redis://u:hidden@hid den', /a host is not name:port/],
    ['redis://u:hidden@h,i', /a server has one host/],
    ['redis://u:6379/hidden@h', /a \/ in its user or password is written %2F/],
    ['redis://u:hidden?@h', /only a scheme with TLS has files/],
    ['rediss://h/0?ca=/hidd@none', /its ca cannot be read: ENOENT/],
    ['redis://h?sentinel_password=hidden', /only Sentinel has a sentinel_password/],
  ];
  for (const [store, message] of refused) {
    const built = buildFilter(rateLimit, { local: { rules: 'all address 1/h 3', store }, isTrial: true });
    await assert.rejects(built, (error: Error & { code: string }) => {
      assert.equal(error.code, 'PORTICO_STORE');
      assert.match(error.message, message);
      assert.doesNotMatch(JSON.stringify(error) + error.stack, /hidden/);
      return true;
    });
  }
});

test('Sentinel: another server becomes the primary, and sessions stay', { skip }, async (t) => {
  const primary = await startRedis(t);
  const replica = await startRedis(t, {
    words: ['--replicaof', `127.0.0.1 ${primary.port}`],
    ready: 'Finished with success',
  });
  const config = `requirepass guard\nsentinel monitor shop 127.0.0.1 ${primary.port} 2\nsentinel down-after-milliseconds shop 500\nsentinel failover-timeout shop 2000\n`;
  const sentinels: RedisServer[] = [];
  for (let count = 0; count < 3; count++) {
    sentinels.push(
      await startRedis(t, { config, words: ['--sentinel'], ready: '+monitor', cliWords: ['-a', 'guard'] }),
    );
  }
  for (const { cli } of sentinels) {
    await until(
      () => cli('SENTINEL', 'MASTER', 'shop'),
      (found) => /num-slaves\n1\n/.test(found) && /num-other-sentinels\n2\n/.test(found),
    );
  }
  const store = `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/shop/2?sentinel_password=guard`;
  const host = await hostOf(t, { store });
  const ask = await limited(t, store);
  const browser = new Browser();
  await browser.loggedIn(host);
  await ask();
  assert.equal(primary.cli('-n', '2', 'DBSIZE'), '2');
  assert.equal(primary.cli('WAIT', '1', '5000'), '1');
  process.kill(primary.pid, 'SIGKILL');
  assert.equal((await browser.send(host, 'GET', '/')).status, 200);
  await browser.known(host);
  assert.match(replica.cli('ROLE'), /^master/);
  await until(ask, (told) => told.includes('r=98;'));
});

test('a cluster: each key on its node; a node that is away costs the sessions that it has', { skip }, async (t) => {
  const nodes: RedisServer[] = [];
  const addresses: string[] = [];
  for (let count = 0; count < 3; count++) {
    const bus = await freePort();
    const words = ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-require-full-coverage', 'no'];
    const node = await startRedis(t, { words: [...words, '--cluster-node-timeout', '1000'] });
    nodes.push(node);
    addresses.push(`127.0.0.1:${node.port}@${bus}`);
  }
  const created = spawnSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { encoding: 'utf8' });
  assert.equal(created.status, 0, created.stdout + created.stderr);
  for (const { cli } of nodes) {
    await until(
      () => cli('CLUSTER', 'INFO'),
      (info) => info.includes('cluster_state:ok'),
    );
  }
  const store = `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  const ask = await limited(t, store, 'first address 1/h 100\nsecond address 1/h 50\nthird address 1/h 20');
  assert.equal(await ask(), '"third";r=19;t=3600, "second";r=49;t=3600, "first";r=99;t=3600');
  const [one, two] = [await hostOf(t, { store, ...PATIENT }), await hostOf(t, { store })];
  const browsers = Array.from({ length: 20 }, () => new Browser());
  for (const browser of browsers) await browser.send(one, 'POST', '/login');
  for (const browser of browsers) await browser.known(two);
  const kept = nodes.map(({ cli }) => Number(cli('DBSIZE')));
  assert.equal(kept[0]! + kept[1]! + kept[2]!, 23);
  assert.ok(Math.min(...kept) > 0, kept.join());
  process.kill(nodes[2]!.pid, 'SIGSTOP');
  const statuses = async (): Promise<number[]> => {
    const found: number[] = [];
    for (const browser of browsers) found.push((await browser.send(two, 'GET', '/')).status);
    return found;
  };
  assert.deepEqual(new Set(await statuses()), new Set([200]));
  const knows = async (host = two): Promise<number> => {
    let count = 0;
    for (const browser of browsers) if ((await browser.send(host, 'GET', '/me')).status === 200) count++;
    return count;
  };
  await until(knows, (count) => count > 0);
  // Also for hosts that start now, whichever node they ask for the others.
  const fresh = [await hostOf(t, { store }), await hostOf(t, { store }), await hostOf(t, { store })];
  for (const host of fresh) {
    await until(
      () => knows(host),
      (count) => count > 0,
    );
  }
  process.kill(nodes[2]!.pid, 'SIGCONT');
  await untilIs(knows, browsers.length);
});
