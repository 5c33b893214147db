/** Reloads that a changed file triggers instead of a signal. */
import assert from 'node:assert/strict';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { get } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { launchedProgram } from '../fixtures/running-program.js';

test('CF-89 with watch_config_files a file that changes is a reload; other files in its folder are none', async (t) => {
  const folder = temporaryFolder('portico-watched-');
  const file = join(folder, 'portico.ini');
  const text = (greeting: string): string =>
    `[DEFAULT]\nwatch_config_files = yes\n[greeter]\nworkers = 1\ngreeting = ${greeting}\n`;
  writeFileSync(file, text('first'));
  const fleet = await launchedProgram(t, 'configured', ['--config-file', file]);
  const port = await fleet.port('greeter');
  const greeting = async (): Promise<string> => (await get<{ greeting: string }>(port, '/page')).body.greeting;

  writeFileSync(file, text('second'));
  assert.equal((await fleet.event('reload')).outcome, 'accepted');
  assert.equal(await greeting(), 'second');

  let from = fleet.lines.length;
  writeFileSync(file, '[greeter]\nlimit = plenty\n');
  const refused = await fleet.event('reload', from);
  assert.equal(refused.outcome, 'refused');
  assert.match(String(refused.error), /portico\.ini:2:/);

  // Constant writes to a neighbouring file, or the same bytes again, change nothing.
  from = fleet.lines.length;
  for (let i = 0; i < 5; i++) appendFileSync(join(folder, 'service.log'), 'line\n');
  writeFileSync(join(folder, 'portico.ini.new'), '[greeter]\nlimit = plenty\n');
  renameSync(join(folder, 'portico.ini.new'), file);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(fleet.lines.slice(from).filter(({ event }) => event === 'reload').length, 0);

  from = fleet.lines.length;
  writeFileSync(join(folder, 'portico.ini.new'), text('third'));
  renameSync(join(folder, 'portico.ini.new'), file);
  assert.equal((await fleet.event('reload', from)).outcome, 'accepted');
  assert.equal(await greeting(), 'third');
  await fleet.stop();
});
