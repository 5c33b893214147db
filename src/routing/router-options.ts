/**
 * Options of a router.
 */
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import type { FaultStyle } from '../app/index.js';
import { CACHE_CONTROL, type CacheControl, checkFaultForm, type SchemaDraft } from '../app/internal.js';
import {
  ANY,
  BYTES,
  FLAG,
  FUNCTION,
  isObject,
  LIST,
  OBJECT,
  type OptionKind,
  oneOf,
  PorticoError,
  refuseUnknownOptions,
  refuseWrongValues,
  TEXT,
  whatItIs,
  withoutNulls,
} from '../errors/index.js';
import type { Logger, LogOption } from '../log/index.js';
import { checkedLog } from '../log/internal.js';
import type { Awaitable } from '../service/index.js';
import type { ControllerSource } from './actions/controllers.js';
import type { Auth } from './actions/guard.js';
import { checkDocs, type OperationDocs } from './actions/operation-docs.js';
import type { OpenApiOptions } from './built-router.js';
import type { FaultMapping } from './fault-mapping.js';
import type { MapperOptions } from './mapper/mapper.js';
import type { ParamType, ParamTypes } from './route/param-types.js';
import type { VersionOptions } from './version-negotiation.js';

/** Options of a router: those of a mapper, and these. */
export interface RouterOptions extends Omit<MapperOptions, 'controllers'> {
  /** Controllers by their name in routes: objects, classes (instantiated once) or Resources. */
  readonly controllers?: Readonly<Record<string, ControllerSource>> | undefined;
  /** Versions of the API, by header. Default: none; the headers are neither read nor sent. */
  readonly versions?: VersionOptions | undefined;
  /** Form of faults. Default: that of the API that serves the Router. */
  readonly faultStyle?: FaultStyle | undefined;
  /**
   * Status of a request whose body, query, headers or params a schema refuses, from 400 to 499; a body that is not JSON is always 400.
   * Default: the API's, 400.
   */
  readonly invalidInputStatus?: number | undefined;
  /**
   * Faults for the application's own errors: `[[NotFoundError, 404], [ConflictError, 409]]`, or a function `(error, request) => Fault |
   * undefined`. Default: none; the `status` of an error applies, else 500.
   */
  readonly faults?: FaultMapping | undefined;
  /**
   * `Cache-Control` of responses to authenticated callers, unless the action sets or removes it: `private`, or `none`, no header. Default: that of
   * the API that serves the Router.
   */
  readonly cacheControl?: CacheControl | undefined;
  /** Guard of routes and actions without one. Default: anyone that the filters accept. */
  readonly auth?: Auth | undefined;
  /** Log for errors, warnings and `request.log`. Default: the log of the factory that builds it, else standard error. */
  readonly log?: LogOption | undefined;
  /** Largest body in bytes. Default 114,688. */
  readonly bodyLimit?: number | undefined;
  /** `required`: actions get a body only if they declare one. Default `optional`. */
  readonly schemas?: 'required' | 'optional' | undefined;
  /** JSON Schema draft of the schemas. Default `draft-07`. */
  readonly schemaDraft?: SchemaDraft | undefined;
  /** Refuse paths with an encoded slash, a NUL or a malformed escape: 400. Default false, as in Routes. */
  readonly strictPaths?: boolean | undefined;
  /** Respond with 406 if the client accepts none of the types. Default false: JSON regardless, as in nova. */
  readonly strictAccept?: boolean | undefined;
  /** Additional response types, by media type: `{ 'application/xml': (value) => text }`. Default: JSON only. */
  readonly serializers?: Readonly<Record<string, (value: unknown) => string>> | undefined;
  /** Respond to OPTIONS of a path with 204 and `Allow`. False refuses it with 405, unless a route takes it. Default true. */
  readonly answersOptions?: boolean | undefined;
  /** Use the query field `_method` as the method for matching. Default false: it lets a link delete. */
  readonly useMethodOverride?: boolean | undefined;
  /** Refuse a `project_id` in the path that is not the context's. Default: true for `kind: 'project'`. */
  readonly projectCheck?: boolean | undefined;
  /** Scheme, host and prefix of links, in place of those of the request. */
  readonly linkPrefix?: string | undefined;
  /** Reaction to a route that can never match. Default `warn`. */
  readonly onShadow?: 'warn' | 'error' | 'ignore' | undefined;
  /** Serve the OpenAPI document of the table at a path. Default: not served; `auth`: the router's. */
  readonly openapi?: (OpenApiOptions & { readonly path: string; readonly auth?: Auth | undefined }) | undefined;
  /** Facts of all routes for documents, for those that do not have them: `{ tags: ['books'], responses: { 404: 'Unknown.' } }`. */
  readonly docs?: OperationDocs | undefined;
  /** `routes`: as Python's Routes even if Portico differs deliberately: no 405, no automatic HEAD and OPTIONS, no types. */
  readonly compat?: 'routes' | undefined;
  /** More types for variables of templates: `{id:vlan}`. Default: int, int32, uuid, hex, bool, slug and path. */
  // biome-ignore lint/suspicious/noExplicitAny: `print` takes values of one type alone
  readonly types?: Readonly<Record<string, ParamType<any>>> | undefined;
  /** Fastify plugins for the router's instance, as they come from npm; with options: `[plugin, options]`. */
  readonly plugins?: readonly RouterPlugin[] | undefined;
  /** Options of that instance, which runs the actions if it has plugins or options. Default: Fastify's. */
  readonly fastify?: RouterFastifyOptions | undefined;
}

/** Options with their types: those of variables, and the `auth`. */
export type TypedRouterOptions<Own, A extends Auth | undefined> = RouterOptions & {
  readonly types?: ParamTypes<Own> | undefined;
  readonly auth?: A;
};

