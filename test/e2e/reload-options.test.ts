/**
 * Each option whose change a reload applies, in one process and with workers: it is changed by a reload, and its effect is seen from outside.
 * The list of options is that of the declarations: one without a row fails.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, type TLSSocket, type ConnectionOptions as TlsClient } from 'node:tls';
import { Config } from 'portico/config';
import type { ReloadReport } from 'portico/launch';
import { openRegistry } from 'portico/registry';
import type { ServiceRecord } from 'portico/service';
import { silentLogger } from '#internal/log';
import { bundledOptions } from '../../dist/cli/configured/bundled-options.js';
import { until, untilIs } from '../fixtures/until.js';
import { makePair } from '../server/certificate-files.js';
import { Client } from '../server/raw-client.js';
import { askSocket } from './clients.js';
import { emptyProject, freePort, type Program, startProject } from './program.js';
import { reports } from './reloaded-project.js';

const APP = `
import { appFactory, defineOptions, environ, Fault, integer, Router } from 'portico';
import { sharedDatabase, sqliteConnection } from 'portico/app';
import { openDatabase } from 'portico/sqlite';
const options = defineOptions('pets', { connection: sqliteConnection({ default: 'sqlite:///pets.db' }) });
const petsOf = sharedDatabase({ group: 'pets', options, open: openDatabase });
export function plain(_globalConf, local, ctx) {
  petsOf(ctx);
  const answers = {
    '/log': () => { ctx.log.debug('a debug line'); ctx.log.info('an info line'); ctx.log.error('an error line'); return ''; },
    '/scheme': (req) => environ(req).remote?.scheme ?? 'http',
    '/headers': (req) => Object.keys(req.headers).join(' '),
    '/pid': () => String(process.pid),
    '/big': () => Buffer.alloc(30_000_000),
    '/fault': () => { throw new Fault(404, { message: 'none' }); },
    '/error': () => { throw new Error('a bug'); },
    '/known': (req) => { environ(req).identity = { userId: 'ada' }; return ''; },
  };
  return async (req, res) => {
    if (req.url === '/held') return new Promise((end) => res.once('close', end));
    if (req.method === 'POST') for await (const _ of req);
    res.end(answers[req.url]?.(req) ?? 'greeting ' + local.get('greeting'));
  };
}
const none = defineOptions('routed', {});
export const routed = appFactory('routed', none, () => {
  const router = new Router();
  router.get('/', () => ({ ok: true }));
  router.get('/number', { query: { type: 'object', properties: { n: { type: 'integer' } } } }, () => ({}));
  return router.build();
});
`;

const MANAGERS = `
import { periodicTask } from 'portico/tasks';
import { writeSync } from 'node:fs';
const say = (text) => writeSync(2, text + '\\n');
export class First {
  initHost() { say('First begins'); }
  gracefulShutdown(ms) { say('First has ' + ms + ' ms'); }
  outside() { say('a task outside'); }
  tick() { say('a tick'); }
}
periodicTask({ spacing: 60, runImmediately: true, externalProcessOk: true })(First.prototype.outside);
periodicTask({ spacing: 60, runImmediately: true })(First.prototype.tick);
export class Second { initHost() { say('Second begins'); } }
export class Stock { initHost() { say('Stock begins'); } count() { return 1; } }
export class OtherStock { initHost() { say('OtherStock begins'); } count() { return 2; } }
`;

type Mode = 'one process' | 'workers';

/** A running process, and what its clients see. */
interface Fleet {
  readonly mode: Mode;
  readonly program: Program;
  readonly folder: string;
  readonly ports: Readonly<Record<'plain' | 'routed' | 'tls' | 'late', number>>;
  /** Output since the last reload began. */
  output(): string;
  status(): Promise<Status>;
  records(): Promise<readonly ServiceRecord[]>;
  readonly report: ReloadReport | undefined;
  /** A connection to `/held` of the API plain, from before the reload. */
  readonly held: Client | undefined;
}

