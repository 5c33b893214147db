import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Config, PorticoError } from 'portico/config';
import { ServiceLauncher } from 'portico/launch';
import { type ManagerContext, openRegistry } from 'portico/registry';
import { WSGIService, type WSGIServiceOptions } from 'portico/server';
import type { Manager, Registration, ServiceRecord } from 'portico/service';
import { ConfigError, printDiagnostic } from '#internal/config';
import { ConfigNotFound, PasteAppNotFound } from '#internal/loader';
import { isListening } from '#internal/service';
import { freePort } from '../fixtures/free-port.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { certificateFiles, makePair } from './certificate-files.js';
import { memoryLog } from './memory-log.js';
import { Client, exchange, portOf } from './raw-client.js';

const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const PASTE = `
[app:compute]
paste.app_factory = ./app.mjs:app

[app:metadata]
paste.app_factory = ./app.mjs:app
greeting = meta

[app:broken]
paste.app_factory = ./app.mjs:broken
`;

const APP = `
export function app({}, local, ctx) {
  const greeting = local.get('greeting') ?? 'hello';
  globalThis.events?.push('built');
  ctx.onClose(() => { globalThis.events?.push('closed'); });
  return async (req, res) => { if (req.url === '/held') await globalThis.letGo; res.end(greeting); };
}
export class Greeter {
  constructor({ host, serviceName }) { this.name = serviceName; this.hosted = typeof host === 'string'; }
  initHost() { globalThis.events?.push('init ' + this.name + ' ' + this.hosted); }
  cleanupHost() { globalThis.events?.push('cleanup ' + this.name); }
}
export const five = 5;
export function broken() { throw new Error('cannot be built'); }
`;

interface Setup {
  readonly folder: string;
  readonly config: Config;
  readonly log: ReturnType<typeof memoryLog>;
  readonly service: (name?: string, options?: WSGIServiceOptions) => WSGIService;
}

async function setup(ini = '', paste = PASTE, folder = temporaryFolder()): Promise<Setup> {
  writeFileSync(join(folder, 'api-paste.ini'), paste);
  writeFileSync(join(folder, 'app.mjs'), APP);
  writeFileSync(join(folder, 'portico.ini'), ini);
  const config = await Config.load({ files: [join(folder, 'portico.ini')], env: {}, argv: [] });
  const log = memoryLog();
  return {
    folder,
    config,
    log,
    service: (name = 'compute', options = {}) => new WSGIService(name, config, { log, ...options }),
  };
}

const GET = 'GET / HTTP/1.0\r\n\r\n';
const refused = (error: unknown): boolean => error instanceof PorticoError && 'blamesConfiguration' in error;

test('CF-61 an application that chooses its APIs by itself may have a file that says which api-cli enables', async () => {
  const { config, service } = await setup('[DEFAULT]\nenabled_apis = compute\n[api:compute]\nport = 0\n');
  service('compute', { useSsl: false });
  assert.deepEqual(config.problems({ complete: false }), []);
});

test('LC-1301 LC-1302 LC-1304 LC-1305 LC-1306 an API without options listens on 127.0.0.1, any port, a worker for each CPU', async () => {
  const service = (await setup()).service();
  assert.equal(service.name, 'compute');
  assert.equal(service.binary, 'portico-compute');
  assert.equal(service.workers, availableParallelism());
  assert.ok(isListening(service));
  assert.deepEqual(service.addresses, [{ host: '127.0.0.1', port: 0, backlog: 511 }]);
  await service.start();
  assert.ok(service.port !== undefined && service.port > 0);
  assert.match(await exchange(service.port, GET), /hello$/);
  await service.stop({ graceful: true });
  await service.wait();
});

