/** Tests that all writes to a broker's connection in one turn of the event loop use one system call. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Connection } from 'rabbitmq-client';
import { batchSocket, batchWrites } from '../../dist/wire/index.js';
import { brokerTest, brokerUrl } from '../rpc/transport/amqp/broker.js';

test('the writes of a turn go out together, in their order, and each is called back', async (t) => {
  const { near, far } = await joined(t);
  batchSocket(near);
  const calls = writeCalls(near);
  const arrived = far.setEncoding('utf8').take(1).toArray();
  const written: number[] = [];
  for (let at = 0; at < 50; at++) near.write(`${at} `, () => written.push(at));
  assert.deepEqual(calls, []);
  await Promise.resolve();
  near.write('in a microtask');
  await turn();
  assert.deepEqual(calls, [51]);
  const numbers = [...Array(50).keys()];
  assert.equal((await arrived)[0], `${numbers.join(' ')} in a microtask`);
  assert.deepEqual(written, numbers);

  near.write('the next turn');
  await turn();
  assert.deepEqual(calls, [51, 1]);
});

test('an end and a destroy in the turn of a write behave as without', async (t) => {
  const ended = await joined(t);
  batchSocket(ended.near);
  const all = ended.far.setEncoding('utf8').toArray();
  ended.near.write('last ');
  ended.near.end('words');
  assert.equal((await all).join(''), 'last words');

  const cut = await joined(t);
  batchSocket(cut.near);
  cut.far.on('error', () => {}).resume();
  cut.near.write('lost');
  cut.near.destroy();
  await once(cut.far, 'close');
});

brokerTest('a connection of rabbitmq-client publishes a turn of messages in one write', async () => {
  const connection = new Connection(brokerUrl);
  try {
    await once(connection, 'connection');
    batchWrites(connection);
    const channel = await connection.acquire();
    await channel.confirmSelect();
    const { _socket: socket } = connection as unknown as { _socket: Socket };
    const calls = writeCalls(socket);
    const body = Buffer.from('x');
    await Promise.all(Array.from({ length: 16 }, () => channel.basicPublish({ routingKey: 'nowhere' }, body)));
    assert.equal(calls.length, 1);
    await channel.close();
  } finally {
    await connection.close();
  }
});

/** Returns the number of chunks in each call of the stream's writer. */
function writeCalls(socket: Socket): number[] {
  const calls: number[] = [];
  const { _write, _writev } = socket;
  socket._write = (chunk, encoding, callback) => {
    calls.push(1);
    _write.call(socket, chunk, encoding, callback);
  };
  socket._writev = (chunks, callback) => {
    calls.push(chunks.length);
    _writev!.call(socket, chunks, callback);
  };
  return calls;
}

async function joined(t: TestContext): Promise<{ near: Socket; far: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [[Socket], unknown];
  t.after(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far };
}
