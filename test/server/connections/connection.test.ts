/** The states of a connection, and the fate of its input in each. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '#internal/log';
import { BrokenConnections } from '../../../dist/server/connections/broken-connections.js';
import type { Connection } from '../../../dist/server/connections/connection.js';
import {
  after,
  type ConnectionEvent,
  type ConnectionState,
} from '../../../dist/server/connections/connection-state.js';
import { ConnectionList } from '../../../dist/server/connections/connections.js';
import { Rejections, refusal } from '../../../dist/server/connections/refusal.js';

const BROKEN = refusal(400, 'malformed', 'Broken.');

const connections = new ConnectionList(
  {},
  () => undefined,
  () => undefined,
);
const broken = new BrokenConnections(new Rejections(silentLogger()), (_, res) => res.end('refused'));

/** A connection on a real socket. */
async function accepted(t: TestContext): Promise<Connection> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  // As the server has it.
  socket.on('error', () => undefined);
  const connection = connections.accept(socket);
  t.after(() => {
    connection.exchange = undefined;
    client.destroy();
    socket.destroy();
    server.close();
  });
  return connection;
}

const read = (fields = 1): IncomingMessage =>
  ({ complete: true, rawHeaders: Array.from({ length: 2 * fields }, () => 'x') }) as IncomingMessage;
const whole = read();
const half = (): IncomingMessage => Object.assign(read(), { complete: false, push: () => true });

/** Puts a connection into a state by its events. */
const INTO: Readonly<Record<ConnectionState, (connection: Connection) => void>> = {
  open: () => undefined,
  last: (connection) => void connection.takes(false),
  refused: (connection) => connection.refuse(BROKEN),
  refusing: (connection) => {
    connection.refuse(BROKEN);
    connection.move('answer');
  },
  lingering: (connection) => connection.linger(),
  upgraded: (connection) => connection.move('upgrade'),
};
const STATES = Object.keys(INTO) as ConnectionState[];

/** State after each event, by the state before; a dot: unchanged. */
const TABLE = `
           end   break    answer    linger     upgrade
open       last  refused  .         lingering  upgraded
last       .     refused  .         lingering  .
refused    .     .        refusing  lingering  .
refusing   .     .        .         lingering  .
lingering  .     .        .         .          .
upgraded   .     .        .         .          .
`;

test('RV-1 each event leads a connection from each state to one other, or changes nothing', async (t) => {
  const [head = '', ...rows] = TABLE.trim().split('\n');
  const events = head.trim().split(/\s+/) as ConnectionEvent[];
  assert.deepEqual(rows.map((row) => row.split(/\s+/)[0]).toSorted(), STATES.toSorted());
  for (const row of rows) {
    const [from, ...cells] = row.split(/\s+/) as [ConnectionState, ...string[]];
    for (const [index, event] of events.entries()) {
      const expected = cells[index] === '.' ? from : cells[index];
      const connection = await accepted(t);
      INTO[from](connection);
      connection.move(event);
      assert.deepEqual([after(from, event), connection.state], [expected, expected], `${from} ${event}`);
    }
  }
});

test('RV-1 a connection whose input is refused gets its refusal, whatever ends it before', async (t) => {
  const connection = await accepted(t);
  connection.wait(read(), () => undefined);
  connection.refuse(BROKEN);
  // The server refuses the request that waited.
  connection.end();
  assert.deepEqual([connection.state, connection.refusal], ['refused', BROKEN]);
});

test('RV-0 RV-1 only an open connection takes a request, and one behind which none may follow is its last', async (t) => {
  for (const from of STATES) {
    for (const mayFollow of [true, false]) {
      const connection = await accepted(t);
      INTO[from](connection);
      const isTaken = connection.takes(mayFollow);
      const expected = from === 'open' ? [true, mayFollow ? 'open' : 'last'] : [false, from];
      assert.deepEqual([isTaken, connection.state], expected, `${from}, ${mayFollow}`);
    }
  }
});

test('AT-21 the request beyond those that may wait is not taken, and the connection takes no more', async (t) => {
  const connection = await accepted(t);
  for (let count = 0; count < 32; count++) {
    assert.equal(connection.takes(true), true);
    connection.wait(read(), () => undefined);
  }
  assert.deepEqual([connection.takes(true), connection.state, connection.waiting?.length], [false, 'last', 32]);
});

