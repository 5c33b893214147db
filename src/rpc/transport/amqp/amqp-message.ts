/**
 * Messages as RabbitMQ has them.
 */
import type { AsyncMessage, Envelope, SyncMessage } from 'rabbitmq-client';
import type { Death, Delivery, Message } from '../transport.js';

/** How often a message came back by way of a delay: what the broker does not count. */
const RETURNS = 'x-portico-returns';
/** Why a consumer refused a message, and the queue it had it from. */
const DEATH_REASON = 'x-portico-death-reason';
const DEATH_QUEUE = 'x-portico-death-queue';

/** A message that a consumer got, or that was asked for. */
export type Received = AsyncMessage | SyncMessage;

/** Properties of a message beside its body. */
export interface Remarks {
  readonly returns?: number;
  readonly death?: Omit<Death, 'at'>;
}

/** The properties of a message that is published. */
export function propertiesOf(message: Message, appId: string, remarks?: Remarks): Envelope {
  const { id, correlationId, replyTo } = message;
  const properties: Envelope = {
    durable: true,
    messageId: id,
    contentType: 'application/json',
    // A body of unknown encoding would be parsed by the package.
    contentEncoding: 'utf-8',
    type: 'portico.rpc',
    appId,
  };
  if (correlationId !== undefined) properties.correlationId = correlationId;
  if (replyTo !== undefined) properties.replyTo = replyTo;
  if (remarks !== undefined) properties.headers = headersOf(remarks);
  return properties;
}

function headersOf({ returns, death }: Remarks): NonNullable<Envelope['headers']> {
  return {
    ...(returns !== undefined && { [RETURNS]: returns }),
    ...(death !== undefined && { [DEATH_REASON]: death.reason, [DEATH_QUEUE]: death.queue }),
  };
}

/** A message that was delivered. */
export function messageOf({ messageId = '', body, correlationId, replyTo, expiration }: Received): Message {
  const ttlMs = expiration === undefined ? Number.NaN : Number(expiration);
  return { id: messageId, body: bytesOf(body), correlationId, replyTo, ...(ttlMs >= 0 && { ttlMs }) };
}

/** Number of the delivery, from the broker's count and our own. */
export function countsOf({ redelivered, headers = {} }: Received): Pick<Delivery, 'count' | 'redelivered'> {
  const returns = numberOf(headers[RETURNS]) ?? 0;
  const count = (numberOf(headers['x-delivery-count']) ?? (redelivered ? 1 : 0)) + returns + 1;
  return { count, redelivered: redelivered || returns > 0 };
}

/** Why it is a dead letter: as its consumer said, else as the broker did. */
export function deathOf({ headers = {}, timestamp = 0 }: Received): Delivery['death'] {
  const { [DEATH_REASON]: reason, [DEATH_QUEUE]: queue } = headers as Record<string, unknown>;
  // The package says of each message when it was published, in seconds: of a copy that is when it was made.
  if (typeof reason === 'string') return { reason, queue: String(queue), at: timeOf(timestamp) };
  const deaths: unknown = headers['x-death'];
  // The newest is the first. Any sender may write a field of this name.
  const last: unknown = Array.isArray(deaths) ? deaths[0] : undefined;
  if (typeof last !== 'object' || last === null) return undefined;
  const { reason: why, queue: from, time } = last as Readonly<Record<'reason' | 'queue' | 'time', unknown>>;
  return { reason: String(why), queue: String(from), at: timeOf(time) };
}

/** Other senders may say of their bodies what makes the package parse them. */
function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Seconds as milliseconds; 0 for what is no time. */
function timeOf(seconds: unknown): number {
  const time = new Date((numberOf(seconds) ?? 0) * 1000).getTime();
  return Number.isNaN(time) ? 0 : time;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}
