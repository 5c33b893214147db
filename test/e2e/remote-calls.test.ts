/** Remote calls in real programs: an API and the service it calls, in one process and in several. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type TestContext, test } from 'node:test';
import { brokerUrl, deleteTopic, withoutBroker } from '../rpc/transport/amqp/broker.js';
import { ask } from './clients.js';
import { apiCli, emptyProject, freePort, Program } from './program.js';

const MANAGERS = `
import { RequestContext } from 'portico/app';
export class Images {
  size(context, { id }) { return id.length + (context instanceof RequestContext ? 0 : 1000); }
}
let images;
export class Front {
  constructor({ rpc }) { images = rpc.client({ topic: 'images' }).of(); }
}
const answerWith = (images) => async (req, res) => {
  const bytes = await images().size(new RequestContext({ requestId: 'req-1' }), { id: 'abc' });
  res.end(String(bytes));
};
export const managed = () => answerWith(() => images);
export const direct = async (_globalConf, _localConf, { rpc }) => {
  const own = (await rpc()).client({ topic: 'images' }).of();
  return answerWith(() => own);
};
`;

/** The creator of the client: the manager of the API, or the factory of its app. */
type Caller = 'managed' | 'direct';
const CALLERS: readonly Caller[] = ['managed', 'direct'];

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

function project(t: TestContext, caller: Caller, port: number, transport = 'memory://'): string {
  const manager = caller === 'managed' ? 'manager = ./managers.js:Front\n' : '';
  const { folder, remove } = emptyProject({
    'managers.js': MANAGERS,
    'main.js': MAIN,
    'api-paste.ini': `[app:front]\npaste.app_factory = ./managers.js:${caller}\n`,
    'portico.ini': `[DEFAULT]\nimages_manager = ./managers.js:Images\n[api:front]\nport = ${port}\n${manager}[rpc]\ntransport_url = ${transport}\n`,
  });
  t.after(remove);
  return folder;
}

for (const caller of CALLERS) {
  test(`RP-62 RP-20 MG-6 in one process an API calls the service behind it by memory://, and both end (${caller})`, async (t) => {
    const port = await freePort();
    const program = new Program(process.execPath, ['main.js', 'single'], { cwd: project(t, caller, port) });
    t.after(() => program.end());
    await program.printed(/front listening/);
    const { status, text } = await ask(`http://127.0.0.1:${port}/`);
    assert.deepEqual([status, text], [200, '3']);
    program.kill('SIGTERM');
    assert.deepEqual(await program.ended, { code: 0, signal: null });
  });

  test(`RP-64 RP-65 in a fleet an API in one process calls the service in another by amqp://, and both end (${caller})`, {
    skip: withoutBroker,
  }, async (t) => {
    const [port, exchange] = [await freePort(), `fleet-${randomUUID().slice(0, 8)}`];
    t.after(() => deleteTopic(exchange, 'images', [hostname()]));
    const folder = project(t, caller, port, `${brokerUrl}?exchange=${exchange}`);
    const program = new Program(process.execPath, ['main.js', 'fleet'], { cwd: folder });
    t.after(() => program.end());
    await program.printed(/Ready after/);
    const { status, text } = await ask(`http://127.0.0.1:${port}/`);
    assert.deepEqual([status, text], [200, '3']);
    program.kill('SIGTERM');
    assert.deepEqual(await program.ended, { code: 0, signal: null });
  });

  test(`memory:// between the workers of a fleet is refused at the start, with what to set (${caller})`, async (t) => {
    const program = new Program(process.execPath, ['main.js', 'fleet'], { cwd: project(t, caller, await freePort()) });
    t.after(() => program.end());
    const { code } = await program.ended;
    assert.equal(code, 78);
    assert.match(
      program.output(),
      /a client of "images" runs in a worker, and memory:\/\/ cannot reach other processes/,
    );
    assert.match(program.output(), /Set \[rpc\] transport_url = amqp:\/\//);
  });
}

test('an app that makes no calls loads nothing of them', async (t) => {
  const told = `import { writeSync } from 'node:fs';
export async function load(url, context, next) {
  if (/\\/lib\\/.*rpc/.test(url)) writeSync(2, 'loaded ' + url);
  return next(url, context);
}`;
  const { folder, remove } = emptyProject({
    'hooks.js': told,
    'register.js': "import { register } from 'node:module';\nregister('./hooks.js', import.meta.url);\n",
    'apps.js': `export const silent = () => (req, res) => res.end();
export const calling = async (_globalConf, _localConf, { rpc }) => (await rpc(), (req, res) => res.end());
`,
    'api-paste.ini':
      '[app:silent]\npaste.app_factory = ./apps.js:silent\n[app:calling]\npaste.app_factory = ./apps.js:calling\n',
    'portico.ini': '[api:silent]\nport = 0\n',
  });
  t.after(remove);
  const asked = async (app: string): Promise<string> => {
    const words = ['--import', './register.js', apiCli, 'request', 'GET', '/', '--api', app];
    const program = new Program(process.execPath, words, { cwd: folder });
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
    return program.stderr;
  };
  assert.equal(await asked('silent'), '');
  assert.match(await asked('calling'), /loaded .*rpc/);
});
