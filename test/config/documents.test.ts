import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from 'portico';
import { Config, defineOptions, integer, path, type Registration, string, uri } from 'portico/config';
import { differencesFromDefaults, isSecret, logOptions, showOptions } from '#internal/config';
import { bundledOptions } from '../../dist/cli/configured/bundled-options.js';

const options = defineOptions({
  workers: integer({ default: 1, help: 'x', deprecated: ['processes', 'DEFAULT.app_workers'] }),
  token: string({ default: '', secret: true, help: 'y' }),
});

function read(text: string): Config {
  const config = Config.fromText(text);
  config.register('app', options);
  return config;
}

test('CF-98 an option is shown with its location and what it shadows; a secret is masked everywhere', () => {
  const config = read('[app]\nworkers = 2\nworkers = 3\ntoken = hunter1\ntoken = hunter2\n');
  config.setOverride('app', 'workers', 4);
  const { value, location, shadowed, isDefault } = showOptions(config).find(({ opt }) => opt === 'workers')!;
  assert.deepEqual([value, location.kind, isDefault], ['4', 'override', false]);
  assert.deepEqual(
    shadowed.map((each) => [each.value, each.location.detail]),
    [
      ['2', 'portico.ini:2:11'],
      ['3', 'portico.ini:3:11'],
    ],
  );
  assert.doesNotMatch(JSON.stringify([showOptions(config), differencesFromDefaults(config)]), /hunter/);
});

test('CF-97 differences from the defaults', () => {
  const one = read('[app]\nworkers = 2\ntoken = a\n');
  assert.deepEqual(
    differencesFromDefaults(one).map(({ opt, value }) => [opt, value]),
    [
      ['token', '****'],
      ['workers', '2'],
    ],
  );
});

/** Returns the options of a group that look secret and are not, or are numbers without a bound. */
function oddOptions({ group, options: declared }: Registration): string[] {
  return Object.entries(declared).flatMap(([opt, option]) => {
    const { min, max, choices } = option.spec;
    const isOpen =
      ['integer', 'float'].includes(option.type) && [min, max, choices].every((each) => each === undefined);
    return isOpen || (!option.secret && isSecret(opt, option)) ? `[${group}] ${opt}` : [];
  });
}

test('CF-104 shipped numbers have bounds, and what looks secret is declared so', async () => {
  // A number of workers may be a word; the session's cookie is a name.
  const known = ['[DEFAULT] workers', '[api:<name>] workers', '[session] cookie'];
  assert.deepEqual((await bundledOptions()).flatMap(oddOptions).sort(), known);
});

const defaults = defineOptions({ zeta: integer({ default: 1, help: 'x' }), alpha: string({ help: 'x' }) });
const rpcOptions = defineOptions({
  connection: uri({ secret: true, help: 'x' }),
  transport_url: uri({ help: 'x' }),
  admin_password: string({ default: '', help: 'x' }),
  api_key: string({ default: '', help: 'x' }),
  key_file: path({ default: '/etc/key.pem', help: 'x' }),
  token: string({ default: '', secret: true, help: 'x' }),
});

async function logged(level: 'debug' | 'info'): Promise<string[]> {
  const lines: string[] = [];
  const log = createLogger({ level, format: 'json', destination: { write: (line) => void lines.push(line) } });
  const text = { PORTICO_RPC__TRANSPORT_URL: 'amqp://rabbit:hunter2@host//', PORTICO_RPC__ADMIN_PASSWORD: 'hunter2' };
  const config = await Config.load({
    files: [],
    dirs: [],
    env: { ...text, PORTICO_RPC__API_KEY: 'hunter2', PORTICO_RPC__CONNECTION: 'pg://u:hunter2@h' },
    set: ['rpc.token=hunter2', 'zeta=3', 'rpc.transport_url=amqp://rabbit:hunter2@host//'],
    groups: { rpc: rpcOptions, DEFAULT: defaults },
  });
  logOptions(config, log);
  return lines;
}

test('LC-1211 CF-75 the dump has sources and options, DEFAULT first, sorted by group and name, with places', async () => {
  const lines = (await logged('debug')).map((line) => JSON.parse(line) as { msg: string; from?: string });
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    [
      'Full set of CONF:',
      '*'.repeat(80),
      'Configuration options gathered from:',
      'command line args: ["--set=rpc.token=****","--set=DEFAULT.zeta=3","--set=rpc.transport_url=amqp://rabbit:****@host//"]',
      'config files: []',
      '='.repeat(80),
      'alpha                          = none',
      'check_file_modes               = true',
      'extensions                     = ',
      'os_env_compat                  = false',
      'other_names                    = ',
      'state_path                     = var',
      'zeta                           = 3',
      'rpc.admin_password             = ****',
      'rpc.api_key                    = ****',
      'rpc.connection                 = pg://u:****@h',
      'rpc.key_file                   = /etc/key.pem',
      'rpc.token                      = ****',
      'rpc.transport_url              = amqp://rabbit:****@host//',
      '*'.repeat(80),
    ],
  );
  assert.deepEqual(
    lines.filter(({ from }) => from !== undefined && from !== 'default').map(({ from }) => from),
    [
      'argument 2',
      'PORTICO_RPC__ADMIN_PASSWORD',
      'PORTICO_RPC__API_KEY',
      'PORTICO_RPC__CONNECTION',
      'argument 1',
      'argument 3',
    ],
  );
});

test('LC-1212 LC-1213 LC-1214 CF-118 no secret is in the dump, however it was given', async () => {
  assert.doesNotMatch((await logged('debug')).join(''), /hunter2/);
});

test('LC-1201 above level debug nothing is written', async () => {
  assert.deepEqual(await logged('info'), []);
});
