/**
 * NotificationService: receives notifications, as a service that can be launched.
 */
import { RequestContext, runInRequest } from 'portico/app';
import { Config } from 'portico/config';
import { createLogger, didYouMean, type Logger, PorticoError } from 'portico/extension';
import {
  type Awaitable,
  Lifecycle,
  type NotificationPriority,
  type ServiceBase,
  type StopOptions,
} from 'portico/service';
import { within } from 'portico/tasks';
import { RPCConnection } from '../client/rpc-connection.js';
import { UnreadableEnvelope } from '../message/envelope.js';
import type { Serializer } from '../message/serializer.js';
import { notificationSettings } from '../messaging-options.js';
import { type RecentKeys, seenMessages } from '../server/recent-keys.js';
import type { Delivery, Transport, TransportConsumer } from '../transport/transport.js';
import {
  type CarriedNotification,
  NOTIFICATION_PRIORITIES,
  type NotificationFields,
  notificationRoute,
  readNotification,
} from './notification.js';

/** A notification for a handler. */
export interface Notification extends NotificationFields {
  /** Context of the sender: a `RequestContext`, or the object that the serializer made of it. */
  readonly context: unknown;
  /** Number of this delivery, from 1, as counted by the broker. */
  readonly count: number;
}

/** Handles a notification. After a failure it is redelivered, up to `[rpc] delivery_limit`. */
export type NotificationHandler = (notification: Notification) => Awaitable<void>;

/** Options of a {@link NotificationService}. */
export interface NotificationServiceOptions {
  /** A handler for each priority to receive. */
  readonly handlers: Readonly<Partial<Record<NotificationPriority, NotificationHandler>>>;
  /** Default: `[oslo_messaging_notifications] topics`. */
  readonly topics?: readonly string[];
  /** Senders, such as `nova` or `cinder`. Default: `[rpc] exchange`, else the project. */
  readonly exchanges?: readonly string[];
  /** Default `notifications`. */
  readonly name?: string;
  /** Default: an empty configuration, in which every option has its default. */
  readonly config?: Config;
  /** A URL in place of the configuration's, or a transport. */
  readonly transport?: string | Transport;
  /** Exchange if the configuration names none. Default `portico`. */
  readonly project?: string;
  /** Converts contexts and payloads. Default: contexts unchanged, plain data. */
  readonly serializer?: Serializer;
  /** Default: standard error. */
  readonly log?: Logger;
}

const BACK_MS = 1000;

/** A queue of notifications. */
interface Source {
  readonly priority: NotificationPriority;
  readonly connection: RPCConnection;
  /** Notifications that were handled, and those whose handlers run: a sender publishes again what it does not know to have arrived. */
  readonly handled: RecentKeys;
  readonly running: Map<string, Promise<void>>;
}

export class NotificationService implements ServiceBase {
  readonly name: string;
  readonly #options: NotificationServiceOptions;
  readonly #log: Logger;
  readonly #lifecycle: Lifecycle;
  #connection: RPCConnection | undefined;
  #consumers: TransportConsumer[] = [];
  readonly #running = new Set<Promise<void>>();
  #isStopping = false;

  /** Throws `PORTICO_RPC_OPTION` for a handler of an unknown priority, or no handlers. */
  static create(options: NotificationServiceOptions): NotificationService {
    const priorities = Object.keys(options.handlers);
    const wrong = priorities.find((each) => !(NOTIFICATION_PRIORITIES as readonly string[]).includes(each));
    if (wrong !== undefined || priorities.length === 0) {
      throw new PorticoError('PORTICO_RPC_OPTION', {
        message: wrong === undefined ? 'there are no notification handlers' : `there is no priority "${wrong}"`,
        hint: didYouMean(wrong ?? '', NOTIFICATION_PRIORITIES) ?? `Priorities: ${NOTIFICATION_PRIORITIES.join(', ')}.`,
      });
    }
    return new NotificationService(options);
  }

