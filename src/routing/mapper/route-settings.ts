/**
 * Settings of a router's route that are not part of the mapper's route.
 */
import type { App, Filter } from '../../app/index.js';
import {
  BYTES,
  FUNCTION,
  LIST,
  MILLISECONDS,
  nearestNames,
  OBJECT,
  type OptionKind,
  oneOf,
  refuseUnknownOptions,
  refuseWrongValues,
  withoutNulls,
} from '../../errors/index.js';
import { LOG_LEVELS } from '../../log/index.js';
import { type Handler, type RangedOptions, SCHEMA_KINDS } from '../actions/action.js';
import type { Auth } from '../actions/guard.js';
import { checkDocs, type OperationDocs } from '../actions/operation-docs.js';
import type { ParamType } from '../route/param-types.js';
import type { Route, RouteOptions } from '../route/route.js';
import { RouteError } from '../route/route-error.js';

/** Options of a router's routes, in addition to those of a mapper. */
export interface RouteSettings {
  /** Handler function of a route without a controller. */
  readonly handler?: Handler | undefined;
  /** Filters around the controller, inside those of `router.use`; the first is the outermost. */
  readonly filters?: readonly Filter[] | undefined;
  /** Guard, if the action has none. Default: the router's. */
  readonly auth?: Auth | undefined;
  /** Largest body in bytes. Default: the router's. */
  readonly bodyLimit?: number | undefined;
  /** Milliseconds after which the route answers 503 and `request.signal` is aborted. Default: none. */
  readonly deadline?: number | undefined;
  /** Schemas of body, query and response, for an action that has none. */
  readonly schema?: Pick<RangedOptions, 'body' | 'query' | 'response'> | undefined;
  /** Facts for documents, for an action that does not have them: `{ tags: ['books'] }`. Default: those of the router. */
  readonly docs?: OperationDocs | undefined;
  /** Level for Fastify plugins that read it from a route. */
  readonly logLevel?: string | undefined;
  /** Configuration for filters and Fastify plugins: `request.routeOptions.config`. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
}

/** Stored settings; a mount has an app. */
export interface KeptSettings extends RouteSettings {
  readonly _mounted?: App | undefined;
  /** The written path, with the types of its variables. */
  readonly written?: string | undefined;
  /** Types of variables, by name. */
  readonly types?: ReadonlyMap<string, ParamType> | undefined;
}

/** Options of a router's route. */
export const ROUTE_OPTIONS: OptionNames = {
  what: 'a route',
  plain: new Set(
    'action controller bodyLimit deadline logLevel _explicit _minimize _static _absolute _encoding _memberName _collectionName'.split(
      ' ',
    ),
  ),
  other: new Set(
    'conditions handler auth filters requirements schema docs config _mounted _filter _parentResource _notices _types'.split(
      ' ',
    ),
  ),
};

/** Options of a router's redirect, checked together with those of its route. */
export const REDIRECT_OPTIONS: OptionNames = {
  what: 'a redirect',
  plain: new Set(['_redirectCode']),
  other: new Set([...ROUTE_OPTIONS.plain, ...ROUTE_OPTIONS.other]),
};

/** Options of a router's resource. */
export const RESOURCE_OPTIONS: OptionNames = {
  what: 'a resource',
  plain: new Set('controller formatted id pathPrefix namePrefix'.split(' ')),
  other: new Set('auth collection docs member new only except parentResource requirements _filter'.split(' ')),
};

/**
 * Splits options of a route into the router's and the mapper's. Throws `PORTICO_ROUTE_OPTION` for invalid values of the router's options.
 */
export function splitSettings(options: RouteOptions): { settings: KeptSettings; rest: RouteOptions } {
  const entries = Object.entries(options);
  const written: KeptSettings = Object.fromEntries(entries.filter(([name]) => NAMES.has(name)));
  checkSettings(written);
  const settings = withoutNulls(written, SETTING_KINDS);
  const { schema } = settings;
  return {
    settings: schema === undefined ? settings : { ...settings, schema: withoutNulls(schema, SCHEMA_KINDS) },
    rest: Object.fromEntries(entries.filter(([name]) => !NAMES.has(name))),
  };
}

const SETTING_KINDS: Readonly<Partial<Record<keyof RouteSettings, OptionKind>>> = {
  handler: FUNCTION,
  filters: LIST,
  bodyLimit: BYTES,
  deadline: MILLISECONDS,
  schema: OBJECT,
  // The levels of pino, and so of Fastify.
  logLevel: oneOf(...LOG_LEVELS, 'fatal'),
  config: OBJECT,
  docs: OBJECT,
};

const NAMES: ReadonlySet<string> = new Set([...Object.keys(SETTING_KINDS), 'auth', '_mounted']);

function checkSettings(settings: RouteSettings): void {
  const code = 'PORTICO_ROUTE_OPTION';
  refuseWrongValues(code, 'a route', settings, SETTING_KINDS);
  const schema = settings.schema ?? {};
  refuseUnknownOptions(code, "a route's schema", schema, Object.keys(SCHEMA_KINDS));
  refuseWrongValues(code, "a route's schema", schema, SCHEMA_KINDS);
  checkDocs(code, 'a route', settings.docs);
}

/** Options that belong elsewhere, with that place. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['method', "conditions: { method: ['GET'] }"],
  ['methods', "conditions: { method: ['GET'] }"],
  ['function', 'conditions: { function: … }'],
  ['subDomain', 'conditions: { subDomain: … }'],
  ['body', 'schema: { body: … }'],
  ['query', 'schema: { query: … }'],
  ['response', 'schema: { response: … }'],
]);

/** Names of the options of a route, or of a resource. */
export interface OptionNames {
  /** `a route`. */
  readonly what: string;
  /** Options whose values are texts, numbers or booleans. */
  readonly plain: ReadonlySet<string>;
  /** All other options. A text, a number or a boolean under another name is a default. */
  readonly other: ReadonlySet<string>;
}

/**
 * Throws `PORTICO_ROUTE_OPTION` for all names that can only be a mistake: defaults are texts, so a list, an object or a function is not
 * one; neither is `method`; and a name similar to an option that is not set was probably intended as that. `variables`: names with a
 * meaning in the path.
 */
export function checkOptionNames(
  options: Readonly<Record<string, unknown>>,
  names: OptionNames,
  variables: { has(name: string): boolean },
): void {
  const hints = Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || names.plain.has(name) || names.other.has(name) || variables.has(name)) return [];
    const hint = hintFor(name, value, names, (known) => Object.hasOwn(options, known) || variables.has(known));
    return hint === undefined ? [] : [{ name, hint }];
  });
  if (hints.length === 0) return;
  const listed = hints.map(({ name }) => JSON.stringify(name)).join(', ');
  throw new RouteError('PORTICO_ROUTE_OPTION', {
    message: `${names.what} has no ${hints.length === 1 ? 'option' : 'options'} ${listed}`,
    hint: [...new Set(hints.map(({ hint }) => hint))].join(' '),
  });
}

