/** Requests as the controllers of the sample see them, and actions as transactions. */
import { randomUUID } from 'node:crypto';
import { Fault, type RequestContext } from 'portico/app';
import { type Action, type ActionOptions, type ActionRequest, type Args, action } from 'portico/routing';
import type { Cloud } from '../cloud.js';
import type { Server } from '../records.js';
import type { Settings } from '../settings.js';
import type { Schema } from './parameters.js';

declare module 'portico/app' {
  interface Environ {
    /** What all requests of the compute API share. */
    sample?: { readonly cloud: Cloud; readonly settings: Settings };
  }
}

/** Answers with a fault. */
export function refuse(status: number, message: string): never {
  throw new Fault(status, { message });
}

/** 403 for everybody but administrators. */
export function allow({ who }: Call, policy: string): void {
  if (!who.isAdmin) refuse(403, `Policy doesn't allow os_compute_api:${policy} to be performed.`);
}

/** One request, in its transaction. */
export type Call<B = unknown> = ReturnType<typeof callOf<B>>;

function callOf<B>(request: ActionRequest<Args, B>) {
  const { apiVersion, environ, body } = request;
  const who = request.context as RequestContext & { userId: string; projectId: string };
  const [now, args] = [Date.now(), request.params as Readonly<Record<string, string>>];
  const href = (route: string, { id, server_id }: Ids) => request.url(route, { id, server_id });
  const bookmark = (route: string, ids: Ids) => href(route, ids).replace(`${environ.scriptName}/`, '/');
  const call = { ...environ.sample!, request: request as ActionRequest, who, now, args, body, href, bookmark };
  return Object.assign(call, {
    /** Whether the microversion is in a range. */
    within: (from?: string, to?: string) => {
      return (from === undefined || apiVersion.atLeast(from)) && (to === undefined || apiVersion.atMost(to));
    },
    /** A query parameter; of a repeated one the last. */
    query: (name: string) => request.queryValue(name),
    queries: (name: string) => [(request.query as Record<string, string | string[]>)[name] ?? []].flat(),
    links: (route: string, { id }: Ids) => [
      { rel: 'self', href: href(route, { id }) },
      { rel: 'bookmark', href: bookmark(route, { id }) },
    ],
    /** Keeps what was done to a server. */
    record: (verb: string, { id, project_id }: Server) => {
      const done = { action: verb, instance_uuid: id, user_id: who.userId, project_id, startedAt: now };
      call.cloud.actions.insert(randomUUID(), { ...done, request_id: environ.requestId ?? '' }, id);
    },
  });
}
type Ids = { readonly id: string; readonly server_id?: string };

/** Values by the microversion from which they hold. */
type Since<T> = Readonly<Record<string, T>>;

interface Options {
  /** First (default: the first that has a body) and last microversion that has the action. */
  readonly from?: string;
  readonly to?: string;
  /** Administrators only; the policy's name. */
  readonly admin?: string;
  /** The key of the body that selects a member action. */
  readonly key?: string;
  readonly body?: Since<Schema>;
  /** Parameters; others are ignored below `strictFrom` (default 2.75) and refused from there. */
  readonly query?: Since<Readonly<Record<string, Schema>>>;
  readonly strictFrom?: string;
  readonly status?: number | Since<number>;
}

/** An action that only looks. */
export function reads<B = unknown>(options: Options, handler: (call: Call<B>) => unknown): Action {
  return declared<B>(options, (call) => call.cloud.read(() => handler(call)));
}

/** An action that changes something: all of it or, when it throws, nothing. */
export function writes<B = unknown>(options: Options, handler: (call: Call<B>) => unknown): Action {
  return declared<B>(options, (call) => call.cloud.write(() => handler(call)));
}

/** An action. `run` opens its transaction itself. */
export function declared<B>(options: Options, run: (call: Call<B>) => unknown): Action {
  const { from, to, admin, key, body = {}, query = {}, strictFrom = '2.75', status } = options;
  const parameters = Object.entries(query).map(
    ([since, properties]) => [since, { type: 'object', properties }] as const,
  );
  const strict =
    parameters.length === 0 ? {} : { [strictFrom]: { ...parameters.at(-1)![1], additionalProperties: false } };
  const statuses = typeof status === 'number' ? { '2.1': status } : status;
  const given: ActionOptions = {
    versions: [from ?? Object.keys(body)[0] ?? null, to ?? null],
    body: ranges(body).map(([versions, schema]) => ({ versions, schema })),
    query: ranges({ ...Object.fromEntries(parameters), ...strict }).map(([versions, schema]) => ({ versions, schema })),
    ...(key && { bodyKey: key }),
    ...(statuses && { status: ranges(statuses).map(([versions, it]) => ({ versions, status: it })) }),
  };
  return action(given, (request) => {
    const call = callOf(request as ActionRequest<Args, B>);
    if (admin !== undefined) allow(call, admin);
    return run(call);
  });
}

/** Each value with its range of microversions: up to the one before the next. */
function ranges<T>(values: Since<T>): (readonly [versions: readonly [from: string, to: string | null], value: T])[] {
  const starts = Object.keys(values);
  const last = starts.slice(1).map((next) => `2.${Number(next.slice(2)) - 1}`);
  return starts.map((start, index) => [[start, last[index] ?? null], values[start]!]);
}
