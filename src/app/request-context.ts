/**
 * The context of a request, like RequestContext of nova and oslo.context, and the current one for code without a request at hand; and
 * the trace of a request (W3C Trace Context).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LogFields } from '../log/index.js';
import { describeMoments } from '../log/internal.js';
import { maskUris } from '../text/index.js';
import type { Identity } from './caller-identity.js';

/** Fields of a context. */
export interface ContextFields extends Identity {
  /** Whether the caller has the rights of an administrator. Default false. */
  readonly isAdmin?: boolean | undefined;
  /** Whether the caller is another service, on behalf of a user or itself. */
  readonly isService?: boolean | undefined;
  /** The service that calls for the user, by its own token. Grants no rights by itself. */
  readonly serviceUserId?: string | undefined;
  /** Name of that service. */
  readonly serviceUserName?: string | undefined;
  /** Id of the project of that service. */
  readonly serviceProjectId?: string | undefined;
  /** Roles of that service. */
  readonly serviceRoles?: readonly string[] | undefined;
  /** Id of the request, `req-…`. */
  readonly requestId?: string | undefined;
  /** Id that the caller gave to all requests of one operation. */
  readonly globalRequestId?: string | undefined;
  /** IP address of the client. */
  readonly remoteAddress?: string | undefined;
  /** Whether deleted records are visible: `no` (default), `yes`, `only`. */
  readonly readDeleted?: 'no' | 'yes' | 'only' | undefined;
  /** The token itself. Never enumerable; in `toDict()` only if `carryToken` is true. */
  readonly token?: string | undefined;
  /** Whether `toDict()` has the token. Default false. */
  readonly carryToken?: boolean | undefined;
  /** Aborted when the caller of a remote call no longer waits, or its server stops. Not sent to other processes. */
  readonly signal?: AbortSignal | undefined;
  /** The message of a remote call. Not sent to other processes. */
  readonly delivery?: CallDelivery | undefined;
}

/** The delivery of a remote call, for work that must not run twice. */
export interface CallDelivery {
  /** The same for each redelivery of the message. */
  readonly id: string;
  /** Whether the broker has delivered the message before. */
  readonly redelivered: boolean;
  /** The number of this delivery, from 1, as counted by the broker. */
  readonly count: number;
}

/** The fields of a context; a list without values is frozen and empty, a flag false, `readDeleted` is `no`. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- the constructor sets them
export interface RequestContext
  extends Omit<
    ContextFields,
    'isAdmin' | 'isService' | 'roles' | 'serviceRoles' | 'readDeleted' | 'token' | 'carryToken'
  > {
  /** Whether the caller is an administrator. */
  readonly isAdmin: boolean;
  /** Whether a service calls, not a person. */
  readonly isService: boolean;
  /** Roles of the caller. */
  readonly roles: readonly string[];
  /** Roles of the service that passes the request on. */
  readonly serviceRoles: readonly string[];
  /** Whether deleted records are read. */
  readonly readDeleted: 'no' | 'yes' | 'only';
}

/** The caller of a request and its rights. Immutable; `elevated()` returns a changed copy. Created by the context filter and by noauth. */
export class RequestContext {
  readonly #token: string | undefined;
  readonly #carryToken: boolean;
  /** Members that are not sent to other processes. Its signal may be created on first access. */
  readonly #here: Pick<ContextFields, 'signal' | 'delivery'>;
  /** Fields unknown to `fromDict`, from a newer peer; passed on. */
  readonly #unknown: Readonly<Record<string, unknown>>;

