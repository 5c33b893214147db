/**
 * Actions with options: which versions they serve, what body and query they take, what status they answer with.
 *
 * An action without options is a plain method of its controller.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Filter } from '../../app/index.js';
import {
  ANY,
  BYTES,
  isObject,
  LIST,
  OBJECT,
  type OptionKind,
  refuseUnknownOptions,
  refuseWrongValues,
  TEXT,
  whatItIs,
  withCode,
} from '../../errors/index.js';
import { ApiVersion, type WrittenRange } from '../api-version.js';
import type { Auth } from '../guard.js';
import { RouteError } from '../route/route-error.js';
import type { ActionRequest, Args, Reply } from './action-request.js';
import type { FromSchema, OfAllVersions, Schema, WithDefaults } from './schema.js';

/** One of several values, each for a range of versions. Ranges of one action must not overlap. */
export interface Versioned<T> {
  readonly versions: WrittenRange;
  readonly schema: T;
}

/** Values by the version from which they hold, in order; each up to the one before the next. */
export type Since<T> = Readonly<Record<`${number}.${number}`, T>>;

/** One schema, or one for each range of versions. As it is written also by the version from which it holds. */
export type Schemas = Schema | readonly Versioned<Schema>[];

/** A status, or one for each range of versions. */
export type Statuses = number | readonly { readonly versions: WrittenRange; readonly status: number }[];

/** Options of an action. */
export interface ActionOptions {
  /** First and last version it serves, both included: `['2.1', '2.35']`, `['2.36']`. Default: all. */
  readonly versions?: WrittenRange;
  /** The key of the body that selects it, for routes to `action: 'action'`: `reboot` for `{"reboot": …}`. */
  readonly bodyKey?: string;
  /**
   * Schema of the body: JSON Schema, one of TypeBox, or a Standard Schema (Zod, Valibot, ArkType). By JSON Schema bodies
   * are not coerced and nothing is removed or defaulted; of a Standard Schema the action gets the output.
   * `{ '2.1': schema, '2.19': schema }` are schemas by the version from which they hold; `request.body` has the members of
   * all, and those that some versions do not require are optional.
   */
  readonly body?: Schemas;
  /**
   * Schema of the query, also by version. By JSON Schema values are coerced to number, integer and boolean, and one that is not there is
   * its `default`; a Standard Schema gets texts.
   */
  readonly query?: Schemas;
  /** Schema of the path's variables, also by version; values are as a query's. A path that does not fit is 400. */
  readonly params?: Schemas;
  /**
   * Schema of the header fields, also by version; names are in lower case, as in `request.headers`, which has what the schema makes of
   * them. Values are as a query's.
   */
  readonly headers?: Schemas;
  /** Default 200, or 204 for an empty answer. `{ '2.1': 200, '2.2': 201 }` are statuses by version. */
  readonly status?: Statuses | Since<number>;
  /**
   * Schemas of responses, by status: the serialiser is compiled from them, so members that they do not name are left out, and the
   * action must return it. Values are not checked. A Standard Schema must give JSON Schema.
   */
  readonly response?: Readonly<Record<number, Schema>>;
  /**
   * Guard: `true`, callers whom a filter of the pipeline has identified; `false`, anyone; or a guard. It runs before the
   * body is read. Default: as the route, its resource or the router says.
   */
  readonly auth?: Auth;
  /** Filters around this action, inside those of the route and the router. */
  readonly filters?: readonly Filter[];
  /** Largest body, in bytes. Default: the router's. */
  readonly bodyLimit?: number;
  /** For tools and documents. */
  readonly summary?: string;
}

/** The type of the values of a schema, or of those by version; `Defaults`: a JSON Schema's are applied. */
type SchemaType<S, Defaults = false> = S extends readonly (infer V)[]
  ? V extends { readonly schema: infer One }
    ? OfAllVersions<ValueOf<One, Defaults>>
    : unknown
  : S extends undefined
    ? unknown
    : [keyof S] extends [`${number}.${number}`]
      ? OfAllVersions<ValueOf<S[keyof S], Defaults>>
      : ValueOf<S, Defaults>;

/** The type of the values of one schema: of a Standard Schema its output, of TypeBox its own type. */
type ValueOf<S, Defaults = false> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly output: infer Output }
    ? Output
    : unknown
  : S extends { readonly static: infer Static }
    ? Static
    : Defaults extends true
      ? WithDefaults<S>
      : FromSchema<S>;

