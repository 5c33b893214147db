/**
 * Methods of an object that may be called remotely, and their options. A test such as `name in endpoint` would expose `constructor` and
 * `toString`, and run getters.
 */
import { EventEmitter } from 'node:events';
import { type ManagedService, PorticoError } from 'portico/extension';
import type { Manager } from 'portico/service';
import type { ErrorClass } from './message/failure.js';
import type { ArgumentSchema } from './server/arguments.js';

/** A method as called remotely: the caller's context, and arguments by name. */
export type RemoteMethod = (context: unknown, args: Readonly<Record<string, unknown>>) => unknown;

/**
 * `public`: methods that the class defines. `explicit`: methods marked with {@link expose}, or listed in a static `rpc`. `none`: no
 * methods.
 */
export type ExposurePolicy = 'public' | 'explicit' | 'none';

/** Members of managers, which belong to the service and not to its callers. Every one is listed, or it does not compile. */
const MANAGERS_OWN = {
  initHost: true,
  preStartHook: true,
  postStartHook: true,
  gracefulShutdown: true,
  cleanupHost: true,
  reset: true,
  periodicTasks: true,
  track: true,
  backdoorPort: true,
  additionalEndpoints: true,
} satisfies Record<keyof Manager, true>;

/** Names that callers cannot reach. */
const OWN: ReadonlySet<string> = new Set(['constructor', ...Object.keys(MANAGERS_OWN)]);

/** Prototypes whose methods callers cannot reach. */
const BUILT_IN: ReadonlySet<unknown> = new Set([Object.prototype, EventEmitter.prototype]);

/** Names that describe an endpoint. */
const RESERVED: readonly string[] = ['target', 'rpc'];

const EXPOSED: unique symbol = Symbol('portico.expose');

/** Marks a method that other services can call: `@expose`. A class with a marked method exposes only marked methods. */
export function expose<F extends (this: never, ...args: never[]) => unknown>(
  method: F,
  _context?: ClassMethodDecoratorContext,
): F {
  Object.defineProperty(method, EXPOSED, { value: true });
  return method;
}

const UNTRACKED: unique symbol = Symbol('portico.untracked');

/** Marks a method whose calls need no tracking: `@untracked`. Does not wrap the method. */
export function untracked<F extends (this: never, ...args: never[]) => unknown>(
  method: F,
  _context?: ClassMethodDecoratorContext,
): F {
  Object.defineProperty(method, UNTRACKED, { value: true });
  return method;
}

/** Tracks calls by the names of their methods: that of the service's managers. */
export type CallTracker = Pick<ManagedService['tracker'], 'record'>;

/** Reports whether a method is marked with {@link untracked}. */
export function isUntracked(method: unknown): boolean {
  return typeof method === 'function' && (method as { [UNTRACKED]?: true })[UNTRACKED] === true;
}

/**
 * Returns the methods of an object that may be called remotely, by name, bound to it; looked up once. Never hooks, methods of all objects
 * or event emitters, getters, and names that begin with an underscore. `policy`: default `explicit` if the class or a parent marks or lists
 * methods, else `public`. Throws `PORTICO_RPC_RESERVED_NAME` for a method called `target` or `rpc`, `PORTICO_RPC_NO_SUCH_METHOD` for a name
 * in the static `rpc` that is not a method.
 */
export function exposedMethods(endpoint: object, policy?: ExposurePolicy): ReadonlyMap<string, RemoteMethod> {
  const { found, marks } = methodsOf(endpoint);
  for (const name of RESERVED) {
    if (!found.has(name)) continue;
    throw new PorticoError('PORTICO_RPC_RESERVED_NAME', {
      message: `${nameOf(endpoint)} has a method "${name}": the name describes an endpoint`,
      hint: 'Give the method another name.',
    });
  }
  const listed = listOf(endpoint, found);
  const marked = [...found].filter(([, method]) => isExposed(method)).map(([name]) => name);
  const usual = listed !== undefined || marks ? 'explicit' : 'public';
  const names: Readonly<Record<ExposurePolicy, Iterable<string>>> = {
    public: found.keys(),
    explicit: new Set([...(listed ?? []), ...marked]),
    none: [],
  };
  return new Map([...names[policy ?? usual]].map((name) => [name, found.get(name)!.bind(endpoint)]));
}

