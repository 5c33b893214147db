import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { createLogger, type Logger } from 'portico';
import { nodeServer } from '../fixtures/node-server.js';

interface Line {
  readonly msg: string;
  readonly err?: { readonly type: string; readonly message: string; readonly stack: string };
  readonly [name: string]: unknown;
}

/** Returns the JSON that a call writes: the message, the error's type and message, and the facts. */
function written(call: (log: Logger) => void): unknown[] {
  const lines: string[] = [];
  call(createLogger({ format: 'json', destination: { write: (line) => void lines.push(line) } }));
  assert.equal(lines.length, 1);
  const { level: _, time: _time, pid: _pid, hostname: _host, msg, err, ...facts } = JSON.parse(lines[0]!) as Line;
  if (err !== undefined) assert.match(err.stack, /\n {4}at /);
  return [msg, err && `${err.type}: ${err.message}`, facts];
}

/** A call writes this message, error and facts. */
function writes(call: (log: Logger) => void, expected: readonly unknown[], about?: string): void {
  assert.deepEqual(written(call), expected, about);
}

/** Returns the text that a call writes, without the time. */
function text(call: (log: Logger) => void): string {
  const lines: string[] = [];
  call(createLogger({ format: 'text', destination: { write: (line) => void lines.push(line) } }));
  return lines.join('').replace(/^\[.*?\] /, '');
}

const boo = new TypeError('boo');

test('an error is the line, or goes with it', () => {
  const error = 'TypeError: boo';
  writes((log) => log.error(boo), ['boo', error, {}]);
  writes((log) => log.error(boo, 'failed'), ['failed', error, {}]);
  writes((log) => log.error({ err: boo }, 'failed'), ['failed', error, {}]);
  writes((log) => log.error({ err: boo, id: 1 }), ['boo', error, { id: 1 }]);
  writes((log) => log.error({ id: 1 }, boo), ['boo', error, { id: 1 }]);
  writes((log) => log.error('failed', boo), ['failed TypeError: boo', error, {}]);
  writes((log) => log.error('failed: %s', boo), ['failed: TypeError: boo', error, {}]);
  writes((log) => log.error(runInNewContext('new RangeError("there")')), ['there', 'RangeError: there', {}]);
});

test('an error shows its message and stack under any name, and frozen as well', () => {
  const [, , facts] = written((log) => log.error({ error: boo, id: 1 }, 'failed')) as [string, unknown, Line];
  const { type, message, stack } = facts.error as { type: string; message: string; stack: string };
  assert.deepEqual([type, message, facts.id], ['TypeError', 'boo', 1]);
  assert.match(stack, /TypeError: boo\n {4}at /);
  writes((log) => log.error({ err: Object.freeze(new Error('cold')) }, 'failed'), ['failed', 'Error: cold', {}]);
  const [, , all] = written((log) => log.error({ all: new AggregateError([boo]) }, 'failed')) as [
    string,
    unknown,
    Line,
  ];
  assert.equal((all.all as { aggregateErrors: { message: string }[] }).aggregateErrors[0]?.message, 'boo');
});

test('a message without values is written as it is', () => {
  writes((log) => log.info({ id: 1 }, '100%s of %j and %%'), ['100%s of %j and %%', undefined, { id: 1 }]);
  writes((log) => log.info('50 %% %s'), ['50 %% %s', undefined, {}]);
  writes((log) => log.info({}, 'none'), ['none', undefined, {}]);
});

test('placeholders are filled, and what none of them takes is not lost', () => {
  const rows: readonly (readonly [[unknown, ...unknown[]], string, object])[] = [
    [['hello %s', 'x'], 'hello x', {}],
    [['100% of %s, %d%%', 'it', '5'], '100% of it, 5%', {}],
    [['%i of %f', 2.7, 1.5], '2 of 1.5', {}],
    [['%j', { a: 1 }], '{"a":1}', {}],
    [['%s %s', 'one'], 'one %s', {}],
    [['%s and %s', undefined, null], 'undefined and null', {}],
    [['hello', 'you', 5], 'hello you 5', {}],
    [['list', [1, 2]], 'list [ 1, 2 ]', {}],
    [['facts behind', { id: 1 }], 'facts behind { id: 1 }', {}],
    [[{ id: 1 }, 'hello %s', 'x'], 'hello x', { id: 1 }],
    [[{ id: 1 }], '', { id: 1 }],
    [[{ id: 1, msg: 'own' }], 'own', { id: 1 }],
    [[undefined, 'x'], 'undefined x', {}],
    [[undefined], 'undefined', {}],
    [[null], 'null', {}],
    [[42, 'x'], '42 x', {}],
  ];
  for (const [line, msg, facts] of rows) {
    writes(
      (log) => log.warn(...line),
      [msg, undefined, facts],
      JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    );
  }
});

