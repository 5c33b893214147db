import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { readFiles } from '../../../dist/config/sources/read-files.js';
import { temporaryFolder } from '../../fixtures/keeper.js';

test('a file that has become a FIFO refuses the reload at once', async () => {
  const folder = temporaryFolder('portico-fifo-');
  const file = join(folder, 'portico.ini');
  writeFileSync(file, '[DEFAULT]\nstate_path = /one\n');
  const config = await Config.load({ files: [file], argv: false });
  rmSync(file);
  execFileSync('mkfifo', [file]);
  await assert.rejects(config.readAgain(), /cannot read config file .*portico\.ini again: it is a FIFO/);
  rmSync(file);
  writeFileSync(file, '[DEFAULT]\nstate_path = /two\n');
  await config.readAgain();
});

test('a file that is not text, is too large, or is a link to no file is one error', () => {
  const folder = temporaryFolder('portico-bytes-');
  const path = (name: string): string => join(folder, name);
  const text = '[DEFAULT]\nenabled_apis = books\n[api:books]\nport = 8080\n';
  writeFileSync(path('utf16.ini'), Buffer.from(`\ufeff${text}`, 'utf16le'));
  writeFileSync(path('torn.ini'), Buffer.concat([Buffer.from(text), Buffer.alloc(4096)]));
  writeFileSync(path('large.ini'), '');
  truncateSync(path('large.ini'), 300 * 1024 * 1024);
  symlinkSync('releases/7', path('link.ini'));
  symlinkSync('circle.ini', path('circle.ini'));
  const told = (name: string): string[] => {
    const files = [{ name, path: path(name) }];
    const { issues } = readFiles({ files, dirs: [], searched: [] }, { again: false });
    return issues.map(({ message, location }) => (location === undefined ? message : `${location.detail}: ${message}`));
  };
  const prefix = (name: string): string => `cannot read config file ${name} (${path(name)}): `;
  assert.deepEqual(told('utf16.ini'), [`utf16.ini:1:4: ${prefix('utf16.ini')}it contains NUL bytes`]);
  assert.deepEqual(told('torn.ini'), [`torn.ini:5:1: ${prefix('torn.ini')}it contains NUL bytes`]);
  assert.deepEqual(told('large.ini'), [`${prefix('large.ini')}it is larger than 16 MiB`]);
  assert.deepEqual(told('link.ini'), [`${prefix('link.ini')}it is a link to releases/7, where no file is (ENOENT)`]);
  assert.deepEqual(told('circle.ini'), [`${prefix('circle.ini')}it is a link to circle.ini, where no file is (ELOOP)`]);
});
