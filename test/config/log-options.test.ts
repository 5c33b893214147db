import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from 'portico';
import { Config, defineOptions, integer, logOptions, path, string, uri } from 'portico/config';

const defaults = defineOptions({
  zeta: integer({ default: 1, help: 'x' }),
  alpha: string({ help: 'x' }),
});
const options = defineOptions({
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
    groups: { rpc: options, DEFAULT: defaults },
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
      'config_source                  = ',
      'lock_path                      = none',
      'os_env_compat                  = false',
      'state_path                     = var',
      'strict_config                  = false',
      'temp_dir                       = none',
      'zeta                           = 3',
      'rpc.admin_password             = ****',
      'rpc.api_key                    = ****',
      'rpc.connection                 = ****',
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
