/**
 * Envelopes of oslo.messaging (`_drivers/common.py`, `_drivers/amqpdriver.py`): a JSON object with two texts, one of them the JSON of the
 * message.
 */
import { randomUUID } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import {
  type Envelope,
  type EnvelopeCodec,
  type FailureEnvelope,
  isName,
  isRecord,
  messageId,
  type ReplyEnvelope,
  type RequestEnvelope,
  UnreadableEnvelope,
} from './envelope.js';
import { tooLong } from './json-codec.js';
import { osloFailure, readOsloFailure } from './oslo-failure.js';
import { osloText, osloValue } from './oslo-values.js';

const VERSION = '2.0';
const CONTEXT = '_context_';
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Writes and reads such envelopes. */
export const osloCodec: EnvelopeCodec = {
  canCancel: false,
  encode(envelope, what, maxBytes) {
    const body = Buffer.from(wrapped(osloText(messageOf(envelope, what), what)));
    if (body.length > maxBytes) throw tooLong(what, body.length, maxBytes);
    return body;
  },
  readRequest(body, maxBytes) {
    return requestOf(readOsloMessage(body, maxBytes));
  },
  readReply(body, maxBytes) {
    return replyOf(readOsloMessage(body, maxBytes));
  },
};

/** Returns the text of a message in its envelope. */
export function wrapped(message: string): string {
  return JSON.stringify({ 'oslo.version': VERSION, 'oslo.message': message });
}

/** Returns a new id in the form of `uuid4().hex`. */
export function osloId(): string {
  return hex(randomUUID());
}

/** Returns the context of a message, with its names on the wire. */
export function packedContext(context: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(context).map(([name, value]) => [`${CONTEXT}${name}`, value]));
}

export function unpackedContext(message: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const packed = Object.entries(message).filter(([name]) => name.startsWith(CONTEXT));
  return Object.fromEntries(packed.map(([name, value]) => [name.slice(CONTEXT.length), value]));
}

/** Returns the message of a body. One without an envelope is the message itself. Throws `UnreadableEnvelope`, without its content. */
export function readOsloMessage(body: Uint8Array, maxBytes: number): Readonly<Record<string, unknown>> {
  let read: unknown;
  try {
    const text = UTF8.decode(decompressed(body, maxBytes));
    read = osloValue(text);
    if (isRecord(read) && Object.hasOwn(read, 'oslo.version') && Object.hasOwn(read, 'oslo.message')) {
      const { 'oslo.version': version, 'oslo.message': message } = read;
      if (typeof version !== 'string' || !/^2\.0$/.test(version))
        throw new TypeError(`it is not of version ${VERSION}`);
      if (typeof message !== 'string') throw new TypeError('it has no message');
      read = osloValue(message);
    }
  } catch (cause) {
    throw new UnreadableEnvelope((cause as Error).message);
  }
  if (!isRecord(read)) throw new UnreadableEnvelope('it is not an object');
  return read;
}

/** `kombu_compression` of its sender: gzip is zlib there (`kombu/compression.py`). */
function decompressed(body: Uint8Array, maxBytes: number): Uint8Array {
  if (body.length > maxBytes) throw new TypeError(`${body.length} bytes: ${maxBytes} are allowed`);
  if (body[0] === 0x78) {
    try {
      return inflateSync(body, { maxOutputLength: maxBytes });
    } catch {
      throw new TypeError('it is compressed, and cannot be read');
    }
  }
  if (body[0] === 0x42 && body[1] === 0x5a)
    throw new TypeError('it is compressed by bz2: set kombu_compression = gzip');
  return body;
}

function messageOf(envelope: Envelope, what: string): Record<string, unknown> {
  if ('cancel' in envelope) throw new TypeError(`${what}: it cannot be said`);
  if ('method' in envelope) return request(envelope);
  const { id } = envelope;
  return {
    result: 'result' in envelope ? envelope.result : null,
    failure: 'failure' in envelope ? osloFailure(envelope.failure, what) : null,
    ending: !('alive' in envelope),
    _msg_id: id,
    _unique_id: osloId(),
  };
}

function request({ id, method, args, ns, ver, ctx, reply, monitor, trace }: RequestEnvelope): Record<string, unknown> {
  return {
    method,
    args,
    ...(ns !== undefined && { namespace: ns }),
    ...(ver !== undefined && { version: ver }),
    ...(reply !== undefined && {
      _msg_id: hex(reply.id),
      _reply_q: reply.to,
      // In whole seconds.
      _timeout: monitor === undefined ? null : Math.floor(monitor / 1000),
    }),
    _unique_id: hex(id),
    ...(trace !== undefined && { _trace: trace }),
    ...packedContext(ctx),
  };
}

function requestOf(read: Readonly<Record<string, unknown>>): RequestEnvelope {
  const { method, args = {}, namespace, version, _msg_id: call, _reply_q: to, _timeout: timeout } = read;
  const { _unique_id: id = messageId(), _trace: trace } = read;
  const isRequest =
    isName(method) &&
    isName(id) &&
    isRecord(args) &&
    [namespace, version, call, to].every((each) => each === undefined || each === null || isName(each));
  if (!isRequest) throw new UnreadableEnvelope('it is not a request');
  const isTraced = isRecord(trace) && Object.values(trace).every((each) => typeof each === 'string');
  return {
    id: id as string,
    method: method as string,
    args,
    ns: (namespace ?? undefined) as string | undefined,
    ver: (version ?? undefined) as string | undefined,
    ctx: unpackedContext(read),
    ...(typeof call === 'string' && typeof to === 'string' && { reply: { to, id: call } }),
    ...(typeof timeout === 'number' && timeout > 0 && { monitor: timeout * 1000 }),
    ...(isTraced && { trace: trace as Readonly<Record<string, string>> }),
  };
}

function replyOf({ _msg_id: call, result = null, failure, ending }: Readonly<Record<string, unknown>>): ReplyEnvelope {
  if (!isName(call)) throw new UnreadableEnvelope('it is not a reply');
  const id = dashed(call as string);
  if (failure !== null && failure !== undefined && failure !== '') {
    return { id, failure: failureFrom(failure) };
  }
  // Until 2016 servers sent the result first, and its end in a separate message.
  return result === null && ending !== true ? { id, alive: true } : { id, result };
}

function failureFrom(text: unknown): FailureEnvelope {
  let read: FailureEnvelope | undefined;
  try {
    read = readOsloFailure(text);
  } catch (cause) {
    throw new UnreadableEnvelope(`its failure: ${(cause as Error).message}`);
  }
  if (read === undefined) throw new UnreadableEnvelope('its failure is none');
  return read;
}

function hex(id: string): string {
  return id.replaceAll('-', '');
}

/** Returns the id from which {@link hex} was made, if it is a UUID. */
function dashed(id: string): string {
  return id.replace(/^([\da-f]{8})([\da-f]{4})([\da-f]{4})([\da-f]{4})([\da-f]{12})$/, '$1-$2-$3-$4-$5');
}