/** Returns undefined for a possible default. */
function hintFor(
  name: string,
  value: unknown,
  { plain, other }: OptionNames,
  isGiven: (known: string) => boolean,
): string | undefined {
  const elsewhere = ELSEWHERE.get(name);
  if (elsewhere !== undefined && (/^(?:method|sub)/.test(name) || !isText(value))) return `Write ${elsewhere}.`;
  const missing = (known: Iterable<string>): string[] =>
    [...known].filter((option) => (!option.startsWith('_') || option === '_redirectCode') && !isGiven(option));
  if (isText(value)) {
    // No default is a boolean: a misspelt `auth: true` would leave a route open.
    const switches = typeof value === 'boolean' ? missing(['auth']) : [];
    const near = nearestNames(name, [...missing(plain), 'method', ...switches]);
    return near.includes('method') ? `Write ${ELSEWHERE.get('method')}.` : didYouMean(near);
  }
  const near = nearestNames(name, missing([...other, ...plain]));
  return didYouMean(near) ?? `Options: ${[...plain, ...other].filter((known) => !known.startsWith('_')).join(', ')}.`;
}

function isText(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}

function didYouMean([nearest]: readonly string[]): string | undefined {
  return nearest === undefined ? undefined : `Did you mean "${nearest}"?`;
}

/** Throws for a path that begins with a text other than a slash: no request has such a path. */
export function checkSlash({ parts: [first], minimize, isStatic, template }: Route): void {
  if (minimize || isStatic || typeof first !== 'string' || first.startsWith('/') || first === '*') return;
  throw new RouteError('PORTICO_ROUTE_NO_SLASH', {
    message: 'it can never match: the path of a request starts with a slash',
    hint: `Write "/${template}"; if "${template}" is meant to be its name, the path follows it: connect("${template}", "/…").`,
  });
}

/** Throws for a status that does not redirect. */
export function checkRedirectStatus(status: number, code: string | number | undefined): void {
  if ([301, 302, 303, 307, 308].includes(status)) return;
  throw new RouteError('PORTICO_ROUTE_REDIRECT', {
    message: `"${code}" is not a redirect status`,
    hint: 'Use 301, 302, 303, 307 or 308.',
  });
}
