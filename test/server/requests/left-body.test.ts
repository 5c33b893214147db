import assert from 'node:assert/strict';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { type App, afterResponse, compose, Fault, remoteOf } from 'portico/app';
import { catchErrors } from 'portico/middleware';
import { buildFilter, request } from 'portico/testing';
import { Client, portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

const leaving: App = async (req, res) => {
  for await (const chunk of req) if (chunk) break;
  res.end('left');
};
const refusing: App = async (req) => {
  for await (const chunk of req) if (chunk) throw new Fault(400, { message: 'Not this.' });
};
const failing: App = async (req) => {
  await pipeline(req, new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) }));
};
const cancelling: App = async (req, res) => {
  const reader = Readable.toWeb(req).getReader();
  await reader.read();
  await reader.cancel();
  res.end('left');
};

const CHUNKS = '5\r\nxxxxx\r\n5\r\nxxxxx\r\n';
for (const [what, app, status] of [
  ['break', leaving, 200],
  ['a Fault in for await', refusing, 400],
  ['an error of a pipeline', failing, 500],
  ['a cancelled web stream', cancelling, 200],
] as const) {
  for (const [kind, head, parts] of [
    ['declared', 'Content-Length: 1000', ['xxxxx', 'xxxxx']],
    ['chunked', 'Transfer-Encoding: chunked', [CHUNKS, CHUNKS]],
  ] as const) {
    test(`a ${kind} body that its app leaves by ${what} has a response, and its client is still known`, async (t) => {
      const addresses: string[] = [];
      let begun: () => void;
      const inApp = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const observed: App = (req, res) => {
        afterResponse(res, () => addresses.push(remoteOf(req).address));
        begun();
        return app(req, res);
      };
      const server = await startedServer(t, 'left', compose([(await buildFilter(catchErrors)).made], observed));
      const client = new Client(portOf(server));
      client.write(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n`);
      await inApp;
      for (const part of parts) client.write(part);
      await client.closed;
      assert.match(client.received, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(client.received, /^connection: close\r$/im);
      assert.deepEqual(addresses, ['127.0.0.1']);
    });
  }
}

test('a Fault in for await over a body becomes a response on any server', async () => {
  const { made } = await buildFilter(catchErrors);
  assert.equal((await request(made(refusing), 'POST', '/', { body: 'xxxxx' })).status, 400);
});

for (const [how, early] of Object.entries<App>({
  'and settles': async (_req, res) => void res.end('early'),
  'and is at work': async (_req, res) => {
    res.end('early');
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
  },
})) {
  test(`RL-17 WD-1 a connection continues behind a short body that came after the response of an app that does not read ${how}`, async (t) => {
    const server = await startedServer(t, 'early', (req, res) =>
      req.url === '/' ? early(req, res) : void res.end('next'),
    );
    const client = new Client(portOf(server));
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
    assert.equal((await client.response()).body, 'early');
    client.write('helloGET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await client.response()).body, 'next');
    client.close();
  });
}
