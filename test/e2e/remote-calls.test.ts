/** Remote calls in real applications: an API and the service it calls, in one process and in several. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type TestContext, test } from 'node:test';
import { brokerUrl, deleteTopic, withoutBroker } from '../rpc/transport/amqp/broker.js';
import { ask } from './clients.js';
import { emptyProject, freePort, Program, untilEnd } from './program.js';

const MANAGERS = `
import { RequestContext } from 'portico/app';
export class Images {
  size(context, { id }) { return id.length + (context instanceof RequestContext ? 0 : 1000); }
}
let images;
export class Front {
  constructor({ rpc }) { images = rpc.client({ topic: 'images' }).of(); }
}
/** Calls by its own client and, for /managed, by that of the manager. */
export const app = async (_globalConf, _localConf, { rpc }) => {
  const own = (await rpc()).client({ topic: 'images' }).of();
  return async (req, res) => {
    const client = req.url === '/managed' ? images : own;
    res.end(String(await client.size(new RequestContext({ requestId: 'req-1' }), { id: 'abc' })));
  };
};
`;

const MAIN = `
import { Config, createLogger, WSGIService } from 'portico';
import { ProcessLauncher, ServiceLauncher } from 'portico/launch';
import { RPCService } from 'portico/rpc';
const config = await Config.load({ files: ['portico.ini'], argv: [], env: {} });
const log = createLogger({ format: 'json' });
const launcher = process.argv[2] === 'fleet' ? new ProcessLauncher({ config, log }) : new ServiceLauncher({ config, log });
await launcher.launchService(RPCService.create({ binary: 'portico-images', config, log }));
await launcher.launchService(new WSGIService('front', config, { log }));
process.exitCode = await launcher.wait();
`;

/** Starts an API and the service that it calls, in one process or in several. */
async function started(t: TestContext, how: 'single' | 'fleet', transport = 'memory://') {
  const port = await freePort();
  const { folder } = emptyProject({
    'managers.js': MANAGERS,
    'main.js': MAIN,
    'api-paste.ini': '[app:front]\npaste.app_factory = ./managers.js:app\n',
    'portico.ini': `[DEFAULT]\nimages_manager = ./managers.js:Images\n[api:front]\nport = ${port}\nmanager = ./managers.js:Front\n[rpc]\ntransport_url = ${transport}\n`,
  });
  const program = untilEnd(t, new Program(process.execPath, ['main.js', how], { cwd: folder }));
  return { port, program };
}

for (const [ids, how, transport] of [
  ['RP-62 RP-20 MG-6', 'single', 'memory'],
  ['RP-64 RP-65', 'fleet', 'amqp'],
] as const) {
  test(`${ids} an API calls the service behind it by ${transport}://, by the clients of its manager and of its app, and both end (${how})`, {
    skip: transport === 'amqp' && withoutBroker,
  }, async (t) => {
    const exchange = `fleet-${randomUUID().slice(0, 8)}`;
    if (transport === 'amqp') t.after(() => deleteTopic(exchange, 'images', [hostname()]));
    const url = transport === 'amqp' ? `${brokerUrl}?exchange=${exchange}` : 'memory://';
    const { port, program } = await started(t, how, url);
    await program.printed(how === 'fleet' ? /Ready after/ : /front listening/);
    for (const path of ['', 'managed']) {
      const { status, text } = await ask(`http://127.0.0.1:${port}/${path}`);
      assert.deepEqual([status, text], [200, '3'], path);
    }
    await program.stop();
  });
}

test('memory:// between the workers of a fleet is refused at the start, with what to set', async (t) => {
  const { program } = await started(t, 'fleet');
  assert.equal((await program.ended).code, 78);
  assert.match(program.output(), /a client of "images" runs in a worker, and memory:\/\/ cannot reach other processes/);
  assert.match(program.output(), /Set \[rpc\] transport_url = amqp:\/\//);
});

test('an app that makes no calls loads nothing of them', async () => {
  const told = `import { writeSync } from 'node:fs';
export async function load(url, context, next) {
  if (/\\/(dist|lib)\\/.*rpc/.test(url)) writeSync(2, 'loaded ' + url);
  return next(url, context);
}`;
  const { folder } = emptyProject({
    'hooks.js': told,
    'register.js': "import { register } from 'node:module';\nregister('./hooks.js', import.meta.url);\n",
    'apps.js': `export const silent = () => (req, res) => res.end();
export const calling = async (_globalConf, _localConf, { rpc }) => (await rpc(), (req, res) => res.end());
`,
    'load.js': `import { Loader } from 'portico/loader';
const app = await new Loader('api-paste.ini').loadApp(process.argv[2]);
await app.close();
`,
    'api-paste.ini':
      '[app:silent]\npaste.app_factory = ./apps.js:silent\n[app:calling]\npaste.app_factory = ./apps.js:calling\n',
  });
  const loaded = async (app: string): Promise<string> => {
    const words = ['--import', './register.js', 'load.js', app];
    const program = new Program(process.execPath, words, { cwd: folder });
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
    return program.stderr;
  };
  assert.equal(await loaded('silent'), '');
  assert.match(await loaded('calling'), /loaded .*rpc/);
});
