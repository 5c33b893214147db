/** `api-cli` with files that are missing, of another kind than expected, or in another folder. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { apiCli, emptyProject, root } from '../../fixtures/project.js';
import { makePair } from '../../server/certificate-files.js';
import { command, isServing } from '../command.js';

/** Root may read every file. */
const asRoot = process.getuid?.() === 0;
const pasted = {
  'x.js': 'export const app = () => (_req, res) => res.end();\n',
  'api-paste.ini': '[app:hello]\npaste.app_factory = ./x.js:app\n[app:world]\npaste.app_factory = ./x.js:app\n',
};

const folder = (files: Readonly<Record<string, string>>): string => emptyProject(files).folder;

function cli(cwd: string, ...words: string[]) {
  const env = { HOME: cwd };
  if (!isServing(words)) return command(words, { cwd, env });
  const options = { cwd, encoding: 'utf8', env: { ...process.env, ...env }, timeout: 60_000 } as const;
  return spawnSync(process.execPath, [apiCli, ...words], options);
}

test('OP-3 check of a service file that is taken for a paste file says how it is checked', () => {
  const cwd = folder({
    ...pasted,
    'portico.ini': '[api:hello]\nworkers = two\n',
    'few.ini': '[DEFAULT]\nenabled_apis = hello\n',
    'other.ini': '[loggers]\nkeys = root\n',
  });
  const { status, stdout } = cli(cwd, 'check', 'portico.ini');
  assert.equal(status, 78);
  assert.match(
    stdout,
    /^portico\.ini:1:1: error: .*not a paste file: .*\n {2}.*api-cli check --config-file portico\.ini$/m,
  );
  assert.match(cli(cwd, 'check', 'few.ini').stdout, /api-cli check --config-file few\.ini/);
  const other = cli(cwd, 'check', 'other.ini');
  assert.equal(other.status, 78);
  assert.match(other.stdout, /A paste file has sections such as/);
  assert.equal(cli(cwd, 'check', 'api-paste.ini').status, 0);
});

test('OP-1 names without a comma between them are refused with what to write', () => {
  const cwd = folder({ ...pasted, 'portico.ini': '[DEFAULT]\nenabled_apis = hello world\n' });
  const comma = ' {2}A comma is missing: write hello, world\\.';
  assert.match(cli(cwd, 'check').stdout, new RegExp(`enabled_apis: no app is called.*\\n${comma}`, 'm'));
  writeFileSync(join(cwd, 'portico.ini'), '[DEFAULT]\nenabled_apis = hello,world\nenabled_ssl_apis = hello world\n');
  assert.match(cli(cwd, 'check').stdout, new RegExp(`enabled_ssl_apis: names an API.*\\n${comma}`, 'm'));
});

test('OP-1 CF-1 without a configuration file start and check say so, and where it was looked for', () => {
  const cwd = folder({});
  const said = `No configuration file was found: neither portico.ini nor paste/portico.ini in ${cwd}, nor portico.conf in `;
  const started = cli(cwd);
  assert.equal(started.status, 1);
  assert.ok(started.stderr.includes(said), started.stderr);
  assert.match(started.stderr, /"level":"warn".*Pass one with --config-file.*npm install there installs Portico/);
  const checked = cli(cwd, 'check');
  assert.ok(checked.stdout.includes(`warning: ${said}`), checked.stdout);
});

const page = join(root, 'docs/reference/errors.md#portico_config_file');

test('OP-1 a configuration file that is named and not there is the one cause that is reported', () => {
  const cwd = folder({});
  const { status, stderr } = cli(cwd, '--enabled-apis', 'compute,metadata', '--config-file', 'portico.ini');
  assert.equal(status, 78);
  const line = `error: cannot read config file portico.ini (${join(cwd, 'portico.ini')}): it does not exist (ENOENT)\n`;
  assert.equal(stderr, `${line}Explained in:\n  ${page}\n`);
  const checked = cli(cwd, 'check', '--config-file', 'portico.ini').stdout;
  assert.equal(checked, `${line}1 error, 0 warnings.\nExplained in:\n  ${page}\n`);
});

