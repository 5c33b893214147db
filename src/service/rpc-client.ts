/**
 * The contract of remote calls, for the managers that make them: what is called, and how. `portico/rpc` implements it.
 */

/** The methods of a manager as others call them: each gives a promise. */
export type ManagerCalls<M> = {
  readonly [K in keyof M as M[K] extends (...args: never[]) => unknown ? K : never]: M[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

/** What is called and how. Times in seconds. */
export interface CallOptions {
  /** Separates applications of one broker. Default: `[rpc] exchange`. */
  readonly exchange?: string;
  /** The topic of the service. Default: that of the client. */
  readonly topic?: string;
  /** A host: its service alone. Default: any service of the topic. */
  readonly server?: string | undefined;
  /** Every service of the topic: for casts. Default false. */
  readonly fanout?: boolean;
  /** An interface of its own on the topic. */
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

/** What a client is for. */
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

/** Where clients come from: a service's way to the others. */
export interface RPCClients {
  /** With `memory://`: no service of another process is reached. */
  readonly isInProcess: boolean;
  client(options: ClientOptions): RPCClient;
}

/** The same for those who end it. */
export interface OwnRPCClients extends RPCClients {
  close(): Promise<void>;
}
