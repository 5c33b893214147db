import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { type App, environ } from 'portico/app';
import { Client, portOf } from './raw-client.js';
import { startedServer } from './started-server.js';

setFlagsFromString('--allow-natives-syntax');
// oxlint-disable-next-line typescript/no-implied-eval -- V8 has no other name for it
const haveOneShape = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (a: object, b: object) => boolean;

const head: App = (_req, res) => void res.writeHead(200, { 'content-length': 2 }).end('ok');
const status: App = (_req, res) => {
  res.statusCode = 200;
  res.end('ok');
};

for (const [name, app] of Object.entries({ head, status })) {
  test(`the last response of a connection has the shape of those before it, so that V8 keeps its code: ${name}`, async (t) => {
    const made: { res: ServerResponse; env: object }[] = [];
    const kept: App = (req, res) => {
      made.push({ res, env: environ(req) });
      return app(req, res);
    };
    const server = await startedServer(t, 'shapes', kept, { maxRequestsPerConnection: 3 });
    const client = new Client(portOf(server));
    for (let i = 0; i < 3; i++) {
      client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      const { headers } = await client.response();
      assert.equal(headers.get('connection'), i < 2 ? 'keep-alive' : 'close');
    }
    await client.closed;
    const [, second, last] = made;
    assert.ok(haveOneShape(second!.res, last!.res));
    assert.ok(haveOneShape(second!.env, last!.env));
  });
}
