/** SIGHUP reopens every log file of an application, whichever logger writes it. */
import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject, startMain } from './program.js';

const MAIN = `
import { createLogger } from 'portico';
import { Config } from 'portico/config';
import { ServiceLauncher } from 'portico/launch';
import { Service } from 'portico/service';
const config = await Config.load({ files: ['portico.ini'], argv: false });
// A service that is made before the launcher takes the log of the configuration.
const logs = [config.log, createLogger({ file: 'service.log' })];
const log = createLogger({ file: 'launcher.log' });
class Writing extends Service {
  start() {
    for (const each of logs) each.info('starts');
    process.stdout.write('started\\n');
  }
  async stop(options) {
    await super.stop(options);
    for (const each of [...logs, log]) each.info('stops');
    process.stdout.write('stopped\\n');
  }
}
const launcher = new ServiceLauncher({ config, log });
await launcher.launchService(new Writing({ name: 'writing' }));
process.exitCode = await launcher.wait();
`;

const FILES = ['configuration.log', 'service.log', 'launcher.log'];

test('SIGHUP opens the log files of all loggers anew', async (t) => {
  const { folder } = emptyProject({
    'main.js': MAIN,
    'portico.ini': '[DEFAULT]\nlog_file = configuration.log\n',
  });
  const program = startMain(t, { folder });
  await program.printed(/started/);
  for (const file of FILES) renameSync(join(folder, file), join(folder, `${file}.1`));
  program.kill('SIGHUP');
  // The old service stops after the reload.
  await program.printed(/stopped/);
  const messages = (file: string): string[] =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .flatMap((line) => (line === '' ? [] : (JSON.parse(line) as { msg: string }).msg));
  for (const file of FILES) {
    assert.ok(!messages(`${file}.1`).includes('stops'), `${file}.1`);
    assert.ok(messages(file).includes('stops'), file);
  }
});
