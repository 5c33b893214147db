/**
 * Guards as filters around actions, mounts, redirects and the routes of plugins.
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
} from '../../app/index.js';
import { exchangeOf, isThenable, unvalidatedToken } from '../../app/internal.js';
import { isObject, whatItIs } from '../../errors/index.js';
import { ActionRequest, type RequestRouter } from '../actions/action-request.js';
import type { Auth, Guard } from '../actions/guard.js';
import { callerOf, contextOf, contextOfCaller } from '../caller-context.js';
import { RouteError } from '../route/route-error.js';
import { callOf } from './action-call.js';

/**
 * Returns the filter that applies the guard, as a list with one or none. `router`: for requests that lead to no action. Throws
 * `PORTICO_ROUTE_AUTH` for an invalid {@link Auth}.
 */
export function guardsOf(auth: Auth | undefined, router?: () => RequestRouter): readonly (Filter & Described)[] {
  if (auth === undefined) return [];
  if (typeof auth !== 'boolean' && typeof auth !== 'function') {
    throw new RouteError('PORTICO_ROUTE_AUTH', {
      message: `auth is ${whatItIs(auth)}, not true, false or a function`,
      hint: 'A guard is a function (request) that throws a Fault if the caller is not allowed, and may return the caller.',
    });
  }
  if (auth === true) return [CALLERS];
  return [auth === false ? OPEN : guarded(auth, router)];
}

/** Reports whether a filter of an action is `auth: true`: it refuses a request whose caller no filter has identified. */
export function needsKnownCaller(filter: Filter | undefined): boolean {
  return filter === CALLERS;
}

/** Gives an app behind `auth: true` the caller as `environ(req).context`: it has no {@link ActionRequest}, which makes it. */
export const withCaller: Filter = (app) => (req, res) => {
  const caller = contextOfCaller(req);
  if (caller !== undefined) environ(req).context ??= caller;
  return app(req, res);
};

/** Reports whether the caller of a trial is not known, and taken as accepted: nothing can be said of what it may do. */
function isAssumed(req: IncomingMessage): boolean {
  const { trial } = exchangeOf(req);
  if (trial?.isCallerAssumed !== true) return false;
  trial.would('check whether the caller is allowed');
  return true;
}

/** Asks a guard; a caller that it returns is then the request's. Throws its refusal. */
export function askGuard(guard: Guard, request: ActionRequest, res: ServerResponse): void | Promise<void> {
  if (isAssumed(request.req)) return undefined;
  const answer: unknown = guard(request, res);
  if (answer === undefined) return undefined;
  if (!isThenable(answer)) return takeCaller(guard, request.req, answer);
  return Promise.resolve(answer).then((found) =>
    found === undefined ? undefined : takeCaller(guard, request.req, found),
  );
}

function takeCaller(guard: Guard, req: IncomingMessage, answer: unknown): void {
  if (!isObject(answer)) throw saidMore(guard, answer);
  environ(req).context = answer instanceof RequestContext ? answer : contextOf(req, answer as Identity);
}

/** A guard accepts requests by returning nothing or a caller; another value, such as false, has another meaning. */
function saidMore({ name }: Guard, answer: unknown): RouteError {
  return new RouteError('PORTICO_ROUTE_AUTH', {
    message: `the guard ${name || '(without a name)'} returned ${whatItIs(answer)}: it must return nothing, return the caller, or throw a Fault`,
    hint: "Write: if (!mayCall) throw new Fault(403, { message: '…' });",
  });
}

function guarded(guard: Guard, router?: () => RequestRouter): Filter & Described {
  const auth: Filter = (app) => (req, res) => {
    const asked = askGuard(guard, callOf(req) ?? bareRequest(req, res, router!()), res);
    return asked === undefined ? app(req, res) : asked.then(() => app(req, res));
  };
  return Object.assign(auth, { openapi: openapiOf(guard) });
}

/** Returns what a guard of a mount, a redirect or a plugin's route gets. */
function bareRequest(req: IncomingMessage, res: ServerResponse, router: RequestRouter): ActionRequest {
  const { params, route = { name: null, template: '', controller: '', action: '' } } = environ(req);
  return new ActionRequest(req, res, route, params, null, router);
}

function openapiOf({ security = {}, optional = false, name }: Guard): OpenApiAdditions {
  const names = Object.keys(security);
  const responses = optional ? {} : { responses: { 401: { description: 'The caller is unknown.' } } };
  if (names.length === 0) return { ...responses, needsCaller: !optional, ...(!optional && { guard: name || 'guard' }) };
  return {
    ...responses,
    security: [...(optional ? [{}] : []), ...names.map((name) => ({ [name]: [] }))],
    securitySchemes: security,
  };
}

const auth: Filter = (app) => app;
const OPEN: Filter & Described = Object.assign(auth, { openapi: { needsCaller: false } });

/** Requires a user whom a filter has identified, by any scheme. Called `auth`, as `api-cli explain` shows it. */
const requireCaller: { readonly auth: Filter } = {
  auth: (app) => (req, res) => {
    if (isAssumed(req)) return app(req, res);
    const { identity, authError } = callerOf(req);
    if (identity?.userId !== undefined && authError === undefined) return app(req, res);
    if (authError === 'unavailable') throw unvalidatedToken();
    throw new Fault(401, {
      message: authError === undefined ? 'The request is not authenticated.' : 'The token is not valid.',
    });
  },
};

const CALLERS: Filter & Described = Object.assign(requireCaller.auth, {
  openapi: { responses: { 401: { description: 'The caller is unknown.' } }, needsCaller: true },
});
