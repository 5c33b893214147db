/** Services beside the APIs of `api-cli`: their start, refusals, reload, status and stop. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask } from '../../e2e/clients.js';
import { emptyProject, freePort, startedOnce, startProject, untilFileEnds } from '../../e2e/program.js';
import { isAlive } from '../../fixtures/running-program.js';
import { brokerTest, brokerUrl, deleteTopic } from '../../rpc/transport/amqp/broker.js';
import { command, commandBeside } from '../command.js';

const MANAGERS = `
import { RequestContext } from 'portico/app';
export class Images {
  #log;
  constructor({ log }) { this.#log = log; }
  postStartHook() { this.#log.info('images are here'); }
  reset() { this.#log.info('images were reset'); }
  cleanupHost() { this.#log.info('images are gone'); }
  size(_context, { id }) { return id.length; }
}
export class Stuck {
  postStartHook() { process.stdout.write('stuck ' + process.pid + '\\n'); }
  gracefulShutdown() { for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(cell, 0, 0, 5); }
}
console.log('managers are loaded');
let images;
export class Front {
  constructor({ rpc }) { images = rpc.client({ topic: 'images' }).of(); }
}
export const app = () => async (_req, res) => res.end(String(await images.size(new RequestContext(), { id: 'abc' })));
export const plain = () => (_req, res) => res.end('plain');
`;

const IMAGES = '[service:images]\nmanager = ./managers.js:Images\n';

function projectOf(ini: string) {
  return emptyProject({
    'managers.js': MANAGERS,
    'api-paste.ini':
      '[app:front]\npaste.app_factory = ./managers.js:app\n[app:plain]\npaste.app_factory = ./managers.js:plain\n',
    'portico.ini': `[DEFAULT]\nstate_path = .\n${ini}`,
  });
}

/** The findings of `check`, as `severity code place message hint`. */
function findings(ini: string, args: readonly string[] = []): string[] {
  const project = projectOf(ini);
  const { stdout } = command(['check', '--json', ...args], { cwd: project.folder });
  type Finding = Record<'severity' | 'code' | 'line' | 'section' | 'option' | 'message' | 'hint', string | null>;
  return (JSON.parse(stdout) as Finding[]).map(
    ({ severity, code, line, section, option, message, hint }) =>
      `${severity} ${code} ${line} [${section}] ${option}: ${message} ${hint}`,
  );
}

async function statusOf(folder: string): Promise<string> {
  return (await commandBeside(['status'], { cwd: folder })).stdout;
}

test('MG-1 --enabled-services starts a service alone: its manager, its worker, its status, and a graceful end', async (t) => {
  const project = projectOf(`${IMAGES}workers = 1\n[api:plain]\nport = 0\n`);
  const program = startProject(t, project, ['--enabled-services', 'images']);
  await program.printed(/^images +topic images {2}1 worker$/m);
  // The line is on standard output, the log on standard error: either may be read first.
  await program.printed(/images are here/);
  assert.doesNotMatch(program.output(), /plain/);
  assert.match(await statusOf(project.folder), /images[^\n]*1/);
  await program.stop();
  assert.equal(program.output().match(/images are (?:here|gone)/g)?.length, 2);
});

test('RP-88 a worker whose drain outlives graceful_shutdown_timeout is killed, and the status is 1', async (t) => {
  const times = 'graceful_shutdown_timeout = 1\nmanager_shutdown_timeout = 0.5\n';
  const project = projectOf(`${times}[service:images]\nmanager = ./managers.js:Stuck\nworkers = 1\n`);
  const program = startProject(t, project);
  const [, pid] = await program.printed(/^stuck (\d+)$/m);
  await program.printed(/^images +topic/m);
  program.kill('SIGTERM');
  assert.deepEqual(await program.ended, { code: 1, signal: null });
  assert.match(program.output(), new RegExp(`"pid":${pid},"msg":"Graceful shutdown timeout exceeded, killing worker"`));
  assert.equal(isAlive(Number(pid)), false);
});