/** The type of the body an action with these options gets. */
export type BodyOf<O> = O extends { readonly body: infer S } ? SchemaType<S> : unknown;

/** The type of the query an action with these options gets. */
export type QueryOf<O> = O extends { readonly query: infer S extends object | boolean }
  ? SchemaType<S, true>
  : Readonly<Record<string, string | string[] | undefined>>;

/** The type of the params of an action with these options, at a path that gives `P`. */
export type ParamsIn<O, P> = O extends { readonly params: infer S extends object | boolean } ? SchemaType<S, true> : P;

/** The type of the headers of an action with these options. */
export type HeadersOf<O> = O extends { readonly headers: infer S extends object | boolean }
  ? SchemaType<S, true>
  : IncomingHttpHeaders;

/** Result type of an action with these options. Schemas of statuses from 400 on are for documents: faults are thrown. */
export type ResponseOf<O> = O extends { readonly response: infer R extends object }
  ? Returned<
      { [K in keyof R]: `${K & number}` extends `${4 | 5}${string}` ? never : ValueOf<R[K]> }[keyof R]
    > extends infer V
    ? V | Reply<V> | RawAnswer | (204 extends keyof R ? undefined | null : never)
    : never
  : unknown;

/** Answers that no schema is for; the symbol is `SENT`, which TypeScript widens. */
type RawAnswer =
  | Response
  | NodeJS.ReadableStream
  | ReadableStream
  | AsyncIterable<string | Uint8Array>
  | ArrayBufferView
  | symbol;

/** As an action may return it: lists may be read-only, and an object of any members may have an interface for its type. */
type Returned<V> = V extends readonly (infer One)[]
  ? readonly Returned<One>[]
  : V extends Date | ((...given: never) => unknown)
    ? V
    : V extends Record<string, unknown>
      ? Record<string, unknown> extends V
        ? object
        : { readonly [K in keyof V]: Returned<V[K]> }
      : V;

/** Handles a request. `args`: path variables and defaults, and the body where there is one. */
export type Handler<B = unknown, Q = unknown, P = Args, R = unknown, H = IncomingHttpHeaders> = (
  request: ActionRequest<P, B, Q, H>,
  args: P & { readonly body?: B },
) => R | Promise<R>;

/**
 * An action with its options, for paths that give `P`. Callable, so that a test can call it as the method it stands for.
 */
export interface Action<P = Args> {
  (request: ActionRequest<P>, args?: Args): unknown;
  readonly [ACTION]: { readonly options: RangedOptions; readonly handler: AnyHandler };
}

/** Options whose values by version have ranges. */
export type RangedOptions = Omit<ActionOptions, 'status'> & { readonly status?: Statuses };

/** A handler whose types have been checked where it was written. */
export type AnyHandler = (this: unknown, request: ActionRequest, args: Args) => unknown;

const ACTION: unique symbol = Symbol('portico.action');

/**
 * Declares an action with options. The schemas determine the types of `request.body`, `request.query` and the result.
 *
 * ```ts
 * class Servers {
 *   create = action({ body: serverSchema, status: 202 }, (request) => ({ server: build(request.body) }));
 *   show = [action({ versions: ['2.1', '2.35'] }, showOld), action({ versions: ['2.36'] }, showNew)];
 * }
 * ```
 */
export function action<const O extends ActionOptions, P = Args, B = BodyOf<O>>(
  options: O,
  handler: Handler<B, QueryOf<O>, ParamsIn<O, P>, ResponseOf<O>, HeadersOf<O>> & BodyKnown<O, B>,
): Action<O extends { readonly params: object | boolean } ? Args : P> {
  checkAction(options, handler);
  const run = handler as AnyHandler;
  const callable = function (this: unknown, request: unknown, args: Args = {}): unknown {
    return run.call(this, request as ActionRequest, args);
  };
  Object.defineProperty(callable, 'name', { value: handler.name });
  return Object.assign(callable, { [ACTION]: { options: withRanges(options), handler: run } });
}

/** Refuses a handler whose annotation makes the body of a schema `unknown`. */
export type BodyKnown<O, B> = O extends { readonly body: object | boolean }
  ? unknown extends B
    ? unknown extends BodyOf<O>
      ? unknown
      : 'the annotation makes request.body unknown: remove it, add a schema for params, or write ActionRequest<Params, Body>'
    : unknown
  : unknown;

