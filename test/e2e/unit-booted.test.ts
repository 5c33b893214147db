/** The files of `generate systemd` and `generate socket`, run by a separately booted systemd. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/keeper.js';
import { until } from '../fixtures/until.js';
import { BootedSystemd, noSystemd } from './booted-systemd.js';
import { type Outcome, root } from './program.js';

const HOME = '/opt/shop';
const MAIN = `${HOME}/node_modules/portico/lib/cli/main.js`;
const UNITS = '/etc/systemd/system';
const PASTE = `[pipeline:shop]
pipeline = request_id shop_app
[filter:request_id]
paste.filter_factory = portico/middleware:requestId
[app:shop_app]
paste.app_factory = ./app.js:app
`;

const ini = (more = ''): string => `[DEFAULT]
state_path = var
log_file = /var/log/shop/api.log
graceful_shutdown_timeout = 5
${more}
[api:shop]
listen = 127.0.0.1:8080
workers = 1
[service:stock]
manager = ./stock.js:Stock
[servicegroup]
driver = sqlite
connection = sqlite:///reg.db
`;

const app = (version: string): string => `import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
const status = () => readFileSync('/proc/self/status', 'utf8').match(/^(CapBnd|NoNewPrivs|Seccomp):\\s+\\w+/gm).join(' ').replace(/\\s+/g, '');
export const app = () => (req, res) => {
  if (req.url === '/limits') res.end(\`\${status()} \${Object.keys(networkInterfaces())}\`);
  else res.end(\`${version} \${process.getuid()} \${process.ppid}\`);
};
`;

/** A project with this package installed; its dependencies are in a parent folder. */
function project(): string {
  const folder = temporaryFolder('portico-booted-');
  // The user of the service must be able to read it.
  chmodSync(folder, 0o755);
  const installed = join(folder, 'node_modules', 'portico');
  mkdirSync(installed, { recursive: true });
  for (const each of ['lib', 'package.json']) cpSync(join(root, each), join(installed, each), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "shop", "private": true, "type": "module" }\n');
  writeFileSync(join(folder, 'api-paste.ini'), PASTE);
  writeFileSync(join(folder, 'portico.ini'), ini());
  writeFileSync(join(folder, 'app.js'), app('v1'));
  writeFileSync(join(folder, 'stock.js'), 'export class Stock {}\n');
  return folder;
}