/** A Fastify plugin, or one with its options; in place of the plugin its module, or the promise of `import()`. */
export type RouterPlugin =
  | Awaitable<FastifyPlugin | { readonly default: FastifyPlugin }>
  | readonly [plugin: Awaitable<FastifyPlugin | { readonly default: FastifyPlugin }>, options: object];

/** A plugin in Fastify's callback form, or one that returns a promise. */
export type FastifyPlugin = (
  fastify: FastifyInstance,
  // biome-ignore lint/suspicious/noExplicitAny: each plugin has other options
  options: any,
  done: (error?: Error) => void,
) => void | Promise<void>;

/**
 * Options of Fastify that users of a router may set. `ajv` also applies to the checks of bodies and queries, in place of the router's own
 * settings.
 */
export type RouterFastifyOptions = Pick<FastifyServerOptions, (typeof FASTIFY_NAMES)[number]>;

const FASTIFY_NAMES = ['ajv', 'schemaController', 'serializerOpts', 'trustProxy'] as const;

const OPENAPI_NAMES: readonly (keyof NonNullable<RouterOptions['openapi']>)[] = [
  'title',
  'version',
  'description',
  'path',
  'auth',
];

/** Every option, with its kind of values. Routes accepts any value for those of a mapper. */
const KINDS: Readonly<Record<keyof RouterOptions, OptionKind>> = {
  kind: oneOf('routes', 'api', 'plain', 'project'),
  minimization: ANY,
  explicit: ANY,
  appendSlash: ANY,
  subDomains: ANY,
  subDomainsIgnore: ANY,
  domainMatch: ANY,
  prefix: ANY,
  hardcodeNames: ANY,
  projectIdRegex: ANY,
  formatRegex: ANY,
  controllers: OBJECT,
  versions: OBJECT,
  faultStyle: ANY,
  faults: ANY,
  auth: ANY,
  cacheControl: CACHE_CONTROL,
  invalidInputStatus: ANY,
  log: ANY,
  bodyLimit: BYTES,
  schemas: oneOf('required', 'optional'),
  schemaDraft: oneOf('draft-07', '2020-12'),
  strictPaths: FLAG,
  strictAccept: FLAG,
  serializers: OBJECT,
  answersOptions: FLAG,
  useMethodOverride: FLAG,
  projectCheck: FLAG,
  linkPrefix: TEXT,
  onShadow: oneOf('warn', 'error', 'ignore'),
  openapi: { noun: 'an object with a path', has: (value) => isObject(value) && TEXT.has(value.path) },
  docs: OBJECT,
  compat: oneOf('routes'),
  types: OBJECT,
  plugins: LIST,
  fastify: OBJECT,
};

const TYPE_KINDS: Readonly<Record<keyof ParamType, OptionKind>> = { regex: TEXT, parse: FUNCTION, print: FUNCTION };

/** Returns the options without those that are null. Throws `PORTICO_ROUTER_OPTION` for unknown options, and for invalid values. */
export function checkedRouterOptions<O extends RouterOptions>(written: O): O & { readonly log?: Logger } {
  if (typeof written !== 'object' || written === null) {
    throw new PorticoError('PORTICO_ROUTER_OPTION', {
      message: `the options of a Router are an object, not ${whatItIs(written)}`,
      hint: 'Write new Router({ controllers: { … } }).',
    });
  }
  const options = withoutNulls(written, KINDS);
  refuseUnknownOptions('PORTICO_ROUTER_OPTION', 'a Router', options, Object.keys(KINDS));
  refuseWrongValues('PORTICO_ROUTER_OPTION', 'a Router', options, KINDS);
  const log = checkedLog('PORTICO_ROUTER_OPTION', 'a Router', options.log);
  checkMembers('serializers', options.serializers, FUNCTION);
  checkMembers('types', options.types, OBJECT);
  for (const [name, type] of Object.entries(options.types ?? {})) {
    const what = `the type ${name} of a Router`;
    refuseUnknownOptions('PORTICO_ROUTER_OPTION', what, Object(type), Object.keys(TYPE_KINDS));
    // Read, not spread: an instance of a class has its functions in the prototype.
    const { regex, parse, print } = Object(type) as Partial<ParamType>;
    refuseWrongValues('PORTICO_ROUTER_OPTION', what, { regex, parse, print }, TYPE_KINDS, ['regex', 'parse']);
  }
  checkFaultForm('PORTICO_ROUTER_OPTION', 'a Router', options);
  checkDocs('PORTICO_ROUTER_OPTION', 'a Router', options.docs);
  refuseUnknownOptions('PORTICO_ROUTER_OPTION', "a Router's openapi", options.openapi ?? {}, OPENAPI_NAMES);
  const logger = ['logger', 'loggerInstance'].find((name) => name in (options.fastify ?? {}));
  if (logger !== undefined) {
    throw new PorticoError('PORTICO_ROUTER_OPTION', {
      message: `a Router's fastify has no option ${logger}, because fastify.log, request.log and the router write to the same log`,
      hint: 'Write new Router({ log }), with a log from createLogger. A factory of a paste file uses ctx.log by default.',
    });
  }
  refuseUnknownOptions('PORTICO_ROUTER_OPTION', "a Router's fastify", options.fastify ?? {}, FASTIFY_NAMES);
  return { ...options, ...(log !== undefined && { log }) } as O & { readonly log?: Logger };
}

function checkMembers(option: string, members: object | undefined, kind: OptionKind): void {
  const kinds = Object.fromEntries(Object.keys(members ?? {}).map((name) => [name, kind]));
  refuseWrongValues('PORTICO_ROUTER_OPTION', `a Router's ${option}`, members ?? {}, kinds, Object.keys(kinds));
}
