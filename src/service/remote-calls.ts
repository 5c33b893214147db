/** The interface for remote calls in managers: few applications load `portico/rpc`, and every one has its types. */

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
   * Maximum time without a heartbeat from the server that handles the call, at least 2. Default: 60, for
   * calls with a longer timeout than that.
   */
  readonly callMonitorTimeout?: number;
  /** Number of retries of connecting, and of a message that does not reach the broker; 0: none, -1: until the timeout. Default -1. */
  readonly retry?: number;
  /** Time until an unprocessed cast becomes a dead letter; 0: never. Default: `[rpc] cast_ttl`. */
  readonly ttl?: number;
  /** Ends the wait and aborts the handler's `ctx.signal`. */
  readonly signal?: AbortSignal;
  /** Rejects at once if there is no queue for the message. Default true for calls and for casts to a host. */
  readonly mandatory?: boolean;
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
  /** Long-running methods: their calls have a timeout of 30 minutes. */
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

/** Priority of a notification, as in oslo.messaging; each has its own queue. */
export type NotificationPriority = 'audit' | 'debug' | 'info' | 'warn' | 'error' | 'critical' | 'sample';

/** Options of a notifier. */
export interface NotifierOptions {
  /** Publisher, such as `compute.north`. */
  readonly publisherId: string;
  /** Default: `[oslo_messaging_notifications] topics`. */
  readonly topics?: readonly string[];
  /** Default: `[rpc] exchange`. */
  readonly exchange?: string;
  /** A notification that the broker does not take is a line of the log (default), or rejects with the first of its errors. */
  readonly onFailure?: 'log' | 'reject';
}

/**
 * Publishes an event to all listeners: `await notifier.info(context, 'images.resize.end', { id })`. Settles when the broker has accepted
 * it in the queues of its topics. If the broker does not accept it within 30 s, that is logged and not an error, unless `onFailure` is `reject`; a payload that is not
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
