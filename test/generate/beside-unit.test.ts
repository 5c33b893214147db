/** The generated logrotate and socket files beside the systemd unit. */
import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfiguration } from '../../dist/cli/configured/configuration.js';
import { applicationFacts } from '../../dist/cli/facts/application-facts.js';
import { deploymentOf } from '../../dist/extras/generate/deployment.js';
import { textOf } from '../../dist/extras/generate/deployment-file.js';
import { logrotate } from '../../dist/extras/generate/logrotate.js';
import { socket } from '../../dist/extras/generate/socket.js';
import { systemd } from '../../dist/extras/generate/systemd.js';
import { temporaryFolder } from '../fixtures/keeper.js';

const PASTE = '[app:shop]\npaste.app_factory = portico/middleware:echo\n[app:books]\nuse = shop\n';

/** A deployment with this configuration; `chosen` limits it to one API. */
async function deployment(ini: string, chosen?: string) {
  const folder = temporaryFolder('portico-beside-');
  const file = join(folder, 'portico.ini');
  writeFileSync(file, ini);
  writeFileSync(join(folder, 'api-paste.ini'), PASTE);
  const args = { configFile: [file], ...(chosen !== undefined && { api: chosen }) };
  const config = await readConfiguration(args);
  return deploymentOf(await applicationFacts(config, args), { ...args, name: 'portico' });
}

const TWO = '[api:shop]\nlisten = [::]:8080\n[api:books]\nlisten = unix:/run/books/api.sock\n';

test('OP-15 the socket unit of an API has its address and its name', async () => {
  const shop = await deployment(TWO, 'shop');
  assert.match(
    textOf(socket.lines(shop)),
    /^\[Socket\]\nListenStream=\[::\]:8080\n.*\nFileDescriptorName=shop\nService=portico\.service\n/m,
  );
  const books = await deployment(TWO, 'books');
  assert.match(textOf(socket.lines(books)), /^ListenStream=\/run\/books\/api\.sock\nSocketMode=0660$/m);
  assert.match(socket.warnings!(books)[0]!.message, /is removed with the RuntimeDirectory of portico\.service/);
  const named = await deployment('[api:shop]\nlisten = localhost:8080\n');
  assert.throws(() => textOf(socket.lines(named)), /listens on localhost: systemd accepts addresses/);
  const deep = await deployment('[api:shop]\nlisten = unix:/run/portico/shop/api.sock\n');
  assert.equal(socket.warnings!(deep).length, 1);
  const both = await deployment(TWO);
  assert.throws(() => textOf(socket.lines(both)), /each API has its own socket unit: shop, books/);
});

test('OP-15 the unit does not hide a home directory that a link leads to', {
  skip: !/^\/(?:home|root)/.test(homedir()),
}, async () => {
  const link = join(temporaryFolder('portico-link-'), 'conf');
  symlinkSync(homedir(), link);
  const linked = { ...(await deployment('[api:shop]\nport = 8080\n')), files: [link] };
  assert.match(textOf(systemd.lines(linked)), /^ProtectHome=read-only$/m);
});

test('the unit does not hide /tmp if a start reads a file there, or another process a socket', async () => {
  const given = await deployment('[api:shop]\nport = 8080\n');
  const elsewhere = {
    ...given,
    program: '/srv/shop/main.js',
    folder: '/srv/shop',
    files: ['/etc/shop.ini'],
    secretFiles: [],
  };
  assert.match(textOf(systemd.lines(elsewhere)), /^PrivateTmp=yes$/m);
  const inTmp = { ...elsewhere, files: ['/tmp/shop.ini'] };
  const unit = textOf(systemd.lines(inTmp));
  assert.match(unit, /^PrivateTmp=no$/m);
});

test('OP-15 logrotate renames the log where the unit has it, and has it opened anew', async () => {
  const given = await deployment('[DEFAULT]\nlog_file = /var/log/shop/api.log\n[api:shop]\nport = 8080\n');
  const text = textOf(logrotate.lines(given));
  assert.match(text, /^\/var\/log\/shop\/api\.log \{$/m);
  assert.match(text, /^ {4}delaycompress$.*^ {4}nocreate$.*--signal=HUP --kill-who=main portico\.service/ms);
  const moved = await deployment('[DEFAULT]\nlog_file = $state_path/a b.log\n[api:shop]\nport = 8080\n');
  assert.match(textOf(logrotate.lines(moved)), /^"\/var\/lib\/portico\/a b\.log" \{$/m);
  const none = await deployment('[api:shop]\nport = 8080\n');
  assert.throws(() => textOf(logrotate.lines(none)), /log_file is not set.*standard error/);
});
