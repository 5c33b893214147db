/** The effect of options that keep the names and defaults of oslo.service and nova. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Config } from 'portico/config';
import { openRegistry } from 'portico/registry';
import { launcherOptions } from '#internal/launch';
import { backdoorOptions, reportOptions } from '#internal/operating';
import { wsgiOptions } from '#internal/server';
import { heartbeatOptions, managerOptions } from '#internal/service';
import { emptyProject } from '../../fixtures/project.js';
import { memoryLog } from '../memory-log.js';
import { Client, exchange } from '../raw-client.js';
import { startedService } from '../started-server.js';

/** Starts the API `compute` with this `portico.ini`; `/never` gets no response. */
async function started(t: TestContext, ini: string) {
  const { folder } = emptyProject({
    'portico.ini': ini,
    'api-paste.ini': '[app:compute]\npaste.app_factory = ./app.js:app\n',
    'app.js': "export const app = () => (req, res) => { if (req.url !== '/never') res.end('hello'); };\n",
  });
  const config = await Config.load({ files: [join(folder, 'portico.ini')], env: {}, argv: [] });
  const log = memoryLog();
  const service = await startedService(t, 'compute', config, { log });
  return { service, port: service.port!, config, folder, log };
}

test('CF-49 CF-50 LC-1202 LC-1203 LC-1204 LC-1223 LC-1225 LC-1227 LC-1231..1234 LC-1240 LC-1241 the defaults, with nothing written', () => {
  const config = new Config();
  const values = {
    ...config.group('DEFAULT', launcherOptions, { partial: true }),
    ...config.group('DEFAULT', managerOptions, { partial: true }),
    ...config.group('DEFAULT', heartbeatOptions, { partial: true }),
    ...config.group('DEFAULT', backdoorOptions, { partial: true }),
    ...config.group('wsgi', wsgiOptions),
    ...config.group('oslo_reports', reportOptions),
  };
  const expected = {
    gracefulShutdownTimeout: 60,
    logOptions: true,
    watchConfigFiles: false,
    runExternalPeriodicTasks: true,
    backdoorPort: undefined,
    backdoorSocket: undefined,
    tcpKeepidle: 600,
    maxHeaderSize: 16_384,
    clientSocketTimeout: 900,
    reportInterval: 10,
    serviceDownTime: 60,
    periodicEnable: true,
    periodicFuzzyDelay: 60,
    managerShutdownTimeout: 50,
    host: hostname(),
    logDir: undefined,
    fileEventHandler: undefined,
  };
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(values[name as keyof typeof values], value, name);
  }
});

/** The system's timer for a connection, proc_net_tcp(5): its kind, and the seconds until it fires. */
function timerOf(localPort: number, remotePort: number): { kind: string; seconds: number } {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const [, local, remote, , , timer] = line.trim().split(/\s+/);
    if (local?.endsWith(`:${hex(localPort)}`) && remote?.endsWith(`:${hex(remotePort)}`)) {
      const [kind = '', when = ''] = timer!.split(':');
      return { kind, seconds: Number.parseInt(when, 16) / 100 };
    }
  }
  throw new Error('there is no such connection');
}

const linux = process.platform === 'linux' ? false : 'the system does not show its timers';

test('LC-1223 tcp_keepidle is the idle time after which the system probes the peer, and 0 is never', {
  skip: linux,
}, async (t) => {
  for (const [option, kind, seconds] of [
    ['', '02', 600],
    ['tcp_keepidle = 33', '02', 33],
    ['tcp_keepidle = 0', '00', 0],
  ] as const) {
    const { port } = await started(t, `[DEFAULT]\n${option}\n`);
    const client = new Client(port);
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await client.response();
    const local = (client.socket.address() as { port: number }).port;
    // Until the peer has acknowledged the response, this is the retransmission timer.
    let timer = timerOf(port, local);
    while (timer.kind === '01') timer = timerOf(port, local);
    assert.equal(timer.kind, kind, option);
    assert.ok(timer.seconds <= seconds && timer.seconds >= seconds * 0.9 - 10, `${option}: ${timer.seconds} s`);
    client.close();
  }
});

test('LC-1225 headers beyond max_header_line get 431', async (t) => {
  const { port } = await started(t, '[DEFAULT]\nmax_header_line = 2048\n');
  const ask = (length: number): Promise<string> =>
    exchange(port, `GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-padding: ${'y'.repeat(length)}\r\n\r\n`);
  assert.match(await ask(1000), /^HTTP\/1\.1 200 /);
  assert.match(await ask(3000), /^HTTP\/1\.1 431 /);
});

test('LC-1227 a connection on which nothing moves for client_socket_timeout is closed', async (t) => {
  const { port, service } = await started(t, '[DEFAULT]\nclient_socket_timeout = 1\n');
  const client = new Client(port);
  client.write('GET /never HTTP/1.1\r\nhost: x\r\n\r\n');
  await client.closed;
  assert.equal(client.received, '');
  while (service.server.inFlight > 0) await new Promise(setImmediate);
});

test('LC-1231 LC-1232 LC-1240 an API is in the registry under the name of its host, with its interval and down time', async (t) => {
  const database = join((await started(t, '')).folder, 'services.db');
  const ini = `[DEFAULT]\nhost = node-7\nreport_interval = 3\nservice_down_time = 9\n[servicegroup]\nconnection = sqlite:///${database}\n`;
  const { config, log } = await started(t, ini);
  const registry = openRegistry(config, { log });
  t.after(() => registry?.close());
  const [view] = await registry!.list();
  const { host, reportInterval, downTime } = view!.record;
  assert.deepEqual({ host, reportInterval, downTime }, { host: 'node-7', reportInterval: 3, downTime: 9 });
});
