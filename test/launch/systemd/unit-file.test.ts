/** The shipped unit file. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { systemdMissing, verifyUnit } from './verify-unit.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const unit = readFileSync(join(root, 'paste', 'portico.service'), 'utf8');

test('LC-910 RP-88 the unit file that ships tells systemd how the service starts, reloads and stops', () => {
  const value = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];
  assert.equal(value('Type'), 'notify');
  assert.equal(value('NotifyAccess'), 'all');
  // The command waits for the outcome, so that a refused configuration fails `systemctl reload`.
  assert.equal(value('ExecReload'), value('ExecStart')?.replace('main.js ', 'main.js reload '));
  assert.match(value('ExecReload') ?? '', /\/lib\/cli\/main\.js reload --config-file \/etc\/portico\/portico\.ini$/);
  assert.equal(value('KillMode'), 'mixed');
  assert.equal(value('RestartPreventExitStatus'), '78');
  assert.ok(Number(value('TimeoutStopSec')) > 60, 'longer than graceful_shutdown_timeout');
  const program = /node_modules\/portico\/(\S+)/.exec(value('ExecStart') ?? '')?.[1];
  assert.ok(existsSync(join(root, program ?? '')), `${program} is built`);
  const { bin, files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>;
    readonly files: readonly string[];
  };
  assert.equal(`./${program}`, bin['api-cli'], 'the unit starts what the package calls api-cli');
  // `dist` is built too, but only its declarations are packed.
  assert.ok(files.includes(program?.split('/')[0] ?? ''), `the folder of ${program} is packed`);
});

test('systemd finds nothing wrong with the unit file', { skip: systemdMissing }, () => {
  const path = join(temporaryFolder('portico-unit-'), 'portico.service');
  writeFileSync(path, unit);
  assert.deepEqual(verifyUnit(path), { status: 0, complaints: [] });
});
