/** Clients over TCP that send a request and reset their connection: they do not pass for local processes. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { type App, compose, remoteOf } from 'portico/app';
import { proxyHeaders } from 'portico/middleware';
import { buildFilter } from 'portico/testing';
import { until } from '../../fixtures/until.js';
import { makePair } from '../certificate-files.js';
import { memoryLog } from '../memory-log.js';
import { Client, portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

test('MW-18 the address of a client that has reset its connection is its own, and nothing that it forwards is believed', async (t) => {
  const seen: string[] = [];
  const app: App = (req, res) => {
    seen.push(remoteOf(req).address);
    res.end();
  };
  const { made } = await buildFilter(proxyHeaders, { local: { trusted_proxies: '10.9.9.9' } });
  const server = await startedServer(t, 'reset', compose([made], app));
  const port = portOf(server);
  for (let sent = 0; sent < 20; sent++) {
    const socket = connect(port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 1.2.3.4\r\ncontent-length: 0\r\n\r\n', () =>
      socket.resetAndDestroy(),
    );
    await new Promise((resolve) => socket.once('close', resolve));
  }
  const last = new Client(port);
  last.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await last.closed;
  assert.ok(seen.length > 0);
  assert.deepEqual(new Set(seen), new Set(['127.0.0.1']));
});

test('NI-9 a client that resets its TLS handshake is logged with its address', async (t) => {
  const { cert, key } = await makePair();
  const log = memoryLog();
  const server = await startedServer(t, 'reset', (_req, res) => void res.end(), { tls: { cert, key }, log });
  const socket = connect(portOf(server), '127.0.0.1');
  await new Promise<void>((sent) => {
    // The header of a record, without the record.
    socket.write(Buffer.from([22, 3, 1, 1, 0]), () => sent());
  });
  const from = `127.0.0.1:${socket.localPort}`;
  socket.resetAndDestroy();
  const refused = await until(
    () => log.lines.find(({ fields }) => fields.reason === 'tls handshake failed'),
    (line) => line !== undefined,
  );
  assert.equal(refused!.fields.peer, from);
});