test('CF-54 LC-1237 LC-1238 LC-1239 flat names and those of the section mean the same', async () => {
  const flat = await setup('[DEFAULT]\ncompute_listen = ::1\ncompute_listen_port = 8774\ncompute_workers = 3\n');
  const own = await setup('[api:compute]\nlisten = ::1\nport = 8774\nworkers = 3\n');
  for (const { service } of [flat, own]) {
    const compute = service();
    assert.deepEqual(compute.addresses, [{ host: '::1', port: 8774, backlog: 511 }]);
    assert.equal(compute.workers, 3);
  }
  const both = await setup('[DEFAULT]\ncompute_listen_port = 1\n[api:compute]\nport = 2\n');
  assert.throws(() => both.service(), refused);
  const listenPort = await setup('[api:compute]\nlisten_port = 8774\n');
  assert.equal(listenPort.service().port, 8774);
});

test('CF-41 an API may listen on host:port or on a unix socket', async () => {
  const pair = await setup('[api:compute]\nlisten = [::1]:99\n');
  assert.deepEqual(pair.service().addresses, [{ host: '::1', port: 99, backlog: 511 }]);
  const unix = await setup('[api:compute]\nlisten = unix:/run/compute.sock\n');
  assert.deepEqual(unix.service().addresses, [{ path: '/run/compute.sock', backlog: 511 }]);
});

test('LC-1307 CF-49 no workers are refused with their location', async () => {
  const none = await setup('[DEFAULT]\ncompute_workers = 0\n');
  assert.throws(
    () => none.service(),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /portico\.ini:2:19: error: \[api:compute\] workers: /);
      // The value occurs once, followed by the hint.
      const [, said] = error.message.split(' workers: ');
      assert.match(said ?? '', /^a value of 0 is invalid, must be greater than 0\n {2}Omit it/);
      return true;
    },
  );
});

test('LC-1306 the parts of the compute API share its number of workers', async () => {
  const paste = `${PASTE}\n[app:openstack_compute_api_v2]\npaste.app_factory = ./app.mjs:app\n`;
  const { service } = await setup('[DEFAULT]\nosapi_compute_workers = 5\n', paste);
  assert.equal(service('openstack_compute_api_v2').workers, 5);
});

test('CF-66 a misspelled option of an API is refused at its start, with the nearest name', async () => {
  const { service } = await setup('[api:compute]\nworker = 4\n');
  const compute = service();
  await assert.rejects(compute.start(), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /portico\.ini:2:.*worker: unknown option/);
    assert.match(error.message, /did you mean 'workers'/);
    return true;
  });
});

test('CF-66 other unknown options of an API are refused once its code is loaded, for it may have declared them', async () => {
  const { service } = await setup('[api:compute]\nproxy_secret = x\n');
  const compute = service();
  await assert.rejects(compute.start(), /proxy_secret: unknown option/);
});

test('LC-1221 CF-113 a paste file that is nowhere is an error that names it', async () => {
  const { service } = await setup('[DEFAULT]\napi_paste_config = nowhere.ini\n');
  assert.throws(
    () => service(),
    (error) => {
      assert.ok(error instanceof ConfigNotFound);
      assert.equal(error.message, 'Could not find config at nowhere.ini');
      return true;
    },
  );
});

test('LC-1303 a name that the paste file does not have is refused by the constructor', async () => {
  const { service } = await setup();
  assert.throws(() => service('computee'), PasteAppNotFound);
});

test('pipeline names another app of the paste file than the API', async () => {
  const { service } = await setup('[api:compute]\npipeline = metadata\n');
  const compute = service();
  assert.equal(compute.pipeline, 'metadata');
  await compute.start();
  assert.match(await exchange(portOf(compute), GET), /meta$/);
  await compute.stop();
});

test('LC-1303 the app is built at the start, before the address is bound, and closed at the end', async (t) => {
  // Between its two starts no client of another test can get its port.
  const { service } = await setup(`[api:compute]\nport = ${await freePort()}\n`);
  const events: string[] = [];
  Object.assign(globalThis, { events });
  t.after(() => Object.assign(globalThis, { events: undefined }));
  const compute = service();
  assert.deepEqual(events, []);
  await compute.start();
  assert.deepEqual(events, ['built']);
  await compute.stop({ graceful: true });
  assert.deepEqual(events, ['built', 'closed']);
  await compute.start();
  await compute.stop();
  assert.deepEqual(events, ['built', 'closed', 'built', 'closed']);
});