interface Status {
  readonly services: readonly {
    readonly name: string;
    readonly ready: number;
    readonly connections: { readonly limit: number };
    readonly workers: readonly {
      readonly state: string;
      readonly inFlight?: number;
      readonly periodic?: readonly unknown[];
    }[];
  }[];
}

/** One option: its value after the reload, and what is seen of it, by default before the reload too. */
interface Row {
  /** Number of the reload that changes it, from 1. Options of one reload do not hide each other. */
  readonly reload: number;
  /** Number of the reload after which it is seen, for what a stop reads. Default: `reload`. */
  readonly lookAt?: number;
  /** The API or service, for options of their sections. */
  readonly of?: string;
  readonly to: string;
  /** Its value until then. Default: none is written. */
  readonly from?: string;
  /** Further lines of the configuration that the effect needs, as `group.option`. */
  readonly with?: Readonly<Record<string, string>>;
  readonly see: (fleet: Fleet, expected: RegExp) => Promise<string> | string;
  /** What is seen before any reload; absent where nothing happens, for which no test can wait. */
  readonly was?: RegExp;
  readonly is: RegExp;
  /** Has no effect in the other mode, as its help or docs/operate/signals.md says. */
  readonly only?: Mode;
}

/** An option without a row, and the reason. */
type Unseen = string;

const exchange = async (port: number, head: string): Promise<string> => {
  const client = new Client(port);
  client.write(head);
  await client.closed;
  return client.received;
};
const get =
  (path: string, fields = '') =>
  (fleet: Fleet) =>
    exchange(fleet.ports.plain, `GET ${path} HTTP/1.1\r\nhost: x\r\n${fields}connection: close\r\n\r\n`);
const kept = async ({ ports }: Fleet): Promise<string> => {
  const client = new Client(ports.plain);
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const { headers } = await client.response();
  client.close();
  return `${headers.get('connection')}, ${headers.get('keep-alive')}`;
};
/** What is received until the server closes a connection on which a client is silent after `head`. */
const silent =
  (head: string, path: 'plain' | 'tls' = 'plain') =>
  async ({ ports }: Fleet): Promise<string> => {
    const received = await exchange(ports[path], head);
    return `closed after: ${received}`;
  };
const PART = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc';

/** The response beside this number of requests: under a concurrency limit of one, the first is in progress, and the others wait. */
const beside =
  (others: number) =>
  async (fleet: Fleet): Promise<string> => {
    const before = Array.from({ length: others }, () => new Client(fleet.ports.plain));
    const untilInFlight = (count: number): Promise<unknown> =>
      until(
        async () =>
          (await fleet.status()).services
            .find(({ name }) => name === 'plain')
            ?.workers.some(({ inFlight }) => inFlight === count),
        Boolean,
      );
    for (const [index, client] of before.entries()) {
      client.write('GET /held HTTP/1.1\r\nhost: x\r\n\r\n');
      await untilInFlight(index + 1);
    }
    const answer = await get('/')(fleet);
    for (const client of before) client.close();
    // Otherwise those of the next row would find the queue full.
    await untilInFlight(0);
    return answer;
  };

/** A handshake with the API tls, then a response. */
const handshake =
  (more: TlsClient = {}) =>
  async ({ ports }: Fleet): Promise<string> => {
    const socket: TLSSocket = connectTls({ port: ports.tls, host: '127.0.0.1', rejectUnauthorized: false, ...more });
    try {
      await once(socket, 'secureConnect');
      const { subject } = socket.getPeerCertificate();
      const facts = `${String(subject?.CN)} ${socket.getCipher().name} ${socket.getProtocol()}`;
      socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      return `${facts}: ${text}`;
    } catch (error) {
      return `refused: ${(error as Error).message}`;
    } finally {
      socket.destroy();
    }
  };

