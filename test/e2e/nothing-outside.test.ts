/** `check`, `plan` and a dry run of a reload reach nothing outside, whatever the state of the configuration. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { repository } from '../plan/project.js';
import { freePort, startProject } from './program.js';

/** A server that accepts connections and counts them: no store, broker, database or identity service responds there. */
async function listener(t: TestContext): Promise<{ readonly port: number; count(): number }> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, count: () => count };
}

const APP = `import { Router, RPCServer } from 'portico';
import { definePolicy } from 'portico/policy';
export const app = async (globalConf, localConf, ctx) => {
  const rpc = await ctx.rpc();
  rpc.client({ topic: 'images', version: '1.0' });
  const router = new Router({ log: ctx.log });
  router.get('/', () => ({ ok: true }));
  return router.build();
};
`
  .replace(', RPCServer', '')
  .replace("import { definePolicy } from 'portico/policy';\n", '');

/** All kinds of outside that the filters and services of one API can have. */
const pasteOf = (port: number): string => `[pipeline:shop]
pipeline = sessions limit token jwt audit shop_app
[filter:sessions]
paste.filter_factory = portico/sessions:session
secrets = 0123456789abcdef0123456789abcdef0123456789abcdef
store = redis://127.0.0.1:${port}
[filter:limit]
paste.filter_factory = portico/middleware:rateLimit
rules = all address 10/s 20
store = redis://127.0.0.1:${port}
[filter:token]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
[filter:jwt]
paste.filter_factory = portico/middleware:jwtAuth
audience = shop
[filter:audit]
paste.filter_factory = portico/audit:audit
audit_map_file = %(here)s/audit_map.conf
[app:shop_app]
paste.app_factory = ./app.js:app
`;

const iniOf = (port: number, own: number): string => `[DEFAULT]
enabled_apis = shop
api_paste_config = api-paste.ini
state_path = .
[control]
socket = control.sock
[api:shop]
port = ${own}
workers = 1
[rpc]
transport_url = amqp://guest:guest@127.0.0.1:${port}/
[oslo_messaging_notifications]
driver = messagingv2
[servicegroup]
driver = postgresql
connection = postgresql://postgres@127.0.0.1:${port}/registry
[keystone_authtoken]
auth_url = http://127.0.0.1:${port}
auth_type = password
username = shop
password = secret
[jwt]
jwks_uri = http://127.0.0.1:${port}/keys
issuer = https://issuer.example.org
`;

const AUDIT_MAP = '[DEFAULT]\ntarget_endpoint_type = None\n[path_keywords]\n[service_endpoints]\n';

/** Errors of a configuration, each as a change of one file. */
const BROKEN: readonly (readonly [what: string, file: string, from: string | RegExp, to: string])[] = [
  ['nothing', 'app.js', '', ''],
  ['a syntax error of the paste file', 'api-paste.ini', '[app:shop_app]', '[app:shop_app\nno line of an ini file'],
  ['a wrong value', 'portico.ini', 'workers = 1', 'workers = many'],
  ['an unknown option', 'portico.ini', 'state_path', 'state_pth'],
  ['an unknown filter', 'api-paste.ini', 'pipeline = sessions', 'pipeline = absent sessions'],
  ['a module that is not there', 'api-paste.ini', './app.js:app', './gone.js:app'],
  ['code that does not parse', 'app.js', 'export const app', 'export cons app'],
  ['a factory that fails', 'app.js', 'const router', "throw new Error('no app'); const router"],
  ['a refused route table', 'app.js', "router.get('/',", "router.get('/{id:nothing', () => 1); router.get('/',"],
  ['a wrong option of a filter', 'api-paste.ini', 'rules = all address', 'rules = all adress'],
];

function project(port: number, own: number) {
  return repository({
    'package.json': '{ "type": "module" }',
    'app.js': APP,
    'audit_map.conf': AUDIT_MAP,
    'api-paste.ini': pasteOf(port),
    'portico.ini': iniOf(port, own),
  });
}

function breaks(folder: string, file: string, from: string | RegExp, to: string): void {
  const path = join(folder, file);
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
}

test('check and plan reach nothing outside, whatever the state of the configuration', async (t) => {
  const outside = await listener(t);
  for (const [what, ...change] of BROKEN) {
    const { folder } = project(outside.port, await freePort());
    breaks(folder, ...change);
    const [check, plan] = await Promise.all([
      commandBeside(['check'], { cwd: folder }),
      commandBeside(['plan'], { cwd: folder }),
    ]);
    assert.equal(check.status, what === 'nothing' ? 0 : 78, `${what}: ${check.stdout}`);
    assert.equal(plan.status, what === 'nothing' ? 0 : 1, `${what}: ${plan.stdout}${plan.stderr}`);
    // A broken line of the paste file is in the list each time, whatever else is found.
    if (what === 'a syntax error of the paste file') assert.match(plan.stderr, /api-paste\.ini:\d+:\d+: error/);
    assert.equal(outside.count(), 0, what);
  }
});

test('a dry run of a reload reaches nothing outside, whatever the state of the new configuration', async (t) => {
  const outside = await listener(t);
  const own = await freePort();
  const { folder, files } = { ...project(outside.port, own), files: ['app.js', 'api-paste.ini', 'portico.ini'] };
  const whole = files.map((file) => readFileSync(join(folder, file), 'utf8'));
  writeFileSync(join(folder, 'api-paste.ini'), '[app:shop]\npaste.app_factory = ./plain.js:app\n');
  writeFileSync(join(folder, 'plain.js'), 'export const app = () => (req, res) => res.end();\n');
  writeFileSync(
    join(folder, 'portico.ini'),
    `[DEFAULT]\nenabled_apis = shop\n[control]\nsocket = control.sock\n[api:shop]\nport = ${own}\nworkers = 1\n`,
  );
  const program = startProject(t, { folder });
  await program.printed(/"event":"ready"|Ready after/);
  for (const [what, ...change] of BROKEN) {
    for (const [at, file] of files.entries()) writeFileSync(join(folder, file), whole[at]!);
    breaks(folder, ...change);
    const { status, stdout, stderr } = await commandBeside(['reload', '--dry-run'], { cwd: folder });
    assert.equal(status, what === 'nothing' ? 0 : 1, `${what}: ${stdout}${stderr}`);
    assert.equal(outside.count(), 0, what);
  }
});
