/**
 * Notifications of oslo.messaging (`notify/notifier.py`): events for telemetry, billing, audit. Each topic and priority has a queue, such
 * as `notifications.info`, which keeps them until they are consumed.
 */
import { randomUUID } from 'node:crypto';
import type { NotificationPriority } from '../../service/index.js';
import { UnreadableEnvelope } from '../message/envelope.js';
import { tooLong } from '../message/json-codec.js';
import { osloId, packedContext, readOsloMessage, unpackedContext, wrapped } from '../message/oslo-envelope.js';
import { osloText } from '../message/oslo-values.js';
import type { Message, Route } from '../transport/transport.js';

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

/** Returns the route of a priority. */
export function notificationRoute(exchange: string, topic: string, priority: NotificationPriority): Route {
  return { exchange, topic, server: priority };
}

/** `isWrapped`: in the envelope 2.0. Throws `SerializationError`. */
export function writeNotification(
  told: CarriedNotification,
  { isWrapped, maxBytes }: { readonly isWrapped: boolean; readonly maxBytes: number },
): Message {
  const { messageId, publisherId, eventType, priority, payload, timestamp, context } = told;
  const what = `the notification ${eventType}`;
  const text = osloText(
    {
      message_id: messageId,
      publisher_id: publisherId,
      event_type: eventType,
      priority: priority.toUpperCase(),
      payload,
      timestamp,
      _unique_id: osloId(),
      ...packedContext(context),
    },
    what,
  );
  const body = Buffer.from(isWrapped ? wrapped(text) : text);
  if (body.length > maxBytes) throw tooLong(what, body.length, maxBytes);
  return { id: messageId, body };
}

/** `priority`: that of its queue, if the message has none. Throws `UnreadableEnvelope`. */
export function readNotification(
  body: Uint8Array,
  { priority, maxBytes }: { readonly priority: NotificationPriority; readonly maxBytes: number },
): CarriedNotification {
  const read = readOsloMessage(body, maxBytes);
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
