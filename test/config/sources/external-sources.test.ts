import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Config, type ConfigError, defineOptions, integer } from 'portico/config';

const options = defineOptions({ level: integer({ default: 0, help: 'x', mutable: true }) });

async function serving(answer: () => { status?: number; text: string }): Promise<{ uri: string; close: () => void }> {
  const server = createServer((_, res) => {
    const { status = 200, text } = answer();
    res.writeHead(status).end(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.conf`, close: () => server.close() };
}

const load = (set: string[]) =>
  Config.load({ files: [], dirs: [], env: {}, set: ['config_source=far', ...set], groups: { app: options } });

test('CF-15 CF-1 an external source is read, loses against everything else, and is read again by a reload', async () => {
  let text = '[app]\nlevel = 1\n';
  const { uri, close } = await serving(() => ({ text }));
  try {
    const config = await load([`far.uri=${uri}`]);
    assert.equal(config.group('app', options).level, 1);
    assert.deepEqual(config.getLocation('app', 'level').kind, 'source');
    assert.equal(config.getLocation('app', 'level').detail, `${uri}:2:9`);
    text = '[app]\nlevel = 2\n';
    await config.reload();
    assert.equal(config.group('app', options).level, 2);
    const worker = Config.fromSnapshot(JSON.parse(JSON.stringify(config.snapshot())));
    assert.equal(worker.group('app', options).level, 2);
    assert.equal((await load([`far.uri=${uri}`, 'app.level=3'])).group('app', options).level, 3);
    text = '[app]\nlevel = x\n';
    await assert.rejects(config.reload(), new RegExp(`${uri}:2:9: error: \\[app\\] level: should be an integer`));
  } finally {
    close();
  }
});

test('CF-15 a source that cannot be read is an error, or a warning where it is optional', async () => {
  const { uri, close } = await serving(() => ({ status: 404, text: '' }));
  try {
    await assert.rejects(load([`far.uri=${uri}`]), (error: ConfigError) => {
      assert.equal(error.message, `error: [far] uri: cannot read ${uri}: answered 404`);
      return true;
    });
    const config = await load([`far.uri=${uri}`, 'far.optional=yes']);
    assert.deepEqual(
      config.problems().map(({ severity, code }) => [severity, code]),
      [['warning', 'PORTICO_CONFIG_SOURCE']],
    );
    await assert.rejects(load(['far.timeout_s=1']), /\[far\] uri: value required/);
  } finally {
    close();
  }
});

test('CF-15 a time-out may have fractions of a millisecond, and be as long as a timer of Node holds', async () => {
  const { uri, close } = await serving(() => ({ status: 200, text: '' }));
  try {
    for (const timeout of ['5.0005', '2147483.647']) await load([`far.uri=${uri}`, `far.timeout_s=${timeout}`]);
  } finally {
    close();
  }
});
