/**
 * The interface for remote calls in managers, and their options. They are here and not in `portico/rpc`, because every program checks
 * its configuration files with these options, and few programs load `portico/rpc`.
 */
import {
  boolean,
  bytes,
  defineOptions,
  dict,
  duration,
  integer,
  type OptionDeclarations,
  oneOf,
  path,
  string,
  uri,
} from '../config/index.js';

/** The remote methods of a manager for a caller: each returns a promise. */
export type ManagerCalls<M> = {
  readonly [K in keyof M as M[K] extends (...args: never[]) => unknown ? K : never]: M[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

/** Options of a call. Times are in seconds. */
export interface CallOptions {
  /** The exchange, which separates applications on one broker. Default: `[rpc] exchange`. */
  readonly exchange?: string;
  /** The topic of the service. Default: the client's topic. */
  readonly topic?: string;
  /** A host: only its service is called. Default: any service of the topic. */
  readonly server?: string | undefined;
  /** True: a cast to every service of the topic. Default false. */
  readonly fanout?: boolean;
  /** A separate interface on the topic. */
  readonly namespace?: string;
  /** The requested version. Default 1.0. */
  readonly version?: string;
  /** The highest version that may be sent, because older services are running. Default: from `[upgrade_levels]`, else no limit. */
  readonly versionCap?: string;
  /** Timeout of a call. Default: `[rpc] response_timeout`; never later than the deadline of the current request. */
  readonly timeout?: number;
  /**
   * Maximum time without a heartbeat from the server that handles the call, at least 2. Default: `[rpc] call_monitor_threshold`, for
   * calls with a longer timeout than that.
   */
  readonly callMonitorTimeout?: number;
  /** Number of retries for a message that does not reach the broker; -1: until the timeout. Default -1. */
  readonly retry?: number;
  /** Time until an unprocessed cast becomes a dead letter; 0: never. Default: `[rpc] cast_ttl`. */
  readonly ttl?: number;
  /** Ends the wait and aborts the handler's `ctx.signal`. */
  readonly signal?: AbortSignal;
  /** Rejects at once if there is no queue for the message. Default true for calls and for casts to a host. */
  readonly mandatory?: boolean;
  /** The second topic of the service, for methods marked as continuations. Falls back to `topic` if it has no queue. */
  readonly altTopic?: string;
}

/** Options of a client. */
export interface ClientOptions extends CallOptions {
  /** The topic of the service. */
  readonly topic: string;
  /** Classes of remote errors, by name, that are rethrown as instances of these classes. Others become `RemoteError`. */
  readonly allowedErrors?: readonly (abstract new (
    ...args: never[]
  ) => Error)[];
  /**
   * The version that each release of the service speaks, for `[upgrade_levels]`: by release name, and for `auto` by the `version` number
   * in the service's record: `{ 0: '1.0', 7: '1.4', autumn: '1.4' }`.
   */
  readonly releases?: Readonly<Record<string, string>>;
  /** Long-running methods: their calls have the timeout `[rpc] long_timeout`. */
  readonly long?: readonly string[];
}

/** Calls the services of a topic. Cheap and immutable. */
export interface RPCClient {
  /** Returns a client with changed options. */
  prepare(options: CallOptions): RPCClient;
  /** Calls a method and resolves with its result. `args` are by name. */
  call<T = unknown>(context: unknown, method: string, args?: object): Promise<T>;
  /** Sends a message without a reply. Settles when the broker has accepted it, not when the method has run. */
  cast(context: unknown, method: string, args?: object): Promise<void>;
  /** Reports whether the version cap allows the version. */
  canSend(version: string): Promise<boolean>;
  /** Returns the methods of a manager as calls: `await client.of<Images>().resize(context, { id })`. */
  of<M extends object>(): ManagerCalls<M>;
}

/** The notification priorities of oslo.messaging. */
export const NOTIFICATION_PRIORITIES = ['audit', 'debug', 'info', 'warn', 'error', 'critical', 'sample'] as const;

/** Priority of a notification; each has its own queue. */
export type NotificationPriority = (typeof NOTIFICATION_PRIORITIES)[number];

/** Options of a notifier. */
export interface NotifierOptions {
  /** Publisher, such as `compute.north`. */
  readonly publisherId: string;
  /** Default: `[oslo_messaging_notifications] topics`. */
  readonly topics?: readonly string[];
  /** Default: `[rpc] exchange`. */
  readonly exchange?: string;
}

/**
 * Publishes an event to all listeners: `await notifier.info(context, 'images.resize.end', { id })`. Settles when the broker has accepted
 * it in the queues of its topics. If the broker does not accept it within 30 s, that is logged and not an error; a payload that is not
 * plain data rejects with `PORTICO_NOT_PLAIN`. Tokens of the context are not sent.
 */
export interface Notifier extends Record<NotificationPriority, EmitNotification> {
  notify(priority: NotificationPriority, context: unknown, eventType: string, payload: unknown): Promise<void>;
}

/** Emits a notification of one priority. `payload`: plain data. */
export type EmitNotification = (context: unknown, eventType: string, payload: unknown) => Promise<void>;

/** Creates clients for remote calls to other services. */
export interface RPCClients {
  /** True for `memory://`, which reaches only services of this process. */
  readonly isInProcess: boolean;
  client(options: ClientOptions): RPCClient;
  /** Returns a notifier in the format of oslo.messaging. */
  notifier(options: NotifierOptions): Notifier;
}

/** {@link RPCClients} for the owner, which closes them. */
export interface OwnRPCClients extends RPCClients {
  /** Closes the clients. `deadline`: seconds that calls may still wait for replies. Default 0: they are cancelled at once. */
  close(options?: { readonly deadline?: number }): Promise<void>;
}

/** Schemes of the transports for remote calls. */
export const TRANSPORTS = ['memory', 'amqp', 'amqps', 'oslo+rabbit', 'oslo+amqps'] as const;

/** Other names of transports. */
const ALIASES: Readonly<Record<string, string>> = { rabbit: 'amqp', 'oslo+amqp': 'oslo+rabbit' };

/** Returns the transport that a scheme names, also one that does not exist. Text after a plus names the hosts, except after `oslo`. */
export function transportOf(scheme: string): string {
  const written = scheme.toLowerCase();
  const [, named = written] = /^([^+]+)\+[^+]+$/.exec(written) ?? [];
  const asked = named === 'oslo' ? written : named;
  return ALIASES[asked] ?? asked;
}

/** The options in `[rpc]`. */
export const rpcOptions = defineOptions({
  transport_url: uri({
    default: 'memory://',
    secret: true,
    help: 'URL of the transport: memory:// within one process, amqp://user:password@host/ (RabbitMQ) between processes; ? sets options of this section.',
  }),
  exchange: string({
    aliases: ['control_exchange'],
    help: 'Exchange, which separates applications on one broker. Default: the name of the project.',
  }),
  response_timeout: duration({
    default: 60,
    aliases: ['rpc_response_timeout'],
    help: 'Seconds a call waits for its reply.',
  }),
  long_timeout: duration({
    default: 1800,
    help: 'Seconds a call of a long-running method waits for its reply.',
    advanced: true,
  }),
  cast_ttl: duration({
    default: 3600,
    help: 'Seconds until an unprocessed cast becomes a dead letter. 0: never.',
  }),
  executor_pool_size: integer({
    default: 64,
    min: 1,
    help: 'Maximum number of remote calls that a process handles at a time.',
  }),
  prefetch: integer({
    min: 1,
    help: 'Maximum number of messages each consumer prefetches. Default: executor_pool_size.',
    advanced: true,
  }),
  access_policy: oneOf(['public', 'explicit'], {
    default: 'public',
    help: 'Remote methods of a manager: public, the marked ones, or all of the class if none is marked; explicit, only marked ones.',
  }),
  call_monitor_threshold: duration({
    default: 60,
    min: 2,
    help: 'Seconds without a heartbeat of its server until a call fails, for calls with a longer timeout.',
    advanced: true,
  }),
  connect_timeout: duration({ default: 10, help: 'Timeout of a connection attempt.', advanced: true }),
  start_wait: duration({ default: 60, help: 'Seconds to wait for the broker at the start.', advanced: true }),
  start_without_broker: boolean({
    default: false,
    help: 'Start without the broker after start_wait, and accept calls later. With false, the start fails.',
    advanced: true,
  }),
  heartbeat: duration({ default: 20, help: 'Seconds between heartbeats of a broker connection.', advanced: true }),
  retry_interval: duration({
    default: 1,
    help: 'Seconds before a message that did not reach the broker is resent.',
    advanced: true,
  }),
  retry_backoff: duration({ default: 2, help: 'Seconds that each further wait is longer.', advanced: true }),
  retry_interval_max: duration({ default: 30, help: 'Maximum wait between retries.', advanced: true }),
  failover_strategy: oneOf(['shuffle', 'round-robin'], {
    default: 'shuffle',
    help: 'Order of the hosts in the URL: shuffle is random for each process, round-robin that of the URL.',
    advanced: true,
  }),
  ssl_ca_file: path({
    mustExist: true,
    kind: 'file',
    help: 'CA certificates of the broker, for amqps://. Default: those of Node.js.',
  }),
  ssl_cert_file: path({ mustExist: true, kind: 'file', help: 'Client certificate for the broker.' }),
  ssl_key_file: path({ mustExist: true, kind: 'file', mode: 0o640, help: 'Private key of ssl_cert_file.' }),
  ssl_verify_hostname: boolean({
    default: true,
    help: 'Refuse a certificate for another host than that in the URL.',
    advanced: true,
  }),
  reply_retry_timeout: duration({
    default: 30,
    help: 'Seconds a reply is retried if its caller cannot be reached.',
    advanced: true,
  }),
  transient_queue_ttl: duration({
    default: 600,
    help: 'Seconds the broker keeps the reply and fanout queues of an ended process.',
    advanced: true,
  }),
  host_queue_ttl: duration({
    default: 86_400,
    help: 'Seconds the broker keeps the queue of a host whose service has ended.',
    advanced: true,
  }),
  queue_type: oneOf(['quorum', 'classic'], {
    default: 'quorum',
    help: 'Type of the queues that outlive a process. Methods that acknowledge late need quorum. Delete existing queues before a change.',
  }),
  call_durability: oneOf(['durable', 'transient'], {
    default: 'durable',
    help: "Survival of waiting calls at a restart of the broker. transient uses a separate classic queue, with 0.7 of the broker's processor time, and such calls time out. Casts and replies always survive.",
    advanced: true,
  }),
  delivery_limit: integer({
    default: 5,
    min: 1,
    help: 'Redeliveries of a message before it becomes a dead letter.',
    advanced: true,
  }),
  dead_letter: boolean({
    default: true,
    help: 'Keep messages that expired, were refused, or redelivered too often.',
    advanced: true,
  }),
  max_message_size: bytes({
    default: 16 * 1024 * 1024,
    min: 1024,
    help: 'Maximum size of a message.',
    advanced: true,
  }),
  compress_over: bytes({
    min: 1,
    help: 'Compress larger messages, as kombu_compression = gzip. Default: none.',
    advanced: true,
  }),
  signing_keys: dict({
    secret: true,
    help: 'Keys of signed messages: id:secret,id:secret. The first signs, all verify. Default: no signatures.',
  }),
  require_signature: boolean({
    default: false,
    help: 'Refuse messages not signed with one of signing_keys.',
  }),
  manage_topology: boolean({
    default: true,
    help: 'Declare exchanges and queues. With false, an administrator must.',
    advanced: true,
  }),
  send_remote_stack: boolean({
    default: false,
    help: 'Send the stack trace of an error to the caller, for its log.',
    advanced: true,
  }),
});

/** The options in `[upgrade_levels]`: one for each topic, with `_` for `-` in its name. */
export const upgradeLevelOptions: OptionDeclarations = Object.freeze({
  '<name>': string({
    mutable: true,
    help: 'Highest version to send while older services run: a version, a release, or auto for the lowest of the running services.',
  }),
});
