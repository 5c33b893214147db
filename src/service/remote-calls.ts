/**
 * The contract of remote calls, for the managers that make them: what is called, and how; and their options, by which every program
 * judges its files. `portico/rpc` implements the one and reads the other: few programs load it.
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

/** The methods of a manager as others call them: each gives a promise. */
export type ManagerCalls<M> = {
  readonly [K in keyof M as M[K] extends (...args: never[]) => unknown ? K : never]: M[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

/** Options of a call. Times in seconds. */
export interface CallOptions {
  /** Separates applications of one broker. Default: `[rpc] exchange`. */
  readonly exchange?: string;
  /** The topic of the service. Default: that of the client. */
  readonly topic?: string;
  /** A host: its service alone. Default: any service of the topic. */
  readonly server?: string | undefined;
  /** Every service of the topic: for casts. Default false. */
  readonly fanout?: boolean;
  /** A separate interface on the topic. */
  readonly namespace?: string;
  /** The version that is asked for. Default 1.0. */
  readonly version?: string;
  /** The highest version that may be sent, because older services are there. Default: as `[upgrade_levels]` has it, else any. */
  readonly versionCap?: string;
  /** How long a call waits for its reply. Default: `[rpc] response_timeout`; never longer than the current request has. */
  readonly timeout?: number;
  /**
   * The longest silence of a server that works on the call, 2 at least. Default: `[rpc] call_monitor_threshold`, for calls that
   * wait longer than that.
   */
  readonly callMonitorTimeout?: number;
  /** How often a message is sent again that did not reach the broker; -1: until the time is up. Default -1. */
  readonly retry?: number;
  /** How long a cast waits in its queue before it is a dead letter; 0: for ever. Default: `[rpc] cast_ttl`. */
  readonly ttl?: number;
  /** Ends the wait, and has the handler's `ctx.signal` fire. */
  readonly signal?: AbortSignal;
  /** Refuses at once what has no queue. Default true for calls and for casts to a host. */
  readonly mandatory?: boolean;
  /** The second topic of the service, for methods marked as continuations; the first one where nothing serves it. */
  readonly altTopic?: string;
}

/** Target of a client. */
export interface ClientOptions extends CallOptions {
  /** The topic of the service that is called. */
  readonly topic: string;
  /** Errors that come back as what they are: a class for each name. Others come back as `RemoteError`. */
  readonly allowedErrors?: readonly (abstract new (
    ...args: never[]
  ) => Error)[];
  /**
   * The version that releases of the service speak, for `[upgrade_levels]`: by a name of the release, and by the number that its
   * record has as `version`, for `auto`: `{ 0: '1.0', 7: '1.4', autumn: '1.4' }`.
   */
  readonly releases?: Readonly<Record<string, string>>;
  /** Methods that run for long: their calls wait `[rpc] long_timeout`. */
  readonly long?: readonly string[];
}

/** Calls the services of a topic. Cheap and immutable. */
export interface RPCClient {
  /** A client with some options changed. */
  prepare(options: CallOptions): RPCClient;
  /** The result of a method. `args` by name. */
  call<T = unknown>(context: unknown, method: string, args?: object): Promise<T>;
  /** Settles when the broker has the message, not when the method has run. */
  cast(context: unknown, method: string, args?: object): Promise<void>;
  /** Whether the version cap lets that version be sent. */
  canSend(version: string): Promise<boolean>;
  /** The methods of a manager, each a call: `await client.of<Images>().resize(context, { id })`. */
  of<M extends object>(): ManagerCalls<M>;
}

/** Priorities of oslo.messaging. */
export const NOTIFICATION_PRIORITIES = ['audit', 'debug', 'info', 'warn', 'error', 'critical', 'sample'] as const;

/** How much a notification matters: each has its own queue. */
export type NotificationPriority = (typeof NOTIFICATION_PRIORITIES)[number];

/** How notifications are emitted. */
export interface NotifierOptions {
  /** Publisher, such as `compute.north`. */
  readonly publisherId: string;
  /** Default: `[oslo_messaging_notifications] topics`. */
  readonly topics?: readonly string[];
  /** Default: `[rpc] exchange`. */
  readonly exchange?: string;
}

/**
 * Publishes an event to all listeners: `await notifier.info(context, 'images.resize.end', { id })`. Settles when the broker accepted it in
 * the queues of its topics. One that the broker does not take in 30 s is a line of the log, and no error of the work it tells of; a payload
 * that is more than plain data rejects with `PORTICO_NOT_PLAIN`. A token of the context does not travel.
 */
export interface Notifier extends Record<NotificationPriority, EmitNotification> {
  notify(priority: NotificationPriority, context: unknown, eventType: string, payload: unknown): Promise<void>;
}

/** Emits one of a priority. `payload`: plain data. */
export type EmitNotification = (context: unknown, eventType: string, payload: unknown) => Promise<void>;

/** Source of clients: a service's way to the others. */
export interface RPCClients {
  /** With `memory://`: no service of another process is reached. */
  readonly isInProcess: boolean;
  client(options: ClientOptions): RPCClient;
  /** A notifier, in the format of oslo.messaging. */
  notifier(options: NotifierOptions): Notifier;
}

/** The same for those who end it. */
export interface OwnRPCClients extends RPCClients {
  /** `deadline`: the seconds that calls which wait for their replies may still take. Default 0: they are given up at once. */
  close(options?: { readonly deadline?: number }): Promise<void>;
}

/** `[rpc]`. */
export const rpcOptions = defineOptions({
  transport_url: uri({
    default: 'memory://',
    secret: true,
    help: 'URL of the transport for remote calls: memory:// within one process, amqp://user:password@host/ (RabbitMQ) between processes. It can set options of this section after a ?.',
  }),
  exchange: string({
    aliases: ['control_exchange'],
    help: 'The name of the exchange, which separates applications that share a broker. Default: the name of the project.',
  }),
  response_timeout: duration({
    default: 60,
    aliases: ['rpc_response_timeout'],
    help: 'Seconds for which a call waits for its reply.',
  }),
  long_timeout: duration({
    default: 1800,
    help: 'Seconds for which a call of a long-running method waits for its reply.',
  }),
  cast_ttl: duration({
    default: 3600,
    help: 'Seconds for which an unprocessed cast is kept before it becomes a dead letter. 0 keeps it forever.',
  }),
  executor_pool_size: integer({
    default: 64,
    min: 1,
    help: 'Maximum number of remote calls that a process handles at a time.',
  }),
  prefetch: integer({
    min: 1,
    help: 'Maximum number of messages that each consumer prefetches. Default: executor_pool_size.',
  }),
  access_policy: oneOf(['public', 'explicit'], {
    default: 'public',
    help: 'Which methods of a manager can be called remotely. public: the marked methods, or all methods of its class if none is marked. explicit: only marked methods.',
  }),
  call_monitor_threshold: duration({
    default: 60,
    min: 2,
    help: 'Calls with a longer timeout than this fail when their server sends no heartbeat for this many seconds.',
  }),
  connect_timeout: duration({ default: 10, help: 'Timeout of an attempt to connect to a broker, in seconds.' }),
  start_wait: duration({ default: 60, help: 'Seconds to wait for an unavailable broker at the start.' }),
  start_without_broker: boolean({
    default: false,
    help: 'After start_wait, start without the broker and accept calls once it is available. With false, the start fails.',
  }),
  heartbeat: duration({ default: 20, help: 'Seconds between two heartbeats of a connection to a broker.' }),
  retry_interval: duration({
    default: 1,
    help: 'Seconds before a message that did not reach the broker is sent again.',
  }),
  retry_backoff: duration({ default: 2, help: 'Seconds by which each further wait is longer.' }),
  retry_interval_max: duration({ default: 30, help: 'Maximum number of seconds between two retries.' }),
  failover_strategy: oneOf(['shuffle', 'round-robin'], {
    default: 'shuffle',
    help: 'The order in which the hosts of the URL are tried: shuffle picks a random order for each process, round-robin keeps the order in the URL.',
  }),
  ssl_ca_file: path({
    mustExist: true,
    kind: 'file',
    help: 'CA certificates to verify the broker with, for amqps://. Default: the ones that Node.js trusts.',
  }),
  ssl_cert_file: path({ mustExist: true, kind: 'file', help: 'Client certificate to present to the broker.' }),
  ssl_key_file: path({ mustExist: true, kind: 'file', mode: 0o640, help: 'Private key of ssl_cert_file.' }),
  ssl_verify_hostname: boolean({
    default: true,
    help: 'Refuse a certificate that is not for the host in the URL.',
  }),
  reply_retry_timeout: duration({
    default: 30,
    help: 'Seconds for which a reply is retried if its caller cannot be reached.',
  }),
  transient_queue_ttl: duration({
    default: 600,
    help: 'Seconds for which the broker keeps the reply and fanout queues of a process that has ended.',
  }),
  host_queue_ttl: duration({
    default: 86_400,
    help: 'Seconds for which the broker keeps the queue of a host whose service has ended.',
  }),
  queue_type: oneOf(['quorum', 'classic'], {
    default: 'quorum',
    help: 'The type of the queues that outlive a process. Methods that acknowledge late need quorum. Existing queues must be deleted before a change.',
  }),
  call_durability: oneOf(['durable', 'transient'], {
    default: 'durable',
    help: "Whether waiting calls survive a restart of the broker. transient uses a separate classic queue, which needs 0.7 of the broker's processor time; calls that wait during a restart end with RpcTimeout. Casts and replies always survive.",
  }),
  delivery_limit: integer({
    default: 5,
    min: 1,
    help: 'How often a message may be redelivered before it becomes a dead letter.',
  }),
  dead_letter: boolean({
    default: true,
    help: 'Keep messages that expired, were refused, or were redelivered too often.',
  }),
  max_message_size: bytes({
    default: 16 * 1024 * 1024,
    min: 1024,
    help: 'Maximum size of a message sent or received, in bytes.',
  }),
  compress_over: bytes({
    min: 1,
    help: 'Compress messages larger than this with gzip. Default: no compression.',
  }),
  signing_keys: dict({
    secret: true,
    help: 'Keys for signed messages: id:secret,id:secret. The first key signs, all keys verify. Default: messages are not signed.',
  }),
  require_signature: boolean({
    default: false,
    help: 'Refuse messages that are not signed with one of signing_keys.',
  }),
  manage_topology: boolean({
    default: true,
    help: 'Declare exchanges and queues. With false, they must exist; use this if an administrator declares them.',
  }),
  send_remote_stack: boolean({
    default: false,
    help: 'Send the stack trace of an error to the caller, for its log.',
  }),
});

/** `[upgrade_levels]`: an option for each topic, in whose name `-` is `_`. */
export const upgradeLevelOptions: OptionDeclarations = Object.freeze({
  '<name>': string({
    mutable: true,
    help: 'The highest version to send to the services of this topic while older ones still run: a version, a release that the client knows, or auto for the lowest version of the running services.',
  }),
});
