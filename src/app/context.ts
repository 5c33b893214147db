/**
 * A request's context, as nova's and oslo.context's RequestContext, and the current one, for code that
 * has no request at hand; and the trace that a request belongs to (W3C Trace Context).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { LogFields } from '../log/index.js';
import { describeMoments } from '../log/internal.js';
import type { Identity } from './identity.js';

/** Fields of a context. */
export interface ContextFields extends Identity {
  readonly isAdmin?: boolean | undefined;
  /** Whether another service asks, on behalf of a user or of itself. */
  readonly isService?: boolean | undefined;
  /** The service that asks for the user, by its own token. Gives no rights by itself. */
  readonly serviceUserId?: string | undefined;
  readonly serviceUserName?: string | undefined;
  readonly serviceProjectId?: string | undefined;
  readonly serviceRoles?: readonly string[] | undefined;
  readonly requestId?: string | undefined;
  readonly globalRequestId?: string | undefined;
  readonly remoteAddress?: string | undefined;
  /** Whether deleted records are seen too: `no` (default), `yes`, `only`. */
  readonly readDeleted?: 'no' | 'yes' | 'only' | undefined;
  /** The token itself. Never enumerable, and in `toDict()` only when `carryToken` says so. */
  readonly token?: string | undefined;
  readonly carryToken?: boolean | undefined;
  /** Fires when the caller of a remote call does not wait any more, or its server ends. Stays in this process. */
  readonly signal?: AbortSignal | undefined;
  /** The message a remote call came by. Stays in this process. */
  readonly delivery?: CallDelivery | undefined;
}

/** How a remote call came. Work that may be done twice looks here. */
export interface CallDelivery {
  /** The same when the message comes again. */
  readonly id: string;
  readonly redelivered: boolean;
  /** Number of this delivery, from 1, as far as the broker counts. */
  readonly count: number;
}

/** Immutable; `elevated()` gives a changed copy. Made by the context filter and by noauth. */
export class RequestContext {
  readonly userId: string | undefined;
  readonly userName: string | undefined;
  readonly projectId: string | undefined;
  readonly projectName: string | undefined;
  readonly domainId: string | undefined;
  readonly domainName: string | undefined;
  readonly userDomainId: string | undefined;
  readonly userDomainName: string | undefined;
  readonly projectDomainId: string | undefined;
  readonly projectDomainName: string | undefined;
  readonly systemScope: string | undefined;
  readonly isAdminProject: boolean | undefined;
  readonly roles: readonly string[];
  readonly isAdmin: boolean;
  readonly isService: boolean;
  readonly serviceUserId: string | undefined;
  readonly serviceUserName: string | undefined;
  readonly serviceProjectId: string | undefined;
  readonly serviceRoles: readonly string[];
  readonly requestId: string | undefined;
  readonly globalRequestId: string | undefined;
  readonly remoteAddress: string | undefined;
  readonly readDeleted: 'no' | 'yes' | 'only';
  readonly #token: string | undefined;
  readonly #carryToken: boolean;
  /** Members that stay in this process. It may make its signal when it is asked for. */
  readonly #here: Pick<ContextFields, 'signal' | 'delivery'>;
  /** Fields that `fromDict` does not know: a newer peer's, handed on. */
  readonly #unknown: Readonly<Record<string, unknown>>;

