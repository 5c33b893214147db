/**
 * Notifications of oslo.messaging (`notify/notifier.py`): events for telemetry, billing, audit. Each topic and priority has a queue, such
 * as `notifications.info`, which keeps them until they are consumed.
 */
import { randomUUID } from 'node:crypto';
import type { NotificationPriority } from '../../service/index.js';
import {
  messageId as newId,
  packedContext,
  readMessage,
  UnreadableEnvelope,
  unpackedContext,
} from '../message/envelope.js';
import { writeJson } from '../message/typed-json.js';
import { packed, type WireAddress } from '../message/wire-format.js';
import type { Message, Route } from '../transport/transport.js';

/** All priorities. */
export const NOTIFICATION_PRIORITIES: readonly NotificationPriority[] = Object.keys({
  audit: true,
  debug: true,
  info: true,
  warn: true,
  error: true,
  critical: true,
  sample: true,
} satisfies Record<NotificationPriority, true>) as NotificationPriority[];

/** A notification as defined by oslo.messaging. */
export interface NotificationFields {
  /** Event type, such as `compute.instance.create.end`. */
  readonly eventType: string;
  /** Publisher, such as `compute.north`. */
  readonly publisherId: string;
  readonly priority: NotificationPriority;
  /** Plain data. */
  readonly payload: unknown;
  /** A UUID. */
  readonly messageId: string;
  /** Time in UTC, as written by its publisher: `2026-01-02 03:04:05.678000`. */
  readonly timestamp: string;
}

/** A notification with its context, as sent. */
export interface CarriedNotification extends NotificationFields {
  readonly context: Readonly<Record<string, unknown>>;
}

/** Returns a new notification. */
export function newNotification(
  told: Omit<CarriedNotification, 'messageId' | 'timestamp'>,
  now: Date,
): CarriedNotification {
  const timestamp = `${now.toISOString().slice(0, -1).replace('T', ' ')}000`;
  return { ...told, messageId: randomUUID(), timestamp };
}

/** Returns the route of a priority. It has no host: the queue of a host expires. */
export function notificationRoute(exchange: string, topic: string, priority: NotificationPriority): Route {
  return { exchange, topic: `${topic}.${priority}` };
}

/** `isWrapped`: in the envelope 2.0. Throws `SerializationError`. */
export function writeNotification(
  told: CarriedNotification,
  { isWrapped, address }: { readonly isWrapped: boolean; readonly address: WireAddress },
): Message {
  const { messageId, publisherId, eventType, priority, payload, timestamp, context } = told;
  const what = `the notification ${eventType}`;
  const text = writeJson(
    {
      message_id: messageId,
      publisher_id: publisherId,
      event_type: eventType,
      priority: priority.toUpperCase(),
      payload,
      timestamp,
      _unique_id: newId(),
      ...packedContext(context),
    },
    what,
    address.onlyJson,
  );
  const message = packed(text, what, address.maxBytes);
  return { id: messageId, body: isWrapped ? address.seal(message) : Buffer.from(text) };
}

/** `priority`: that of its queue, if the message has none. Throws `UnreadableEnvelope`. */
export function readNotification(
  body: Uint8Array,
  { priority, address }: { readonly priority: NotificationPriority; readonly address: WireAddress },
): CarriedNotification {
  const read = readMessage(body, address);
  const { event_type: eventType, publisher_id: publisherId, payload, message_id: id, timestamp } = read;
  if (typeof eventType !== 'string') throw new UnreadableEnvelope('it is not a notification');
  return {
    eventType,
    publisherId: textOf(publisherId),
    priority,
    payload: payload ?? null,
    messageId: textOf(id),
    timestamp: textOf(timestamp),
    context: unpackedContext(read),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