  private constructor(options: NotificationServiceOptions) {
    this.name = options.name ?? 'notifications';
    this.#options = options;
    this.#log = (options.log ?? options.config?.log ?? createLogger()).child({ service: this.name });
    this.#lifecycle = new Lifecycle(this.name, {
      start: (signal) => this.#start(signal),
      stop: (how) => this.#stop(how),
    });
  }

  /** Settles when it receives notifications. */
  start(): Promise<void> {
    return this.#lifecycle.start();
  }

  stop(options: StopOptions = {}): Promise<void> {
    return this.#lifecycle.stop(options);
  }

  wait(): Promise<void> {
    return this.#lifecycle.wait();
  }

  async reset(): Promise<void> {}

  describeWork(): readonly string[] {
    return this.#running.size === 0 ? [] : [`${this.#running.size} notifications`];
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { config = new Config(), transport, project, serializer } = this.#options;
    this.#isStopping = false;
    const usual = notificationSettings(config);
    const connection = new RPCConnection({
      config,
      ...(project !== undefined && { project }),
      serializer,
      transport: transport ?? usual.transportUrl,
      name: `${this.name}:${process.pid}`,
      log: this.#log,
    });
    this.#connection = connection;
    const { settings } = connection;
    const { topics = usual.topics, exchanges = [settings.exchange] } = this.#options;
    const priorities = Object.keys(this.#options.handlers) as NotificationPriority[];
    try {
      const opened = await connection.connected(settings.startWaitMs, { signal });
      for (const exchange of exchanges) {
        for (const topic of topics) {
          for (const priority of priorities) {
            const route = notificationRoute(exchange, topic, priority);
            const source = { priority, connection, handled: seenMessages(connection.clock), running: new Map() };
            const take = (delivery: Delivery): void => this.#take(delivery, source);
            this.#consumers.push(await opened.consume(route, { prefetch: settings.poolSize }, take));
          }
        }
      }
    } catch (error) {
      await this.#release();
      throw error;
    }
  }

  async #stop({ graceful, signal }: StopOptions & { readonly signal: AbortSignal }): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#consumers.map((consumer) => consumer.cancel()));
    if (graceful === true) {
      const ended = Promise.allSettled(this.#running).then(() => {});
      // Deliveries that are not settled at the deadline are returned with the connection.
      await within(ended, { ms: Number.POSITIVE_INFINITY, clock: this.#connection!.clock, signal }, () => {});
    }
    await this.#release();
  }

  async #release(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#consumers = [];
    await connection?.close();
  }

  #take(delivery: Delivery, source: Source): void {
    if (this.#isStopping) return void delivery.requeue();
    const work = this.#handle(delivery, source).finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  async #handle(delivery: Delivery, source: Source): Promise<void> {
    const { priority, connection, handled, running } = source;
    const { message } = delivery;
    let carried: CarriedNotification;
    try {
      carried = readNotification(message.body, { priority, limits: connection.settings.limits });
    } catch (error) {
      if (!(error instanceof UnreadableEnvelope)) throw error;
      this.#log.warn(
        { bytes: message.body.length, message: message.id },
        `a notification cannot be read: ${error.message}`,
      );
      await delivery.deadLetter(`unreadable: ${error.message}`);
      return;
    }
    const { messageId: id } = carried;
    // A second copy is handled if the first fails.
    while (running.has(id)) await running.get(id);
    if (handled.has(id)) return delivery.ack().catch(() => {});
    const work = this.#run(delivery, carried, source).then((hasEnded) => {
      running.delete(id);
      if (hasEnded && id !== '') handled.add(id);
    });
    if (id !== '') running.set(id, work);
    await work;
  }

  /** Returns false if its handler failed. */
  async #run(delivery: Delivery, carried: CarriedNotification, { priority, connection }: Source): Promise<boolean> {
    const { settings, serializer } = connection;
    const { count, redelivered } = delivery;
    const { context: dict, ...fields } = carried;
    const what = `the notification ${fields.eventType} of ${fields.publisherId}`;
    try {
      const here = { signal: new AbortController().signal, delivery: { id: fields.messageId, redelivered, count } };
      const context = serializer.deserializeContext(dict, here);
      const payload = serializer.deserializeEntity(context, fields.payload);
      const { request_id: requestId } = dict;
      const env = {
        ...(context instanceof RequestContext && { context }),
        ...(typeof requestId === 'string' && { requestId }),
      };
      await runInRequest(env, () => this.#options.handlers[priority]!({ ...fields, context, payload, count }));
    } catch (err) {
      // Queues of oslo.messaging do not count.
      const isLast = count > settings.transport.deliveryLimit || (settings.isOslo && redelivered);
      const facts = { err, message: fields.messageId, delivery: count };
      if (isLast) {
        const isKept = await delivery.deadLetter(`failed: ${what}`);
        this.#log.error(facts, `${what} failed ${count} times and is ${isKept ? 'a dead letter' : 'dropped'}`);
      } else {
        this.#log.warn(facts, `${what} failed and will be redelivered`);
        await delivery.requeue({ delayMs: BACK_MS });
      }
      return false;
    }
    await delivery
      .ack()
      .catch((err: unknown) => this.#log.info({ err }, `${what}: not acknowledged, it will be redelivered`));
    return true;
  }
}
