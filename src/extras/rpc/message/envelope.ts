/**
 * Messages in the form of oslo.messaging (`_drivers/common.py`, `_drivers/amqpdriver.py`). What only Portico reads is in their extras, which
 * Python ignores.
 */
import { randomUUID } from 'node:crypto';
import { EXTRAS, EXTRAS_VERSION, isRecord, type Read, readJson, writeJson } from './typed-json.js';
import { type FailureEnvelope, readFailure, writeFailure } from './wire-failure.js';
import { type MessageLimits, packed, unpacked } from './wire-format.js';

const CONTEXT = '_context_';

/** A call or a cast. */
export interface RequestEnvelope {
  /** Unique for each send. */
  readonly id: string;
  readonly method: string;
  /** Arguments by name. */
  readonly args: Read;
  readonly ns?: string | undefined;
  /** Requested version. Default 1.0. */
  readonly ver?: string | undefined;
  readonly ctx: Read;
  /** Address of the reply; absent for a cast. */
  readonly reply?: { readonly to: string; readonly id: string } | undefined;
  /** Milliseconds for which the caller waited when it was sent: after them it must not run. Python does not tell. */
  readonly deadline?: number | undefined;
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

/** The caller does not wait any more. Only for processes of Portico. */
export interface CancelEnvelope {
  /** Id of the call. */
  readonly cancel: string;
}

export type Envelope = RequestEnvelope | ReplyEnvelope | CancelEnvelope;

/** A message that is not an envelope this process can read; without its content. */
export class UnreadableEnvelope extends Error {}

/** Returns a new message id: the digits of a UUID of version 7 (RFC 9562 §5.7), so that ids sort by time. */
export function messageId(): string {
  const now = Date.now();
  if (now !== latest) {
    latest = now;
    head = `${now.toString(16).padStart(12, '0')}7`;
  }
  // Version 4 has its random bits at the same offsets, and Node generates those of many ids at once.
  const random = randomUUID();
  return head + random.slice(15, 18) + random.slice(19, 23) + random.slice(24);
}

/** Millisecond of the newest id, and the part of ids derived from it. */
let latest = 0;
let head = '';

/** Throws `SerializationError` as {@link packed}; `what`: the call, for its message. `id`: of the send, for a reply. */
export function writeEnvelope(envelope: Envelope, what: string, limits: MessageLimits, id?: string): Buffer {
  return packed(writeJson(messageOf(envelope, what, id), what), what, limits);
}

/** Throws {@link UnreadableEnvelope}. */
export function readRequest(body: Uint8Array, limits: MessageLimits): RequestEnvelope | CancelEnvelope {
  const read = readMessage(body, limits);
  const { method, args = {}, namespace, version, _msg_id: call, _reply_q: to, _timeout: timeout } = read;
  const { _unique_id: id = messageId(), [EXTRAS]: extras } = read;
  const { cancel, deadline, monitor, trace } = isRecord(extras) ? extras : ({} as Read);
  if (typeof cancel === 'string') return { cancel };
  const isRequest =
    isName(method) &&
    isName(id) &&
    isRecord(args) &&
    isNameOrNone(namespace) &&
    isNameOrNone(version) &&
    isNameOrNone(call) &&
    isNameOrNone(to) &&
    isTimeOrNone(deadline) &&
    isTimeOrNone(monitor) &&
    (trace === undefined || (isRecord(trace) && Object.values(trace).every((each) => typeof each === 'string')));
  if (!isRequest) throw new UnreadableEnvelope('it is not a request');
  const asked = monitor ?? (typeof timeout === 'number' && timeout > 0 ? timeout * 1000 : undefined);
  return {
    id,
    method,
    args,
    ns: namespace ?? undefined,
    ver: version ?? undefined,
    ctx: unpackedContext(read),
    reply: typeof call === 'string' && typeof to === 'string' ? { to, id: call } : undefined,
    deadline,
    monitor: asked,
    trace,
  } as RequestEnvelope;
}

/** Throws {@link UnreadableEnvelope}. */
export function readReply(body: Uint8Array, limits: MessageLimits): ReplyEnvelope {
  const { _msg_id: id, result = null, failure, ending } = readMessage(body, limits);
  if (typeof id !== 'string') throw new UnreadableEnvelope('it is not a reply');
  if (failure !== null && failure !== undefined && failure !== '') return { id, failure: failureIn(failure) };
  // Until 2016 servers of oslo.messaging sent the result first, and its end in a separate message.
  return result === null && ending !== true ? { id, alive: true } : { id, result };
}

/** Throws {@link UnreadableEnvelope}. */
export function readMessage(body: Uint8Array, limits: MessageLimits): Read {
  let read: unknown;
  try {
    read = readJson(unpacked(body, limits));
  } catch (cause) {
    throw new UnreadableEnvelope((cause as Error).message);
  }
  if (!isRecord(read)) throw new UnreadableEnvelope('it is not an object');
  return read;
}

/** Returns the context of a message, with its names on the wire. */
export function packedContext(context: Read): Record<string, unknown> {
  return addContext({}, context);
}

function addContext(message: Record<string, unknown>, context: Read): Record<string, unknown> {
  for (const name of Object.keys(context)) message[CONTEXT + name] = context[name];
  return message;
}

export function unpackedContext(message: Read): Record<string, unknown> {
  const context: Record<string, unknown> = {};
  for (const name of Object.keys(message)) {
    if (!name.startsWith(CONTEXT)) continue;
    const own = name.slice(CONTEXT.length);
    // Assigned, it would change what the object inherits.
    if (own === '__proto__') Object.defineProperty(context, own, { value: message[name], enumerable: true });
    else context[own] = message[name];
  }
  return context;
}

/** Longest name in characters, a limit of AMQP. */
export const LONGEST_NAME = 255;

/** Reports whether a value can be a name: a string that AMQP accepts. Names appear in messages and log lines. */
function isName(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LONGEST_NAME;
}

function isNameOrNone(value: unknown): boolean {
  return value === undefined || value === null || isName(value);
}

/** Reports whether a number of milliseconds is in the range of a `Date`, or absent. */
function isTimeOrNone(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && Math.abs(value) <= 8.64e15);
}