test('LC-1404 an app that cannot be built fails the start and leaves nothing behind', async () => {
  const { service } = await setup();
  const broken = service('broken');
  await assert.rejects(broken.start());
  assert.equal(broken.port, 0);
  await broken.stop();
});

function recording(events: string[]): Manager {
  const hook = (name: string) => async () => void events.push(name);
  return {
    initHost: hook('initHost'),
    preStartHook: hook('preStartHook'),
    postStartHook: hook('postStartHook'),
    gracefulShutdown: hook('gracefulShutdown'),
    cleanupHost: hook('cleanupHost'),
    reset: hook('reset'),
  };
}

test('MG-20 LC-1310 LC-1311 LC-1339 an API has a manager, whose hooks run in order', async () => {
  const events: string[] = [];
  const manager = recording(events);
  const compute = (await setup()).service('compute', { manager });
  assert.equal(compute.manager, manager);
  await compute.start();
  await compute.reset();
  await compute.stop({ graceful: true });
  assert.deepEqual(events, ['initHost', 'preStartHook', 'postStartHook', 'reset', 'gracefulShutdown', 'cleanupHost']);
});

test('LC-106 LC-1310 LC-1341 a manager that has a backdoorPort is told of it before it starts', async () => {
  const manager = {
    backdoorPort: null as number | string | null,
    initHost: () => assert.equal(manager.backdoorPort, 4444),
  };
  const compute = (await setup()).service('compute', { manager });
  compute.backdoorPort = 4444;
  await compute.start();
  await compute.stop();
});

test('LC-1309 LC-1346 MG-6 MG-20 the configuration may name the manager, a class that is given its surroundings', async (t) => {
  const { service } = await setup('[DEFAULT]\ncompute_manager = ./app.mjs:Greeter\n');
  const events: string[] = [];
  Object.assign(globalThis, { events });
  t.after(() => Object.assign(globalThis, { events: undefined }));
  const compute = service();
  await compute.start();
  await compute.stop({ graceful: true });
  assert.deepEqual(events, ['built', 'init compute true', 'cleanup compute', 'closed']);
});

