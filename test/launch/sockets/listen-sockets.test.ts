import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ListenAddress } from 'portico/service';
import { bindFailure, bindFailures, openListenSockets } from '../../../dist/launch/sockets/listen-sockets.js';
import { BindError } from '../../../dist/service/bind-error.js';
import { closedAfter } from '../../fixtures/closed-after.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { asOrdinaryUser } from './ordinary-user.js';

const folder = temporaryFolder('portico-sockets-');

async function listening(where: net.ListenOptions): Promise<net.Server> {
  const server = net.createServer((socket) => socket.on('error', () => undefined).end('served'));
  await new Promise<void>((resolve) => server.listen(where, resolve));
  return server;
}

test('PT-1 port 0 gives a real port before anybody listens, and the socket can be listened on', async () => {
  const sockets = await openListenSockets({ host: '127.0.0.1', port: 0 });
  assert.ok('port' in sockets.address && sockets.address.port > 0);
  assert.ok(sockets.descriptor! > 0);
  const { port } = sockets.address;
  await assert.rejects(
    new Promise((resolve, reject) => net.connect(port, '127.0.0.1').on('error', reject).on('connect', resolve)),
    { code: 'ECONNREFUSED' },
  );
  sockets.close();
  sockets.close();
});

test('PT-1 LC-305 an address that is taken is refused with its name', async (t) => {
  const server = closedAfter(t, await listening({ host: '127.0.0.1', port: 0 }));
  const { port } = server.address() as net.AddressInfo;
  await assert.rejects(openListenSockets({ host: '127.0.0.1', port }), {
    code: 'EADDRINUSE',
    message: `Could not bind to 127.0.0.1:${port}: the address is already in use (EADDRINUSE)`,
  });
});

test('an address that is not ours is refused with the system’s code', async () => {
  await assert.rejects(openListenSockets({ host: '192.0.2.1', port: 0 }), {
    code: 'EADDRNOTAVAIL',
    message: 'Could not bind to 192.0.2.1:0: this machine has no such address (EADDRNOTAVAIL)',
  });
});

test('a unix socket in a folder that is not there is refused with that cause', async () => {
  const path = join(folder, 'missing', 'api.sock');
  await assert.rejects(openListenSockets({ path }), {
    code: 'ENOENT',
    message: `Could not bind to unix:${path}: the folder ${join(folder, 'missing')} does not exist (ENOENT)`,
  });
});

test('a path of a unix socket that cannot be reached is refused with that cause', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const path = join(file, 'api.sock');
  await assert.rejects(openListenSockets({ path }), {
    code: 'ENOTDIR',
    message: `Could not bind to unix:${path}: the system refused it (ENOTDIR)`,
  });
  const closed = join(folder, 'closed');
  mkdirSync(closed, { mode: 0 });
  await asOrdinaryUser(folder, () =>
    assert.rejects(openListenSockets({ path: 'closed/api.sock' }), {
      code: 'EACCES',
      message: 'Could not bind to unix:closed/api.sock: permission denied (EACCES)',
    }),
  );
});

test('PH-6 names are resolved before they are bound', async () => {
  const sockets = await openListenSockets({ host: 'localhost', port: 0 });
  assert.ok('port' in sockets.address && sockets.address.port > 0);
  sockets.close();
});

test('RL-95 a unix socket has mode 0660 and is removed when it is closed', async () => {
  const path = join(folder, 'api.sock');
  const sockets = await openListenSockets({ path });
  assert.equal(statSync(path).mode & 0o777, 0o660);
  sockets.close();
  assert.equal(existsSync(path), false);
});

