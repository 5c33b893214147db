/**
 * Envelope 1.0: what a message says, whatever carries it. Senders may add members; receivers ignore those they do not know.
 */
import { randomUUID } from 'node:crypto';
import { decodeMessage, encodeMessage } from './json-codec.js';

/** The envelope this process writes. Another major is one it cannot read. */
const VERSION = '1.0';

/** A call or a cast. */
export interface RequestEnvelope {
  /** Unique for each send. */
  readonly id: string;
  readonly method: string;
  /** By name. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly ns?: string | undefined;
  /** The version that is asked for. Default 1.0. */
  readonly ver?: string | undefined;
  readonly ctx: Readonly<Record<string, unknown>>;
  /** Address of the reply; absent for a cast. */
  readonly reply?: { readonly to: string; readonly id: string } | undefined;
  /** Milliseconds the caller waited for it when it was sent: behind them it must not run. */
  readonly deadline?: number | undefined;
  /** When it was sent, in milliseconds since 1970 by the sender's clock: tells how much of `deadline` it spent in a queue. */
  readonly sent?: number | undefined;
  /** Milliseconds between two signs of life that the caller wants. */
  readonly monitor?: number | undefined;
  /** The span it was sent in, as propagators of OpenTelemetry write it: `traceparent`. */
  readonly trace?: Readonly<Record<string, string>> | undefined;
}

/** The end of a call, or a sign of life. */
export type ReplyEnvelope =
  | { readonly id: string; readonly result: unknown }
  | { readonly id: string; readonly failure: FailureEnvelope }
  | { readonly id: string; readonly alive: true };

/** The caller does not wait any more. */
export interface CancelEnvelope {
  /** Of the call. */
  readonly cancel: string;
}

/** An error as it travels. */
export interface FailureEnvelope {
  /** The name of its class, which the caller looks up among those it knows: its static `remoteName`, if it has one. */
  readonly type: string;
  readonly code?: string | undefined;
  readonly message: string;
  /** Its own members, where they are plain data. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  /** The method may well end so. */
  readonly expected?: boolean | undefined;
  /** Name of the process that failed. */
  readonly remote: { readonly host: string; readonly binary: string; readonly requestId?: string | undefined };
  /** For the caller's log, where `[rpc] send_remote_stack` says so. */
  readonly stack?: string | undefined;
  /** The arguments of its class, by place and by name, where it has them: for callers of oslo.messaging. */
  readonly made?: FailureArguments | undefined;
}

/** The arguments an exception of Python is made with. */
export interface FailureArguments {
  readonly args?: readonly unknown[] | undefined;
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined;
}

export type Envelope = RequestEnvelope | ReplyEnvelope | CancelEnvelope;

/** How envelopes are written that are not Portico's. */
export interface EnvelopeCodec {
  /** False: there is no message that takes a call back. */
  readonly canCancel: boolean;
  /** Throws `SerializationError` for what it cannot carry, naming it by its path, and for what is longer than `maxBytes`. */
  encode(envelope: Envelope, what: string, maxBytes: number): Buffer;
  /** Throws {@link UnreadableEnvelope}. */
  readRequest(body: Uint8Array, maxBytes: number): RequestEnvelope;
  /** Throws {@link UnreadableEnvelope}. */
  readReply(body: Uint8Array, maxBytes: number): ReplyEnvelope;
}

/** How messages for one address travel. */
export interface AddressedFormat {
  readonly maxBytes: number;
  /** Absent: envelopes are Portico's own. */
  readonly codec: EnvelopeCodec | undefined;
  /** The JSON of an object, as it travels. */
  pack(json: Buffer): Buffer;
  /** The JSON of what came. Throws a `TypeError` that says nothing of its content. */
  unpack(body: Uint8Array): Uint8Array;
}

/** A message that is no envelope this process can read; says nothing of its content. */
export class UnreadableEnvelope extends Error {}

/** A new id of a message: a UUID of version 7 (RFC 9562 §5.7), so that ids sort by the time they were made. */
export function messageId(): string {
  const now = Date.now();
  if (now !== latest) {
    latest = now;
    const time = now.toString(16).padStart(12, '0');
    head = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  }
  // Version 4 has its random bits in the same places, and Node gathers those of many ids at once.
  return head + randomUUID().slice(15);
}

/** Millisecond of the newest id, and the part of ids that it makes. */
let latest = 0;
let head = '';