test('LC-1309 LC-1346 MG-6 a manager may be given in code as a class or a function, with what it needs', async () => {
  const { service, config } = await setup('[servicegroup]\ndriver = memory\n');
  const given: ManagerContext[] = [];
  class Images {
    constructor(context: ManagerContext) {
      given.push(context);
    }
  }
  const made = {};
  const compute = service('compute', {
    manager: [
      Images,
      (context: ManagerContext) => {
        given.push(context);
        return made;
      },
    ],
  });
  assert.deepEqual(compute.managers, []);
  await compute.start();
  assert.ok(compute.manager instanceof Images);
  assert.equal(compute.managers[1], made);
  const [context] = given;
  assert.equal(context, given[1]);
  assert.deepEqual([context!.serviceName, context!.conf], ['compute', config]);
  const [view] = await context!.registry!.list();
  assert.equal(view!.record.binary, 'portico-compute');
  const closed: string[] = [];
  await context!.drivers.load({ close: () => closed.push('driver') });
  const copying = context!.track('copy', new Promise<void>((resolve) => setImmediate(resolve)));
  assert.deepEqual(
    compute.describeWork().map((line) => line.replace(/ \(.*/, '')),
    ['task copy'],
  );
  await copying;
  await compute.stop({ graceful: true });
  assert.deepEqual(closed, ['driver']);

  const none = service('compute', { manager: () => 5 as unknown as object });
  await assert.rejects(none.start(), {
    code: 'PORTICO_MANAGER',
    message: /^compute_manager: .* is number, not a manager$/,
  });
});

test('LC-1309 a manager that is wrong fails the start, at the location in the file that names it', async () => {
  const files = `
import { periodicTask } from 'portico/tasks';
export class BadHook { initHost = 5; }
export class BadTasks { periodicTasks = []; }
export const text = () => 'none';
export class Throws { constructor() { throw new Error('not today'); } }
`;
  const rows: Readonly<Record<string, RegExp>> = {
    './nowhere.mjs:X': /nowhere/,
    './app.mjs:Nobody': /Nobody/,
    './app.mjs:five': /five is number, not a manager/,
    './wrong.mjs:BadHook': /initHost of the manager BadHook is a number, not a function/,
    './wrong.mjs:BadTasks': /periodicTasks of the manager BadTasks is a list, not a PeriodicTasks/,
    './wrong.mjs:text': /text is string, not a manager/,
    './wrong.mjs:Throws': /not today/,
    './marked.mjs:Marked': /a periodic task has no option "spacin", at .*marked\.mjs:2:\d+$/,
  };
  for (const [reference, what] of Object.entries(rows)) {
    const { service, folder } = await setup(`[DEFAULT]\ncompute_manager = ${reference}\n`);
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(packageRoot, join(folder, 'node_modules', 'portico'), 'dir');
    writeFileSync(join(folder, 'wrong.mjs'), files);
    writeFileSync(
      join(folder, 'marked.mjs'),
      "import { periodicTask } from 'portico/tasks';\nexport class Marked { tick() {} static { periodicTask({ spacin: 1 })(this.prototype.tick); } }\n",
    );
    const place = `${join(folder, 'portico.ini')}:2:19: [DEFAULT] compute_manager: `;
    await assert.rejects(service().start(), (error) => {
      assert.ok(error instanceof PorticoError && 'blamesConfiguration' in error, String(error));
      assert.equal(error.code, 'PORTICO_MANAGER');
      assert.ok(error.message.startsWith(place), error.message);
      assert.match(error.message.slice(place.length), what);
      assert.doesNotMatch(error.message.slice(place.length), /compute_manager/);
      return true;
    });
  }
  // An existing object is checked before anything is created, by a reload and by a check.
  const { service: early, folder } = await setup('[api:compute]\nmanager = ./object.mjs:it\n');
  writeFileSync(join(folder, 'object.mjs'), "export const it = { initHost: 'no' };\n");
  await assert.rejects(
    early().prepare(),
    /portico\.ini:2:11: \[api:compute\] manager: .*initHost of the manager is a string/,
  );
  // A manager set in code has no place: the message begins with the option.
  const { service } = await setup();
  await assert.rejects(service('compute', { manager: './app.mjs:five' }).start(), /^[^/]*compute_manager: \.\/app/);
});

test('LC-1335 a restart whose manager cannot be made closes what was opened for it, and asks no manager of before', async (t) => {
  const { service, folder, config } = await setup('[DEFAULT]\ncompute_manager = ./managers.mjs:One\n');
  const events: string[] = [];
  Object.assign(globalThis, { events });
  t.after(() => Object.assign(globalThis, { events: undefined }));
  writeFileSync(
    join(folder, 'managers.mjs'),
    `class Disk { close() { globalThis.events.push('driver closed'); } }
export class One { cleanupHost() { globalThis.events.push('cleanup'); } reset() { globalThis.events.push('reset'); } }
export async function two({ drivers }) {
  await drivers.load(Disk);
  throw new Error('not today');
}`,
  );
  const compute = service();
  await compute.start();
  await compute.stop({ graceful: true });
  writeFileSync(join(folder, 'portico.ini'), '[DEFAULT]\ncompute_manager = ./managers.mjs:two\n');
  await compute.reset(await config.readAgain());
  events.length = 0;
  await assert.rejects(compute.start(), /not today/);
  assert.deepEqual(events, ['built', 'driver closed', 'closed']);
  await compute.reset();
  await compute.stop();
  assert.deepEqual(events, ['built', 'driver closed', 'closed']);
});

test('SG-30 MW-44 the health check asks whether others take the API for dead', async () => {
  const { service } = await setup(
    '',
    '[app:compute]\npaste.app_factory = portico/middleware:healthcheck\nbackends = service_record\n',
  );
  let lost = false;
  const record = { id: 1 } as unknown as ServiceRecord;
  const registration: Registration = {
    read: async () => record,
    register: async () => record,
    join: () => {},
    drain: () => {},
    leave: () => {},
    isLost: () => lost,
  };
  for (const [given, statuses] of [
    [{ registration }, [200, 503, 200]],
    [{ registration: null }, [200, 200, 200]],
  ] as const) {
    const seen: number[] = [];
    // A new one each time, because one caches its results.
    for (lost of [false, true, false]) {
      const compute = service('compute', given);
      await compute.start();
      seen.push(Number((await exchange(portOf(compute), GET)).split(' ')[1]));
      assert.match(await exchange(portOf(compute), 'GET /live HTTP/1.0\r\n\r\n'), / 200 /);
      await compute.stop();
    }
    assert.deepEqual(seen, statuses);
  }
});

async function ask(port: number, ca: string): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  const client = new Client(socket);
  client.write(GET);
  await client.closed;
  return client.received;
}