/** `marks`: whether the class or a parent marks a method, even one that was overridden. */
function methodsOf(endpoint: object): { readonly found: ReadonlyMap<string, RemoteMethod>; readonly marks: boolean } {
  const chain: object[] = [];
  // A class is not an endpoint: its instances are.
  if (typeof endpoint === 'function') return { found: new Map(), marks: false };
  // An object that is not an instance of a class has its methods itself.
  const first = isSimple(endpoint) ? endpoint : (Object.getPrototypeOf(endpoint) as object | null);
  for (let from = first; from !== null && !BUILT_IN.has(from); ) {
    chain.unshift(from);
    from = Object.getPrototypeOf(from) as object | null;
  }
  const found = new Map<string, RemoteMethod>();
  let marks = false;
  for (const from of chain) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(from))) {
      if (OWN.has(name)) continue;
      marks ||= typeof value === 'function' && isExposed(value);
      if (/^[_#]/.test(name)) continue;
      if (typeof value === 'function') found.set(name, value as RemoteMethod);
      // An override that is a getter is not a method any more.
      else found.delete(name);
    }
  }
  return { found, marks };
}

function listOf(endpoint: object, found: ReadonlyMap<string, RemoteMethod>): readonly string[] | undefined {
  const listed = isSimple(endpoint) ? undefined : (endpoint.constructor as { rpc?: unknown }).rpc;
  if (!Array.isArray(listed)) return undefined;
  for (const name of listed as unknown[]) {
    if (typeof name === 'string' && found.has(name)) continue;
    throw new PorticoError('PORTICO_RPC_NO_SUCH_METHOD', {
      message: `${nameOf(endpoint)} lists "${String(name)}" in its static rpc, and has no such method to expose`,
    });
  }
  return listed as string[];
}

function isExposed(method: unknown): boolean {
  return (method as { [EXPOSED]?: true })[EXPOSED] === true;
}

function isSimple(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function nameOf(endpoint: object): string {
  return isSimple(endpoint) ? 'an endpoint' : endpoint.constructor.name;
}

/** Options of {@link rpc}. */
export interface RpcMethodOptions {
  /**
   * JSON Schema (draft-07) of its arguments as sent: unknown names are refused, unless it sets `additionalProperties`. A failed check is
   * `BadArguments`. Default: no check.
   */
  readonly args?: ArgumentSchema;
  /**
   * When the broker may forget a call: when the method begins (`start`, the default: it runs once at most), or when it has ended (`late`:
   * it runs again after a crash, so it must be `idempotent`).
   */
  readonly ack?: 'start' | 'late';
  /** Running it twice has the same effect as running it once. */
  readonly idempotent?: boolean;
  /**
   * Seconds after which a `late` call is redelivered that failed with an error marked `retryable: true`: until then this process holds it.
   * Default 5, at most 900.
   */
  readonly retryDelay?: number;
  /** The method runs for a long time: not allowed with `late`, whose time brokers limit. */
  readonly long?: boolean;
  /** Errors that the method is expected to throw: logged at debug and without a stack. */
  readonly expected?: readonly ErrorClass[];
}

/** RabbitMQ closes the channel of a consumer that holds a message for 30 minutes. */
const LONGEST_RETRY_DELAY = 900;

const RPC: unique symbol = Symbol('portico.rpc');

/**
 * Sets how calls of a method are served: `@rpc({ ack: 'late', idempotent: true })`. It neither wraps nor exposes the method. Throws
 * `PORTICO_RPC_METHOD` for options that contradict each other, and an invalid `retryDelay`.
 */
export function rpc(
  options: RpcMethodOptions,
): <F extends (this: never, ...args: never[]) => unknown>(method: F, context?: ClassMethodDecoratorContext) => F {
  const { ack, idempotent, long, retryDelay = 0 } = options;
  if (ack === 'late' && idempotent !== true) {
    throw refused('a method that acknowledges late may run twice', 'Write idempotent: true if this is safe.');
  }
  if (ack === 'late' && long === true) {
    throw refused(
      'a long method cannot acknowledge late: brokers close the channel of a consumer that takes too long',
      'Acknowledge at the start, and let a periodic task find unfinished work.',
    );
  }
  if (typeof retryDelay !== 'number' || !(retryDelay >= 0 && retryDelay <= LONGEST_RETRY_DELAY)) {
    throw refused(
      `retryDelay is ${String(retryDelay)}, not a number of seconds from 0 to ${LONGEST_RETRY_DELAY}`,
      'For a longer delay let a periodic task find unfinished work.',
    );
  }
  return (method) => {
    Object.defineProperty(method, RPC, { value: Object.freeze({ ...options }) });
    return method;
  };
}

/** Returns the options of a method. */
export function methodOptions(method: unknown): RpcMethodOptions {
  return (method as { [RPC]?: RpcMethodOptions })[RPC] ?? {};
}

function refused(message: string, hint: string): PorticoError {
  return new PorticoError('PORTICO_RPC_METHOD', { message, hint });
}