  /** `here`: members that are not sent to other processes, unless they are in `fields`. */
  constructor(
    fields: ContextFields = {},
    unknown: Readonly<Record<string, unknown>> = NOTHING,
    here?: Pick<ContextFields, 'signal' | 'delivery'>,
  ) {
    const self = this as { -readonly [K in keyof RequestContext]: RequestContext[K] };
    self.userId = fields.userId;
    self.userName = fields.userName;
    self.projectId = fields.projectId;
    self.projectName = fields.projectName;
    self.domainId = fields.domainId;
    self.domainName = fields.domainName;
    self.userDomainId = fields.userDomainId;
    self.userDomainName = fields.userDomainName;
    self.projectDomainId = fields.projectDomainId;
    self.projectDomainName = fields.projectDomainName;
    self.systemScope = fields.systemScope;
    self.isAdminProject = fields.isAdminProject;
    const roles = fields.roles ?? NO_ROLES;
    self.roles = Object.isFrozen(roles) ? roles : frozen(roles);
    self.isAdmin = fields.isAdmin ?? false;
    self.isService = fields.isService ?? false;
    self.serviceUserId = fields.serviceUserId;
    self.serviceUserName = fields.serviceUserName;
    self.serviceProjectId = fields.serviceProjectId;
    self.serviceRoles = fields.serviceRoles === undefined ? NO_ROLES : frozen(fields.serviceRoles);
    self.requestId = fields.requestId;
    self.globalRequestId = fields.globalRequestId;
    self.remoteAddress = fields.remoteAddress;
    self.readDeleted = fields.readDeleted ?? 'no';
    this.#token = fields.token;
    this.#carryToken = fields.carryToken ?? false;
    const { signal, delivery } = fields;
    this.#here = here ?? (signal === undefined && delivery === undefined ? NOTHING : { signal, delivery });
    this.#unknown = unknown;
    Object.freeze(this);
  }

  /** The caller's token, for calls made on its behalf. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Aborted when the caller of a remote call no longer waits, or its server stops. */
  get signal(): AbortSignal | undefined {
    return this.#here.signal;
  }

  /** The message of a remote call; undefined for other contexts. */
  get delivery(): CallDelivery | undefined {
    return this.#here.delivery;
  }

