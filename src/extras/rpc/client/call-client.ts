/**
 * Calls and casts to the services of a topic.
 */
import { currentDeadline } from 'portico/app';
import {
  type CallSpans,
  checkOptions,
  type Logger,
  PorticoError,
  type SendKind,
  type TraceHeaders,
} from 'portico/extension';
import type { Awaitable, CallOptions, ClientOptions, ManagerCalls, RPCClient } from 'portico/service';
import { type Clock, within } from 'portico/tasks';
import type { CallMeter } from '../call-meter.js';
import { DeliveryFailure, failing, InvalidTarget, RpcTimeout, SerializationError, VersionCapError } from '../errors.js';
import { LONGEST_NAME, messageId, type RequestEnvelope, writeEnvelope } from '../message/envelope.js';
import { ErrorRebuilder } from '../message/failure.js';
import { eachArgument, type Serializer } from '../message/serializer.js';
import { isRecord } from '../message/typed-json.js';
import { checkVersion, FIRST_VERSION, isCompatible } from '../message/versions.js';
import type { MessagingSettings } from '../messaging-options.js';
import { checkRoute, describeRoute } from '../transport/route.js';
import type { Message, Route, Transport } from '../transport/transport.js';
import type { Expected, PendingCalls } from './pending-calls.js';
import type { UpgradeLevels } from './upgrade-levels.js';

/** Options of sending a message. */
export interface SendOptions {
  /** For a cast. A call expires at `until`. */
  readonly ttlMs?: number | undefined;
  readonly mandatory: boolean;
  /** Time by the clock after which it is not retried. */
  readonly until: number;
  /** Number of retries; -1, or undefined: no limit until then. */
  readonly retry: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** The call, which may have had its response although the broker did not confirm it. */
  readonly expected?: Pick<Expected, 'isOver'>;
}

/** What a connection is for its clients and notifiers. */
export interface CallPath {
  readonly settings: MessagingSettings;
  readonly serializer: Required<Serializer>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly pending: PendingCalls;
  /** Undefined: calls are not counted. */
  readonly meter: CallMeter | undefined;
  /** Undefined: no spans are created. */
  readonly spans: Promise<CallSpans | undefined> | undefined;
  readonly levels: UpgradeLevels;
  checkReach(topic: string): void;
  connected(ms: number, options?: Partial<Pick<SendOptions, 'signal' | 'retry'>>): Awaitable<Transport>;
  send(to: Route, message: Message, options: SendOptions): Promise<void>;
}

/** Time limit of sending a cast. */
const CAST_MS = 30_000;

export class CallClient implements RPCClient {
  readonly #path: CallPath;
  readonly #options: ClientOptions;
  readonly #route: Route;
  /** The route, for messages. */
  readonly #where: string;
  readonly #rebuilder: ErrorRebuilder;
  /** Level of the topic in `[upgrade_levels]`, once it was read; null: none. */
  #level: string | null | undefined;

  /**
   * Throws `InvalidTarget` for invalid names and versions, `PORTICO_RPC_OPTION` for unknown options and invalid times, and as {@link
   * CallPath.checkReach} and {@link UpgradeLevels.level}.
   */
  constructor(path: CallPath, options: ClientOptions, rebuilder?: ErrorRebuilder) {
    checkClientOptions(options);
    const { exchange = path.settings.exchange, topic, server, fanout, versionCap, version } = options;
    this.#path = path;
    this.#options = options;
    this.#route = { exchange, topic, server, fanout };
    this.#rebuilder = rebuilder ?? new ErrorRebuilder(options.allowedErrors);
    this.#where = describeRoute(this.#route);
    checkRoute(this.#route, path.settings.isOslo);
    path.checkReach(topic);
    for (const each of Object.values(options.releases ?? {})) checkVersion(topic, each);
    if (versionCap === undefined) path.levels.level(topic, options.releases);
    for (const each of [version, versionCap]) if (each !== undefined) checkVersion(topic, each);
  }

  prepare(options: CallOptions): RPCClient {
    return new CallClient(this.#path, { ...this.#options, ...options }, this.#rebuilder);
  }

  async canSend(version: string): Promise<boolean> {
    const cap = await this.#cap();
    return cap === undefined || isCompatible(cap, version);
  }

  call<T>(context: unknown, method: string, args: object = {}): Promise<T> {
    return this.#observed('call', method, (trace) =>
      this.#call<T>(context, method, args, trace).catch((error: unknown) => failCall(error, this.#route.topic, method)),
    );
  }

  cast(context: unknown, method: string, args: object = {}): Promise<void> {
    return this.#observed('cast', method, (trace) =>
      this.#cast(context, method, args, trace).catch((error: unknown) => failCall(error, this.#route.topic, method)),
    );
  }

