/**
 * Actions with options: the versions they serve, their body and query, their status.
 *
 * An action without options is a plain method of its controller.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Filter, RequestContext } from '../../app/index.js';
import { isThenable } from '../../app/internal.js';
import {
  ANY,
  BYTES,
  LIST,
  OBJECT,
  type OptionKind,
  refuseUnknownOptions,
  refuseWrongValues,
  TEXT,
  whatItIs,
  withoutNulls,
} from '../../errors/index.js';
import type { WrittenRange } from '../api-version.js';
import { RouteError } from '../route/route-error.js';
import type { ActionRequest, AnyHandler, Args } from './action-request.js';
import { byVersion, type Schemas, type SchemaType, type Statuses, type ValueOf } from './by-version.js';
import type { Auth, ContextOf } from './guard.js';
import { checkMessages, DOCS_KINDS, type OperationDocs } from './operation-docs.js';
import { kindOf, Reply } from './reply.js';
import type { LacksConst, Schema } from './schema.js';
import type { BodyOption, BodyType } from './taken-types.js';

/** Parts of a request that schemas check, in the order of the checks. */
export const INPUT_PARTS = ['params', 'headers', 'query', 'body'] as const;
export type InputPart = (typeof INPUT_PARTS)[number];

/** Options of an action, with facts for documents. */
export interface ActionOptions extends OperationDocs {
  /** First and last version it serves, both included: `['2.1', '2.35']`, `['2.36']`. Default: all. */
  readonly versions?: WrittenRange;
  /** Key of the body that selects it, for routes to `action: 'action'`: `reboot` for `{"reboot": …}`. */
  readonly bodyKey?: string;
  /**
   * Bodies that it takes, whatever its method; another type gets 415. A schema takes JSON: JSON Schema, TypeBox, or a Standard
   * Schema (Zod, Valibot, ArkType); JSON Schema coerces, removes and defaults nothing. `{ '2.1': schema, '2.19': schema }` are schemas by
   * the version from which they apply; `request.body` has the members of all, and those that some versions do not require are optional.
   * `'stream'` takes bytes of any type as a stream, `'bytes'` as a Buffer, `'text'` and `'form'` texts and forms, `'json'` JSON without a
   * schema; `{ 'application/json': schema, 'image/*': 'stream' }` several types. Default: JSON for POST, PUT, PATCH and DELETE.
   */
  readonly body?: BodyOption;
  /**
   * Schema of the query, also by version. With JSON Schema, values are coerced to number, integer and boolean, and an absent one is its
   * `default`; a Standard Schema gets texts.
   */
  readonly query?: Schemas;
  /** Schema of the path's variables, also by version; values are converted as in a query. A path that does not match gets 400. */
  readonly params?: Schemas;
  /**
   * Schema of the header fields, also by version; names are in lower case, as in `request.headers`, which has the converted values. Values
   * are converted as in a query.
   */
  readonly headers?: Schemas;
  /** Default 200, or 204 for an empty response. `{ '2.1': 200, '2.2': 201 }` are statuses by version. */
  readonly status?: Statuses;
  /**
   * Schemas of responses, by status: serialisers are compiled from them, so members that they do not name are omitted, and the action must
   * return that type. Values are not checked. A Standard Schema must provide JSON Schema.
   */
  readonly response?: Readonly<Record<number, Schema>>;
  /**
   * Guard: `true`, callers that a filter of the pipeline has identified; `false`, anyone; or a guard. It runs before the body is read.
   * Default: that of the route, its resource or the router.
   */
  readonly auth?: Auth;
  /** Filters around this action, inside those of the route and the router. */
  readonly filters?: readonly Filter[];
  /** Largest body in bytes. Default: the router's. */
  readonly bodyLimit?: number;
  /** Media type of its responses, sent as `Content-Type` unless the action sets another one: `text/event-stream`. Default: JSON. */
  readonly type?: string;
}

/** Type of the body of an action with these options. */
export type BodyOf<O> = O extends { readonly body: infer S } ? BodyType<S> : unknown;

/** Type of the query of an action with these options. */
export type QueryOf<O> = O extends { readonly query: infer S extends object | boolean }
  ? SchemaType<S, true>
  : Readonly<Record<string, string | string[] | undefined>>;

/** Type of the params of an action with these options, at a path with variables `P`. */
export type ParamsIn<O, P> = O extends { readonly params: infer S extends object | boolean } ? SchemaType<S, true> : P;

/** Type of the headers of an action with these options. */
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

/** Responses that no schema applies to; the symbol is `SENT`, which TypeScript widens. */
type RawAnswer =
  | Response
  | NodeJS.ReadableStream
  | ReadableStream
  | AsyncIterable<string | Uint8Array>
  | ArrayBufferView
  | symbol;

