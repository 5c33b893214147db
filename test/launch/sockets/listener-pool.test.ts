/** Sockets by address: shared with a service that leaves, closed by the last holder, and named in refusals. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, fstatSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ListenSockets } from '../../../dist/launch/sockets/listen-sockets.js';
import { type Arrival, type HeldSockets, ListenerPool } from '../../../dist/launch/sockets/listener-pool.js';
import { deferred } from '../../../dist/tasks/deferred.js';
import { temporaryFolder } from '../../fixtures/keeper.js';

const at = (port: number, host = '127.0.0.1'): { host: string; port: number } => ({ host, port });
const portOf = ({ sockets }: HeldSockets): number => (sockets[0]!.address as { port: number }).port;
const by = (leaving: string[], more: Partial<Arrival> = {}): Arrival => ({
  leaving,
  staying: [],
  draining: [],
  ...more,
});

/** Reports whether the descriptor is an open socket. */
function isOpen(descriptor: number | undefined): boolean {
  try {
    return fstatSync(descriptor!).isSocket();
  } catch {
    return false;
  }
}

test('PT-3 the last holder closes a socket: a newcomer that is refused, and one whose predecessor has left', async () => {
  const pool = new ListenerPool();
  const old = await pool.hold({ name: 'old', addresses: [at(0)] });
  const port = portOf(old);
  const { descriptor } = old.sockets[0]!;
  const refused = await pool.hold({ name: 'new', addresses: [at(port, 'localhost')] }, by(['old']));
  assert.deepEqual(refused.others, [{ name: 'old', address: old.sockets[0]!.address }]);
  assert.equal(refused.sockets[0], old.sockets[0]);
  refused.release();
  refused.release();
  assert.deepEqual([old.others, isOpen(descriptor)], [[], true]);
  const next = await pool.hold({ name: 'new', addresses: [at(port)] }, by(['old']));
  old.release();
  assert.deepEqual([next.others, isOpen(descriptor)], [[], true]);
  next.release();
  assert.equal(isOpen(descriptor), false);
});

test('PT-11 a unix socket keeps its file until its last holder has gone', async () => {
  const folder = temporaryFolder('portico-listeners-');
  const path = join(folder, 'api.sock');
  const pool = new ListenerPool();
  const old = await pool.hold({ name: 'old', addresses: [{ path }] });
  const next = await pool.hold({ name: 'new', addresses: [{ path }] }, by(['old']));
  old.release();
  assert.equal(existsSync(path), true);
  next.release();
  assert.equal(existsSync(path), false);
  rmSync(folder, { recursive: true });
});

test('PT-11 LC-541 a unix socket keeps its file until workers that leave accept no more, and no newcomer shares it with them', async () => {
  const pool = new ListenerPool();
  const path = join(temporaryFolder('portico-pool-'), 'one.sock');
  const closing = deferred<void>();
  const old = await pool.hold({ name: 'one', addresses: [{ path }] });
  old.release(closing.promise);
  const arrival = { ...by([]), draining: [{ name: 'one', sockets: old.sockets }] };
  await assert.rejects(pool.hold({ name: 'two', addresses: [{ path }] }, arrival), {
    code: 'PORTICO_ADDRESS_TAKEN',
    message: `two wants unix:${path}: one, which an earlier reload removed, still drains on unix:${path}`,
  });
  assert.ok(existsSync(path));
  // With time it waits, as for a port.
  const next = pool.hold({ name: 'two', addresses: [{ path }] }, { ...arrival, patienceMs: 60_000 });
  await turn();
  assert.ok(existsSync(path));
  closing.resolve();
  const held = await next;
  assert.notEqual(held.sockets[0], old.sockets[0]);
  assert.ok(existsSync(path));
  held.release();
  assert.equal(existsSync(path), false);
});

test('sockets of a service manager are held as others are', async () => {
  const pool = new ListenerPool();
  let closed = 0;
  const passed: ListenSockets[] = [{ address: at(8774), descriptor: 3, close: () => (closed += 1) }];
  const old = await pool.hold({ name: 'old', addresses: [at(1)], passed });
  const next = await pool.hold({ name: 'new', addresses: [at(8774)] }, by(['old']));
  assert.equal(next.sockets[0], passed[0]);
  old.release();
  assert.equal(closed, 0);
  next.release();
  assert.equal(closed, 1);
});

test('RL-68 a refusal names who has the address: one that stays, drains, or comes too', async (t) => {
  const pool = new ListenerPool();
  const hold = (name: string): Promise<HeldSockets> => pool.hold({ name, addresses: [at(0)] });
  const [stays, leaves] = [await hold('stays'), await hold('leaves')];
  // A socket that is only bound does not keep others from binding.
  const worker = createServer().listen({ fd: leaves.sockets[0]!.descriptor! });
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => [server, worker].map((each) => each.close()));
  await Promise.all([once(server, 'listening'), once(worker, 'listening')]);
  const { port } = server.address() as AddressInfo;
  const drained = { address: at(port), descriptor: undefined, close: () => undefined };
  const arrival = by(['leaves'], { staying: ['stays'], draining: [{ name: 'drains', sockets: [drained] }] });
  const refusal = async (name: string, wanted: number, host = '127.0.0.1', how = arrival): Promise<string> => {
    let message = '';
    await assert.rejects(pool.hold({ name, addresses: [at(wanted, host)] }, how), (error: Error) => {
      assert.equal((error as NodeJS.ErrnoException).code, 'PORTICO_ADDRESS_TAKEN');
      message = error.message;
      return true;
    });
    return message;
  };
  const shown = (held: HeldSockets): string => `127.0.0.1:${portOf(held)}`;
  assert.equal(
    await refusal('new', portOf(stays)),
    `new wants ${shown(stays)}: stays listens on ${shown(stays)}, and stays`,
  );
  assert.equal(
    await refusal('new', port),
    `new wants 127.0.0.1:${port}: drains, which an earlier reload removed, still drains on 127.0.0.1:${port}`,
  );
  assert.equal(
    await refusal('new', portOf(leaves), '0.0.0.0'),
    `new wants 0.0.0.0:${portOf(leaves)}: leaves, which this reload removes, listens on ${shown(leaves)}`,
  );
  const lonely = await refusal('lonely', port, '127.0.0.1', by([]));
  assert.match(lonely, /^lonely: Could not bind to 127\.0\.0\.1:\d+: .* in use/);
  const first = await pool.hold({ name: 'first', addresses: [at(portOf(leaves))] }, arrival);
  assert.equal(await refusal('second', portOf(leaves)), `second wants ${shown(leaves)}, and first ${shown(leaves)}`);
  await assert.rejects(pool.hold({ name: 'third', addresses: [at(portOf(stays))] }), {
    message: `third wants ${shown(stays)}, and stays ${shown(stays)}`,
  });
  for (const held of [stays, leaves, first]) held.release();
});