  async #call<T>(context: unknown, method: string, args: object, trace: TraceHeaders | undefined): Promise<T> {
    const what = this.#what(method);
    if (this.#route.fanout === true) {
      throw new InvalidTarget({ message: `${what}: a call has one reply`, hint: 'Cast it, or call one host.' });
    }
    const { clock, pending, serializer } = this.#path;
    const timeoutMs = this.#timeoutMs(method);
    if (timeoutMs <= 0) throw new RpcTimeout({ message: `${what}: the current request has no time left` });
    const until = clock.now() + timeoutMs;
    const monitorMs = this.#monitorMs(timeoutMs);
    const { signal, mandatory = true, retry } = this.#options;
    signal?.throwIfAborted();
    const checked = this.#checkCap(what, until);
    if (checked !== undefined) await checked;
    const id = messageId();
    const connected = this.#path.connected(until - clock.now(), { signal, retry });
    const transport = connected instanceof Promise ? await connected : connected;
    const found = pending.address(transport);
    const to = typeof found === 'string' ? found : await this.#inTime(found, what, until);
    const left = until - clock.now();
    if (left <= 0) throw new DeliveryFailure({ message: `${what}: it timed out before it could be sent` });
    const body = this.#encode(context, method, args, {
      id,
      reply: { to, id },
      deadline: Math.ceil(left),
      monitor: monitorMs,
      trace,
    });
    const expected = pending.expect({ id, what, timeoutMs: left, monitorMs, signal });
    const how = { mandatory, until, retry, signal, expected };
    this.#path.send(this.#route, { id, body, replyTo: to }, how).catch(expected.fail);
    try {
      const answer = await expected.reply;
      if ('failure' in answer) throw this.#rebuilder.rebuild(answer.failure);
      return serializer.deserializeEntity(context, answer.result) as T;
    } catch (error) {
      // The server itself knows when the caller's time is up.
      const isSilent = error instanceof RpcTimeout && error.monitor && !('remote' in error);
      if (isSilent || (signal?.aborted === true && error === signal.reason)) this.#cancel(id);
      throw error;
    }
  }

  async #cast(context: unknown, method: string, args: object, trace: TraceHeaders | undefined): Promise<void> {
    const { settings, clock } = this.#path;
    const { server, fanout } = this.#route;
    const { ttl, mandatory = server !== undefined && fanout !== true, retry, signal, timeout } = this.#options;
    const until = clock.now() + (timeout === undefined ? CAST_MS : timeout * 1000);
    const ttlMs = (ttl === undefined ? settings.castTtlMs : ttl * 1000) || undefined;
    await this.#checkCap(this.#what(method), until);
    const id = messageId();
    const message = { id, body: this.#encode(context, method, args, { id, trace }) };
    await this.#path.connected(until - clock.now(), { signal, retry });
    await this.#path.send(this.#route, message, { ttlMs, mandatory, until, retry, signal });
  }

  of<M extends object>(): ManagerCalls<M> {
    return methodCalls<ManagerCalls<M>>((method, context, args) => this.call(context, method, args));
  }

  /** Counts a call, and creates its span, if enabled. */
  #observed<T>(kind: SendKind, method: string, send: (trace?: TraceHeaders) => Promise<T>): Promise<T> {
    const { meter, spans } = this.#path;
    const { topic } = this.#route;
    const counted = (trace?: TraceHeaders): Promise<T> =>
      meter === undefined ? send(trace) : meter.sent(kind, topic, method, () => send(trace));
    if (spans === undefined) return counted();
    const isExpected = (error: unknown): boolean => this.#rebuilder.isAllowed(error);
    return spans.then((made) =>
      made === undefined
        ? counted()
        : made.sent(kind, topic, method, { send: counted, isFailure: failing(isExpected) }),
    );
  }

  #what(method: string): string {
    return `${method} of ${this.#where}`;
  }

  #cap(): Awaitable<string | undefined> {
    const { versionCap, topic, namespace, releases } = this.#options;
    // Methods that all services have are versioned separately.
    if (versionCap !== undefined || namespace === 'base') return versionCap;
    const { levels } = this.#path;
    this.#level ??= levels.level(topic, releases) ?? null;
    return this.#level === null ? undefined : levels.cap(topic, releases);
  }

  /** Throws, or rejects with, `VersionCapError` for a version that may not be sent. */
  #checkCap(what: string, until: number): Awaitable<void> {
    const cap = this.#cap();
    // Only a query of the registry is asynchronous.
    if (cap === undefined || typeof cap === 'string') return this.#compare(what, cap);
    return this.#inTime(Promise.resolve(cap), what, until).then((found) => this.#compare(what, found));
  }

  #compare(what: string, cap: string | undefined): void {
    const { version = FIRST_VERSION } = this.#options;
    if (cap === undefined || isCompatible(cap, version)) return;
    throw new VersionCapError({
      message: `${what}: version ${version} exceeds the cap ${cap}`,
      hint: 'Check canSend() and call the older version until all services are upgraded.',
    });
  }

  /** Returns the result of `work`, which must precede the message; rejects with `DeliveryFailure` when the time is up. */
  #inTime<T>(work: Promise<T>, what: string, until: number): Promise<T> {
    const { clock } = this.#path;
    const { signal } = this.#options;
    return within(work, { ms: until - clock.now(), clock, signal }, (): never => {
      signal?.throwIfAborted();
      throw new DeliveryFailure({ message: `${what}: it timed out before it could be sent` });
    });
  }

  #encode(
    context: unknown,
    method: string,
    args: object,
    more: Pick<RequestEnvelope, 'id' | 'reply' | 'deadline' | 'monitor' | 'trace'>,
  ): Buffer {
    const { version = FIRST_VERSION, namespace } = this.#options;
    const { serializer, settings } = this.#path;
    const ctx = serializer.serializeContext(context);
    const isCall = typeof method === 'string' && isRecord(args) && isRecord(ctx);
    if (!isCall) {
      const name = typeof method === 'string' ? (isRecord(args) ? 'context' : 'args') : 'method';
      throw new SerializationError({
        message: `${this.#what(method)}: its ${name} cannot be sent`,
        hint: 'Pass the context, the method\'s name, and its arguments by name: call(context, "resize", { id }).',
      });
    }
    checkName('the method', method);
    const envelope: RequestEnvelope = {
      method,
      args: eachArgument(args as RequestEnvelope['args'], context, serializer.serializeEntity),
      ns: namespace,
      ver: version,
      ctx,
      ...more,
    };
    return writeEnvelope(envelope, this.#what(method), settings.limits);
  }

  /** Returns the milliseconds for the call: its own time, at most the rest of the current request's time. */
  #timeoutMs(method: string): number {
    const { timeout, long = [] } = this.#options;
    const { settings, clock } = this.#path;
    const usual = long.includes(method) ? settings.longMs : settings.responseMs;
    const due = currentDeadline();
    return Math.min(timeout === undefined ? usual : timeout * 1000, due === undefined ? Infinity : due - clock.now());
  }

  #monitorMs(timeoutMs: number): number | undefined {
    const { callMonitorTimeout } = this.#options;
    const { monitorMs } = this.#path.settings;
    if (callMonitorTimeout !== undefined) return callMonitorTimeout * 1000;
    return timeoutMs > monitorMs ? monitorMs : undefined;
  }

  /** Sends a cancellation to every process of Portico with the topic, because the one that handles the call is unknown. Best effort. */
  #cancel(id: string): void {
    const { settings, log } = this.#path;
    const { exchange, topic } = this.#route;
    const how = { ttlMs: settings.responseMs, mandatory: false, until: 0, retry: 0, signal: undefined };
    const to = { exchange, topic, fanout: true, isOwn: true };
    const body = writeEnvelope({ cancel: id }, 'a cancellation', settings.limits);
    this.#path.send(to, { id: messageId(), body }, how).catch((err: unknown) => {
      log.debug({ err }, `call ${id} could not be cancelled`);
    });
  }
}