/** Type that an action may return: lists may be read-only, and an interface may be the type of an object with any members. */
type Returned<V> =
  LacksConst<V> extends true
    ? unknown
    : V extends readonly (infer One)[]
      ? readonly Returned<One>[]
      : V extends Date | ((...given: never) => unknown)
        ? V
        : V extends Record<string, unknown>
          ? Record<string, unknown> extends V
            ? object
            : { readonly [K in keyof V]: Returned<V[K]> }
          : V;

/** Handles a request. `args`: path variables and defaults, and the body if there is one. */
export type Handler<
  B = unknown,
  Q = unknown,
  P = Args,
  R = unknown,
  H = IncomingHttpHeaders,
  C extends RequestContext | undefined = RequestContext | undefined,
> = (request: ActionRequest<P, B, Q, H, C>, args: P & { readonly body?: B }) => R | Promise<R>;

/** An action with its options, for paths with variables `P`. Callable, so that a test can call it like a method. */
export interface Action<P = Args> {
  (request: ActionRequest<P>, args?: Args): unknown;
  readonly [ACTION]: { readonly options: ActionOptions; readonly handler: AnyHandler };
}

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
  handler: Handler<B, QueryOf<O>, ParamsIn<O, P>, ResponseOf<O>, HeadersOf<O>, ContextOf<O>> & BodyKnown<O, B>,
): Action<O extends { readonly params: object | boolean } ? Args : P> {
  checkAction(options, handler);
  const run = withMediaType(handler as AnyHandler, options.type);
  const callable = function (this: unknown, request: unknown, args: Args = {}): unknown {
    return run.call(this, request as ActionRequest, args);
  };
  Object.defineProperty(callable, 'name', { value: handler.name });
  return Object.assign(callable, {
    [ACTION]: { options: withoutNulls(options, ACTION_KINDS), handler: handler as AnyHandler },
  });
}

/** Refuses a handler whose annotation turns the body of a schema into `unknown`. */
export type BodyKnown<O, B> = O extends { readonly body: object | boolean }
  ? unknown extends B
    ? unknown extends BodyOf<O>
      ? unknown
      : LacksConst<BodyOf<O>> extends true
        ? unknown
        : 'the annotation makes request.body unknown: remove it, add a schema for params, or write ActionRequest<Params, Body>'
    : unknown
  : unknown;

const SCHEMAS: OptionKind = {
  noun: 'a schema or schemas by version',
  // The compiler checks a schema.
  has: (value) => !Array.isArray(value),
  hint: "Schemas by version are an object: { '2.1': schema, '2.19': schema }.",
};

/** Every option of an action, with its kind of values. */
export const ACTION_KINDS: Readonly<Record<keyof ActionOptions, OptionKind>> = {
  versions: ANY,
  bodyKey: TEXT,
  body: SCHEMAS,
  query: SCHEMAS,
  params: SCHEMAS,
  headers: SCHEMAS,
  response: OBJECT,
  status: ANY,
  filters: LIST,
  auth: ANY,
  bodyLimit: BYTES,
  type: TEXT,
  ...DOCS_KINDS,
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
  refuseUnknownOptions('PORTICO_ACTION_OPTION', 'an action', options, Object.keys(ACTION_KINDS));
  refuseWrongValues('PORTICO_ACTION_OPTION', 'an action', options, ACTION_KINDS);
  checkMessages('PORTICO_ACTION_OPTION', 'an action', options);
  const written = options as ActionOptions;
  for (const name of [...INPUT_PARTS, 'status'] as const) byVersion<unknown>(written[name]);
}

/** Returns options and handler of a controller's method: those of an action, or a plain method without options. */
export function actionOf(method: unknown): { readonly options: ActionOptions; readonly handler: AnyHandler } | null {
  if (typeof method !== 'function') return null;
  return (method as Partial<Action>)[ACTION] ?? { options: {}, handler: method as AnyHandler };
}

/** Reports whether a value is an action with options. */
export function isAction(value: unknown): value is Action {
  return typeof value === 'function' && ACTION in value;
}

/** Returns a handler whose responses have the type, unless they set another one; without a type the handler itself. */
export function withMediaType(handler: AnyHandler, type: string | undefined): AnyHandler {
  if (type === undefined) return handler;
  return function (this: unknown, request: ActionRequest, args: Args): unknown {
    const result = handler.call(this, request, args);
    if (!isThenable(result)) return typed(result, type, request);
    return result.then((value: unknown) => typed(value, type, request));
  };
}

/** A symbol is `SENT`; an action may also return the response that it has ended. */
function typed(value: unknown, type: string, { response }: ActionRequest): unknown {
  if (value === undefined || value === null || typeof value === 'symbol' || value === response) return value;
  if (!(value instanceof Reply)) {
    return kindOf(value) === 'response' ? value : new Reply(value, { headers: { 'content-type': type } });
  }
  const { body, status, headers } = value;
  const hasOwn = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
  if (hasOwn || body === undefined || body === null) return value;
  return new Reply(body, { ...(status !== undefined && { status }), headers: { ...headers, 'content-type': type } });
}