test('LC-1236 LC-1016 an API in enabled_ssl_apis speaks TLS with the certificate of [ssl] or its own', async () => {
  const files = await certificateFiles();
  const shared = await setup(
    `[DEFAULT]\nenabled_ssl_apis = compute\n[ssl]\ncert_file = ${files.cert}\nkey_file = ${files.key}\n`,
  );
  const own = await setup(
    `[DEFAULT]\nenabled_ssl_apis = compute\n[api:compute]\nssl_cert_file = ${files.cert}\nssl_key_file = ${files.key}\n`,
  );
  const nova = await setup(
    `[DEFAULT]\nenabled_ssl_apis = compute\n[wsgi]\nssl_cert_file = ${files.cert}\nssl_key_file = ${files.key}\n`,
  );
  for (const { service } of [shared, own, nova]) {
    const compute = service();
    assert.equal(compute.usesTls, true);
    const days = ((compute.certificateEnds?.getTime() ?? 0) - Date.now()) / 86_400_000;
    assert.ok(days > 364 && days < 366);
    await compute.start();
    assert.match(await ask(portOf(compute), files.pem.cert), /hello$/);
    await compute.stop();
  }
  const plain = shared.service('metadata');
  assert.equal(plain.usesTls, false);
});

test('LC-1013 LC-1014 RL-92 TLS without files, or with a pair that does not match, is refused by the constructor', async () => {
  const none = await setup('[DEFAULT]\nenabled_ssl_apis = compute\n');
  assert.throws(() => none.service(), { code: 'PORTICO_TLS_CONFIG', message: /you must specify both/ });
  const [one, two] = [await certificateFiles(), await certificateFiles()];
  const mixed = await setup(`[ssl]\ncert_file = ${one.cert}\nkey_file = ${two.key}\n`);
  assert.throws(() => mixed.service('compute', { useSsl: true }), { code: 'PORTICO_TLS_CONFIG' });
});