/** Seconds: RabbitMQ closes the channel for a message with a time to live of 2^32 ms or more, which affects other messages on it. */
const LONGEST_WAIT_S = 4_294_967;

const OPTIONS: Readonly<Record<keyof ClientOptions, true>> = {
  exchange: true,
  topic: true,
  server: true,
  fanout: true,
  namespace: true,
  version: true,
  versionCap: true,
  timeout: true,
  callMonitorTimeout: true,
  retry: true,
  ttl: true,
  signal: true,
  mandatory: true,
  allowedErrors: true,
  releases: true,
  long: true,
};

/** Throws `PORTICO_RPC_OPTION` for unknown options and invalid times, `InvalidTarget` for an invalid namespace. */
function checkClientOptions(options: ClientOptions): void {
  checkOptions('PORTICO_RPC_OPTION', 'a client', options, Object.keys(OPTIONS));
  checkTimes(options);
  if (options.namespace !== undefined) checkName('the namespace', options.namespace);
}

function checkTimes({ timeout, ttl, callMonitorTimeout, topic }: ClientOptions): void {
  const least = { timeout: [timeout, 0], ttl: [ttl, 0], callMonitorTimeout: [callMonitorTimeout, 2] } as const;
  for (const [name, [seconds, min]] of Object.entries(least)) {
    if (seconds === undefined || (seconds >= min && seconds <= LONGEST_WAIT_S)) continue;
    throw new PorticoError('PORTICO_RPC_OPTION', {
      message: `${topic}: ${name} is ${seconds}: expected a number of seconds, ${min} to ${LONGEST_WAIT_S}`,
    });
  }
}