test('AT-21 a request with more fields than may wait is not taken, unless it begins at once', async (t) => {
  const connection = await accepted(t);
  assert.equal(connection.takes(true, 2000), true);
  connection.exchange = { req: whole, res: { headersSent: true } } as never;
  for (let count = 0; count < 3; count++) {
    assert.equal(connection.takes(true, 100), true);
    connection.wait(read(100), () => undefined);
  }
  assert.equal(connection.takes(true, 20), true);
  assert.deepEqual([connection.takes(true, 21), connection.state], [false, 'last']);
});

test('RL-54 no request is taken behind a response that has announced the end', async (t) => {
  for (const [headersSent, isLast] of [
    [false, true],
    [true, false],
    [true, true],
  ]) {
    const connection = await accepted(t);
    connection.exchange = { req: whole, res: { headersSent, _last: isLast } } as never;
    const isTaken = !(headersSent && isLast);
    assert.deepEqual([connection.takes(true), connection.state], [isTaken, isTaken ? 'open' : 'last']);
  }
});

test('RV-1 a refusal, a long wait, a refused request and the end have their state, and drop a request whose rest will not come', async (t) => {
  const events: Readonly<Record<string, [(connection: Connection) => void, ConnectionState, waiting: number]>> = {
    refuse: [(connection) => connection.refuse(BROKEN), 'refused', 1],
    waitsLong: [(connection) => connection.waitsLong(), 'last', 1],
    end: [(connection) => connection.end(), 'last', 2],
    linger: [(connection) => connection.linger(), 'lingering', 0],
  };
  for (const [name, [event, state, waiting]] of Object.entries(events)) {
    const connection = await accepted(t);
    connection.wait(read(), () => undefined);
    connection.wait(half(), () => undefined);
    event(connection);
    assert.deepEqual([connection.state, connection.waiting?.length ?? 0], [state, waiting], name);
  }
});

test('a connection is idle without a request, unless a refusal is being made or another protocol has it', async (t) => {
  for (const state of STATES) {
    const connection = await accepted(t);
    INTO[state](connection);
    assert.equal(connection.idle, state !== 'refusing' && state !== 'upgraded', state);
    connection.exchange = { req: whole } as never;
    assert.equal(connection.idle, false);
  }
});

/** State after broken input, by the state before: without a request in progress, and with one. */
const AFTER_BROKEN: Readonly<Record<ConnectionState, readonly [ConnectionState, ConnectionState]>> = {
  open: ['lingering', 'refused'],
  last: ['lingering', 'last'],
  refused: ['lingering', 'refused'],
  refusing: ['refusing', 'refusing'],
  lingering: ['lingering', 'lingering'],
  upgraded: ['upgraded', 'upgraded'],
};

test('RV-0 RV-5 broken input is refused on an open connection alone, after the response in progress; elsewhere it is discarded', async (t) => {
  for (const from of STATES) {
    for (const [index, isAtWork] of [false, true].entries()) {
      const connection = await accepted(t);
      INTO[from](connection);
      if (isAtWork) connection.exchange = { req: whole, res: { headersSent: false } } as never;
      broken.clientError(Object.assign(new Error('broken'), { code: 'HPE_INVALID_METHOD' }), connection.socket);
      assert.equal(connection.state, AFTER_BROKEN[from][index], `${from}, at work: ${isAtWork}`);
      connection.exchange = undefined;
    }
  }
});

test('RL-54 after its last response a connection closes, or lingers if its client may still be sending', async (t) => {
  for (const from of ['open', 'last', 'refused', 'refusing'] as const) {
    for (const maySend of [false, true]) {
      const connection = await accepted(t);
      INTO[from](connection);
      if (maySend) connection.discard();
      connection.socket.destroySoon();
      const closes = !maySend && (from === 'open' || from === 'last');
      const expected = closes ? 'last' : 'lingering';
      assert.deepEqual([connection.state, connection.socket.writableEnded], [expected, true], `${from}, ${maySend}`);
    }
  }
});