test('RL-95 a stale unix socket is replaced, a live one is not, and no other file is removed', async (t) => {
  const live = join(folder, 'live.sock');
  closedAfter(t, await listening({ path: live }));
  await assert.rejects(openListenSockets({ path: live }), { code: 'EADDRINUSE' });
  assert.ok(existsSync(live));

  const stale = join(folder, 'stale.sock');
  const dies = `require('net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', dies]);
  assert.ok(existsSync(stale));
  const sockets = await openListenSockets({ path: stale });
  assert.ok(sockets.descriptor! > 0);
  sockets.close();
});

test('who has a unix socket is said of its path, also of one that ends like a port', async () => {
  const path = join(folder, 'api:8774');
  writeFileSync(path, '');
  await assert.rejects(openListenSockets({ path }), (error) => {
    assert.match(bindFailure({ name: 'api' }, error).hint ?? '', /See what uses the address with: .* '?.*api:8774'?$/);
    return true;
  });
});

test('a file that is no socket is not removed', async () => {
  const path = join(folder, 'precious');
  writeFileSync(path, 'data');
  await assert.rejects(openListenSockets({ path }), { code: 'EADDRINUSE' });
  assert.ok(existsSync(path));
});

const documented = 'BoundSocket' in net ? {} : { skip: 'this Node has no net.BoundSocket' };

test('PT-1 where Node documents how to bind without listening, nothing undocumented is needed', documented, () => {
  const module = new URL('../../../dist/launch/sockets/listen-sockets.js', import.meta.url).href;
  const code = `import net from 'node:net';
delete net._createServerHandle;
const { openListenSockets } = await import(${JSON.stringify(module)});
const tcp = await openListenSockets({ host: '127.0.0.1', port: 0 });
const unix = await openListenSockets({ path: process.argv[1] });
console.log(tcp.descriptor > 0, unix.descriptor > 0);`;
  const path = join(folder, 'documented.sock');
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', code, path], { encoding: 'utf8' });
  assert.equal(run.stdout, 'true true\n', run.stderr);
});

const PLACE = {
  kind: 'file',
  detail: 'portico.ini:4:8',
  origin: { file: 'portico.ini', line: 4, column: 8, text: 'port = 80' },
} as const;

/** The error for an address that cannot be bound. */
async function told(address: Parameters<typeof openListenSockets>[0]) {
  const error = await openListenSockets(address).then(
    (sockets) => {
      sockets.close();
      throw new Error('it could be bound');
    },
    (reason: unknown) => reason,
  );
  return bindFailure({ name: 'compute', location: PLACE }, error);
}

test('a port that is taken is described like an error in the file, with its line', async (t) => {
  const server = closedAfter(t, await listening({ host: '127.0.0.1', port: 0 }));
  const { port } = server.address() as net.AddressInfo;
  const error = await told({ host: '127.0.0.1', port });
  const [first, hint, line, caret] = error.describe().split('\n');
  assert.match(
    first!,
    /^portico\.ini:4:8: error: compute: Could not bind to 127\.0\.0\.1:\d+: the address is already in use/,
  );
  assert.match(hint!, /^ {2}Is another copy/);
  assert.deepEqual([line, caret], ['    port = 80', '           ^']);
  const both = bindFailures([error, bindFailure({ name: 'other' }, new BindError('EACCES', { path: '/x' }))]);
  assert.equal(
    both.describe(),
    `${error.describe()}\nerror: other: Could not bind to unix:/x: permission denied (EACCES)`,
  );
});

test('a host name that nobody knows is named, with how to look it up', async () => {
  const { code, message, hint } = await told({ host: 'no-such-host.invalid', port: 0 });
  assert.equal(code, 'PORTICO_START_FAILED');
  assert.match(
    message,
    /^portico\.ini:4:8: compute: Could not bind to no-such-host\.invalid:0: no address is known for this name \(E/,
  );
  assert.match(hint ?? '', /getent hosts no-such-host\.invalid/);
});

test('a failure to resolve a name is reported as that whatever its code, with its cause', async () => {
  const host = 'long.'.repeat(60);
  const { message, hint, cause } = await told({ host, port: 0 });
  assert.match(message, /: no address is known for this name \(E/);
  assert.match(hint ?? '', /getent hosts long\./);
  assert.equal(((cause as Error).cause as NodeJS.ErrnoException).syscall, 'getaddrinfo');

  const failed = Object.assign(new Error('getaddrinfo EAI_FAIL api'), { code: 'EAI_FAIL', syscall: 'getaddrinfo' });
  const error = new BindError('EAI_FAIL', { host: 'api', port: 80 }, { cause: failed });
  assert.equal(error.message, 'Could not bind to api:80: no address is known for this name (EAI_FAIL)');
  assert.match(error.hint ?? '', /getent hosts api/);
});

test('an address of another machine is refused with how to see those of this one', async () => {
  const { message, hint } = await told({ host: '192.0.2.1', port: 0 });
  assert.match(message, /192\.0\.2\.1:0: this machine has no such address/);
  assert.match(hint ?? '', /ip addr/);
});

test('a port that takes a right is reported with that right, a path that may not be written without', () => {
  const hint = (address: ListenAddress) => bindFailure({ name: 'a' }, new BindError('EACCES', address)).hint;
  assert.match(hint({ host: '127.0.0.1', port: 80 }) ?? '', /CAP_NET_BIND_SERVICE/);
  assert.equal(hint({ path: '/run/a.sock' }), undefined);
});
