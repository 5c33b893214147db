/**
 * Connection of a process to remote services: the transport, the calls that wait for their replies, and clients.
 */
import { Config, workerAssignment } from 'portico/config';
import { CallSpans, ConfigurationRefused, checkOptions, isRegistered, type Logger } from 'portico/extension';
import type { Awaitable, ClientOptions, Notifier, NotifierOptions, OwnRPCClients, RPCClient } from 'portico/service';
import { type Clock, pause, systemClock, within } from 'portico/tasks';
import type { CallMeter } from '../call-meter.js';
import { DeliveryFailure, DeliveryUnknown } from '../errors.js';
import { completed, type Serializer } from '../message/serializer.js';
import {
  atItsOption,
  type MessagingSettings,
  messagingSettings,
  type NotificationSettings,
  notificationSettings,
} from '../messaging-options.js';
import { busNotifier } from '../notifications/notification.js';
import { shareTransport } from '../transport/open-transport.js';
import { type Message, type Route, retryWaitMs, type Transport } from '../transport/transport.js';
import { CallClient, type CallPath, type SendOptions } from './call-client.js';
import { PendingCalls } from './pending-calls.js';
import { UpgradeLevels } from './upgrade-levels.js';

/** Options of an {@link RPCConnection}. */
export interface RPCConnectionOptions {
  /** Default: an empty configuration, in which every option has its default. */
  readonly config?: Config;
  /** A URL in place of `[rpc] transport_url`, or a transport, which is not closed with the connection. */
  readonly transport?: string | Transport | undefined;
  /** Name of the connection at the broker. Default: the process's id. */
  readonly name?: string;
  /** Exchange if the configuration names none. Default `portico`. */
  readonly project?: string | undefined;
  /**
   * In a worker: the topics that it serves itself. Clients of other topics are refused with the transport `memory://`, which reaches no
   * other process. Default: none.
   */
  readonly workerTopics?: readonly string[] | undefined;
  /** Converts contexts and entities. Default: contexts unchanged, plain data. */
  readonly serializer?: Serializer | undefined;
  /** Default: standard error. */
  readonly log?: Logger;
  /** Clock and timers. Default: those of the system. */
  readonly clock?: Clock;
}

const NAMES: readonly (keyof RPCConnectionOptions)[] = [
  'config',
  'transport',
  'name',
  'project',
  'workerTopics',
  'serializer',
  'log',
  'clock',
];

/**
 * Opens nothing until something is sent or consumed, and can be used again after `close()`. A process that serves has one for each service,
 * and they share one transport for each URL.
 */
export class RPCConnection implements OwnRPCClients, CallPath {
  readonly settings: MessagingSettings;
  readonly serializer: Required<Serializer>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly pending: PendingCalls;
  readonly meter: CallMeter | undefined;
  /** Notes failed calls of served methods. */
  readonly failed: CallMeter['failed'] | undefined;
  readonly levels: UpgradeLevels;
  readonly #given: Transport | undefined;
  readonly #url: string;
  readonly #name: string;
  readonly #workerTopics: readonly string[] | undefined;
  readonly #options: RPCConnectionOptions;
  readonly #notifications: NotificationSettings;
  /** Loads the driver of the transport; settles with {@link #share}. */
  #sharing: Promise<Transport> | undefined;
  #share: Transport | undefined;
  #notifying: RPCConnection | undefined;
  /** True while a requested connection is not established yet. */
  #isAwaited = false;
  #spans: Promise<CallSpans | undefined> | undefined;

  /** `meter`: counts calls if enabled. Throws `PORTICO_RPC_URL`. */
  constructor(options: RPCConnectionOptions = {}, meter?: CallMeter) {
    checkOptions('PORTICO_RPC_OPTION', 'an RPCConnection', options, NAMES);
    const { config = new Config(), transport, name, project, workerTopics, serializer, log, clock } = options;
    const url = typeof transport === 'string' ? transport : undefined;
    const read = messagingSettings(config, { url, project });
    this.settings = read.settings;
    this.#options = options;
    this.#notifications = notificationSettings(config);
    this.#url = read.url;
    this.#workerTopics = workerTopics ?? (workerAssignment() === undefined ? undefined : []);
    this.#given = typeof transport === 'object' ? transport : undefined;
    this.#name = name ?? `${process.pid}`;
    this.serializer = completed(serializer ?? {});
    this.log = log ?? config.log;
    this.clock = clock ?? systemClock;
    this.failed = meter?.failed;
    this.meter = meter?.isOn === true ? meter : undefined;
    this.levels = new UpgradeLevels({ config, log: this.log, clock: this.clock });
    this.pending = new PendingCalls({ log: this.log, clock: this.clock, limits: this.settings.limits });
  }

  /** Returns a client of the services of a topic. Throws as `CallClient`. */
  client(options: ClientOptions): RPCClient {
    // A copy: later changes of the object have no effect.
    return new CallClient(this, { ...options });
  }

