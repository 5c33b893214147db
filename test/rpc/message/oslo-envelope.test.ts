/** Tests the codec of oslo.messaging without a peer: messages that current peers do not send, and hostile ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { UnreadableEnvelope } from '../../../dist/rpc/message/envelope.js';
import { osloCodec } from '../../../dist/rpc/message/oslo-envelope.js';

const MOST = 100_000;

function wrapped(message: object | string, version = '2.0'): Buffer {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  return Buffer.from(JSON.stringify({ 'oslo.version': version, 'oslo.message': text }));
}

const request = {
  method: 'resize',
  args: { id: 'a' },
  _unique_id: 'u1',
  _msg_id: 'm1',
  _reply_q: 'reply_1',
  _timeout: 6,
};

test('a request is read in its envelope, without one, and compressed as kombu does it', () => {
  const read = {
    id: 'u1',
    method: 'resize',
    args: { id: 'a' },
    ns: undefined,
    ver: undefined,
    ctx: { user_id: 'me' },
    reply: { to: 'reply_1', id: 'm1' },
    monitor: 6000,
  };
  const sent = { ...request, namespace: null, _context_user_id: 'me' };
  for (const body of [wrapped(sent), Buffer.from(JSON.stringify(sent)), deflateSync(wrapped(sent))]) {
    assert.deepEqual(osloCodec.readRequest(body, MOST), read);
  }
  const cast = osloCodec.readRequest(wrapped({ method: 'note' }), MOST) as { args: object; reply?: object };
  assert.deepEqual([cast.args, cast.reply], [{}, undefined]);
});

test('what is no request is unreadable, and its content is in no error', () => {
  for (const [body, why] of [
    [wrapped(request, '3.0'), /not of version 2.0/],
    [wrapped('{"secret": '), /^not JSON$/],
    [wrapped({ ...request, args: ['secret'] }), /not a request/],
    [wrapped({ args: {} }), /not a request/],
    [Buffer.from('BZh91AY'), /bz2/],
    [Buffer.from([0x78, 0x9c, 1, 2, 3]), /compressed/],
    [deflateSync(Buffer.alloc(MOST * 2)), /compressed/],
    [Buffer.alloc(MOST + 1, 0x20), /bytes/],
    [Buffer.from([0xff, 0xfe]), /./],
    [Buffer.from('[]'), /not an object/],
  ] as const) {
    assert.throws(
      () => osloCodec.readRequest(body, MOST),
      (error: Error) => {
        assert.ok(error instanceof UnreadableEnvelope, String(error));
        assert.match(error.message, why);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  }
});

test('numbers keep their value: whole ones beyond 2^53, those in texts, NaN', () => {
  const text = `{"method": "m", "args": {"a": 9007199254740993, "b": -12345678901234567890, "c": NaN, "d": [-Infinity],
    "e": "NaN 9007199254740993 \\" 1", "f": 0.10000000000000001, "g": 1e30}}`;
  const { args } = osloCodec.readRequest(wrapped(text), MOST) as { args: Record<string, unknown> };
  assert.deepEqual(args, {
    a: 9007199254740993n,
    b: -12345678901234567890n,
    c: Number.NaN,
    d: [Number.NEGATIVE_INFINITY],
    e: 'NaN 9007199254740993 " 1',
    f: 0.1,
    g: 1e30,
  });
});

test('a string with millions of escapes is read beside a long number', () => {
  const text = '\n"\\'.repeat(1_500_000);
  const message = `{"method": "m", "args": {"text": ${JSON.stringify(text)}, "number": 9007199254740993}}`;
  const { args } = osloCodec.readRequest(Buffer.from(message), 100_000_000);
  assert.equal(args.number, 9007199254740993n);
  assert.ok(args.text === text);
});

test('PY-1 SE-8 every name arrives as an own property, written with escapes or in a context, and none changes an object', () => {
  const names = '"__proto__": {"isAdmin": true}, "constructor": 1, "prototype": [{"\\u005f_proto__": {}}]';
  const read = osloCodec.readRequest(
    wrapped(`{"method": "m", "args": {${names}}, "_context_a": 1, "_context___proto__": {"isAdmin": true}}`),
    MOST,
  );
  for (const each of [read.args, read.ctx]) {
    assert.equal(Object.getPrototypeOf(each), Object.prototype);
    assert.equal((each as { isAdmin?: boolean }).isAdmin, undefined);
  }
  assert.equal(JSON.stringify(read.ctx), '{"a":1,"__proto__":{"isAdmin":true}}');
  const written = osloCodec.encode({ id: 'i', method: 'm', args: read.args, ctx: read.ctx }, 'm of t', MOST);
  const again = osloCodec.readRequest(written, MOST);
  const arrives = '{"__proto__":{"isAdmin":true},"constructor":1,"prototype":[{"__proto__":{}}]}';
  assert.deepEqual(
    [read, again].map(({ args }) => JSON.stringify(args)),
    [arrives, arrives],
  );
  assert.equal(JSON.stringify(again.ctx), JSON.stringify(read.ctx));
});

test('a whole number that Python would not read is unreadable, and so is one that Node would read slowly', () => {
  const sent = (digits: number): unknown =>
    osloCodec.readRequest(wrapped(`{"method": "m", "args": {"a": ${'7'.repeat(digits)}}}`), MOST).args.a;
  assert.equal(sent(4300), BigInt('7'.repeat(4300)));
  assert.throws(() => sent(4301), UnreadableEnvelope);
});

test('what cannot travel is refused by its path: circles, depth, functions, maps with objects as keys', () => {
  const circle: unknown[] = [];
  circle.push(circle);
  let deep: unknown = null;
  for (let level = 0; level < 50_000; level++) deep = [deep];
  for (const [value, why] of [
    [circle, /value.0: a circle/],
    [deep, /nested too deeply/],
    [() => {}, /value: a function/],
    [new Map([[{}, 1]]), /value: a map/],
    [new Date(Number.NaN), /value: an invalid date/],
  ] as const) {
    const envelope = { id: 'i', method: 'm', args: { value }, ctx: {} };
    assert.throws(() => osloCodec.encode(envelope, 'm of t', MOST), { code: 'PORTICO_NOT_PLAIN', message: why });
  }
  const long = { id: 'i', method: 'm', args: { text: 'x'.repeat(MOST) }, ctx: {} };
  assert.throws(() => osloCodec.encode(long, 'm of t', MOST), { code: 'PORTICO_NOT_PLAIN', message: /bytes/ });
});

test('replies: results, signs of life, and failures that an older or a stranger peer writes', () => {
  const id = '41fbdb3ac52c4d948a5f5949d80831f6';
  const dashed = '41fbdb3a-c52c-4d94-8a5f-5949d80831f6';
  const read = (reply: object): unknown => osloCodec.readReply(wrapped({ _msg_id: id, ...reply }), MOST);
  assert.deepEqual(read({ result: null, failure: null, ending: true }), { id: dashed, result: null });
  assert.deepEqual(read({ result: null, failure: null, ending: false }), { id: dashed, alive: true });
  assert.deepEqual(read({ result: 7, failure: null, ending: false }), { id: dashed, result: 7 });
  const failure = JSON.stringify({ class: 'NotFound_Remote', module: 'nova.exception_Remote', message: 'no' });
  const { failure: told } = read({ failure, ending: true }) as { failure: { type: string; message: string } };
  assert.deepEqual([told.type, told.message], ['nova.exception.NotFound', 'no']);
  for (const name of ['constructor', '__proto__', 'toString']) {
    const { failure: odd } = read({ failure: JSON.stringify({ class: name, message: 'no' }), ending: true }) as {
      failure: { type: string };
    };
    assert.equal(odd.type, name);
  }
  for (const wrong of ['{', '[]', '{"message": "no class"}']) {
    assert.throws(() => read({ failure: wrong, ending: true }), UnreadableEnvelope);
  }
  assert.throws(() => osloCodec.readReply(wrapped({ result: 1 }), MOST), UnreadableEnvelope);
});