/** Throws `SerializationError` as {@link encodeMessage}; `what` is the call, for its message. */
export function writeEnvelope(envelope: Envelope, what: string, format: AddressedFormat): Buffer {
  return format.pack(encodeEnvelope(envelope, what, format));
}

/** Its JSON, for a message that may go to one address or another. Throws as {@link writeEnvelope}. */
export function encodeEnvelope(
  envelope: Envelope,
  what: string,
  { maxBytes, codec }: Pick<AddressedFormat, 'maxBytes' | 'codec'>,
): Buffer {
  if (codec !== undefined) return codec.encode(envelope, what, maxBytes);
  return encodeMessage({ v: VERSION, ...envelope }, what, maxBytes);
}

/** Names and values, as arguments and contexts are. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Throws {@link UnreadableEnvelope}. */
export function readRequest(body: Uint8Array, format: AddressedFormat): RequestEnvelope | CancelEnvelope {
  if (format.codec !== undefined) return format.codec.readRequest(body, format.maxBytes);
  const read = readEnvelope(body, format);
  if (typeof read.cancel === 'string') return { cancel: read.cancel };
  const { id, method, args, ns, ver, ctx, reply, deadline, sent, monitor, trace } = read;
  const isRequest =
    isName(id) &&
    isName(method) &&
    isRecord(args) &&
    isRecord(ctx) &&
    [ns, ver].every((each) => each === undefined || isName(each)) &&
    [deadline, sent, monitor].every((each) => each === undefined || isTime(each)) &&
    (trace === undefined || (isRecord(trace) && Object.values(trace).every((value) => typeof value === 'string'))) &&
    (reply === undefined || (isRecord(reply) && isName(reply.to) && isName(reply.id)));
  if (!isRequest) throw new UnreadableEnvelope('it is not a request');
  return { id, method, args, ns, ver, ctx, reply, deadline, sent, monitor, trace } as RequestEnvelope;
}

/** Throws {@link UnreadableEnvelope}. */
export function readReply(body: Uint8Array, format: AddressedFormat): ReplyEnvelope {
  if (format.codec !== undefined) return format.codec.readReply(body, format.maxBytes);
  const { id, result = null, failure, alive } = readEnvelope(body, format);
  if (typeof id !== 'string') throw new UnreadableEnvelope('it is not a reply');
  if (alive === true) return { id, alive };
  if (failure === undefined) return { id, result };
  if (!isRecord(failure) || typeof failure.type !== 'string' || typeof failure.message !== 'string') {
    throw new UnreadableEnvelope('its failure is none');
  }
  const { stack } = failure;
  return { id, failure: { ...failureIn(failure), stack: typeof stack === 'string' ? stack : undefined } };
}

/** A failure as a service of Portico wrote it, without its stack: what is not of the right type is left out. */
export function failureIn(written: Readonly<Record<string, unknown>>): FailureEnvelope {
  const { type, code, message, data, expected, remote } = written;
  const { host, binary, requestId } = isRecord(remote) ? remote : {};
  return {
    type: text(type),
    message: text(message),
    code: typeof code === 'string' ? code : undefined,
    data: isRecord(data) ? data : undefined,
    expected: expected === true,
    remote: {
      host: text(host),
      binary: text(binary),
      requestId: typeof requestId === 'string' ? requestId : undefined,
    },
  };
}

function readEnvelope(body: Uint8Array, format: AddressedFormat): Readonly<Record<string, unknown>> {
  let read: unknown;
  try {
    read = decodeMessage(format.unpack(body), format.maxBytes);
  } catch (cause) {
    throw new UnreadableEnvelope((cause as Error).message);
  }
  if (!isRecord(read) || typeof read.v !== 'string') throw new UnreadableEnvelope('it has no version');
  const [major] = VERSION.split('.');
  if (read.v.split('.')[0] !== major) {
    throw new UnreadableEnvelope(`its version is ${/^[\d.]{1,9}$/.test(read.v) ? read.v : 'none'}, not ${major}.x`);
  }
  return read;
}

/** Characters of a name: AMQP has none that is longer. */
export const LONGEST_NAME = 255;

/** Whether a value can be a name: a string that AMQP takes. Names appear in messages and lines of the log. */
export function isName(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LONGEST_NAME;
}

/** Milliseconds that a `Date` takes. */
function isTime(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