test('OP-1 a configuration file that is found and cannot be read is the one cause that is reported', () => {
  const cwd = folder({});
  mkdirSync(join(cwd, 'portico.ini'));
  const line = `error: cannot read config file portico.ini: it is a directory (EISDIR)\n1 error, 0 warnings.\nExplained in:\n  ${page}\n`;
  const { status, stdout } = cli(cwd, 'check');
  assert.equal(status, 78);
  assert.ok(stdout.endsWith(line.replace('portico.ini', `portico.ini (${join(cwd, 'portico.ini')})`)), stdout);
  assert.doesNotMatch(stdout, /No configuration file was found/);
});

test('LC-1221 OP-3 a paste file that is not there is reported at its location, with what is beside it, by every command', () => {
  const ini = '[DEFAULT]\nenabled_apis = hello\napi_paste_config = api-pste.ini\n';
  const cwd = folder({ ...pasted, 'portico.ini': ini });
  const told =
    /^portico\.ini:3:20: error: \[DEFAULT\] api_paste_config: Could not find config at api-pste\.ini\n {2}Did you mean "api-paste\.ini"\?/m;
  assert.match(cli(cwd, 'check').stdout, told);
  assert.doesNotMatch(cli(cwd, 'check').stdout, /--paste/);
  assert.match(cli(cwd, 'pipeline', 'hello').stderr, told);
  writeFileSync(join(cwd, 'portico.ini'), ini.replace('api-pste', 'composition'));
  assert.match(cli(cwd, 'check').stdout, /^ {2}There is api-paste\.ini\. /m);
});

test('LC-1221 a paste file that is a folder is reported at the location of the option that names it', () => {
  const cwd = folder({
    'portico.ini': '[DEFAULT]\nenabled_apis = hello\napi_paste_config = app\n[api:hello]\nport = 0\nworkers = 1\n',
  });
  mkdirSync(join(cwd, 'app'));
  const told =
    /^portico\.ini:3:20: error: \[DEFAULT\] api_paste_config: app is a directory, not a paste file\.\n(?! {2}A relative)/m;
  assert.match(cli(cwd, 'check').stdout, told);
  assert.match(cli(cwd, 'pipeline', 'hello').stderr, told);
});

test('a paste file without permission is reported where it is named, without a hint about folders', {
  skip: asRoot,
}, () => {
  const cwd = folder({
    ...pasted,
    'portico.ini': '[DEFAULT]\nenabled_apis = hello\napi_paste_config = api-paste.ini\n',
  });
  chmodSync(join(cwd, 'api-paste.ini'), 0);
  const told = cli(cwd, 'check').stdout;
  assert.match(told, /^portico\.ini:3:20: error: \[DEFAULT\] api_paste_config: api-paste\.ini cannot be read: EACCES/m);
  assert.doesNotMatch(told, /A relative path/);
});

test('LC-1011 RL-92 certificates are found beside the file that names them, then in the working directory', async () => {
  const cwd = folder({});
  mkdirSync(join(cwd, 'etc'));
  const ini =
    '[DEFAULT]\nenabled_apis = hello\nenabled_ssl_apis = hello\n[ssl]\ncert_file = cert.pem\n[api:hello]\nssl_key_file = key.pem\n';
  for (const [name, text] of Object.entries({ ...pasted, 'portico.ini': ini })) {
    writeFileSync(join(cwd, 'etc', name), text);
  }
  const words = ['check', '--config-file', 'etc/portico.ini'];
  const missing = cli(cwd, ...words);
  assert.equal(missing.status, 78);
  assert.match(
    missing.stdout,
    /^etc\/portico\.ini:5:13: error: \[ssl\] cert_file: Unable to find cert_file : cert\.pem$/m,
  );
  const places = `It is not at ${join(cwd, 'etc', 'cert.pem')}, nor at ${join(cwd, 'cert.pem')}: `;
  assert.ok(missing.stdout.includes(places), missing.stdout);
  const { cert, key } = await makePair();
  writeFileSync(join(cwd, 'etc', 'cert.pem'), cert);
  writeFileSync(join(cwd, 'etc', 'key.pem'), key, { mode: 0o600 });
  assert.equal(cli(cwd, ...words).status, 0);
  for (const name of ['cert.pem', 'key.pem']) renameSync(join(cwd, 'etc', name), join(cwd, name));
  assert.equal(cli(cwd, ...words).status, 0);
  // The folder of the file has precedence.
  writeFileSync(join(cwd, 'etc', 'cert.pem'), 'no certificate');
  assert.match(cli(cwd, ...words).stdout, /cert_file contains no certificate: .*\/etc\/cert\.pem/);
});