  /** Returns the same caller with administrator rights, for work that the caller itself may not do. */
  elevated(readDeleted: 'no' | 'yes' | 'only' = this.readDeleted): RequestContext {
    const roles = this.roles.includes('admin') ? this.roles : [...this.roles, 'admin'];
    return new RequestContext({ ...this.#fields(), roles, isAdmin: true, readDeleted }, this.#unknown, this.#here);
  }

  /** Returns a plain object for other processes, in snake case like oslo.context; includes unknown members. */
  toDict(): Record<string, unknown> {
    const dict: Record<string, unknown> = { ...this.#unknown };
    const fields: Record<string, unknown> = { ...this.#fields(), token: undefined };
    if (this.#carryToken) fields.token = this.#token;
    for (const [name, key] of KEYS) if (fields[name] !== undefined) dict[key] = fields[name];
    return dict;
  }

  /** Restores a context from {@link toDict}; members of a wrong type are left out. `here`: members that are not sent. */
  static fromDict(
    dict: Readonly<Record<string, unknown>>,
    here: Pick<ContextFields, 'signal' | 'delivery'> = NOTHING,
  ): RequestContext {
    const fields: Record<string, unknown> = {};
    const unknown: [string, unknown][] = [];
    for (const key of Object.keys(dict)) {
      const name = NAMES.get(key);
      if (name === undefined) unknown.push([key, dict[key]]);
      else if (fits(name, dict[key])) fields[name] = dict[key];
    }
    fields.carryToken = fields.token !== undefined;
    return new RequestContext(fields, unknown.length === 0 ? NOTHING : Object.fromEntries(unknown), here);
  }

  #fields(): ContextFields {
    return Object.assign({}, this, {
      token: this.#token,
      carryToken: this.#carryToken,
    });
  }
}

const NOTHING: Readonly<Record<string, never>> = Object.freeze({});
const NO_ROLES: readonly string[] = Object.freeze([]);

function frozen(roles: readonly string[]): readonly string[] {
  return Object.isFrozen(roles) ? roles : Object.freeze([...roles]);
}

/** Names of the fields that are sent, with the keys of oslo.context. */
const KEYS = ([...Object.keys(new RequestContext()), 'token'] as (keyof ContextFields)[]).map(
  (name) => [name, name === 'token' ? 'auth_token' : snakeCase(name)] as const,
);

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const NAMES: ReadonlyMap<string, keyof ContextFields> = new Map(KEYS.map(([name, key]) => [key, name]));

function fits(name: keyof ContextFields, value: unknown): boolean {
  if (name === 'roles' || name === 'serviceRoles') {
    return Array.isArray(value) && value.every((role) => typeof role === 'string');
  }
  if (name === 'isAdmin' || name === 'isService' || name === 'isAdminProject') return typeof value === 'boolean';
  if (name === 'readDeleted') return value === 'no' || value === 'yes' || value === 'only';
  return typeof value === 'string';
}

/** A request, or a call of another protocol, for the code that runs in it. It is read when it is needed: its members may be set later. */
export interface CurrentRequest {
  readonly req?: IncomingMessage;
  readonly res?: ServerResponse | undefined;
  /** The URL as received. */
  readonly originalUrl?: string;
  /** Its caller, for `currentContext()` and log lines. */
  readonly context?: RequestContext | undefined;
  /** Its id in log lines, unless the context has one. */
  readonly requestId?: string | undefined;
  /** The id that the caller gave to all requests of one operation. */
  readonly globalRequestId?: string | undefined;
  /** Returns the ids of the span that is active in the calling code, for log lines. */
  activeTrace?(): TraceIds | undefined;
  /** The time of `performance.now()` at which its caller stops waiting. */
  readonly deadline?: number;
}

const storage = new AsyncLocalStorage<CurrentRequest>();

/**
 * Calls `fn` in a request, for `currentContext()`, `currentDeadline()` and log lines. In an empty one, for work that outlives the request
 * that starts it. With several filters only the outermost call enters it: with Node 24 a run takes 1.2 µs.
 */
export function runInRequest<A extends unknown[], T>(env: CurrentRequest, fn: (...args: A) => T, ...args: A): T {
  return storage.getStore() === env ? fn(...args) : storage.run(env, fn, ...args);
}

/**
 * Runs `fn` outside of any request, for work that outlives the request that starts it, such as a shared connection: its log lines have
 * no request id.
 */
export function runOutsideRequests<T>(fn: () => T): T {
  return storage.exit(fn);
}

/** Returns the context of the current request or call; undefined outside of one. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore()?.context;
}

/** Returns the deadline of the current request or call, a time of `performance.now()`; undefined without one. */
export function currentDeadline(): number | undefined {
  return storage.getStore()?.deadline;
}

/** Returns fields of the current request and its context for a log line; the default `facts` of a logger. */
export function contextFacts(): LogFields {
  const current = storage.getStore();
  if (current === undefined) return {};
  const { requestId, globalRequestId, userId, projectId } = current.context ?? (current as ContextFields);
  const facts: Record<string, unknown> = {
    request_id: requestId ?? current.requestId,
    global_request_id: globalRequestId ?? current.globalRequestId,
    user_id: userId,
    project_id: projectId,
  };
  const ids = current.activeTrace?.();
  return ids === undefined ? facts : Object.assign(facts, ids);
}

/**
 * Calls `tell` of an unhandled error with the current request, without its query, which may contain secrets. Outside of the request if its
 * response has closed: the error is then one of what the request has left behind, such as a connection of a pool, and others use that.
 */
function ofUnhandled<T>(tell: (request: LogFields) => T): T {
  const { req, res, originalUrl } = storage.getStore() ?? {};
  if (res?.closed === true) return storage.exit(tell, {});
  return tell(originalUrl === undefined ? {} : { method: req?.method, path: maskUris(originalUrl.split('?', 1)[0]!) });
}
describeMoments(contextFacts, ofUnhandled);

/** Trace ids, under OpenTelemetry's names for logs ("Trace Context in non-OTLP Log Formats"). */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id?: string;
  readonly trace_flags?: string;
}

/** The span of a request. Exists if the application has registered an OpenTelemetry SDK: `src/server/spans` creates it. */
export interface RequestTrace {
  readonly ids: TraceIds;
  /** The ids of the currently active span. */
  readonly activeIds: TraceIds;
  /** Returns trace headers for an outgoing call of the calling code. */
  headers(): Record<string, string>;
  /** Called when a Router has found a route with this template, prefixed with the templates of its mounts. */
  routed(template: string): void;
  /** Called when the response is a fault of 500 or above, with that error. */
  failed(error: unknown): void;
}

/** A valid `traceparent` (W3C Trace Context §3.2): only versions after 00 may be longer. Node joins two headers of one request: invalid. */
const TRACEPARENT = /^(?!ff|00.{54})[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-[^,]*)?$/;

/** Returns the `traceparent` of a request; undefined if it is invalid. */
export function traceparentOf({ headers: { traceparent } }: IncomingMessage): string | undefined {
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined;
}

/** Returns the caller's trace, without a span id: the span is the caller's, and no line of this process is about it. */
export function callersTrace(req: IncomingMessage): TraceIds | undefined {
  const traceparent = traceparentOf(req);
  return traceparent === undefined ? undefined : { trace_id: traceparent.slice(3, 35) };
}
