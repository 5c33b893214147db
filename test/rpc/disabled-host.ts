/** A host that an operator disables takes no calls of its topic, over any transport. */
import assert from 'node:assert/strict';
import { Config } from 'portico/config';
import { openRegistry } from 'portico/registry';
import { RPCService } from 'portico/rpc';
import { until, untilIs } from '../fixtures/until.js';
import { gate, type Network } from './services.js';

const INI = `[servicegroup]
driver = memory
[DEFAULT]
report_interval = 1
service_down_time = 5
`;

/** Disables one of two hosts, enables it, and starts it again while it is disabled. */
export async function leavesTheCallsOfItsTopic({ transport, client, log }: Network): Promise<void> {
  const config = Config.fromText(INI);
  const registry = openRegistry(config, { log: log.log })!;
  const begun = gate();
  const held = gate();
  const noted: string[] = [];
  const create = (host: string): RPCService => {
    const manager = {
      who: () => host,
      note: (_: unknown, { text }: { text: string }) => void noted.push(`${host} ${text}`),
      hold: async () => {
        begun.open();
        await held.opened;
      },
    };
    return RPCService.create({ binary: 'portico-images', host, manager, transport, log: log.log, config });
  };
  const change = async (host: string, changes: object): Promise<void> => {
    const views = await registry.list();
    await registry.update(views.find(({ record }) => record.host === host)!.record.uuid, changes);
  };
  const disable = { status: 'disabled', disabledReason: 'new disks' } as const;
  const [one, two] = [create('north'), create('south')];
  const images = client();
  try {
    await one.start({ overridePoolSize: 1 });
    const holding = images.prepare({ server: 'north' }).call({}, 'hold');
    await begun.opened;
    // It arrives, and waits behind the call that is held.
    await images.cast({}, 'note', { text: 'waits' });
    await two.start();
    assert.equal(one.registryTrouble(), undefined);
    await change('north', disable);
    await until(one.registryTrouble, (text) => text !== undefined);
    assert.equal(
      one.registryTrouble(),
      'it is disabled by an operator (new disks), and leaves the calls of its topic to other hosts',
    );
    await until(
      () => noted,
      ({ length }) => length === 1,
    );
    assert.deepEqual(noted, ['south waits'], 'a call that has not begun is returned');
    held.open();
    await holding;
    for (let call = 0; call < 20; call++) assert.equal(await images.call({}, 'who'), 'south');
    assert.equal(await images.prepare({ server: 'north' }).call({}, 'who'), 'north', 'its own calls arrive');
    await images.prepare({ fanout: true }).cast({}, 'note', { text: 'all' });
    await untilIs(() => noted.toSorted().join(), 'north all,south all,south waits');

    await change('north', { status: 'enabled' });
    await untilIs(() => images.call({}, 'who'), 'north');
    assert.equal(one.registryTrouble(), undefined);

    // No host takes it: it waits for the one that is enabled first.
    await change('north', disable);
    await until(one.registryTrouble, (text) => text !== undefined);
    await one.stop();
    await one.start();
    assert.match(one.registryTrouble()!, /^it is disabled/);
    await two.stop();
    await images.cast({}, 'note', { text: 'later' });
    assert.equal(await images.prepare({ server: 'north' }).call({}, 'who'), 'north');
    assert.equal(noted.includes('north later'), false);
    await change('north', { status: 'enabled' });
    await until(
      () => noted,
      (all) => all.includes('north later'),
    );
  } finally {
    held.open();
    await Promise.all([one.stop(), two.stop()]);
    await registry.close();
  }
}