function messageOf(envelope: Envelope, what: string, id: string | undefined): Read {
  if ('cancel' in envelope) return { [EXTRAS]: { v: EXTRAS_VERSION, ...envelope } };
  if ('method' in envelope) return requestOf(envelope);
  return {
    result: 'result' in envelope ? envelope.result : null,
    failure: 'failure' in envelope ? writeFailure(envelope.failure, what) : null,
    ending: !('alive' in envelope),
    _msg_id: envelope.id,
    _unique_id: id,
  };
}

function requestOf({ id, method, args, ns, ver, ctx, reply, deadline, monitor, trace }: RequestEnvelope): Read {
  const exact = monitor === undefined || monitor % 1000 === 0 ? undefined : monitor;
  // Members that are undefined are not written.
  const message = {
    method,
    args,
    namespace: ns,
    version: ver,
    _msg_id: reply?.id,
    _reply_q: reply?.to,
    // In whole seconds.
    _timeout: reply === undefined ? undefined : monitor === undefined ? null : Math.floor(monitor / 1000),
    _unique_id: id,
    [EXTRAS]: { v: EXTRAS_VERSION, deadline, monitor: exact, trace },
  };
  return addContext(message, ctx);
}

function failureIn(text: unknown): FailureEnvelope {
  let read: FailureEnvelope | undefined;
  try {
    read = readFailure(text);
  } catch (cause) {
    throw new UnreadableEnvelope(`its failure: ${(cause as Error).message}`);
  }
  if (read === undefined) throw new UnreadableEnvelope('its failure is none');
  return read;
}
