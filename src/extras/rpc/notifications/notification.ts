/**
 * Notifications of oslo.messaging (`notify/notifier.py`), and their emission: events for telemetry, billing, audit. Each topic and priority
 * has a queue, such as `notifications.info`, which keeps them until they are consumed.
 */
import { randomUUID } from 'node:crypto';
import type { EmitNotification, NotificationPriority, Notifier, NotifierOptions } from 'portico/service';
import { within } from 'portico/tasks';
import type { CallPath } from '../client/call-client.js';
import { DeliveryFailure } from '../errors.js';
import {
  messageId as newId,
  packedContext,
  readMessage,
  UnreadableEnvelope,
  unpackedContext,
} from '../message/envelope.js';
import { writeJson } from '../message/typed-json.js';
import { type MessageLimits, packed } from '../message/wire-format.js';
import type { NotificationSettings } from '../messaging-options.js';
import type { Message, Route, Transport } from '../transport/transport.js';

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
function newNotification(told: Omit<CarriedNotification, 'messageId' | 'timestamp'>, now: Date): CarriedNotification {
  const timestamp = `${now.toISOString().slice(0, -1).replace('T', ' ')}000`;
  return { ...told, messageId: randomUUID(), timestamp };
}

/** Returns the route of a priority. It has no host: the queue of a host expires. */
export function notificationRoute(exchange: string, topic: string, priority: NotificationPriority): Route {
  return { exchange, topic: `${topic}.${priority}` };
}

/** `isWrapped`: in the envelope 2.0. Throws `SerializationError`. */
function writeNotification(
  told: CarriedNotification,
  { isWrapped, limits }: { readonly isWrapped: boolean; readonly limits: MessageLimits },
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
  );
  const body = packed(text, what, limits);
  return { id: messageId, body: isWrapped ? body : Buffer.from(text) };
}

/** `priority`: that of its queue, if the message has none. Throws `UnreadableEnvelope`. */
export function readNotification(
  body: Uint8Array,
  { priority, limits }: { readonly priority: NotificationPriority; readonly limits: MessageLimits },
): CarriedNotification {
  const read = readMessage(body, limits);
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

/** Time limit of sending a notification. */
const EMIT_MS = 30_000;

/** Members of a context that listeners must not see: notifications have many readers. */
const SECRET = 'auth_token';

/** Returns a notifier: `notify`, and a method for each priority. */
export function busNotifier(path: CallPath, settings: NotificationSettings, options: NotifierOptions): Notifier {
  const bus = new BusNotifier(path, settings, options);
  const notify: Notifier['notify'] = (...told) => bus.notify(...told);
  const emit = (priority: NotificationPriority): EmitNotification => {
    return (context, eventType, payload) => notify(priority, context, eventType, payload);
  };
  const methods = Object.fromEntries(NOTIFICATION_PRIORITIES.map((priority) => [priority, emit(priority)]));
  return { ...(methods as Record<NotificationPriority, EmitNotification>), notify };
}

class BusNotifier {
  readonly #path: CallPath;
  readonly #settings: NotificationSettings;
  readonly #options: NotifierOptions;
  /** Transports with the queues that are known to exist. */
  readonly #declared = new WeakMap<Transport, Map<string, Promise<void>>>();

  constructor(path: CallPath, settings: NotificationSettings, options: NotifierOptions) {
    this.#path = path;
    this.#settings = settings;
    this.#options = options;
  }

  async notify(priority: NotificationPriority, context: unknown, eventType: string, payload: unknown): Promise<void> {
    const { settings, serializer, log } = this.#path;
    const { driver, topics: usual } = this.#settings;
    if (driver === 'noop') return;
    const { publisherId, topics = usual, exchange = settings.exchange, onFailure = 'log' } = this.#options;
    const { [SECRET]: _token, ...safe } = serializer.serializeContext(context);
    const told = newNotification(
      { eventType, publisherId, priority, payload: serializer.serializeEntity(context, payload), context: safe },
      new Date(),
    );
    const how = { isWrapped: driver === 'messagingv2', limits: settings.limits };
    const message = writeNotification(told, how);
    const failures: unknown[] = [];
    for (const topic of topics) {
      try {
        await this.#emit(notificationRoute(exchange, topic, priority), message);
      } catch (err) {
        failures.push(err);
        if (onFailure === 'reject') continue;
        log.error(
          { err, message: told.messageId },
          `the notification ${eventType} was not sent to ${topic}.${priority}`,
        );
      }
    }
    if (onFailure === 'reject' && failures.length > 0) throw failures[0];
  }

  async #emit(route: Route, message: Message): Promise<void> {
    const { clock } = this.#path;
    const until = clock.now() + EMIT_MS;
    const transport = await this.#path.connected(EMIT_MS);
    const how = { ttlMs: undefined, mandatory: true, until, retry: undefined, signal: undefined };
    const isThere = (): Promise<void> =>
      within(this.#declare(transport, route), { ms: until - clock.now(), clock }, () => {
        throw new DeliveryFailure({ message: `${transport.name} does not declare its queue in time` });
      });
    await isThere();
    await this.#path.send(route, message, how).catch(async (error: unknown) => {
      if ((error as { code?: unknown }).code !== 'PORTICO_RPC_NO_SERVERS') throw error;
      // The queue has disappeared since, for example because the broker was reset.
      this.#declared.delete(transport);
      await isThere();
      await this.#path.send(route, message, how);
    });
  }

  #declare(transport: Transport, route: Route): Promise<void> {
    const known = this.#declared.get(transport) ?? new Map<string, Promise<void>>();
    this.#declared.set(transport, known);
    const name = `${route.exchange}/${route.topic}`;
    const declared = known.get(name) ?? transport.declareQueue(route);
    known.set(name, declared);
    declared.catch(() => known.delete(name));
    return declared;
  }
}
