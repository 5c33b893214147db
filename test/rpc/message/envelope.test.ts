/** Tests messages without a peer: those that current peers do not send, and hostile ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import {
  type RequestEnvelope,
  readReply,
  readRequest,
  UnreadableEnvelope,
  writeEnvelope,
} from '../../../dist/extras/rpc/message/envelope.js';

const MOST = 100_000;
const address = { maxBytes: MOST };

function wrapped(message: object | string, version = '2.0'): Buffer {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  return Buffer.from(JSON.stringify({ 'oslo.version': version, 'oslo.message': text }));
}

const read = (body: Buffer): RequestEnvelope => readRequest(body, address) as RequestEnvelope;

/** As a Python service sends it. */
const request = {
  method: 'resize',
  args: { id: 'a' },
  namespace: null,
  _unique_id: 'u1',
  _msg_id: 'm1',
  _reply_q: 'reply_1',
  _timeout: 6,
  _context_user_id: 'me',
};

const REQUEST: RequestEnvelope = {
  id: 'u1',
  method: 'resize',
  args: { id: 'a' },
  ns: undefined,
  ver: undefined,
  ctx: { user_id: 'me' },
  reply: { to: 'reply_1', id: 'm1' },
  deadline: undefined,
  monitor: 6000,
  trace: undefined,
};

test('a request is read in its envelope, without one, and compressed as kombu does it', () => {
  for (const body of [wrapped(request), Buffer.from(JSON.stringify(request)), deflateSync(wrapped(request))]) {
    assert.deepEqual(read(body), REQUEST);
  }
  const cast = read(wrapped({ method: 'note' }));
  assert.deepEqual([cast.args, cast.reply, cast.id.length], [{}, undefined, 32]);
  const long = '"'.repeat(MOST / 2);
  assert.throws(() => writeEnvelope({ ...REQUEST, args: { long } }, 'm of t', address), {
    code: 'PORTICO_NOT_PLAIN',
    message: /^m of t: \d+ bytes, and a message has at most 100000$/,
  });
});

test('RP-33 RP-20 the remaining time, the trace and types travel beside what Python reads', () => {
  const sent: RequestEnvelope = {
    ...REQUEST,
    args: { since: new Date(0) },
    ver: '1.2',
    ctx: { at: new Date(1) },
    deadline: 5000,
    monitor: 2500,
    trace: { traceparent: '00-1' },
  };
  const body = writeEnvelope(sent, 'm of t', address);
  assert.deepEqual(read(body), sent);
  const { 'oslo.version': version, 'oslo.message': text } = JSON.parse(body.toString()) as Record<string, string>;
  assert.deepEqual(
    [version, { ...JSON.parse(text!), _portico: undefined }],
    [
      '2.0',
      {
        _context_at: '1970-01-01T00:00:00.001000',
        method: 'resize',
        args: { since: '1970-01-01T00:00:00.000000' },
        version: '1.2',
        _msg_id: 'm1',
        _reply_q: 'reply_1',
        _timeout: 2,
        _unique_id: 'u1',
        _portico: undefined,
      },
    ],
  );
  assert.deepEqual(readRequest(writeEnvelope({ cancel: 'm1' }, 'it', address), address), { cancel: 'm1' });
});

test('RP-21 what is no request is unreadable, and its content is in no error', () => {
  const long = 'x'.repeat(300);
  for (const [body, why] of [
    [wrapped(request, '3.0'), /not of version 2.0/],
    [wrapped('{"secret": '), /^not JSON$/],
    [wrapped({ ...request, args: ['secret'] }), /not a request/],
    [wrapped({ args: {} }), /not a request/],
    ...['method', '_unique_id', 'namespace', 'version', '_msg_id', '_reply_q'].map(
      (name) => [wrapped({ ...request, [name]: long }), /not a request/] as const,
    ),
    [wrapped({ ...request, _portico: { v: 1, deadline: 1e300 } }), /not a request/],
    [
      wrapped(JSON.stringify({ ...request, _portico: { v: 1, deadline: 7 } }).replace(':7}', ':1e999}')),
      /not a request/,
    ],
    [wrapped({ ...request, _portico: { v: 1, trace: { a: 1 } } }), /not a request/],
    [wrapped({ ...request, _portico: { v: 2 } }), /extras are not of version 1/],
    [Buffer.from('BZh91AY'), /bz2/],
    [Buffer.from([0x78, 0x9c, 1, 2, 3]), /compressed/],
    [deflateSync(Buffer.alloc(MOST * 2)), /100000 bytes are allowed/],
    [Buffer.alloc(MOST + 200, 0x20), /bytes/],
    [Buffer.from([0xff, 0xfe]), /UTF-8/],
    [Buffer.from('[]'), /not an object/],
  ] as const) {
    assert.throws(
      () => read(body),
      (error: Error) => {
        assert.ok(error instanceof UnreadableEnvelope, String(error));
        assert.match(error.message, why);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  }
});

test('PY-1 SE-8 every name of arguments and of a context arrives as an own property, and none changes an object', () => {
  const names = '"__proto__": {"isAdmin": true}, "constructor": 1, "prototype": [{"\\u005f_proto__": {}}]';
  const first = read(
    wrapped(`{"method": "m", "args": {${names}}, "_context_a": 1, "_context___proto__": {"isAdmin": true}}`),
  );
  const again = read(writeEnvelope(first, 'm of t', address));
  for (const { args, ctx } of [first, again]) {
    for (const each of [args, ctx]) assert.equal((each as { isAdmin?: boolean }).isAdmin, undefined);
    assert.equal(JSON.stringify(args), '{"__proto__":{"isAdmin":true},"constructor":1,"prototype":[{"__proto__":{}}]}');
    assert.equal(JSON.stringify(ctx), '{"a":1,"__proto__":{"isAdmin":true}}');
  }
});

test('replies: results, signs of life, and failures that an older or a stranger peer writes', () => {
  const id = '41fbdb3ac52c4d948a5f5949d80831f6';
  const reply = (members: object): unknown => readReply(wrapped({ _msg_id: id, ...members }), address);
  assert.deepEqual(reply({ result: null, failure: null, ending: true }), { id, result: null });
  assert.deepEqual(reply({ result: null, failure: null, ending: false }), { id, alive: true });
  assert.deepEqual(reply({ result: 7, failure: null, ending: false }), { id, result: 7 });
  const failure = JSON.stringify({ class: 'NotFound_Remote', module: 'nova.exception_Remote', message: 'no' });
  const { failure: told } = reply({ failure, ending: true }) as { failure: { type: string; message: string } };
  assert.deepEqual([told.type, told.message], ['nova.exception.NotFound', 'no']);
  for (const name of ['constructor', '__proto__', 'toString']) {
    const { failure: odd } = reply({ failure: JSON.stringify({ class: name, message: 'no' }), ending: true }) as {
      failure: { type: string };
    };
    assert.equal(odd.type, name);
  }
  for (const wrong of ['{', '[]', '{"message": "no class"}']) {
    assert.throws(() => reply({ failure: wrong, ending: true }), UnreadableEnvelope);
  }
  assert.throws(() => readReply(wrapped({ result: 1 }), address), UnreadableEnvelope);
});
