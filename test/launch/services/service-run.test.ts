import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config, defineOptions, integer, string } from 'portico/config';
import { type RestartMethod, ServiceLauncher } from 'portico/launch';
import { silentLogger } from '#internal/log';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { RecordedService } from '../../fixtures/recorded-service.js';

const folder = temporaryFolder('portico-restart-');
const options = defineOptions({
  greeting: string({ default: 'hello', help: 'What is said.' }),
  limit: integer({ default: 1, help: 'For new processes.' }),
});

/** Launches a service whose configuration says `first`, then changes the file to say `second`. */
async function changed(restartMethod: RestartMethod) {
  const file = join(folder, `${restartMethod}.ini`);
  writeFileSync(file, '[app]\ngreeting = first\n');
  const config = await Config.load({ files: [file], env: {}, argv: [] });
  config.group('app', options);
  const launcher = new ServiceLauncher({ log: silentLogger(), signals: false, config, restartMethod });
  const service = new RecordedService('one');
  await launcher.launchService(service);
  writeFileSync(file, '[app]\ngreeting = second\nlimit = 2\n');
  return { config, launcher, service };
}

test('LC-203 LC-104 a restart reads the configuration again, then restarts; reset has the later configuration', async () => {
  const { config, launcher, service } = await changed('reload');
  await launcher.restart();
  assert.deepEqual(service.calls.slice(2), ['stop', 'wait', 'reset', 'start', 'wait']);
  const seen = [config, ...service.resets].map((each) => ({ ...each?.group('app', options) }));
  assert.deepEqual(seen, [
    { greeting: 'first', limit: 1 },
    { greeting: 'second', limit: 2 },
  ]);
  await launcher.stop();
  assert.equal(await launcher.wait(), 0);
});

test('LC-203 LC-104 with mutate reset runs alone while the service serves, with the later configuration', async () => {
  const { config, launcher, service } = await changed('mutate');
  await launcher.restart();
  assert.deepEqual(service.calls, ['start', 'wait', 'reset']);
  assert.deepEqual({ ...service.resets[0]?.group('app', options) }, { greeting: 'second', limit: 2 });
  assert.deepEqual({ ...config.group('app', options) }, { greeting: 'first', limit: 1 });
  await launcher.stop();
});

test('LC-135 wait ends once wait of every service has, in the order they were launched', async () => {
  const launcher = new ServiceLauncher({ log: silentLogger(), signals: false });
  const waited: string[] = [];
  const releases: (() => void)[] = [];
  for (const name of ['a', 'b']) {
    const service = new RecordedService(name);
    const promise = new Promise<void>((resolve) => releases.push(resolve));
    service.wait = () => {
      waited.push(name);
      return promise;
    };
    await launcher.launchService(service);
  }
  let ended = false;
  const status = launcher.wait().then((code) => {
    ended = true;
    return code;
  });
  waited.splice(0);
  const stopped = launcher.stop();
  for (const release of releases.toReversed()) {
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    assert.equal(ended, false);
    release();
  }
  await stopped;
  assert.equal(await status, 0);
  assert.deepEqual(waited, ['a', 'b']);
});
