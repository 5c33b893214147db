/** A reload in one process starts its services anew: each option that it reports as applied is. */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject, freePort, Program } from './program.js';

const MAIN = `
import { Config } from 'portico/config';
import { ServiceLauncher } from 'portico/launch';
import { openRegistry } from 'portico/registry';
import { RPCService } from 'portico/rpc';
import { WSGIService } from 'portico/server';
const config = await Config.load({ files: ['portico.ini'], argv: false });
const launcher = new ServiceLauncher({ config });
await launcher.launchService(new WSGIService('hello', config));
class Manager { ping() { return 'pong'; } }
await launcher.launchService(RPCService.create({ config, name: 'images', binary: 'portico-images', manager: Manager, transport: 'memory://' }));
process.on('SIGWINCH', async () => {
  const registry = openRegistry(await Config.load({ files: ['portico.ini'], argv: false }), { log: config.log });
  const views = await registry.list();
  console.log('in the registry of the file:', views.map(({ record }) => record.binary + '@' + record.host).sort().join(' '));
});
process.exitCode = await launcher.wait();
`;

test('RV-11 LC-136 a reload in one process applies every option that its services read', async (t) => {
  const { folder, remove } = emptyProject({
    'main.js': MAIN,
    'api-paste.ini': '[app:hello]\npaste.app_factory = portico/middleware:echo\n',
    'portico.ini': `[DEFAULT]\n[servicegroup]\nconnection = sqlite:///one.db\ninitial_delay_s = 0\n[api:hello]\nport = ${await freePort()}\n`,
  });
  const program = new Program(process.execPath, ['main.js'], { cwd: folder });
  t.after(async () => {
    await program.end();
    remove();
  });
  await program.printed(/"event":"ready"/);
  appendFileSync(
    join(folder, 'portico.ini'),
    '[servicegroup]\nconnection = sqlite:///two.db\ninitial_delay_s = 1\n[DEFAULT]\nbackdoor_port = 0\nhost = other\nmax_restarts = 7\n[wsgi]\nmax_headers = 50\nhandshake_timeout = 3\ntcp_keepidle = 60\n',
  );
  program.kill('SIGHUP');
  const [line] = await program.printed(/.*"event":"reload".*/);
  const { changes } = JSON.parse(line) as { changes: { option: string; effect: string }[] };
  assert.deepEqual(Object.fromEntries(changes.map(({ option, effect }) => [option, effect])), {
    'servicegroup.connection': 'applied',
    'servicegroup.initial_delay_s': 'applied',
    'DEFAULT.backdoor_port': 'applied',
    'DEFAULT.host': 'applied',
    'DEFAULT.max_restarts': 'applied',
    'wsgi.max_headers': 'applied',
    'wsgi.handshake_timeout': 'applied',
    'wsgi.tcp_keepidle': 'applied',
  });
  program.kill('SIGWINCH');
  const [, records] = await program.printed(/in the registry of the file: (.*)/);
  assert.equal(records, 'portico-hello@other portico-images@other');
});
