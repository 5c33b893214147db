import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { openRegistry } from 'portico/registry';
import { RPCConnection } from 'portico/rpc';
import { FakeClock } from 'portico/testing';
import { RegistryUnavailable } from '#internal/extras/registry';
import { closedAfter } from '../../fixtures/closed-after.js';
import { filesUntilEnd } from '../../fixtures/until-end.js';
import { announcement } from '../../registry/announcement.js';
import { recordedLog } from '../../tasks/recorded-log.js';

const { log } = recordedLog();
const NEW = { disabled: false, state: 'running' } as const;
const RELEASES = { 0: '1.0', 7: '1.4', autumn: '1.4', 12: '2.1' };

/** Returns the versions that a client may send. */
async function sent(connection: RPCConnection): Promise<string[]> {
  const client = connection.client({ topic: 'images', releases: RELEASES });
  const may = await Promise.all(['1.0', '1.4', '1.5', '2.1'].map(async (each) => [each, await client.canSend(each)]));
  return may.filter(([, can]) => can).map(([each]) => String(each));
}

test('RP-42 a cap of a topic is a version, or a release that the client knows; others have none', async () => {
  const capped = (level: string): Promise<string[]> =>
    sent(new RPCConnection({ log, config: Config.fromText(`[upgrade_levels]\n${level}\n`) }));
  assert.deepEqual(await capped('images = 1.3'), ['1.0']);
  assert.deepEqual(await capped('images = autumn'), ['1.0', '1.4']);
  const connection = new RPCConnection({ log, config: Config.fromText('[upgrade_levels]\nimages = 2.3\n') });
  const base = connection.client({ topic: 'images', namespace: 'base', version: '1.1' });
  assert.equal(await base.canSend('1.1'), true);
  assert.deepEqual(await capped('servers = 1.3'), ['1.0', '1.4', '1.5', '2.1']);
});