test('without lists every section of APIs and services starts; --enabled-apis alone starts no service', async (t) => {
  const ini = `${IMAGES}[api:plain]\nport = 0\nworkers = 1\n`;
  const all = startProject(t, projectOf(ini));
  await Promise.all([all.printed(/^images +topic/m), all.printed(/^plain +http/m)]);
  const api = startProject(t, projectOf(ini), ['--enabled-apis', 'plain']);
  await api.printed(/^plain +http/m);
  api.kill('SIGTERM');
  await api.ended;
  assert.doesNotMatch(api.output(), /images/);
});

brokerTest('RP-64 an API calls the service of another application by amqp://', async (t) => {
  const [port, exchange] = [await freePort(), `services-${randomUUID().slice(0, 8)}`];
  t.after(() => deleteTopic(exchange, 'images', [hostname()]));
  const rpc = `[rpc]\ntransport_url = ${brokerUrl}?exchange=${exchange}\n`;
  const ini = `${IMAGES}[api:front]\nport = ${port}\nworkers = 1\nmanager = ./managers.js:Front\n${rpc}`;
  const service = startProject(t, projectOf(ini), ['--enabled-services', 'images']);
  const api = startProject(t, projectOf(ini), ['--enabled-apis', 'front']);
  await Promise.all([service.printed(/^images +topic/m), api.printed(/^front +http/m)]);
  assert.equal((await ask(`http://127.0.0.1:${port}/`)).text, '3');
  // They delete the queues that only they use.
  for (const program of [api, service]) {
    program.kill('SIGTERM');
    await program.ended;
  }
});

const file = untilFileEnds();
/** For two tests, of which the second one changes its configuration and ends it. */
const named = startedOnce(async () => {
  const project = projectOf(`enabled_services = imags, images\n${IMAGES}`);
  const program = startProject(file, project);
  await program.printed(/^images +topic/m);
  return { program, folder: project.folder };
});
/** The same of a mutate. */
const MUTATES = 'restart_method = mutate\nenabled_services = images\nimages_manager = ./managers.js:Images\n';
const mutating = startedOnce(() => {
  const project = projectOf(MUTATES);
  return { program: startProject(file, project), folder: project.folder };
});

test('a name of enabled_services without a section is reported with the nearest, and the others start', async () => {
  const { program } = await named();
  assert.match(program.output(), /no section is called \[service:imags\], so this service does not start/);
  assert.match(program.output(), /Did you mean .{0,2}images/);
});

test('OP-10 check validates services: names, managers, topics and options, each at its location', async () => {
  const nearest = findings(`enabled_services = imags\n${IMAGES}`);
  assert.match(
    nearest[0]!,
    /^error PORTICO_NO_APIS 3 \[DEFAULT\] enabled_services: no section is called \[service:imags\].*Did you mean "images"\? No services were started\./,
  );
  const api = findings('enabled_services = plain\n[api:plain]\nport = 1\n');
  assert.match(api.join('\n'), /plain is an API: add it to enabled_apis/);
  const wrong = findings(
    '[service:a]\nmanagr = x\n[service:b]\nmanager = ./managers.js:Image\n[service:c.d]\nmanager = ./managers.js:Images\n[service:e]\nmanager = ./managers.js:Images\ntopic = dead\nworkers = 0\n',
  );
  assert.deepEqual(
    wrong.map((each) => each.split(' ').slice(0, 5).join(' ')),
    [
      'error PORTICO_MANAGER 3 [service:a] null:',
      'error PORTICO_CONFIG_UNKNOWN_OPTION 4 [service:a] managr:',
      'error PORTICO_MANAGER 6 [service:b] manager:',
      'error PORTICO_RPC_NAME 7 [service:c.d] null:',
      'error PORTICO_CONFIG_VALUE 12 [service:e] workers:',
    ],
    wrong.join('\n'),
  );
  assert.match(wrong[1]!, /did you mean 'manager'/);
  assert.match(wrong[2]!, /Images/);
  assert.deepEqual(findings(IMAGES), []);
  const elsewhere = findings(`enabled_services = images\n${IMAGES}[service:b]\nmanager = ./managers.js:Image\n`);
  assert.match(elsewhere[0]!, /^warning PORTICO_MANAGER 7 .*"Image" \(this service is not enabled here\) Did you mean/);
  assert.equal(elsewhere.length, 1);
  const both = findings(`${IMAGES}[api:images]\nport = 1\npipeline = plain\n`);
  assert.match(both[0]!, /^error PORTICO_SERVICE_NAME 3 .*an API has the same name/);
  const twins = findings(`${IMAGES}[service:more]\nmanager = ./managers.js:Images\ntopic = images\n`);
  assert.deepEqual(twins, [
    'error PORTICO_SERVICE_NAME 7 [service:more] topic: [service:images] also receives calls for the topic images Choose another topic. For more processes of one service, set workers in [service:images].',
  ]);
  const undeclared = findings(IMAGES, ['--set', 'service:imges.workers=2']);
  assert.match(undeclared[0]!, /no service with this name is enabled did you mean service:images\.workers\?/);
});

