/** The reasons for which `runApis` refuses to start the services of an application. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ApiService, runApis } from 'portico/cli';
import { boolean, Config, defineOptions, integer } from 'portico/config';
import { silentLogger } from '#internal/log';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { RecordedService } from '../../fixtures/recorded-service.js';

const options = defineOptions({ size: integer({ default: 1, help: 'How much.' }) });

/** Runs `runApis`, which refuses to start anything. Returns the exit status and the output. */
async function refused(
  ini: string,
  services: (config: Config) => readonly ApiService[],
): Promise<{ status: number; told: string }> {
  const folder = temporaryFolder('portico-run-apis-');
  const file = join(folder, 'own.ini');
  writeFileSync(file, ini);
  const config = await Config.load({ files: [file], env: {}, argv: [], collect: true });
  let told = '';
  const explain = (text: string): void => {
    told += text;
  };
  const status = await runApis(services, { config, log: silentLogger(), explain });
  return { status, told };
}

test('OP-3 what is wrong with options and with the log file is reported at once, and gives 78', async () => {
  const ini = '[DEFAULT]\nlog_file = /nowhere/at/all.log\n[own]\nsize = much\n';
  const { status, told } = await refused(ini, (config) => {
    config.group('own', options);
    return [new RecordedService('own')];
  });
  assert.equal(status, 78);
  assert.match(told, /own\.ini:2:12: error: \[DEFAULT\] log_file: cannot write the log/);
  assert.match(told, /own\.ini:4:8: error: \[own\] size: .*much/);
});

test('an application without services gives 1', async () => {
  const { status, told } = await refused('', () => []);
  assert.equal(status, 1);
  assert.match(told, /No APIs were started/);
});

test('an application that declares another [DEFAULT] debug is refused with that reason, and gives 1', async () => {
  const config = Config.fromText('');
  config.register('DEFAULT', defineOptions({ debug: boolean({ default: true, help: 'Of the program.' }) }));
  let told = '';
  const explain = (text: string): void => {
    told += text;
  };
  assert.equal(await runApis(() => [], { config, log: silentLogger(), explain }), 1);
  assert.match(told, /option debug of \[DEFAULT\] has two different declarations/);
});
