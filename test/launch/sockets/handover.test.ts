/** Sockets of services that leave, for those that come: what is lent, what is owned, and who is named where it cannot be. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Handover, type LeavingHolder } from '../../../dist/launch/sockets/handover.js';
import { type ListenSockets, openListenSockets } from '../../../dist/launch/sockets/listen-sockets.js';
import { temporaryFolder } from '../../fixtures/keeper.js';

interface Holder extends LeavingHolder {
  sockets: readonly ListenSockets[];
  readonly port: number;
  /** Whether its sockets were closed. */
  closed: boolean;
}

/** A service that listens, with so many sockets, whose numbers are made up. */
async function holder(t: TestContext, name: string, descriptors = [7, 8]): Promise<Holder> {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    made.closed = true;
  };
  const made: Holder = {
    name,
    port,
    closed: false,
    sockets: [{ address: { host: '127.0.0.1', port }, descriptors, close }],
    handOver: (given) => {
      made.sockets = made.sockets.filter((own) => own !== given);
    },
  };
  return made;
}

const at = (port: number, host = '127.0.0.1'): { host: string; port: number } => ({ host, port });

test('PT-3 what is lent is closed by its owner alone, and owned once the reload was accepted', async (t) => {
  const old = await holder(t, 'old');
  const [sockets] = old.sockets;
  const refused = new Handover({ leaving: [old], staying: [], draining: [] });
  const [lent] = await refused.borrowOrBind({ name: 'new', addresses: [at(old.port, 'localhost')], slots: 3 });
  assert.deepEqual(lent?.descriptors, [7, 8]);
  lent?.close();
  assert.deepEqual([old.closed, old.sockets], [false, [sockets]]);

  const accepted = new Handover({ leaving: [old], staying: [], draining: [] });
  const [owned] = await accepted.borrowOrBind({ name: 'new', addresses: [at(old.port)], slots: 3 });
  assert.deepEqual(accepted.complete(), [{ address: sockets?.address, from: 'old', to: 'new' }]);
  assert.deepEqual(old.sockets, []);
  owned?.close();
  assert.equal(old.closed, true);
});

test('PT-12 all addresses of the new service have equally many sockets, and none that was lent is left out', async (t) => {
  const [one, two] = [await holder(t, 'one', [7, 8, 9]), await holder(t, 'two', [10, 11])];
  const handover = new Handover({ leaving: [one, two], staying: [], draining: [] });
  const opened = await handover.borrowOrBind({ name: 'new', addresses: [at(one.port), at(two.port), at(0)], slots: 4 });
  t.after(() => opened[2]?.close());
  assert.deepEqual(
    opened.slice(0, 2).map(({ descriptors }) => descriptors),
    [
      [7, 8, 9],
      [10, 11, 10],
    ],
  );
  assert.equal(opened[2]?.descriptors.length, 3);
});

test('PT-11 a unix socket is handed over with its file', async () => {
  const folder = temporaryFolder('portico-handover-');
  const path = join(folder, 'api.sock');
  const sockets = await openListenSockets({ path });
  let left: readonly ListenSockets[] = [sockets];
  const old: LeavingHolder = {
    name: 'old',
    get sockets() {
      return left;
    },
    handOver: () => {
      left = [];
    },
  };
  const handover = new Handover({ leaving: [old], staying: [], draining: [] });
  const [lent] = await handover.borrowOrBind({ name: 'new', addresses: [{ path }], slots: 2 });
  lent?.close();
  assert.equal(existsSync(path), true);
  handover.complete();
  lent?.close();
  assert.equal(existsSync(path), false);
  rmSync(folder, { recursive: true });
});

test('RL-68 a refusal names who has the address: one that stays, drains, comes too, or cannot be shared', async (t) => {
  const [stays, drains, leaves] = [await holder(t, 'stays'), await holder(t, 'drains'), await holder(t, 'leaves')];
  const handover = new Handover({ leaving: [leaves], staying: [stays], draining: [drains] });
  const refusal = async (name: string, port: number, host: string, slots = 2): Promise<string> => {
    let message = '';
    await assert.rejects(handover.borrowOrBind({ name, addresses: [at(port, host)], slots }), (error: Error) => {
      assert.equal((error as NodeJS.ErrnoException).code, 'PORTICO_ADDRESS_TAKEN');
      message = error.message;
      return true;
    });
    return message;
  };
  const shown = (port: number): string => `127.0.0.1:${port}`;
  assert.equal(
    await refusal('new', stays.port, '127.0.0.1'),
    `new wants ${shown(stays.port)}: stays listens on ${shown(stays.port)}, and stays`,
  );
  assert.equal(
    await refusal('new', drains.port, '0.0.0.0'),
    `new wants 0.0.0.0:${drains.port}: drains, which an earlier reload removed, still drains on ${shown(drains.port)}`,
  );
  assert.equal(
    await refusal('new', leaves.port, '0.0.0.0'),
    `new wants 0.0.0.0:${leaves.port}: leaves, which this reload removes, listens on ${shown(leaves.port)}`,
  );
  assert.equal(
    await refusal('plain', leaves.port, '127.0.0.1', 0),
    `plain wants ${shown(leaves.port)}: leaves has one socket for each worker there, and plain cannot share them`,
  );
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.match(await refusal('lonely', port, '127.0.0.1'), /^lonely: Could not bind to 127\.0\.0\.1:\d+: .* in use/);
  const [first] = await handover.borrowOrBind({ name: 'first', addresses: [at(leaves.port)], slots: 2 });
  assert.deepEqual(first?.descriptors, [7, 8]);
  assert.equal(
    await refusal('second', leaves.port, '127.0.0.1'),
    `second wants ${shown(leaves.port)}, and first ${shown(leaves.port)}`,
  );
});