test('OP-3 RL-92 what is wrong with options, paste file and certificate of one API is reported at once', async () => {
  const ini =
    '[DEFAULT]\nenabled_ssl_apis = compute\n[api:compute]\nworkers = many\nssl_cert_file = none.pem\nssl_key_file = none.pem\n';
  const { service, config } = await setup(ini, 'nothing that can be read\n[app:compute]\n');
  const tellsAll = (text: string): void => {
    assert.match(text, /portico\.ini:4:11: error: \[api:compute\] workers: .*many/);
    assert.match(text, /portico\.ini:5:17: .*Unable to find cert_file : none\.pem/);
    assert.match(text, /api-paste\.ini:1:1: /);
    assert.equal(text.match(/error: \[api:compute\] workers/g)?.length, 1);
  };
  assert.throws(
    () => service(),
    (error: PorticoError) => {
      tellsAll(error.describe());
      return refused(error);
    },
  );
  const { cert, key } = await certificateFiles();
  const right = await setup(`[ssl]\ncert_file = ${cert}\nkey_file = ${key}\n`);
  const running = right.service('compute', { useSsl: true });
  const { diagnostics = [] } = running.plan(config);
  tellsAll(diagnostics.map((each) => printDiagnostic(each)).join('\n'));
  const missing = await setup(ini.replace('many', '1'), '[app:other]\nuse = egg:portico#echo\n');
  // An unknown API is not served, and its other errors do not matter.
  assert.throws(() => missing.service(), PasteAppNotFound);
});

