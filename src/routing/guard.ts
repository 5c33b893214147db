/**
 * Guards of actions, which run before the body is read and checked.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Described,
  environ,
  Fault,
  type Filter,
  type Identity,
  type OpenApiAdditions,
  RequestContext,
  remoteOf,
} from '../app/index.js';
import { whatItIs } from '../errors/index.js';
import type { Awaitable } from '../service/index.js';
import { RouteError } from './route/route-error.js';

/** Accepts a request, or throws a `Fault`, usually with status 401 or 403. */
export interface Guard {
  (request: IncomingMessage, response: ServerResponse): Awaitable<void>;
  /** Its security schemes for OpenAPI, by name: `{ session: { type: 'apiKey', in: 'cookie', name: 'sid' } }`. */
  readonly security?: Readonly<Record<string, object>> | undefined;
  /** True if it accepts requests without credentials; for documents. Default false. */
  readonly optional?: boolean | undefined;
}

/**
 * Allowed callers of an action: `true`, those that a filter of the pipeline has identified (`environ(req).identity`); `false`, anyone; or
 * those that a guard accepts.
 */
export type Auth = boolean | Guard;

/** Type of the context with options `O`, in a router or route whose own `auth` is `A`: only `auth: true` guarantees one. */
export type ContextOf<O, A = undefined> = (O extends { readonly auth: infer Own } ? Own : A) extends true
  ? RequestContext
  : RequestContext | undefined;

/** Returns the filter that applies the guard, as a list with one or none. Throws `PORTICO_ROUTE_AUTH` for an invalid {@link Auth}. */
export function guardsOf(auth: Auth | undefined): readonly (Filter & Described)[] {
  if (auth === undefined) return [];
  if (typeof auth !== 'boolean' && typeof auth !== 'function') {
    throw new RouteError('PORTICO_ROUTE_AUTH', {
      message: `auth is ${whatItIs(auth)}, not true, false or a function`,
      hint: 'A guard is a function (request, response) that throws a Fault if the caller is not allowed.',
    });
  }
  if (auth === true) return [CALLERS];
  return [auth === false ? OPEN : guarded(auth)];
}

/** Reports whether a filter of an action is `auth: true`: it refuses a request whose caller no filter has identified. */
export function needsKnownCaller(filter: Filter | undefined): boolean {
  return filter === CALLERS;
}

function guarded(guard: Guard): Filter & Described {
  const auth: Filter = (app) => (req, res) => {
    const asked: unknown = guard(req, res);
    if (asked === undefined) return app(req, res);
    return Promise.resolve(asked).then((answer) => {
      if (answer !== undefined) throw saidMore(guard, answer);
      return app(req, res);
    });
  };
  return Object.assign(auth, {
    describe: () => ({
      does: 'checks whether the caller is allowed',
      answers: 'perhaps' as const,
      openapi: openapiOf(guard),
    }),
  });
}

/** A guard accepts requests by returning; a returned value, such as false, has another meaning. */
function saidMore({ name }: Guard, answer: unknown): RouteError {
  return new RouteError('PORTICO_ROUTE_AUTH', {
    message: `the guard ${name || '(without a name)'} returned ${whatItIs(answer)}: it must return nothing, or throw a Fault`,
    hint: "Write: if (!mayCall) throw new Fault(403, { message: '…' });",
  });
}

function openapiOf({ security = {}, optional = false }: Guard): OpenApiAdditions {
  const names = Object.keys(security);
  const responses = optional ? {} : { responses: { 401: { description: 'The caller is unknown.' } } };
  if (names.length === 0) return { ...responses, needsCaller: !optional };
  return {
    ...responses,
    security: [...(optional ? [{}] : []), ...names.map((name) => ({ [name]: [] }))],
    securitySchemes: security,
  };
}

const auth: Filter = (app) => app;
const OPEN: Filter & Described = Object.assign(auth, {
  describe: () => ({ does: 'allows all callers', openapi: { needsCaller: false } }),
});

interface Caller {
  /** Filters in JavaScript may set null for an unauthenticated caller. */
  readonly identity?: Identity | null | undefined;
  readonly authError?: unknown;
}

/** Returns what the authentication filters have found. */
const callerOf = (req: IncomingMessage): Caller => environ(req) as Caller;

/** Returns a context with the caller's identity and no other rights; undefined without a known caller. */
export function contextOfCaller(req: IncomingMessage): RequestContext | undefined {
  const { identity, authError } = callerOf(req);
  if (!identity || authError !== undefined) return undefined;
  const { requestId, globalRequestId } = environ(req);
  const { address: remoteAddress } = remoteOf(req);
  return new RequestContext({
    ...identity,
    isAdmin: false,
    isService: false,
    requestId,
    globalRequestId,
    remoteAddress,
  });
}

/** Requires a caller that a filter has identified, by any scheme. */
const requireCaller: Guard = (req) => {
  const { identity, authError } = callerOf(req);
  if (identity && authError === undefined) return;
  if (authError === 'unavailable') throw new Fault(503, { message: 'The token cannot be validated at the moment.' });
  throw new Fault(401, {
    message: authError === undefined ? 'The request is not authenticated.' : 'The token is not valid.',
  });
};

const CALLERS = guarded(requireCaller);
