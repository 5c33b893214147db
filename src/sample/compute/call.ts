/** Requests as the controllers of the sample see them, and actions as transactions. */
import { randomUUID } from 'node:crypto';
import { Fault } from 'portico/app';
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
export class Call<B = unknown> {
  readonly #request: ActionRequest<Args, B>;
  readonly now = Date.now();
  readonly cloud: Cloud;
  readonly settings: Settings;
  readonly who: { readonly userId: string; readonly projectId: string; readonly isAdmin: boolean };

  constructor(request: ActionRequest<Args, B>) {
    this.#request = request;
    ({ cloud: this.cloud, settings: this.settings } = request.environ.sample!);
    this.who = request.context as Call['who'];
  }

  get body(): B {
    return this.#request.body;
  }

  get args(): Readonly<Record<string, string>> {
    return this.#request.params as Record<string, string>;
  }

  /** Of a repeated query parameter the last. */
  query(name: string): string | undefined {
    return this.#request.queryValue(name);
  }

  queries(name: string): string[] {
    return [(this.#request.query as Record<string, string | string[]>)[name] ?? []].flat();
  }

  /** Whether the microversion is in a range. */
  within(from?: string, to?: string): boolean {
    const { apiVersion } = this.#request;
    return (from === undefined || apiVersion.atLeast(from)) && (to === undefined || apiVersion.atMost(to));
  }

  /** Where something is: with the API's version and, for `bookmark`, without. */
  href(route: string, { id, server_id }: { id: string; server_id?: string }): string {
    return this.#request.url(route, { id, server_id });
  }

  bookmark(collection: string, id: string): string {
    return this.href(`/${collection}/{id}`, { id }).replace(`${this.#request.environ.scriptName}/`, '/');
  }

  links(collection: string, id: string): object[] {
    return [
      { rel: 'self', href: this.href(`/${collection}/{id}`, { id }) },
      { rel: 'bookmark', href: this.bookmark(collection, id) },
    ];
  }

  /** The address of this request with another marker. */
  nextPage(marker: string): string {
    const parameters = new URLSearchParams(this.#request.environ.originalUrl.split('?')[1]);
    parameters.sort();
    parameters.set('marker', marker);
    return `${this.#request.url(this.#request.route.name!)}?${parameters}`;
  }

  /** Keeps what was done to a server. */
  record({ id, project_id }: Server, verb: string): void {
    const request_id = this.#request.environ.requestId ?? '';
    const done = { action: verb, instance_uuid: id, request_id, user_id: this.who.userId, project_id };
    this.cloud.actions.insert(randomUUID(), { ...done, startedAt: this.now }, id);
  }
}

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
export function reads(options: Options, handler: (call: Call) => unknown): Action {
  return declared(options, (call) => call.cloud.read(() => handler(call)));
}

/** An action that changes something: all of it or, when it throws. `prepare` runs before, outside the transaction. */
export function writes<B = unknown, P = undefined>(
  options: Options & { readonly prepare?: (body: B) => Promise<P> },
  handler: (call: Call<B>, prepared: P) => unknown,
): Action {
  return declared<B>(options, (call) => {
    const run = (prepared: P): unknown => call.cloud.write(() => handler(call, prepared));
    return options.prepare === undefined ? run(undefined as P) : options.prepare(call.body).then(run);
  });
}

function declared<B>(
  { from, to, admin, key, body, query, strictFrom, status }: Options,
  run: (call: Call<B>) => unknown,
) {
  const schemas = (values: Since<Schema>) => ranges(values).map(([versions, schema]) => ({ versions, schema }));
  const options: ActionOptions = {
    versions: [from ?? Object.keys(body ?? {})[0] ?? null, to ?? null],
    ...(key && { bodyKey: key }),
    ...(body && { body: schemas(body) }),
    ...(query && { query: schemas(queries(query, strictFrom)) }),
    ...(typeof status === 'number' && { status }),
    ...(typeof status === 'object' && { status: ranges(status).map(([versions, it]) => ({ versions, status: it })) }),
  };
  return action(options, (request) => {
    const call = new Call(request as ActionRequest<Args, B>);
    if (admin !== undefined) allow(call, admin);
    return run(call);
  });
}

function queries(query: NonNullable<Options['query']>, strictFrom = '2.75'): Since<Schema> {
  const loose = Object.entries(query).map(([from, properties]) => [from, { type: 'object', properties }] as const);
  return { ...Object.fromEntries(loose), [strictFrom]: { ...loose.at(-1)![1], additionalProperties: false } };
}

/** Each value with its range of microversions: up to the one before the next. */
function ranges<T>(values: Since<T>): (readonly [versions: readonly [from: string, to: string | null], value: T])[] {
  const starts = Object.keys(values);
  return starts.map((start, index) => {
    const next = starts[index + 1];
    return [[start, next === undefined ? null : `2.${Number(next.slice(2)) - 1}`], values[start]!];
  });
}
