/**
 * Messages in RabbitMQ's form.
 */
import type { AsyncMessage, Envelope, SyncMessage } from 'rabbitmq-client';
import { ZLIB } from '../../message/wire-format.js';
import type { Death, Delivery, Message } from '../transport.js';

/** Headers with the reason of a refusal, and the original queue. */
const DEATH_REASON = 'x-portico-death-reason';
const DEATH_QUEUE = 'x-portico-death-queue';

/** A message that a consumer received, or that was requested. */
export type Received = AsyncMessage | SyncMessage;

/** Why a copy is published as a dead letter. */
export type Remarks = Omit<Death, 'at'>;

/** Returns the properties of a published message. */
export function propertiesOf(message: Message, appId: string, remarks?: Remarks): Envelope {
  const { id, replyTo } = message;
  const properties: Envelope = {
    durable: true,
    messageId: id,
    contentType: 'application/json',
    // The package would parse a body of unknown encoding.
    contentEncoding: 'utf-8',
    appId,
  };
  if (replyTo !== undefined) properties.replyTo = replyTo;
  if (remarks !== undefined) properties.headers = { [DEATH_REASON]: remarks.reason, [DEATH_QUEUE]: remarks.queue };
  // No JSON begins so: it is compressed, which services in Python know by this header.
  if (message.body[0] === ZLIB) properties.headers = { ...properties.headers, compression: 'application/x-gzip' };
  return properties;
}

/** Returns a delivered message. */
export function messageOf({ messageId = '', body, replyTo, expiration }: Received): Message {
  const ttlMs = expiration === undefined ? Number.NaN : Number(expiration);
  return { id: messageId, body: bytesOf(body), replyTo, ...(ttlMs >= 0 && { ttlMs }) };
}

/** Returns the number of the delivery. Quorum queues count. */
export function countsOf({
  redelivered,
  headers = {},
}: Received): Pick<Delivery, 'count' | 'redelivered' | 'isUncounted'> {
  const count = (numberOf(headers['x-delivery-count']) ?? (redelivered ? 1 : 0)) + 1;
  const isUncounted = redelivered && !('x-delivery-count' in headers || 'x-acquired-count' in headers);
  return { count, redelivered, isUncounted };
}

/** Returns the reason of a dead letter: that of its consumer, else of the broker. */
export function deathOf({ headers = {}, timestamp = 0 }: Received): Delivery['death'] {
  const { [DEATH_REASON]: reason, [DEATH_QUEUE]: queue } = headers as Record<string, unknown>;
  // The package sets the publish time of each message, in seconds: for a copy, that is the time of the copy.
  if (typeof reason === 'string') return { reason, queue: String(queue), at: timeOf(timestamp) };
  const deaths: unknown = headers['x-death'];
  // The newest is the first. Any sender may write a field of this name.
  const last: unknown = Array.isArray(deaths) ? deaths[0] : undefined;
  if (typeof last !== 'object' || last === null) return undefined;
  const { reason: why, queue: from, time } = last as Readonly<Record<'reason' | 'queue' | 'time', unknown>>;
  return { reason: String(why), queue: String(from), at: timeOf(time) };
}

/** Properties of other senders may make the package parse their bodies. */
function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Returns seconds as milliseconds; 0 for an invalid time. */
function timeOf(seconds: unknown): number {
  const time = new Date((numberOf(seconds) ?? 0) * 1000).getTime();
  return Number.isNaN(time) ? 0 : time;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}