  /** `here`: what does not travel, where it is not among `fields`. */
  constructor(
    fields: ContextFields = {},
    unknown: Readonly<Record<string, unknown>> = NOTHING,
    here?: Pick<ContextFields, 'signal' | 'delivery'>,
  ) {
    this.userId = fields.userId;
    this.userName = fields.userName;
    this.projectId = fields.projectId;
    this.projectName = fields.projectName;
    this.domainId = fields.domainId;
    this.domainName = fields.domainName;
    this.userDomainId = fields.userDomainId;
    this.userDomainName = fields.userDomainName;
    this.projectDomainId = fields.projectDomainId;
    this.projectDomainName = fields.projectDomainName;
    this.systemScope = fields.systemScope;
    this.isAdminProject = fields.isAdminProject;
    const roles = fields.roles ?? NO_ROLES;
    this.roles = Object.isFrozen(roles) ? roles : frozen(roles);
    this.isAdmin = fields.isAdmin ?? false;
    this.isService = fields.isService ?? false;
    this.serviceUserId = fields.serviceUserId;
    this.serviceUserName = fields.serviceUserName;
    this.serviceProjectId = fields.serviceProjectId;
    this.serviceRoles = fields.serviceRoles === undefined ? NO_ROLES : frozen(fields.serviceRoles);
    this.requestId = fields.requestId;
    this.globalRequestId = fields.globalRequestId;
    this.remoteAddress = fields.remoteAddress;
    this.readDeleted = fields.readDeleted ?? 'no';
    this.#token = fields.token;
    this.#carryToken = fields.carryToken ?? false;
    this.#here = here ?? { signal: fields.signal, delivery: fields.delivery };
    this.#unknown = unknown;
    Object.freeze(this);
  }

  /** The token the caller came with: for calls made on its behalf. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Fires when the caller of a remote call does not wait any more, or its server ends. */
  get signal(): AbortSignal | undefined {
    return this.#here.signal;
  }

  /** The message that a remote call came by; undefined for others. */
  get delivery(): CallDelivery | undefined {
    return this.#here.delivery;
  }