const SCHEMAS: OptionKind = {
  noun: 'a schema or schemas by version',
  // The compiler judges a schema.
  has: (value) => !Array.isArray(value) || (value.length > 0 && value.every((one) => isObject(one) && 'schema' in one)),
  hint: 'A list has a schema for each range of versions: [{ versions, schema }].',
};

/** Schemas among the options of an action, which a route may have for it. */
export const SCHEMA_KINDS = { body: SCHEMAS, query: SCHEMAS, params: SCHEMAS, headers: SCHEMAS, response: OBJECT };

/** Every option of an action. */
const KINDS: Readonly<Record<keyof ActionOptions, OptionKind>> = {
  versions: ANY,
  bodyKey: TEXT,
  ...SCHEMA_KINDS,
  status: ANY,
  filters: LIST,
  auth: ANY,
  bodyLimit: BYTES,
  summary: TEXT,
};

function checkAction(options: unknown, handler: unknown): void {
  const hint = 'Write action({ status: 202 }, (request) => …).';
  if (typeof options !== 'object' || options === null) {
    const message = `the options of an action are an object, not ${whatItIs(options)}`;
    throw new RouteError('PORTICO_ACTION_OPTION', { message, hint });
  }
  if (typeof handler !== 'function') {
    const message = `the handler of an action must be a function, not ${whatItIs(handler)}`;
    throw new RouteError('PORTICO_ACTION_OPTION', { message, hint });
  }
  refuseUnknownOptions('PORTICO_ACTION_OPTION', 'an action', options, Object.keys(KINDS));
  refuseWrongValues('PORTICO_ACTION_OPTION', 'an action', options, KINDS);
}

function withRanges({ status, ...options }: ActionOptions): RangedOptions {
  const { body, query, params, headers } = options;
  const inputs = Object.entries({ body, query, params, headers });
  const ranged = inputs.flatMap(([name, schemas]) =>
    isSince(schemas) ? [[name, schemasOf(schemas as unknown as Since<Schema>)]] : [],
  );
  return {
    ...options,
    ...(Object.fromEntries(ranged) as Pick<RangedOptions, 'body' | 'query' | 'params' | 'headers'>),
    ...(status !== undefined && { status: isSince(status) ? statusesOf(status as Since<number>) : status }),
  };
}

const schemasOf = (since: Since<Schema>): Versioned<Schema>[] =>
  rangesSince(since).map(({ versions, value }) => ({ versions, schema: value }));

const statusesOf = (since: Since<number>): Exclude<Statuses, number> =>
  rangesSince(since).map(({ versions, value }) => ({ versions, status: value }));

/** Whether an object's keys are versions. */
function isSince(value: unknown): value is Since<unknown> {
  if (!isObject(value)) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => ApiVersion.parse(key) !== null);
}

/** Each value with its range of versions. Throws a `RangeError` when they do not ascend. */
function rangesSince<T>(values: Since<T>): { readonly versions: WrittenRange; readonly value: T }[] {
  const entries = Object.entries<T>(values);
  return entries.map(([from, value], index) => {
    const next = entries[index + 1]?.[0];
    if (next === undefined) return { versions: [from], value };
    if (ApiVersion.of(next).compare(ApiVersion.of(from)) <= 0) {
      throw withCode(
        new RangeError(`values by version: ${next} comes after ${from}; put the lower version first`),
        'PORTICO_ACTION_OPTION',
      );
    }
    return { versions: [from, before(next)], value };
  });
}

/** The last version below one; of a major version's first, the highest of the one before. */
function before(version: string): string {
  const { major, minor } = ApiVersion.of(version);
  return minor > 0 ? `${major}.${minor - 1}` : `${major - 1}.999999999`;
}

/** Options and handler of a method of a controller: those of an action, or the plain method with none. */
export function actionOf(method: unknown): { readonly options: RangedOptions; readonly handler: AnyHandler } | null {
  if (typeof method !== 'function') return null;
  return (method as Partial<Action>)[ACTION] ?? { options: {}, handler: method as AnyHandler };
}

/** Whether a value is an action with options. */
export function isAction(value: unknown): value is Action {
  return typeof value === 'function' && ACTION in value;
}
