import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from 'portico/server';
import { Client, portOf } from '../raw-client.js';
import { malformedRows } from './malformed-rows.js';

/** The requests that reached the app; no refused one may. */
const reached: string[] = [];
const server = new Server('strict', (req, res) => {
  reached.push(`${req.method} ${req.url}`);
  req.resume();
  req.on('end', () => res.end('reached'));
});
before(() => server.start());
after(() => server.stop());

for (const { name, bytes, status } of malformedRows) {
  test(`${name} is refused and the connection closed`, async () => {
    reached.length = 0;
    const client = new Client(portOf(server));
    client.write(bytes);
    await client.closed;
    const [statusLine = '', ...rest] = client.received.split('\r\n');
    const got = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
    assert.ok(status.includes(got), `got ${JSON.stringify(client.received)}`);
    const text = rest.join('\r\n');
    assert.match(text, /^date: /im);
    assert.match(text, /^connection: close\r$/im);
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    assert.equal(Number(/^content-length: (\d+)\r$/im.exec(text)?.[1]), body.length);
    assert.deepEqual(Object.keys(JSON.parse(body).error), ['code', 'title', 'message']);
    assert.ok(!reached.some((line) => line.includes('smuggled')), reached.join());
    if (!name.startsWith('RL-42')) assert.deepEqual(reached, []);
  });
}

test('RL-8 a refusal has one shape, and nothing of the request in it', async () => {
  const client = new Client(portOf(server));
  client.write('GET /<script> HTTP/1.1\r\nhost: <script>\r\n\r\n');
  await client.closed;
  assert.match(
    client.received,
    /^HTTP\/1\.1 400 Bad Request\r\nconnection: close\r\nvary: Accept\r\ncontent-type: application\/json\r\ncontent-length: 86\r\nDate: [^\r]+\r\n\r\n\{"error":\{"code":400,"title":"Bad Request","message":"The Host header is not valid\."\}\}$/,
  );
});