/** Throws `InvalidTarget` for a name that servers cannot read. `what`: `the method`. */
function checkName(what: string, name: string): void {
  if (name.length <= LONGEST_NAME) return;
  throw new InvalidTarget({
    message: `${what} ${name.slice(0, 40)}… has ${name.length} characters: ${LONGEST_NAME} are allowed`,
  });
}

/**
 * Throws the error with `calledMethod`, as in `books.sync`: the status of the caller shows it. One that passed several services keeps the
 * innermost method.
 */
function failCall(error: unknown, topic: string, method: string): never {
  const isOpen = error instanceof Error && Object.isExtensible(error) && !('calledMethod' in error);
  if (isOpen) Object.defineProperty(error, 'calledMethod', { value: `${topic}.${method}` });
  throw error;
}

/** Names read by `await`, JSON, string conversion and comparisons: these must not be calls. */
const ASKED_OF_ANY_OBJECT: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  ...Object.getOwnPropertyNames(Object.prototype),
]);

/** Returns an object whose members are the methods of a service; calling one calls the service. `own`: members that are not calls. */
export function methodCalls<T extends object>(
  call: (method: string, context: unknown, args: Readonly<Record<string, unknown>> | undefined) => Promise<unknown>,
  own: object = {},
): T {
  const get = (target: object, name: string | symbol): unknown => {
    if (typeof name === 'symbol' || ASKED_OF_ANY_OBJECT.has(name) || Object.hasOwn(own, name)) {
      return Reflect.get(target, name);
    }
    return (context?: unknown, args?: Readonly<Record<string, unknown>>) => call(name, context, args);
  };
  return new Proxy(own, { get }) as T;
}