  /** The same caller with an administrator's rights, for work the caller may not do by itself. */
  elevated(readDeleted: 'no' | 'yes' | 'only' = this.readDeleted): RequestContext {
    const roles = this.roles.includes('admin') ? this.roles : [...this.roles, 'admin'];
    return new RequestContext({ ...this.#fields(), roles, isAdmin: true, readDeleted }, this.#unknown, this.#here);
  }

  /** A plain object for other processes, in snake case as oslo.context has it; unknown members are kept. */
  toDict(): Record<string, unknown> {
    const dict: Record<string, unknown> = { ...this.#unknown };
    const fields: Record<string, unknown> = { ...this.#fields(), token: undefined };
    if (this.#carryToken) fields.token = this.#token;
    for (const [name, key] of KEYS) if (fields[name] !== undefined) dict[key] = fields[name];
    return dict;
  }

  /** The context that {@link toDict} was called on; members of a wrong type are left out. `here`: what does not travel. */
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

const KEYS: readonly (readonly [name: keyof ContextFields, key: string])[] = [
  ['userId', 'user_id'],
  ['userName', 'user_name'],
  ['projectId', 'project_id'],
  ['projectName', 'project_name'],
  ['domainId', 'domain_id'],
  ['domainName', 'domain_name'],
  ['userDomainId', 'user_domain_id'],
  ['userDomainName', 'user_domain_name'],
  ['projectDomainId', 'project_domain_id'],
  ['projectDomainName', 'project_domain_name'],
  ['systemScope', 'system_scope'],
  ['isAdminProject', 'is_admin_project'],
  ['roles', 'roles'],
  ['isAdmin', 'is_admin'],
  ['isService', 'is_service'],
  ['serviceUserId', 'service_user_id'],
  ['serviceUserName', 'service_user_name'],
  ['serviceProjectId', 'service_project_id'],
  ['serviceRoles', 'service_roles'],
  ['requestId', 'request_id'],
  ['globalRequestId', 'global_request_id'],
  ['remoteAddress', 'remote_address'],
  ['readDeleted', 'read_deleted'],
  ['token', 'auth_token'],
];

const NAMES: ReadonlyMap<string, keyof ContextFields> = new Map(KEYS.map(([name, key]) => [key, name]));

function fits(name: keyof ContextFields, value: unknown): boolean {
  if (name === 'roles' || name === 'serviceRoles') {
    return Array.isArray(value) && value.every((role) => typeof role === 'string');
  }
  if (name === 'isAdmin' || name === 'isService' || name === 'isAdminProject') return typeof value === 'boolean';
  if (name === 'readDeleted') return value === 'no' || value === 'yes' || value === 'only';
  return typeof value === 'string';
}

/** Key of a request's trace in its environ. */
export const ACTIVE_TRACE: unique symbol = Symbol('portico.environ.activeTrace');

/** Key of a request's method in its environ. */
export const METHOD: unique symbol = Symbol('portico.environ.method');

/** The environ of a request, whose context may come later. */
interface Current {
  readonly originalUrl?: string;
  readonly [METHOD]?: string | undefined;
  readonly context?: RequestContext;
  readonly requestId?: string;
  readonly globalRequestId?: string;
  [ACTIVE_TRACE]?(): TraceIds | undefined;
  /** By `performance.now()`. */
  readonly deadline?: number;
}

const storage = new AsyncLocalStorage<Current>();

/**
 * Calls `fn` so that everything it starts, now or later, is done for that request. Of several filters the outermost does it:
 * with Node 24 a run takes 1.2 µs.
 */
export function runInRequest<A extends unknown[], T>(env: Current, fn: (...args: A) => T, ...args: A): T {
  return storage.getStore() === env ? fn(...args) : storage.run(env, fn, ...args);
}

/**
 * Runs `fn` for no request: what it starts outlives the one that needed it first, such as a connection that others use too, and no
 * line of its is about that request.
 */
export function runOutsideRequests<T>(fn: () => T): T {
  return storage.exit(fn);
}

/** The context of the request or call this code runs for; undefined outside of one. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore()?.context;
}

/** When the current request or call must have ended, by `performance.now()`; undefined where it has all the time. */
export function currentDeadline(): number | undefined {
  return storage.getStore()?.deadline;
}

/** Facts of the current request and its context for a log line; a logger without `facts` of its own takes these. */
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
  const ids = current[ACTIVE_TRACE]?.();
  return ids === undefined ? facts : Object.assign(facts, ids);
}

/** Of the current request, for errors that reached none of its callers. Without the query, which may hold secrets. */
function currentRequest(): LogFields {
  const { [METHOD]: method, originalUrl } = storage.getStore() ?? {};
  return originalUrl === undefined ? {} : { method, path: originalUrl.split('?', 1)[0] };
}
describeMoments(contextFacts, currentRequest);

/** Under the names that OpenTelemetry gives them in logs ("Trace Context in non-OTLP Log Formats"). */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id?: string;
  readonly trace_flags?: string;
}

/**
 * The span of a request, as it is told from within. There is one where the program has registered an OpenTelemetry SDK:
 * `src/server/spans` makes it.
 */
export interface RequestTrace {
  readonly ids: TraceIds;
  /** Of the span that is active in the code that asks. */
  readonly activeIds: TraceIds;
  /** For a call that is made by the code that asks. */
  headers(): Record<string, string>;
  /** A Router has found a route with this template, behind those of its mounts. */
  routed(template: string): void;
  /** The answer is a fault of 500 or above for this. */
  failed(error: unknown): void;
}

/** W3C Trace Context §3.2, where only versions after 00 may be longer; two of them in one request, which Node joins, are none. */
const TRACEPARENT = /^(?!ff|00.{54})[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-[^,]*)?$/;

/** The `traceparent` of a request; undefined for one that is not valid. */
export function traceparentOf({ headers: { traceparent } }: IncomingMessage): string | undefined {
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined;
}

/** The caller's trace. The span is the caller's, and no line of this process is about it. */
export function callersTrace(req: IncomingMessage): TraceIds | undefined {
  const traceparent = traceparentOf(req);
  return traceparent === undefined ? undefined : { trace_id: traceparent.slice(3, 35) };
}