test('lines show on a terminal, with the stack of an error', () => {
  assert.match(
    text((log) => log.error(boo)),
    /^ERROR: boo\n {4}err: \{\n[\s\S]*"message": "boo",\n[\s\S]*TypeError: boo\n {14}at /,
  );
  assert.match(
    text((log) => log.error({ err: boo, id: 1 }, 'failed for %s', 'x')),
    /^ERROR: failed for x \{"id":1\}\n {4}err: \{/,
  );
  assert.equal(
    text((log) => log.info('hello %s', 'x')),
    'INFO: hello x\n',
  );
});

test('children, and loggers whose lines name the process they are about, take them too', () => {
  writes(
    (log) => log.child({ part: 'a' }).error({ err: boo }, 'failed for %s', 'x'),
    ['failed for x', 'TypeError: boo', { part: 'a' }],
  );
  const lines: string[] = [];
  const log = createLogger({ format: 'json', destination: { write: (line) => void lines.push(line) } });
  log.info({ pid: 4 }, 'about %s', 'another');
  assert.equal(lines[0]!.match(/"pid"/g)?.length, 1);
  assert.equal((JSON.parse(lines[0]!) as Line).pid, 4);
});

test('a request or a response is reported by what it was, without its headers', async (t) => {
  const { server, port } = await nodeServer(t, (_req, res) => res.end());
  const headers = { authorization: 'secret', connection: 'close' };
  get({ host: '127.0.0.1', port, path: '/here', headers }, (res) => res.resume());
  const [req, res] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  const facts = { req: { method: 'GET', url: '/here' } };
  writes((log) => log.info(req), ['', undefined, facts]);
  writes((log) => log.error(req, 'failed'), ['failed', undefined, facts]);
  writes((log) => log.error(req, 'failed %s', boo), ['failed TypeError: boo', 'TypeError: boo', facts]);
  writes((log) => log.info({ id: 1 }, 'sent', res), ['sent { res: { statusCode: 200 } }', undefined, { id: 1 }]);
});

test('the types take what a catch clause has', (t) => {
  const lines: string[] = [];
  const log: Logger = createLogger({ format: 'json', destination: { write: (line) => void lines.push(line) } });
  const caught: unknown = boo;
  log.error(caught);
  log.error(caught, 'failed');
  log.error({ err: caught }, 'failed');
  log.info('hello %s', 'x');
  log.info({ id: 1 }, 'hello');
  t.assert.equal(lines.length, 5);
});

test('no value makes logging throw: the line has what can be read of it, and says what could not', () => {
  const fail = (): never => {
    throw new Error('not to be read');
  };
  const withGetter = (name: string, more: object = {}): object =>
    Object.defineProperty({ ...more }, name, { get: fail, enumerable: true });
  const mute = Object.defineProperty(new Error('x'), 'message', { get: fail });
  const unreadable = 'Error: not to be read';
  writes((log) => log.info('took %d ms', Symbol('s')), ['took NaN ms', undefined, {}]);
  writes((log) => log.info(withGetter('socket', { id: 1 }), 'asked'), ['asked', undefined, { id: 1, unreadable }]);
  writes((log) => log.info(withGetter('url', { id: 1 }), 'asked'), ['asked', undefined, { id: 1, unreadable }]);
  assert.deepEqual(written((log) => log.info({ id: 1, inner: withGetter('any'), err: mute })).at(-1), {
    id: 1,
    unreadable,
  });
  writes((log) => log.error(mute), ['', undefined, { unreadable }]);
  assert.deepEqual(written((log) => log.error({ pid: 7, err: mute }, 'failed')).slice(0, 1), ['failed']);
  const hostile = new Proxy({}, { get: fail, ownKeys: fail, getPrototypeOf: fail });
  writes((log) => log.info(hostile, 'all of it'), ['all of it', undefined, { unreadable }]);
  class Socketless {
    readonly id = 1;
    get socket(): never {
      return fail();
    }
  }
  writes((log) => log.info(new Socketless(), 'asked'), ['asked', undefined, { id: 1 }]);
});