test('RP-42 a level that is none is refused when a client is made, with the nearest', () => {
  const refused = (level: string, message: string, hint: RegExp): void => {
    const connection = new RPCConnection({ log, config: Config.fromText(`[upgrade_levels]\nimages = ${level}\n`) });
    const options = level === 'auto' ? { topic: 'images' } : { topic: 'images', releases: RELEASES };
    assert.throws(() => connection.client(options), { code: 'PORTICO_RPC_UPGRADE_LEVEL', message, hint });
  };
  const none = (level: string): string =>
    `[upgrade_levels] images is "${level}", which is neither a version nor a release`;
  refused('auttumn', none('auttumn'), /^Did you mean "autumn"\?$/);
  refused('atuo', none('atuo'), /^Did you mean "auto"\?$/);
  refused('spring', none('spring'), /^Write a version such as 1\.4, auto, 0, 7, 12, autumn\.$/);
  refused('auto', '[upgrade_levels] images is "auto", but its client has no numbered "releases"', /releases: \{/);
});

test('RP-42 RP-43 auto is what the oldest service that is up speaks, asked again after a minute', async () => {
  const clock = new FakeClock();
  const config = Config.fromText('[servicegroup]\ndriver = memory\n[upgrade_levels]\nimages = auto\n');
  const registry = openRegistry(config, { log })!;
  const { store } = registry;
  const connection = new RPCConnection({ log, config, clock });
  assert.deepEqual(await sent(connection), ['1.0', '1.4', '1.5', '2.1']);
  const old = await store.insert(announcement({ host: 'old', topic: 'images', version: 6 }), NEW);
  await store.insert(announcement({ host: 'new', topic: 'images', version: 9 }), { ...NEW, disabled: true });
  await store.insert(announcement({ host: 'one', topic: 'servers', version: 0 }), NEW);
  assert.deepEqual(await sent(connection), ['1.0', '1.4', '1.5', '2.1']);
  await clock.advance(60_000);
  assert.deepEqual(await sent(connection), ['1.0']);
  await store.update(old.id, { state: 'stopped' });
  await clock.advance(60_000);
  assert.deepEqual(await sent(connection), ['1.0', '1.4']);
  const lowest = store.lowestVersion.bind(store);
  store.lowestVersion = () => Promise.reject(new RegistryUnavailable(new Error('refused')));
  await clock.advance(60_000);
  assert.deepEqual(await sent(connection), ['1.0', '1.4']);
  store.lowestVersion = lowest;
  await connection.close();
});

test('RP-42 RP-43 calls that come together ask once, and a registry that is away is asked once a minute', async () => {
  const clock = new FakeClock();
  const config = Config.fromText('[servicegroup]\ndriver = memory\n[upgrade_levels]\nimages = auto\n');
  const { store } = openRegistry(config, { log })!;
  const connection = new RPCConnection({ log, config, clock });
  const lowest = store.lowestVersion.bind(store);
  let asked = 0;
  store.lowestVersion = (...of) => {
    asked += 1;
    return lowest(...of);
  };
  await sent(connection);
  assert.equal(asked, 1);
  store.lowestVersion = () => {
    asked += 1;
    return Promise.reject(new RegistryUnavailable(new Error('refused')));
  };
  await clock.advance(60_000);
  await sent(connection);
  await sent(connection);
  assert.equal(asked, 2);
  store.lowestVersion = lowest;
  await connection.close();
});

test('RP-42 a registry that has never responded is asked again by the next call', async () => {
  const config = Config.fromText('[servicegroup]\ndriver = memory\n[upgrade_levels]\nimages = auto\n');
  const { store } = openRegistry(config, { log })!;
  const connection = new RPCConnection({ log, config });
  const lowest = store.lowestVersion.bind(store);
  store.lowestVersion = () => Promise.reject(new RegistryUnavailable(new Error('refused')));
  await assert.rejects(sent(connection), { code: 'PORTICO_REGISTRY_UNAVAILABLE' });
  store.lowestVersion = lowest;
  assert.deepEqual(await sent(connection), ['1.0', '1.4', '1.5', '2.1']);
  await connection.close();
});

test('RP-42 a version cap in code goes before the level of its topic', async () => {
  const config = Config.fromText('[upgrade_levels]\nimages = auto\n');
  const client = new RPCConnection({ log, config }).client({ topic: 'images', versionCap: '1.1' });
  assert.deepEqual([await client.canSend('1.1'), await client.canSend('1.2')], [true, false]);
});

test('RP-42 auto without a registry is refused when it is asked', async () => {
  const config = Config.fromText('[upgrade_levels]\nimages = auto\n');
  await assert.rejects(sent(new RPCConnection({ log, config })), { code: 'PORTICO_RPC_UPGRADE_LEVEL' });
});

test('RP-43 LC-1414 what auto has learned of the registry holds for a minute, and is asked for anew with a later configuration', async (t) => {
  const files = await filesUntilEnd(t, {});
  const connection = `sqlite:///${files.path('services.db')}`;
  await files.write('portico.ini', `[servicegroup]\nconnection = ${connection}\n[upgrade_levels]\nimages = auto\n`);
  const config = await Config.load({ files: [files.path('portico.ini')], env: {} });
  const registry = openRegistry(config, { log })!;
  t.after(() => registry.close());
  const { store } = registry;
  const present = closedAfter(t, new RPCConnection({ log, config, clock: new FakeClock() }));
  const old = await store.insert(announcement({ topic: 'images', version: 6 }), NEW);
  assert.deepEqual(await sent(present), ['1.0']);
  await store.update(old.id, { version: 7 });
  assert.deepEqual(await sent(present), ['1.0']);
  const later = closedAfter(t, new RPCConnection({ log, config: await config.readAgain() }));
  assert.deepEqual(await sent(later), ['1.0', '1.4']);
});

test('RP-42 RP-43 levels are read anew with a new configuration; a topic with a hyphen is one as well', async (t) => {
  const files = await filesUntilEnd(t, { 'portico.ini': '[upgrade_levels]\nold-images = 1.3\n' });
  const config = await Config.load({ files: [files.path('portico.ini')], env: {} });
  config.validate();
  const client = new RPCConnection({ log, config }).client({ topic: 'old-images', releases: RELEASES });
  assert.deepEqual([await client.canSend('1.3'), await client.canSend('1.4')], [true, false]);
  await files.write('portico.ini', '[upgrade_levels]\nold-images = 1.4\nservers = auto\n');
  const later = new RPCConnection({ log, config: await config.readAgain() }).client({
    topic: 'old-images',
    releases: RELEASES,
  });
  assert.deepEqual([await later.canSend('1.4'), await later.canSend('1.5')], [true, false]);
});
