import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '#internal/log';
import { ActivatedSockets } from '../../../dist/launch/systemd/service-manager.js';
import { get } from '../../fixtures/http-client.js';
import { endGroup, spawnKept } from '../../fixtures/keeper.js';

/** Runs a process as a service manager would: descriptors 3 and up are sockets, and the variables name its pid. */
function activate(program: string, plan: object, sockets: readonly number[], names: string) {
  const path = fileURLToPath(new URL(`../../fixtures/${program}.js`, import.meta.url));
  const env = { ...process.env, LISTEN_FDS: String(sockets.length), LISTEN_FDNAMES: names };
  const command = `LISTEN_PID=$$ exec ${process.execPath} ${path} '${JSON.stringify(plan)}'`;
  return spawnKept('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'pipe', ...sockets], env });
}

/** A socket that is bound but does not listen, and its port. */
function boundSocket(): { fd: number; port: number; close(): void } {
  type Create = (
    host: string,
    port: number,
    family: 4,
  ) => {
    fd: number;
    close(): void;
    getsockname(name: { port?: number }): number;
  };
  const handle = (net as unknown as { _createServerHandle: Create })._createServerHandle('127.0.0.1', 0, 4);
  const name: { port?: number } = {};
  handle.getsockname(name);
  return { fd: handle.fd, port: name.port!, close: () => handle.close() };
}

test('LC-911 RL-94 sockets passed by a service manager are used by name, and nothing else is bound', async (t) => {
  const [first, second] = [boundSocket(), boundSocket()];
  const services = [
    { name: 'compute', workers: 2 },
    { name: 'metadata', workers: 1 },
  ];
  const child = activate('fleet', { services }, [first.fd, second.fd], 'metadata:compute');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    endGroup(child.pid!);
    await ended;
    first.close();
    second.close();
  });
  await new Promise<void>((resolve) => {
    let text = '';
    child.stderr!.on('data', (piece: Buffer) => {
      text += piece.toString();
      if (text.includes('"launched"')) resolve();
    });
  });
  const { body: one } = await get<{ service: string }>(first.port, '/');
  const { body: two } = await get<{ service: string }>(second.port, '/');
  assert.deepEqual([one.service, two.service], ['metadata', 'compute']);
  const { body: environment } = await get<NodeJS.ProcessEnv>(second.port, '/env');
  assert.equal(environment.LISTEN_FDS, undefined);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('RL-94 without names the sockets are taken in order; variables of another process mean nothing', () => {
  const address = { host: '127.0.0.1', port: 8774 };
  const host = { pid: 17, env: { LISTEN_PID: '17', LISTEN_FDS: '2' } };
  const sockets = new ActivatedSockets(host);
  assert.deepEqual(sockets.take('a', [address])?.[0]?.descriptor, 3);
  assert.deepEqual(sockets.take('b', [address])?.[0]?.descriptor, 4);
  assert.equal(sockets.take('c', [address]), undefined);
  assert.equal(new ActivatedSockets({ ...host, pid: 18 }).take('a', [address]), undefined);
});

test('RL-94 OP-86 a passed socket of a service that ends is there for it when it comes again', () => {
  const address = { host: '127.0.0.1', port: 8774 };
  const env = { LISTEN_PID: '17', LISTEN_FDS: '3', LISTEN_FDNAMES: 'api:other:api' };
  const sockets = new ActivatedSockets({ pid: 17, env });
  const [first] = sockets.take('api', [address]) ?? [];
  assert.equal(sockets.take('api', [address])?.[0]?.descriptor, 5);
  first?.close();
  first?.close();
  assert.deepEqual(sockets.take('api', [address])?.[0]?.descriptor, 3);
  assert.deepEqual(sockets.take('other', [address])?.[0]?.descriptor, 4);
});

test('LC-911 RL-94 a passed socket that no service takes is a warning, once, with descriptor, name and the services', () => {
  const env = { LISTEN_PID: '1', LISTEN_FDS: '2', LISTEN_FDNAMES: 'compute:comput' };
  const sockets = new ActivatedSockets({ env, pid: 1 });
  const warnings: string[] = [];
  const log = { ...silentLogger(), warn: (...line: unknown[]) => void warnings.push(String(line.at(-1))) };
  sockets.take('compute', [{ host: '127.0.0.1', port: 0 }]);
  sockets.warnOfUnused(log, [{ name: 'compute' }, { name: 'metadata' }]);
  sockets.warnOfUnused(log, [{ name: 'compute' }, { name: 'metadata' }]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /Descriptor 4 \(comput\).*compute, metadata/);
});