test('OP-15 the generated units start, reload, restart and stop under a real systemd', {
  skip: noSystemd,
  timeout: 300_000,
}, async (t) => {
  const folder = project();
  const node = process.execPath.startsWith('/usr/') ? {} : { [process.execPath]: process.execPath };
  const packages = { '/opt/node_modules': join(root, 'node_modules'), [HOME]: folder };
  const booted = await BootedSystemd.boot({ ...packages, ...node });
  if (typeof booted === 'string') return t.skip(`no systemd can be booted here: ${booted}`);
  t.after(() => booted.end());

  const run = (command: string, ...words: string[]): Promise<Outcome> => booted.run(HOME, command, ...words);
  const good = async (command: string, ...words: string[]): Promise<string> => {
    const { status, stdout, stderr } = await run(command, ...words);
    if (status === 0) return stdout;
    const journal = (await run('journalctl', '--no-pager', '-n', '40')).stdout;
    return assert.fail(`${command} ${words.join(' ')}: ${status}\n${stdout}${stderr}\n${journal}`);
  };
  const cli = (...words: string[]): Promise<string> => good(process.execPath, MAIN, ...words);
  const systemctl = (...words: string[]): Promise<string> => good('systemctl', ...words);
  const shown = (name: string, unit = 'portico.service'): Promise<string> =>
    systemctl('show', '--value', `--property=${name}`, unit).then((text) => text.trim());
  const journal = (): Promise<string> => good('journalctl', '--no-pager', '-o', 'cat', '-u', 'portico.service');
  const get = async (url: string): Promise<string[]> => {
    const code = `fetch('${url}').then(async (res) => console.log(res.status, await res.text()))`;
    const [status, ...words] = (await good(process.execPath, '-e', code)).trim().split(' ');
    assert.equal(status, '200');
    return words;
  };
  const ask = async (): Promise<[version: string, user: string, parent: string]> =>
    (await get('http://127.0.0.1:8080/')) as [string, string, string];

  for (const [kind, unit] of Object.entries({ systemd: 'portico.service', socket: 'shop.socket' })) {
    await good(
      'sh',
      '-c',
      `"$@" > ${UNITS}/${unit}`,
      'sh',
      process.execPath,
      MAIN,
      'generate',
      kind,
      '--name',
      'portico',
    );
  }
  await systemctl('daemon-reload');
  await systemctl('start', 'shop.socket', 'portico.service');
  assert.equal((await systemctl('is-active', 'portico.service')).trim(), 'active');
  const [version, user, parent] = await ask();
  assert.equal(version, 'v1');
  assert.notEqual(user, '0');
  assert.equal(await shown('MainPID'), parent);
  await good('test', '-s', '/var/log/shop/api.log');
  await good('test', '-s', '/var/lib/portico/reg.db');
  assert.match(await cli('status'), /^shop .*1 of 1/m);

  await t.test('AU-6 a worker serves without capabilities and with a filter of system calls', async () => {
    assert.deepEqual(await get('http://127.0.0.1:8080/limits'), ['CapBnd:0000000000000000NoNewPrivs:1Seccomp:2', 'lo']);
  });

  await t.test('AU-6 a unit for a port below 1024 has the capability for it, and no other', async () => {
    const words = ['--set', 'api:shop.listen=127.0.0.1:81', '--set', 'DEFAULT.log_file=/var/log/low/api.log'];
    const unit = await cli('generate', 'systemd', '--name', 'low', ...words, '--set', 'enabled_services=');
    const often = unit.replace(/^WatchdogSec=.*/m, 'WatchdogSec=1');
    await good('sh', '-c', `printf %s "$1" > ${UNITS}/low.service`, 'sh', often);
    await systemctl('start', 'low.service');
    const [limits] = await get('http://127.0.0.1:81/limits');
    assert.equal(limits, 'CapBnd:0000000000000400NoNewPrivs:1Seccomp:2');
    // systemd notes the time of each WATCHDOG=1.
    const noted = await shown('WatchdogTimestampMonotonic', 'low.service');
    await until(
      () => shown('WatchdogTimestampMonotonic', 'low.service'),
      (time) => time !== noted,
    );
    await systemctl('stop', 'low.service');
    assert.equal(await shown('Result', 'low.service'), 'success');
  });

  await t.test('systemctl reload takes what is on disk, and fails with the reason where that is refused', async () => {
    writeFileSync(join(folder, 'app.js'), app('v2'));
    await systemctl('reload', 'portico.service');
    assert.equal((await ask())[0], 'v2');
    writeFileSync(join(folder, 'portico.ini'), ini('worker_timeout = soon'));
    const refused = await run('systemctl', 'reload', 'portico.service');
    assert.notEqual(refused.status, 0);
    assert.match(await journal(), /portico\.ini:5:\d+.*worker_timeout/s);
    assert.equal((await systemctl('is-active', 'portico.service')).trim(), 'active');
    assert.equal((await ask())[2], parent);
    writeFileSync(join(folder, 'portico.ini'), ini());
  });

  // A lost READY=1 would make systemd end the start after TimeoutStartSec.
  assert.doesNotMatch(await good('journalctl', '--no-pager', '-o', 'cat'), /Cannot find unit for notify message/);

  await t.test(
    'a main process that is killed takes its workers with it and is started again; its socket keeps who connects',
    async () => {
      const workers = (await good('ps', '-o', 'pid=', '--ppid', parent)).trim().split(/\s+/);
      assert.ok(workers.length >= 2, workers.join());
      await good('kill', '-KILL', parent);
      const [, , next] = await ask();
      for (const pid of workers) assert.notEqual((await run('kill', '-0', pid)).status, 0);
      assert.notEqual(next, parent);
      assert.equal(await shown('MainPID'), next);
      assert.equal(await shown('NRestarts'), '1');
    },
  );

  await t.test(
    'systemctl stop ends it with 0, and a refused configuration is not started again and again',
    async () => {
      await systemctl('stop', 'shop.socket', 'portico.service');
      assert.deepEqual([await shown('Result'), await shown('ExecMainStatus')], ['success', '0']);
      writeFileSync(join(folder, 'portico.ini'), ini('worker_timeout = never'));
      assert.notEqual((await run('systemctl', 'start', 'portico.service')).status, 0);
      assert.equal(await shown('ExecMainStatus'), '78');
      assert.equal(await shown('ActiveState'), 'failed');
      assert.match(await journal(), /portico\.ini:5:\d+.*worker_timeout = never/s);
    },
  );
});
