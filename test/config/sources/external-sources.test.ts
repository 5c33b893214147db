import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Config, type ConfigError, defineOptions, integer } from 'portico/config';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { nodeServer } from '../../fixtures/node-server.js';

const options = defineOptions({ level: integer({ default: 0, help: 'x' }) });

async function serving(t: TestContext, answer: () => { status?: number; text: string }): Promise<string> {
  const { url } = await nodeServer(t, (_, res) => {
    const { status = 200, text } = answer();
    res.writeHead(status).end(text);
  });
  return `${url}/a.conf`;
}

const load = (set: string[]) =>
  Config.load({ files: [], dirs: [], env: {}, set: ['config_source=far', ...set], groups: { app: options } });

test('CF-15 CF-1 an external source is read, loses against everything else, and is read again by a reload', async (t) => {
  let text = '[app]\nlevel = 1\n';
  const uri = await serving(t, () => ({ text }));
  const config = await load([`far.uri=${uri}`]);
  assert.equal(config.group('app', options).level, 1);
  assert.deepEqual(config.getLocation('app', 'level').kind, 'source');
  assert.equal(config.getLocation('app', 'level').detail, `${uri}:2:9`);
  text = '[app]\nlevel = 2\n';
  const next = await config.readAgain();
  assert.equal(next.group('app', options).level, 2);
  const worker = Config.fromSnapshot(JSON.parse(JSON.stringify(next.snapshot())));
  assert.equal(worker.group('app', options).level, 2);
  assert.equal((await load([`far.uri=${uri}`, 'app.level=3'])).group('app', options).level, 3);
  text = '[app]\nlevel = x\n';
  await assert.rejects(next.readAgain(), new RegExp(`${uri}:2:9: error: \\[app\\] level: should be an integer`));
});

test('CF-15 a source that cannot be read is an error, or a warning where it is optional', async (t) => {
  const uri = await serving(t, () => ({ status: 404, text: '' }));
  await assert.rejects(load([`far.uri=${uri}`]), (error: ConfigError) => {
    assert.equal(error.message, `command line, argument 2: error: [far] uri: cannot read ${uri}: responded 404`);
    return true;
  });
  const config = await load([`far.uri=${uri}`, 'far.optional=yes']);
  assert.deepEqual(
    config.problems().map(({ severity, code }) => [severity, code]),
    [['warning', 'PORTICO_CONFIG_SOURCE']],
  );
  await assert.rejects(load(['far.timeout_s=1']), /\[far\] uri: value required/);
});

test('MI-1 a refused reload leaves no group behind that it declared: the next one is accepted', async (t) => {
  const file = join(temporaryFolder('portico-source-'), 'a.conf');
  writeFileSync(file, '[app]\nlevel = 1\n');
  const config = await Config.load({ files: [file], dirs: [], env: {}, argv: false, groups: { app: options } });
  const uri = await serving(t, () => ({ status: 404, text: '' }));
  const declared = defineOptions({ size: integer({ required: true, help: 'x' }) });
  writeFileSync(file, `[DEFAULT]\nconfig_source = far\n[app]\nlevel = 2\n[far]\nuri = ${uri}\n`);
  const refused = await config.next({ collect: true });
  assert.match(refused.refusal?.message ?? '', /a\.conf:6:7: error: \[far\] uri: cannot read .*: responded 404/);
  // Services declare their options in the configuration that is tried.
  assert.throws(() => refused.config.group('only_there', declared), /\[only_there\] size: value required/);
  config.group('meanwhile', options);
  writeFileSync(file, '[app]\nlevel = 3\n');
  const accepted = await config.next();
  assert.equal(accepted.refusal, undefined);
  accepted.config.group('new', options);
  config.group('late', options);
  accepted.accept();
  const next = accepted.config;
  assert.equal(next.group('app', options).level, 3);
  for (const group of ['meanwhile', 'late', 'new']) assert.ok(next.has(group, 'level'), group);
  assert.ok(!next.has('only_there', 'size') && !next.has('far', 'uri'));
});

test('CF-15 a time-out may have fractions of a millisecond, and be as long as a timer of Node holds', async (t) => {
  const uri = await serving(t, () => ({ status: 200, text: '' }));
  for (const timeout of ['5.0005', '2147483.647']) await load([`far.uri=${uri}`, `far.timeout_s=${timeout}`]);
});