test('OP-2 in development TLS needs no files, and there is one worker', async () => {
  const { service } = await setup('[DEFAULT]\nenabled_ssl_apis = compute\ncompute_workers = 8\n');
  const compute = service('compute', { dev: true });
  assert.equal(compute.workers, 1);
  await compute.start();
  const socket = connectTls({ port: portOf(compute), host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  assert.match(String(socket.getPeerCertificate().subject.CN), /localhost/);
  socket.destroy();
  await compute.stop();
});

test('RL-92 a CA of clients that is not valid is a warning at its option, wherever it is in the file', async () => {
  const files = await certificateFiles();
  const ca = join(files.folder, 'ca.pem');
  const authorities = await Promise.all([makePair(300, 'good'), makePair(-3, 'old')]);
  writeFileSync(ca, authorities.map(({ cert }) => cert).join('\n'));
  const { service, config, log } = await setup(
    `[DEFAULT]\nenabled_ssl_apis = compute\n[ssl]\ncert_file = ${files.cert}\nkey_file = ${files.key}\nca_file = ${ca}\n`,
  );
  const compute = service();
  const planned = compute.plan(config).certificate?.warnings ?? [];
  assert.deepEqual(
    planned.map(({ severity, code, section, option }) => [severity, code, section, option]),
    [['warning', 'PORTICO_TLS_EXPIRY', 'ssl', 'ca_file']],
  );
  assert.match(planned[0]!.message, /^The certificate of CN=old in .*ca\.pem has expired on /);
  await compute.start();
  const logged = log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
  assert.deepEqual(logged, [planned[0]!.message]);
  await compute.stop();
});

test('LC-136 LC-515 LC-1312 a stop for a reload keeps the socket: connections wait, and the next start serves them by its own app', async (t) => {
  const { service, config, folder } = await setup();
  const events: string[] = [];
  let letGo!: () => void;
  Object.assign(globalThis, { events, letGo: new Promise<void>((resolve) => (letGo = resolve)) });
  t.after(() => Object.assign(globalThis, { events: undefined, letGo: undefined }));
  const compute = service();
  await compute.start();
  const port = portOf(compute);
  const held = exchange(port, 'GET /held HTTP/1.0\r\n\r\n');
  while (compute.server.inFlight === 0) await new Promise(setImmediate);
  const changed = './app.mjs:app\ngreeting = changed\n';
  writeFileSync(join(folder, 'api-paste.ini'), PASTE.replace('./app.mjs:app\n', changed));
  const stopped = compute.stop({ graceful: true, reason: 'reload' });
  const early = exchange(port, GET);
  letGo();
  assert.match(await held, /hello$/);
  await stopped;
  assert.deepEqual(events, ['built', 'closed']);
  await compute.reset(await config.readAgain());
  const late = exchange(port, GET);
  await compute.start();
  assert.match(await early, /changed$/);
  assert.match(await late, /changed$/);
  assert.equal(portOf(compute), port);
  await compute.stop({ graceful: true });
  assert.deepEqual(events, ['built', 'closed', 'built', 'closed']);
});

test('LC-136 a stop after a stop for a reload closes the socket, with the connections that wait', async () => {
  const { service } = await setup();
  const compute = service();
  await compute.start();
  const port = portOf(compute);
  await compute.stop({ graceful: true, reason: 'reload' });
  const waiting = exchange(port, GET);
  // Its connection is accepted, or waits in the kernel's queue.
  await new Promise(setImmediate);
  await compute.stop();
  assert.equal(await waiting, '');
  assert.equal(await exchange(port, GET), '');
});

test('RL-92 RV-2 a prepared certificate that is refused serves the old one; the next start demands what the new configuration says', async (t) => {
  const files = await certificateFiles(60);
  const ini = `[DEFAULT]\nenabled_ssl_apis = compute\n[ssl]\ncert_file = ${files.cert}\nkey_file = ${files.key}\n`;
  const { service, config, folder } = await setup(ini);
  const compute = service();
  await compute.start();
  t.after(() => compute.stop());
  const cert = readFileSync(files.cert, 'utf8');
  writeFileSync(files.cert, 'broken');
  await assert.rejects(async () => compute.prepare((await config.next()).config), refused);
  assert.match(await ask(portOf(compute), cert), /hello$/);
  writeFileSync(files.cert, cert);
  writeFileSync(join(folder, 'portico.ini'), `${ini}ca_file = ${files.cert}\nclient_auth = required\n`);
  await compute.stop({ graceful: true, reason: 'reload' });
  await compute.reset(await config.readAgain());
  await compute.start();
  assert.equal(await ask(portOf(compute), cert), '');
});

test('SG-29 an API that drained because it was fenced serves again after a reload of its process', async (t) => {
  const folder = temporaryFolder();
  const ini = `[DEFAULT]\nreport_interval = 1\n[servicegroup]\nfence_on_forced_down = true\nconnection = sqlite:///${join(folder, 'services.db')}\n`;
  const { service, config, log } = await setup(ini, PASTE, folder);
  const events: string[] = [];
  Object.assign(globalThis, { events });
  t.after(() => Object.assign(globalThis, { events: undefined }));
  const compute = service();
  const launcher = new ServiceLauncher({ config, log, signals: false });
  t.after(() => launcher.stop());
  await launcher.launchService(compute);
  const registry = openRegistry(config, { log });
  assert.ok(registry !== null);
  t.after(() => registry.close());
  const { uuid } = (await registry.list())[0]!.record;
  const drained = compute.wait();
  await registry.update(uuid, { forcedDown: true });
  await drained;
  assert.deepEqual(events, ['built', 'closed']);
  await registry.update(uuid, { forcedDown: false });
  await launcher.restart();
  assert.equal(launcher.status().reloads[0]?.outcome, 'accepted');
  assert.match(await exchange(portOf(compute), GET), /hello$/);
  await launcher.stop();
  assert.deepEqual(events, ['built', 'closed', 'built', 'closed']);
});

test('OP-80 of several apps that are prepared the last one is served, and each is closed once', async (t) => {
  const { service, folder, config, log } = await setup();
  let closing!: () => void;
  const heldBack = new Promise<void>((resolve) => (closing = resolve));
  Object.assign(globalThis, { heldBack, events: [] });
  t.after(() => Object.assign(globalThis, { heldBack: undefined, events: undefined }));
  writeFileSync(
    join(folder, 'slow.mjs'),
    `let made = 0;
export function app({}, local, ctx) {
  const number = ++made;
  ctx.onClose(async () => { globalThis.events.push(number); if (number === 1) { await globalThis.heldBack; throw new Error('no'); } });
  return (req, res) => { res.end('app ' + number); };
}`,
  );
  writeFileSync(join(folder, 'api-paste.ini'), '[app:compute]\npaste.app_factory = ./slow.mjs:app\n');
  const compute = service();
  await compute.reset(await config.readAgain());
  await compute.prepare();
  const second = compute.prepare();
  while ((globalThis as unknown as { events: number[] }).events.length === 0) await new Promise(setImmediate);
  await compute.start();
  assert.match(await exchange(portOf(compute), GET), /app 2$/);
  closing();
  await (await second)();
  assert.match(await exchange(portOf(compute), GET), /app 2$/);
  await compute.stop({ graceful: true });
  assert.deepEqual((globalThis as unknown as { events: number[] }).events, [1, 2]);
  assert.ok(log.lines.some(({ message }) => message === 'closing the app failed'));
});

test('LC-1308 CF-50 the limits of [wsgi] are those of every API', async () => {
  const { service } = await setup('[wsgi]\nmax_url_length = 10\n');
  const compute = service();
  await compute.start();
  assert.match(await exchange(portOf(compute), 'GET /0123456789 HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 414 /);
  await compute.stop();
});

test('CF-50 the flat names of oslo.service still mean the options of [wsgi]', async () => {
  const { service } = await setup('[DEFAULT]\nwsgi_keep_alive = false\n');
  const compute = service();
  await compute.start();
  const client = new Client(portOf(compute));
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  assert.equal((await client.response()).headers.get('connection'), 'close');
  await compute.stop();
});

test('LC-545 a stop awaits the tasks of an API, and tells them that it comes', async () => {
  const { service } = await setup();
  const compute = service();
  await compute.start();
  const events: string[] = [];
  compute.tasks.spawn(async ({ signal }) => {
    await once(signal, 'abort');
    events.push('told');
    await new Promise((resolve) => setImmediate(resolve));
    events.push('done');
  });
  assert.equal(compute.describeWork().length, 1);
  await compute.stop({ graceful: true });
  assert.deepEqual(events, ['told', 'done']);
});

test('CF-49 max_requests asks for a fresh worker once', async () => {
  const { service } = await setup('[api:compute]\nmax_requests = 2\n');
  const compute = service();
  const asked: string[] = [];
  compute.useWorker({
    id: 0,
    workers: 1,
    generation: 1,
    supervised: true,
    requestReplacement: (why) => asked.push(why),
  });
  await compute.start();
  for (let i = 0; i < 4; i++) await exchange(portOf(compute), GET);
  await compute.stop({ graceful: true });
  assert.deepEqual(asked, ['compute has served max_requests requests']);
});

test('a health check does not wait behind the requests of the application', async () => {
  const paste = `
[composite:compute]
use = egg:Paste#urlmap
/health = health
/ = hello

[app:health]
paste.app_factory = portico.middleware:healthcheck

[pipeline:hello]
pipeline = request_id holding

[filter:request_id]
paste.filter_factory = portico.middleware:requestId

[app:holding]
paste.app_factory = ./holding.mjs:app
`.replaceAll('portico.middleware', 'portico/middleware');
  const { service, folder } = await setup('[wsgi]\ndefault_pool_size = 1\n', paste);
  writeFileSync(
    join(folder, 'holding.mjs'),
    'export const app = () => (req, res) => { globalThis.holding = (globalThis.holding ?? []).concat(res); };\n',
  );
  const compute = service();
  await compute.start();
  const clients = [new Client(portOf(compute)), new Client(portOf(compute))];
  for (const one of clients) one.write('GET /a HTTP/1.1\r\nhost: x\r\n\r\n');
  const holding = () => (globalThis as { holding?: { end(text: string): void }[] }).holding ?? [];
  while (compute.server.requests.length < 2 || holding().length < 1) await new Promise(setImmediate);
  assert.match(await exchange(portOf(compute), 'GET /health HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
  assert.equal(holding().length, 1);
  holding()[0]!.end('one');
  while (holding().length < 2) await new Promise(setImmediate);
  holding()[1]!.end('two');
  for (const one of clients) assert.equal((await one.response()).status, 200);
  for (const one of clients) one.close();
  await compute.stop();
});
