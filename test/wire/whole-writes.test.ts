import assert from 'node:assert/strict';
import { once } from 'node:events';
import { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type App, beforeHead } from 'portico/app';
import { Server } from 'portico/server';
import { Client, exchange, portOf } from '../server/raw-client.js';

/** The body that an app answers with, byte for byte. */
async function bodyOf(t: TestContext, app: App): Promise<string> {
  const server = new Server('writes', app);
  await server.start();
  t.after(() => server.stop());
  const answer = await exchange(portOf(server), 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  return Buffer.from(body, 'latin1').toString();
}

/** Node's own writing of lists, counted. */
const countLists = (t: TestContext) => t.mock.method(Socket.prototype as Required<Socket>, '_writev').mock;

test('head and body of an answer are one write', async (t) => {
  const lists = countLists(t);
  for (const body of ['text', 'ä€😀'.repeat(5000), '']) {
    const received = await bodyOf(t, (_req, res) => {
      res.writeHead(200, { 'content-length': Buffer.byteLength(body) });
      res.end(body);
    });
    assert.equal(received, body);
  }
  assert.equal(lists.callCount(), 0);
});

test('they are also where a framework has put its own prototype in the place of ours', async (t) => {
  const lists = countLists(t);
  const received = await bodyOf(t, (_req, res) => {
    Object.setPrototypeOf(res, ServerResponse.prototype);
    res.writeHead(200, { 'content-length': 5 });
    res.end('gr\u00fcn');
  });
  assert.equal(received, 'gr\u00fcn');
  assert.equal(lists.callCount(), 0);
});

test('pieces of an answer are still written together, each in its encoding', async (t) => {
  const lists = countLists(t);
  const received = await bodyOf(t, (_req, res) => {
    res.writeHead(200, { 'content-length': 6 });
    res.write('ä');
    res.write('c3', 'hex');
    res.write(Buffer.of(0xa4));
    res.write('');
    res.write('b', 'latin1');
    res.end('c');
  });
  assert.equal(received, 'ääbc');
  assert.ok(lists.callCount() > 0);
});

test('whoever wraps the methods of all responses sees each of them', async (t) => {
  const heads = t.mock.method(ServerResponse.prototype, 'writeHead').mock;
  const ends = t.mock.method(ServerResponse.prototype, 'end').mock;
  const received = await bodyOf(t, (_req, res) => {
    res.writeHead(200, { 'content-length': 4 }).end('text');
  });
  assert.equal(received, 'text');
  assert.deepEqual([heads.callCount(), ends.callCount()], [1, 1]);
});

test('the date of an answer is the real one, whatever the clock of a test says', async (t) => {
  const server = new Server('dates', (_req, res) => {
    res.writeHead(200, { 'content-length': 2 }).end('ok');
  });
  await server.start();
  t.after(() => server.stop());
  const dateOf = async (): Promise<number> => {
    const answer = await exchange(
      portOf(server),
      'GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    );
    return Date.parse(/^Date: (.*)\r$/m.exec(answer)![1]!);
  };
  const begun = Math.floor(Date.now() / 1000) * 1000;
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 0 });
  await dateOf();
  t.mock.timers.reset();
  assert.ok((await dateOf()) >= begun);
});

test('a handler that answers after its client has left makes no head', async (t) => {
  const heads: string[] = [];
  let answered: (() => void) | undefined;
  const done = new Promise<void>((resolve) => {
    answered = resolve;
  });
  const server = new Server('left', (req, res) => {
    beforeHead(res, () => heads.push('made'));
    req.socket.once('close', () => {
      res.end('too late');
      heads.push(String(res.headersSent));
      answered?.();
    });
  });
  await server.start();
  t.after(() => server.stop());
  const client = new Client(portOf(server));
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await once(client.socket, 'ready');
  client.close();
  await done;
  assert.deepEqual(heads, ['false']);
});
