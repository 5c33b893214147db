/** Tests upgrades behind the shipped filters: they see a normal request, and the app takes the connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type App, takeUpgrade } from 'portico/app';
import {
  catchErrors,
  compression,
  correlationId,
  cors,
  deadline,
  etag,
  faultWrapper,
  healthcheckFilter,
  passThrough,
  pathPrefix,
  proxyHeaders,
  rateLimit,
  readOnly,
  requestConfig,
  requestId,
  requestLog,
  securityHeaders,
  sizelimit,
  stats,
} from 'portico/middleware';
import type { Server } from 'portico/server';
import { buildFilter } from 'portico/testing';
import { memoryLog } from '../server/memory-log.js';
import { portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';

/** The filters that accept a request without credentials. */
const FILTERS = {
  catchErrors,
  compression,
  cors,
  correlationId,
  deadline,
  etag,
  faultWrapper,
  healthcheckFilter,
  pathPrefix,
  proxyHeaders,
  rateLimit,
  passThrough,
  readOnly,
  requestConfig,
  requestId,
  requestLog,
  securityHeaders,
  sizelimit,
  stats,
};

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';
const taken: App = (req) => void takeUpgrade(req)!.socket.end(SWITCHED);

/** Requests an upgrade and returns the server and everything that it sends. */
async function answerOf(t: TestContext, app: App): Promise<{ readonly text: string; readonly server: Server }> {
  const server = await startedServer(t, 'upgrades', app, { log: memoryLog() });
  const socket = connect(portOf(server), '127.0.0.1').setEncoding('latin1');
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (piece: string) => {
    text += piece;
  });
  const fields = 'Host: a\r\nAccept-Encoding: gzip\r\nOrigin: http://a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n';
  socket.write(`GET / HTTP/1.1\r\n${fields}\r\n`);
  await once(socket, 'close');
  return { text, server };
}

for (const [name, factory] of Object.entries(FILTERS)) {
  test(`PH-9 an upgrade goes through ${name}, and nothing is sent but what its app sends`, async (t) => {
    const local: Record<string, string> = name === 'stats' ? { name: 'test' } : {};
    const { made } = await buildFilter(factory as typeof etag, { local });
    const { text, server } = await answerOf(t, made(taken));
    assert.equal(text, SWITCHED);
    assert.equal(server.inFlight, 0);
  });
}

test('PH-9 a connection whose response a filter breaks is not left open', async (t) => {
  const { text, server } = await answerOf(t, (req, res) => {
    res.writeHead = () => {
      throw new Error('no head');
    };
    return taken(req, res);
  });
  assert.equal(text, '');
  assert.deepEqual([server.inFlight, server.describeWork()], [0, []]);
});
