/**
 * Envelope 1.0: content of a message, independent of the transport. Senders may add members; receivers ignore unknown ones.
 */
import { randomUUID } from 'node:crypto';
import { decodeMessage, encodeMessage } from './json-codec.js';

/** Envelope version that this process writes. It cannot read another major version. */
const VERSION = '1.0';

/** A call or a cast. */
export interface RequestEnvelope {
  /** Unique for each send. */
  readonly id: string;
  readonly method: string;
  /** Arguments by name. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly ns?: string | undefined;
  /** Requested version. Default 1.0. */
  readonly ver?: string | undefined;
  readonly ctx: Readonly<Record<string, unknown>>;
  /** Address of the reply; absent for a cast. */
  readonly reply?: { readonly to: string; readonly id: string } | undefined;
  /** Milliseconds for which the caller waited when it was sent: after them it must not run. */
  readonly deadline?: number | undefined;
  /** Time of sending, in milliseconds since 1970 by the sender's clock: shows how much of `deadline` it spent in a queue. */
  readonly sent?: number | undefined;
  /** Interval of heartbeats that the caller requests, in milliseconds. */
  readonly monitor?: number | undefined;
  /** Span of the sender, as written by propagators of OpenTelemetry: `traceparent`. */
  readonly trace?: Readonly<Record<string, string>> | undefined;
}

/** End of a call, or a heartbeat. */
export type ReplyEnvelope =
  | { readonly id: string; readonly result: unknown }
  | { readonly id: string; readonly failure: FailureEnvelope }
  | { readonly id: string; readonly alive: true };

/** The caller does not wait any more. */
export interface CancelEnvelope {
  /** Id of the call. */
  readonly cancel: string;
}

/** An error in a message. */
export interface FailureEnvelope {
  /** Name of its class, which the caller looks up among known classes: its static `remoteName`, if it has one. */
  readonly type: string;
  readonly code?: string | undefined;
  readonly message: string;
  /** Members of the error, if they are plain data. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  /** True if the method is expected to throw it. */
  readonly expected?: boolean | undefined;
  /** Name of the process that failed. */
  readonly remote: { readonly host: string; readonly binary: string; readonly requestId?: string | undefined };
  /** Stack for the caller's log, if `[rpc] send_remote_stack` enables it. */
  readonly stack?: string | undefined;
  /** Positional and named arguments of its class, if it has them: for callers of oslo.messaging. */
  readonly made?: FailureArguments | undefined;
}

/** Arguments of an exception in Python. */
export interface FailureArguments {
  readonly args?: readonly unknown[] | undefined;
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined;
}

export type Envelope = RequestEnvelope | ReplyEnvelope | CancelEnvelope;

/** Codec of envelopes in a format other than Portico's. */
export interface EnvelopeCodec {
  /** False: there is no message that cancels a call. */
  readonly canCancel: boolean;
  /** Throws `SerializationError` for a value that it cannot encode, with its path, and for a message longer than `maxBytes`. */
  encode(envelope: Envelope, what: string, maxBytes: number): Buffer;
  /** Throws {@link UnreadableEnvelope}. */
  readRequest(body: Uint8Array, maxBytes: number): RequestEnvelope;
  /** Throws {@link UnreadableEnvelope}. */
  readReply(body: Uint8Array, maxBytes: number): ReplyEnvelope;
}

/** Format of messages for one address. */
export interface AddressedFormat {
  readonly maxBytes: number;
  /** Absent: envelopes of Portico. */
  readonly codec: EnvelopeCodec | undefined;
  /** Returns the JSON of an object in its sent form. */
  pack(json: Buffer): Buffer;
  /** Returns the JSON of a received message. Throws a `TypeError` without its content. */
  unpack(body: Uint8Array): Uint8Array;
}

/** A message that is not an envelope this process can read; without its content. */
export class UnreadableEnvelope extends Error {}

/** Returns a new message id: a UUID of version 7 (RFC 9562 §5.7), so that ids sort by time. */
export function messageId(): string {
  const now = Date.now();
  if (now !== latest) {
    latest = now;
    const time = now.toString(16).padStart(12, '0');
    head = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  }
  // Version 4 has its random bits in the same places, and Node generates those of many ids at once.
  return head + randomUUID().slice(15);
}

/** Millisecond of the newest id, and the part of ids derived from it. */
let latest = 0;
let head = '';

/** Throws `SerializationError` as {@link encodeMessage}; `what`: the call, for its message. */
export function writeEnvelope(envelope: Envelope, what: string, format: AddressedFormat): Buffer {
  return format.pack(encodeEnvelope(envelope, what, format));
}

/** Returns the JSON of an envelope whose address is not decided yet. Throws as {@link writeEnvelope}. */
export function encodeEnvelope(
  envelope: Envelope,
  what: string,
  { maxBytes, codec }: Pick<AddressedFormat, 'maxBytes' | 'codec'>,
): Buffer {
  if (codec !== undefined) return codec.encode(envelope, what, maxBytes);
  return encodeMessage({ v: VERSION, ...envelope }, what, maxBytes);
}

/** Reports whether a value has names and values, as arguments and contexts do. */
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

/** Returns a failure written by a service of Portico, without its stack; leaves out members of wrong types. */
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

/** Longest name in characters, a limit of AMQP. */
export const LONGEST_NAME = 255;

/** Reports whether a value can be a name: a string that AMQP accepts. Names appear in messages and log lines. */
export function isName(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LONGEST_NAME;
}

/** Reports whether a number of milliseconds is in the range of a `Date`. */
function isTime(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