test('LC-320 a reload starts and ends services, and changes their workers', async () => {
  const { program, folder } = await named();
  const write = (ini: string) => writeFileSync(join(folder, 'portico.ini'), `[DEFAULT]\nstate_path = .\n${ini}`);
  write(`enabled_services = images, more\n${IMAGES}workers = 2\n[service:more]\nmanager = ./managers.js:Images\n`);
  program.kill('SIGHUP');
  await program.printed(/^more +topic more {2}1 worker$/m);
  await program.printed(/Reload accepted/);
  assert.match(await statusOf(folder), /images[^\n]*2/);
  const before = program.output().length;
  write(`enabled_services = mor\n${IMAGES}[service:more]\nmanager = ./managers.js:Images\n`);
  program.kill('SIGHUP');
  await program.printed(/Reload refused/, before);
  assert.match(
    program.output(),
    /\[service:mor\], so this service does not start, and images, more would stop serving/,
  );
  write('enabled_services = more\n[service:more]\nmanager = ./managers.js:Images\n');
  const later = program.output().length;
  program.kill('SIGHUP');
  await program.printed(/Reload accepted/, later);
  assert.doesNotMatch(await statusOf(folder), /^ *images/m);
  await program.stop();
});

test('MG-1 a manager that [DEFAULT] names needs no section', async () => {
  await mutating().program.printed(/^images +topic images {2}1 worker$/m);
  assert.deepEqual(findings(MUTATES), []);
});

test('OP-2 --dev runs a service by one worker, and anew when its module changes', async (t) => {
  const project = projectOf(`${IMAGES}workers = 3\n`);
  const program = startProject(t, project, ['--dev']);
  await program.printed(/^images +topic images {2}1 worker$/m);
  const module = join(project.folder, 'managers.js');
  await program.printed(/images are here/);
  writeFileSync(module, MANAGERS.replace('images are here', 'images are there'));
  await program.printed(/images are there/);
});

test('CF-91 a mutate resets the managers, and changes no number of workers', async () => {
  const { program, folder } = mutating();
  await program.printed(/^images +topic/m);
  const ini = `[DEFAULT]\nstate_path = .\n${MUTATES}[service:images]\nworkers = 2\n`;
  writeFileSync(join(folder, 'portico.ini'), ini);
  program.kill('SIGHUP');
  await program.printed(/images were reset/);
  await program.printed(/Mutate accepted/);
  assert.equal(program.output().match(/images are here/g)?.length, 1);
});

test('generate systemd has a unit for a host of services alone', () => {
  const args = ['generate', 'systemd', '--set', 'DEFAULT.enabled_services=images'];
  const project = projectOf(IMAGES);
  const { stdout } = command(args, { cwd: project.folder });
  assert.match(stdout, /^Description=Services run by Portico: images$/m);
  assert.match(stdout, /--set DEFAULT\.enabled_services=images$/m);
});