/** A figure of the status, once it is the expected one: workers tell theirs with their next heartbeat. */
const ofStatus =
  (name: string, what: (service: Status['services'][number]) => unknown) => async (fleet: Fleet, expected: RegExp) =>
    until(
      async () => String((await fleet.status()).services.filter((each) => each.name === name).map(what)),
      (text) => expected.test(text),
    );
const record = (column: 'reportInterval' | 'downTime' | 'topic') => async (fleet: Fleet) => {
  const [found] = await until(
    async () =>
      (await fleet.records()).filter(({ binary, state }) => binary === 'portico-stock' && state === 'running'),
    ({ length }) => length > 0,
  );
  return String(found![column]);
};
/** Lines of the process since the last reload began, once one of them matches. */
const said = (pattern: RegExp) => (fleet: Fleet) =>
  until(
    () => fleet.output(),
    (text) => pattern.test(text),
  );
const jobs = ofStatus('routed', ({ workers }) => workers.at(-1)?.periodic?.length ?? 0);
const logged = async (fleet: Fleet): Promise<string> => {
  const before = fleet.program.output().length;
  await get('/log')(fleet);
  await fleet.program.printed(/an error line/, before);
  return ['debug', 'info', 'error']
    .filter((level) => fleet.program.output().slice(before).includes(` ${level} line`))
    .join(' ');
};
const number = async ({ ports }: Fleet) =>
  exchange(ports.routed, 'GET /number?n=x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
/** The line of `/proc/net/tcp` of a connection at the server's end, '' without one; 01: established. */
function serverSide(server: number, client: number): string {
  const port = (number: number): string => number.toString(16).toUpperCase().padStart(4, '0');
  const ends = `:${port(server)} 0100007F:${port(client)} 01`;
  return (
    readFileSync('/proc/net/tcp', 'latin1')
      .split('\n')
      .find((line) => line.includes(ends)) ?? ''
  );
}
/** The time until the keepalive timer of a connection, which the kernel tells in hexadecimal hundredths of a second. */
const keepidle = async ({ ports }: Fleet): Promise<string> => {
  const socket = connect(ports.plain, '127.0.0.1');
  await once(socket, 'connect');
  const line = await until(
    () => serverSide(ports.plain, socket.localPort!),
    (found) => found.includes(' 02:'),
  );
  socket.destroy();
  const hundredths = Number.parseInt(/ 02:([0-9A-F]+)/.exec(line)![1]!, 16);
  return hundredths > 10_000 ? 'more than 100 s' : 'less than 100 s';
};

const RELOADS = 5;
/** The configuration changes once more, and the application reloads by itself; then it stops. */
const LAST = RELOADS + 1;

const ROWS: Readonly<Record<string, Row | Unseen>> = {
  'DEFAULT.other_names': {
    reload: 1,
    to: 'placement',
    with: { 'placement.url': 'x' },
    see: ({ report }) => String(report?.outcome),
    is: /accepted/,
  },
  'DEFAULT.os_env_compat': {
    reload: 4,
    from: 'false',
    to: 'true',
    see: get(`/${'a'.repeat(200)}`),
    was: / 200 /,
    is: / 414 /,
  },
  'DEFAULT.check_file_modes': {
    reload: 1,
    from: 'false',
    to: 'true',
    see: ({ report }) => report?.warnings.join() ?? '',
    was: /^$/,
    is: /file's mode is 644/,
  },
  'DEFAULT.state_path': {
    reload: 1,
    to: 'other',
    see: ({ folder }) => String(existsSync(join(folder, 'other', 'pets.db'))),
    was: /false/,
    is: /true/,
  },
  'DEFAULT.debug': { reload: 1, from: 'false', to: 'true', see: logged, was: /^info error$/, is: /^debug info error$/ },
  'DEFAULT.log_level': { reload: 3, from: 'info', to: 'error', see: logged, was: /^info error$/, is: /^error$/ },
  'DEFAULT.host': {
    reload: 1,
    from: 'north',
    to: 'south',
    see: async (fleet) => (await fleet.records()).map(({ host }) => host).join(),
    was: /^north(,north)*$/,
    is: /south/,
  },
  'DEFAULT.report_interval': { reload: 1, from: '1', to: '7', see: record('reportInterval'), was: /^1$/, is: /^7$/ },
  'DEFAULT.service_down_time': { reload: 1, to: '99', see: record('downTime'), was: /^60$/, is: /^99$/ },
  'DEFAULT.periodic_enable': { reload: 1, to: 'false', see: jobs, was: /^2$/, is: /^0$/ },
  'DEFAULT.periodic_fuzzy_delay': { reload: 2, from: '3600', to: '0', see: said(/a tick/), is: /a tick/ },
  'DEFAULT.run_external_periodic_tasks': { reload: 2, to: 'false', see: said(/a tick/), is: /^(?!.*a task outside)/s },
  'DEFAULT.manager_shutdown_timeout': {
    reload: 3,
    to: '3',
    lookAt: 4,
    see: said(/First has \d+ ms/),
    is: /First has 3000 ms/,
  },
  'DEFAULT.fault_style': {
    reload: 1,
    to: 'problem',
    see: get('/fault'),
    was: /application\/json/,
    is: /application\/problem\+json/,
  },
  'DEFAULT.invalid_input_status': { reload: 1, to: '422', see: number, was: / 400 /, is: / 422 / },
  'DEFAULT.api_paste_config': {
    reload: 1,
    to: 'other-paste.ini',
    see: get('/'),
    was: /greeting first/,
    is: /greeting second/,
  },
  'DEFAULT.enabled_apis': {
    reload: 2,
    from: 'plain, routed, tls',
    to: 'plain, routed, tls, late',
    see: async ({ ports }) => exchange(ports.late, 'GET / HTTP/1.0\r\n\r\n'),
    was: /^$/,
    is: /greeting first/,
  },
  'DEFAULT.enabled_services': {
    reload: 2,
    from: 'stock',
    to: 'stock, more',
    see: async (fleet) => (await fleet.status()).services.map(({ name }) => name).join(),
    was: /^(?!.*more)/,
    is: /more/,
  },
  'DEFAULT.enabled_ssl_apis': {
    reload: 4,
    from: 'tls',
    to: 'tls, routed',
    see: async (fleet) => handshake()({ ...fleet, ports: { ...fleet.ports, tls: fleet.ports.routed } }),
    was: /refused/,
    is: / 200 OK/,
  },
  'DEFAULT.backdoor_port': { reload: 2, to: '0', see: said(/Backdoor listening on \d+/), is: /Backdoor/ },
  'DEFAULT.backdoor_socket': {
    reload: 1,
    to: 'backdoor-{pid}',
    see: said(/Backdoor listening on \S*backdoor-\d+/),
    is: /Backdoor/,
  },
  'DEFAULT.graceful_shutdown_timeout': 'a time of a stop: test/e2e/launch-stopping.test.ts',
  'DEFAULT.drain_timeout': {
    reload: 3,
    to: '0.2',
    see: ({ held }) => held!.closed.then(() => held!.received),
    is: /^$/,
  },
  'DEFAULT.worker_timeout': 'ends a process: test/launch/exit-status.test.ts, test/launch/parent/heartbeats.test.ts',
  'DEFAULT.worker_start_timeout':
    'refuses a reload: test/launch/in-process/in-process-reload.test.ts, test/launch/reload',
  'DEFAULT.max_memory': 'ends a worker: test/launch/parent/memory-limit.test.ts',
  'DEFAULT.reload_pause': 'of one process: test/launch/in-process/api-reload.test.ts',
  'DEFAULT.drain_delay': { reload: LAST, to: '600', see: get('/'), is: /connection: close.*greeting/is },
  'DEFAULT.second_term': { reload: LAST, to: 'force', see: ended, is: /"code":1|SIG/ },
  'DEFAULT.sigint':
    'ends the process, as second_term does, which is read in the same place: src/launch/process/signals.ts',
  'DEFAULT.sighup_foreground': 'needs a terminal: test/launch/process/signals.test.ts',
  'DEFAULT.max_restarts': 'ends the process: test/launch/parent/start-limits.test.ts',
  'DEFAULT.watch_config_files': { reload: RELOADS, from: 'false', to: 'true', see: reloadsByItself, is: /accepted/ },
  'DEFAULT.log_options': {
    reload: 2,
    to: 'false',
    with: { 'DEFAULT.debug': 'true' },
    see: said(/"event":"reload"/),
    is: /^(?!.*max_url_length +=)/s,
  },
  'api:<name>.workers': {
    of: 'routed',
    reload: 1,
    from: '1',
    to: '2',
    only: 'workers',
    see: ofStatus('routed', ({ ready }) => ready),
    is: /^2$/,
  },
  'api:<name>.ssl_cert_file': {
    of: 'tls',
    reload: 2,
    to: 'third.pem',
    see: handshake(),
    was: /^first /,
    is: /^third /,
  },
  'api:<name>.ssl_key_file': {
    of: 'tls',
    reload: 2,
    to: 'third-key.pem',
    see: handshake(),
    was: /^first /,
    is: /^third /,
  },
  'api:<name>.ssl_ca_file': { of: 'tls', reload: 5, to: 'first.pem', see: handshake(), was: / 200 OK/, is: /refused/ },
  'api:<name>.max_requests': { of: 'plain', reload: RELOADS, to: '1', only: 'workers', see: otherPid, is: /another/ },
  'api:<name>.pipeline': {
    of: 'plain',
    reload: 3,
    to: 'other',
    see: get('/'),
    was: /greeting first/,
    is: /greeting other/,
  },
  'api:<name>.manager': {
    of: 'routed',
    reload: 4,
    from: './managers.js:First',
    to: './managers.js:Second',
    see: said(/\w+ begins/),
    is: /Second begins/,
  },
  'api:<name>.fault_style': {
    of: 'routed',
    reload: 2,
    to: 'problem',
    see: number,
    was: /application\/json/,
    is: /application\/problem\+json/,
  },
  'api:<name>.paths': {
    of: 'routed',
    reload: 3,
    to: 'refuse',
    see: ({ ports }) => exchange(ports.routed, 'GET // HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'),
    was: / 200 /,
    is: / 400 /,
  },
  'api:<name>.cache_control': {
    of: 'plain',
    reload: 1,
    to: 'none',
    see: get('/known'),
    was: /cache-control: private/,
    is: / 200 (?!.*cache-control)/s,
  },
  'service:<name>.manager': {
    of: 'stock',
    reload: 2,
    from: './managers.js:Stock',
    to: './managers.js:OtherStock',
    see: said(/OtherStock begins/),
    is: /OtherStock begins/,
  },
  'service:<name>.topic': {
    of: 'stock',
    reload: 1,
    from: 'goods',
    to: 'stuff',
    see: record('topic'),
    was: /^goods$/,
    is: /^stuff$/,
  },
  'service:<name>.workers': {
    of: 'stock',
    reload: 1,
    from: '1',
    to: '2',
    only: 'workers',
    see: ofStatus('stock', ({ ready }) => ready),
    is: /^2$/,
  },
  'ssl.cert_file': { reload: 1, from: 'first.pem', to: 'second.pem', see: handshake(), was: /^first /, is: /^second / },
  'ssl.key_file': {
    reload: 1,
    from: 'first-key.pem',
    to: 'second-key.pem',
    see: handshake(),
    was: /^first /,
    is: /^second /,
  },
  'ssl.ca_file': { reload: 3, to: 'first.pem', see: handshake(), was: / 200 OK/, is: /refused/ },
  'ssl.client_auth': {
    reload: 4,
    to: 'optional',
    with: { 'ssl.ca_file': 'first.pem' },
    see: handshake(),
    was: / 200 OK/,
    is: / 200 OK/,
  },
  'ssl.min_version': {
    reload: 1,
    to: 'TLSv1.3',
    see: handshake({ maxVersion: 'TLSv1.2' }),
    was: /TLSv1\.2: /,
    is: /refused/,
  },
  'ssl.version': {
    reload: 2,
    to: 'TLSv1_2',
    see: handshake({ minVersion: 'TLSv1.3' }),
    was: /TLSv1\.3: /,
    is: /refused/,
  },
  'ssl.ciphers': {
    reload: 4,
    to: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    see: handshake({ maxVersion: 'TLSv1.2' }),
    was: / ECDHE-ECDSA-AES256/,
    is: / ECDHE-ECDSA-AES128/,
  },
  'wsgi.max_header_size': {
    reload: 1,
    to: '1024',
    see: get('/', `x-long: ${'a'.repeat(2000)}\r\n`),
    was: / 200 /,
    is: / 431 /,
  },
  'wsgi.max_headers': { reload: 1, to: '5', see: get('/', 'x-a: 1\r\n'.repeat(9)), was: / 200 /, is: / 431 / },
  'wsgi.max_url_length': { reload: 1, to: '100', see: get(`/${'a'.repeat(200)}`), was: / 200 /, is: / 414 / },
  'wsgi.paths': { reload: 4, to: 'refuse', see: get('//'), was: / 200 /, is: / 400 / },
  'wsgi.max_connections': {
    reload: 1,
    from: '77',
    to: '66',
    see: ofStatus('plain', ({ connections }) => connections.limit),
    was: /^77$/,
    is: /^66$/,
  },
  'wsgi.max_requests_per_connection': { reload: 2, to: '1', see: kept, was: /^keep-alive/, is: /^close/ },
  'wsgi.headers_timeout': { reload: 2, from: '600', to: '1', see: silent('GET / HTTP/1.1\r\nhost'), is: / 408 / },
  'wsgi.body_grace': { reload: 3, from: '600', to: '0.1', see: silent(PART), is: / 408 / },
  'wsgi.min_body_rate': { reload: 3, from: '1', to: '1000000', see: silent(PART), is: / 408 / },
  'wsgi.request_timeout': { reload: 2, from: '600', to: '1', see: silent(PART), is: / 408 / },
  'wsgi.keep_alive': { reload: 3, to: 'false', see: kept, was: /^keep-alive/, is: /^close/ },
  'wsgi.keep_alive_timeout': { reload: 1, to: '30', see: kept, was: /timeout=64/, is: /timeout=29/ },
  'wsgi.send_timeout': { reload: 1, from: '600', to: '1', see: unread, is: /closed/ },
  'wsgi.handshake_timeout': { reload: 1, from: '600', to: '0.5', see: silent('', 'tls'), is: /^closed after: $/ },
  'wsgi.client_socket_timeout': {
    reload: RELOADS,
    to: '1',
    see: silent('GET /held HTTP/1.1\r\nhost: x\r\n\r\n'),
    is: /^closed after: $/,
  },
  'wsgi.tcp_keepidle': { reload: 1, to: '60', see: keepidle, was: /more/, is: /less/ },
  'wsgi.default_pool_size': { reload: 2, to: '1', see: beside(2), was: / 200 /, is: / 503 / },
  'wsgi.max_queue': { reload: 2, to: '1', see: beside(2), was: / 200 /, is: / 503 / },
  'wsgi.secure_proxy_ssl_header': {
    reload: 1,
    to: 'X-Forwarded-Proto',
    see: get('/scheme', 'x-forwarded-proto: https\r\n'),
    was: /http$/,
    is: /https$/,
  },
  'wsgi.server_debug': { reload: 1, to: 'true', see: get('/error'), was: /^(?!.*app\.js)/s, is: /app\.js/ },
  'wsgi.allow_underscore_headers': {
    reload: 1,
    to: 'true',
    see: get('/headers', 'x_a: 1\r\n'),
    was: /^(?!.*x_a)/s,
    is: /x_a/,
  },
};

async function ended({ program }: Fleet): Promise<string> {
  program.kill('SIGTERM');
  return JSON.stringify(await program.ended);
}

/** Waits until the server has given up a connection whose client does not read, which the client itself does not notice. */
async function unread({ ports }: Fleet): Promise<string> {
  const client = new Client(ports.plain);
  await once(client.socket, 'connect');
  client.socket.pause();
  client.write('GET /big HTTP/1.1\r\nhost: x\r\n\r\n');
  const { localPort } = client.socket;
  const line = (): string => serverSide(ports.plain, localPort!);
  await until(line, (text) => text !== '');
  await untilIs(line, '');
  client.close();
  return 'closed';
}

async function otherPid(fleet: Fleet): Promise<string> {
  const first = (await get('/pid')(fleet)).split('\r\n').at(-1);
  await until(
    async () => (await get('/pid')(fleet)).split('\r\n').at(-1),
    (pid) => pid !== first,
  );
  return 'another';
}

async function reloadsByItself({ folder, program }: Fleet): Promise<string> {
  const known = reports(program).length;
  const file = join(folder, 'portico.ini');
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n# Changed.\n`);
  await until(
    () => reports(program).length,
    (count) => count > known,
  );
  return reports(program)[known]!.outcome;
}

/** Returns the configuration after a reload; 0: at the start. */
function ini(reload: number, mode: Mode, fixed: Readonly<Record<string, string>>): string {
  const values: Record<string, string> = { ...fixed };
  for (const [name, row] of Object.entries(ROWS)) {
    if (typeof row === 'string' || (row.only ?? mode) !== mode) continue;
    const option = row.of === undefined ? name : name.replace('<name>', row.of);
    if (row.from !== undefined) values[option] ??= row.from;
    if (row.reload === reload) Object.assign(values, row.with, { [option]: row.to });
  }
  const sections = new Map<string, string[]>();
  for (const [option, value] of Object.entries(values)) {
    const [, group = '', name = ''] = /^(.+)\.(\w+)$/.exec(option) ?? [];
    sections.set(group, [...(sections.get(group) ?? []), `${name} = ${value}`]);
  }
  return [...sections].map(([group, lines]) => `[${group}]\n${lines.join('\n')}\n`).join('');
}

/** Reports whether the reload ends old requests soon. */
function cutsOff(reload: number): boolean {
  const row = ROWS['DEFAULT.drain_timeout'];
  return typeof row === 'object' && row.reload === reload;
}

async function start(t: TestContext, mode: Mode) {
  const ports = { plain: await freePort(), routed: await freePort(), tls: await freePort(), late: await freePort() };
  const fixed: Record<string, string> = {
    ...(mode === 'one process' && { 'DEFAULT.workers': '0' }),
    'DEFAULT.log_format': 'json',
    'control.socket': 'control.sock',
    'servicegroup.connection': 'sqlite:///services.db',
    'api:tls.pipeline': 'plain',
    'api:late.pipeline': 'plain',
    'service:more.manager': './managers.js:Stock',
  };
  for (const [name, port] of Object.entries(ports))
    Object.assign(fixed, {
      [`api:${name}.port`]: String(port),
      ...(mode === 'workers' && { [`api:${name}.workers`]: '1' }),
    });
  const paste = (greeting: string): string =>
    `[app:plain]\npaste.app_factory = ./app.js:plain\ngreeting = ${greeting}\n[app:other]\npaste.app_factory = ./app.js:plain\ngreeting = other\n[app:routed]\npaste.app_factory = ./app.js:routed\n`;
  const certificates: Record<string, string> = {};
  for (const name of ['first', 'second', 'third']) {
    const { cert, key } = await makePair(365, name);
    Object.assign(certificates, { [`${name}.pem`]: cert, [`${name}-key.pem`]: key });
  }
  const project = emptyProject({
    'app.js': APP,
    'managers.js': MANAGERS,
    'api-paste.ini': paste('first'),
    'other-paste.ini': paste('second'),
    'portico.ini': ini(0, mode, fixed),
    ...certificates,
  });
  const { folder } = project;
  for (const name of ['first', 'second', 'third']) chmodSync(join(folder, `${name}-key.pem`), 0o644);
  const program = startProject(t, project, [], { OS_WSGI__MAX_URL_LENGTH: '100' });
  await program.printed(/"event":"ready"/);
  const socket = join(folder, 'control.sock');
  const where = Config.fromText(`[servicegroup]\nconnection = sqlite:///${join(folder, 'services.db')}\n`);
  const registry = openRegistry(where, { log: silentLogger() })!;
  t.after(() => registry.close());
  let since = 0;
  let report: ReloadReport | undefined;
  let held: Client | undefined;
  const fleet: Fleet = {
    mode,
    program,
    folder,
    ports,
    output: () => program.output().slice(since),
    status: async () => (await askSocket<Status>(socket, 'GET', '/status')).body,
    records: async () => (await registry.list()).map(({ record: found }) => found),
    get report() {
      return report;
    },
    get held() {
      return held;
    },
  };
  const reload = async (number: number): Promise<void> => {
    held = cutsOff(number) ? new Client(ports.plain) : undefined;
    held?.write('GET /held HTTP/1.1\r\nhost: x\r\n\r\n');
    if (held !== undefined) {
      await until(
        async () =>
          (await fleet.status()).services
            .find(({ name }) => name === 'plain')
            ?.workers.some(({ inFlight }) => inFlight === 1),
        Boolean,
      );
    }
    writeFileSync(join(folder, 'portico.ini'), ini(number, mode, fixed));
    since = program.output().length;
    report = (await askSocket<ReloadReport>(socket, 'POST', '/reload')).body;
    assert.equal(report.outcome, 'accepted', JSON.stringify(report, undefined, 2));
  };
  return { fleet, reload };
}

test('RW-1 each option that a reload applies has a row', async () => {
  const groups = ['DEFAULT', 'api:<name>', 'service:<name>', 'wsgi', 'ssl'];
  const declared = (await bundledOptions())
    .filter(({ group }) => groups.includes(group))
    .flatMap(({ group, options }) =>
      Object.entries(options).flatMap(([name, { restart }]) => (restart === true ? [] : [`${group}.${name}`])),
    );
  assert.deepEqual(Object.keys(ROWS).toSorted(), declared.toSorted());
});

for (const mode of ['one process', 'workers'] as const) {
  test(`RW-1 RW-10 RV-11 a reload applies each option that it calls applied: ${mode}`, async (t) => {
    const { fleet, reload } = await start(t, mode);
    const rows = Object.entries(ROWS).flatMap(([name, row]) =>
      typeof row === 'string' || (row.only ?? mode) !== mode ? [] : [{ name, ...row }],
    );
    const wrong: string[] = [];
    const look = async (name: string, see: Row['see'], expected: RegExp): Promise<void> => {
      const seen = await see(fleet, expected);
      if (!expected.test(seen)) wrong.push(`${name}: ${seen.slice(0, 400)} is not ${expected}`);
    };
    for (const { name, see, was } of rows) if (was !== undefined) await look(`${name} before`, see, was);
    assert.deepEqual(wrong, []);
    for (let number = 1; number <= LAST; number++) {
      await reload(number);
      if (number === LAST) fleet.program.kill('SIGTERM');
      for (const { name, see, is } of rows.filter(({ reload: at, lookAt = at }) => lookAt === number))
        await look(`${name} after reload ${number}`, see, is);
    }
    assert.deepEqual(wrong, []);
  });
}