  /** Returns a notifier. Opens nothing until the first notification. */
  notifier(options: NotifierOptions): Notifier {
    return busNotifier(this.#bus, this.#notifications, { ...options });
  }

  /** Throws `PORTICO_RPC_MEMORY` if the transport cannot reach the services of a topic. */
  checkReach(topic: string): void {
    const isElsewhere = this.#workerTopics !== undefined && !this.#workerTopics.includes(topic);
    if (isElsewhere && this.isInProcess) {
      throw new ConfigurationRefused('PORTICO_RPC_MEMORY', {
        message: `a client of "${topic}" runs in a worker, and memory:// cannot reach other processes`,
        hint: 'Set [rpc] transport_url = amqp://… of a broker, or workers = 0 in [DEFAULT], which runs all services in one process.',
      });
    }
  }

  get isInProcess(): boolean {
    return this.#given === undefined && this.settings.isInProcess;
  }

  /** Problem of its connection to the broker, for health checks. */
  get troubles(): readonly string[] {
    const { state, name } = this.#open ?? { state: 'new', name: 'the broker' };
    if (state === 'blocked') return [`remote calls: ${name} accepts no messages (memory or disk alarm)`];
    if (state === 'lost') return [`remote calls: the connection to ${name} is lost`];
    return this.#isAwaited ? [`remote calls: there is no connection to ${name} yet`] : [];
  }

  /** The tracer; undefined if no OpenTelemetry SDK is registered. */
  get spans(): Promise<CallSpans | undefined> | undefined {
    if (isRegistered()) this.#spans ??= CallSpans.find(this.log);
    return this.#spans;
  }

  /** Returns the connected transport. Rejects with `DeliveryFailure` if it takes longer than `ms`, or after `retry` further attempts. */
  connected(ms: number, { signal, retry }: Partial<Pick<SendOptions, 'signal' | 'retry'>> = {}): Awaitable<Transport> {
    const transport = this.#open;
    const isThere = transport?.state === 'connected' || transport?.state === 'blocked';
    return isThere ? transport : this.#connect(ms, signal, retry);
  }

  /**
   * Sends a message; retries if it did not reach the broker. Resends a message that may have been sent only on the topology of
   * oslo.messaging, whose services do the same and drop what they have had. Rejects with `DeliveryUnknown` if any of the tries may have
   * reached it. Settles also when a call is over without a confirmation.
   */
  async send(to: Route, message: Message, options: SendOptions): Promise<void> {
    const { until, retry = -1, signal, ttlMs, mandatory, expected } = options;
    const transport = this.#open;
    // An earlier call must not open another share.
    if (transport === undefined)
      throw new DeliveryFailure({ message: `message ${message.id}: its connection is closed` });
    // The message may have arrived then, whatever happens to later tries.
    let unknown: DeliveryUnknown | undefined;
    for (let tries = 0; ; tries++) {
      const left = until - this.clock.now();
      const how = { ttlMs: expected === undefined ? ttlMs : left, mandatory, timeoutMs: Math.max(1000, left) };
      try {
        await transport.publish(to, message, how);
        return;
      } catch (error) {
        if (error instanceof DeliveryUnknown) unknown ??= error;
        const waitMs = retryWaitMs(this.settings.transport, tries) * (0.75 + Math.random() / 2);
        const exhausted = (retry >= 0 && tries >= retry) || waitMs > until - this.clock.now();
        const isLost = this.settings.isOslo && error instanceof DeliveryUnknown;
        const isAgain = isLost || (error instanceof DeliveryFailure && !error.final);
        const isRetried = isAgain && !exhausted && expected?.isOver !== true;
        const isTime = isRetried && (await pause(waitMs, { clock: this.clock, signal }));
        if (expected?.isOver === true) return;
        if (!isTime) throw unknown ?? error;
      }
    }
  }

  /**
   * Rejects the calls that wait for their replies, after `deadline` seconds at the latest (default 0), and releases its share of the
   * transport with its consumers.
   */
  async close(options: { readonly deadline?: number } = {}): Promise<void> {
    checkOptions('PORTICO_RPC_OPTION', 'close() of an RPCConnection', options, ['deadline']);
    const { deadline = 0 } = options;
    if (deadline > 0) await within(this.pending.ended(), { ms: deadline * 1000, clock: this.clock });
    const sharing = this.#sharing;
    this.#sharing = undefined;
    this.#share = undefined;
    this.#isAwaited = false;
    this.pending.close();
    const bus = this.#notifying;
    this.#notifying = undefined;
    // The calls report a transport that could not be loaded.
    const closed = sharing?.then(
      (share) => share.close(),
      () => undefined,
    );
    await Promise.all([closed, bus?.close()]);
    await this.levels.close();
  }

  /** Connection for notifications: this one, unless they have a separate broker. */
  get #bus(): RPCConnection {
    const { transportUrl } = this.#notifications;
    if (transportUrl === undefined || this.#given !== undefined) return this;
    this.#notifying ??= new RPCConnection({ ...this.#options, transport: transportUrl });
    return this.#notifying;
  }

  /** Undefined if nothing was sent or consumed yet. */
  get #open(): Transport | undefined {
    return this.#given ?? this.#share;
  }

  async #connect(ms: number, signal: AbortSignal | undefined, retry = -1): Promise<Transport> {
    const late = new AbortController();
    const cancel = this.clock.after(ms, () => late.abort());
    this.#isAwaited = true;
    try {
      const transport = await this.#transport();
      const ends = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
      await transport.connect(ends, retry < 0 ? undefined : retry);
      this.#isAwaited = false;
      return transport;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      cancel();
    }
  }

  async #transport(): Promise<Transport> {
    if (this.#given !== undefined) return this.#given;
    const { log } = this;
    const { config, transport } = this.#options;
    const options = { ...this.settings.transport, log, clientName: this.#name };
    this.#sharing ??= shareTransport(this.#url, options, config).catch((error: unknown) => {
      throw config === undefined || transport !== undefined ? error : atItsOption(config, error);
    });
    const sharing = this.#sharing;
    const share = await sharing;
    if (this.#sharing !== sharing) {
      // Closed meanwhile; a later call opens another share.
      await share.close();
      throw new DeliveryFailure({ message: `the connection to ${share.name} was closed before it was open` });
    }
    this.#share = share;
    return share;
  }
}
