/**
 * Options of a router's routes: one grammar for all ways to add one.
 */
import type { App, Filter } from '../../app/index.js';
import {
  BYTES,
  FUNCTION,
  isObject,
  LIST,
  MILLISECONDS,
  nearestNames,
  OBJECT,
  type OptionKind,
  oneOf,
  refuseWrongValues,
  withoutNulls,
} from '../../errors/index.js';
import { LOG_LEVELS } from '../../log/index.js';
import { ACTION_KINDS, type ActionOptions, type Handler } from '../actions/action.js';
import type { Auth } from '../actions/guard.js';
import { checkDocs, checkMessages } from '../actions/operation-docs.js';
import type { ParamType } from '../route/param-types.js';
import { RESERVED, type Route, type RouteOptions } from '../route/route.js';
import { RouteError } from '../route/route-error.js';

/** Options of a router's route besides its match. Options of its action apply where the action has none. */
export interface RouteSettings extends Omit<ActionOptions, 'bodyKey' | 'auth' | 'filters' | 'bodyLimit'> {
  /** Filters around the controller, inside those of `router.use`; the first is the outermost. */
  readonly filters?: readonly Filter[] | undefined;
  /** Guard, if the action has none. Default: the router's. */
  readonly auth?: Auth | undefined;
  /** Largest body in bytes. Default: the router's; a stream has none. */
  readonly bodyLimit?: number | undefined;
  /** Milliseconds after which the route responds with 503 and `request.signal` is aborted. Default: none. */
  readonly deadline?: number | undefined;
  /** Level for Fastify plugins that read it from a route. */
  readonly logLevel?: string | undefined;
  /** Configuration for filters and Fastify plugins: `request.routeOptions.config`. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
}

/** Stored settings; a mount has an app. */
export interface KeptSettings
  extends Pick<RouteSettings, 'filters' | 'auth' | 'bodyLimit' | 'deadline' | 'logLevel' | 'config'> {
  readonly handler?: Handler | undefined;
  /** Options for an action that does not have them. */
  readonly action?: ActionOptions | undefined;
  readonly _mounted?: App | undefined;
  /** The written path, with the types of its variables. */
  readonly written?: string | undefined;
  /** Types of variables, by name. */
  readonly types?: ReadonlyMap<string, ParamType> | undefined;
}

const OWN_KINDS: Readonly<Record<string, OptionKind>> = {
  handler: FUNCTION,
  filters: LIST,
  bodyLimit: BYTES,
  deadline: MILLISECONDS,
  // The levels of pino, and so of Fastify.
  logLevel: oneOf(...LOG_LEVELS, 'fatal'),
  config: OBJECT,
};
const OWN: ReadonlySet<string> = new Set([...Object.keys(OWN_KINDS), 'auth', '_mounted']);

const { bodyKey: _, auth: __, filters: ___, bodyLimit: ____, ...OF_ACTION } = ACTION_KINDS;

const KINDS: Readonly<Record<string, OptionKind>> = { ...OF_ACTION, ...OWN_KINDS, defaults: OBJECT };

/** Names of options. */
export interface OptionNames {
  /** `a route`. */
  readonly what: string;
  readonly names: readonly string[];
}

/** Options of a router's route; those with an underscore are Routes' own. */
export const ROUTE_OPTIONS: OptionNames = {
  what: 'a route',
  names: [
    'name',
    'handler',
    'controller',
    'action',
    'defaults',
    'requirements',
    'conditions',
    'auth',
    ...Object.keys(OWN_KINDS),
    ...Object.keys(OF_ACTION),
    '_mounted',
    ...[...RESERVED].filter((name) => name.startsWith('_')),
  ],
};

/** Options of a router's redirect. */
export const REDIRECT_OPTIONS: OptionNames = {
  what: 'a redirect',
  names:
    '_redirectCode name defaults requirements conditions auth summary tags hidden _filter _encoding _explicit _minimize'.split(
      ' ',
    ),
};

const RESOURCE_OPTIONS: OptionNames = {
  what: 'a resource',
  names:
    'controller formatted id pathPrefix namePrefix auth collection docs member new only except parentResource requirements _filter'.split(
      ' ',
    ),
};

/**
 * Splits options of a route into the router's and the mapper's. Throws `PORTICO_ROUTE_OPTION` for invalid values. `likeRoutes`: names that
 * are not options of a router are defaults, as in Routes.
 */
export function splitSettings(
  options: RouteOptions,
  likeRoutes: boolean,
): { readonly settings: KeptSettings; readonly rest: RouteOptions } {
  const entries = Object.entries(options);
  const pick = (has: (name: string) => boolean): Record<string, unknown> =>
    Object.fromEntries(entries.filter(([name]) => has(name)));
  const settings: KeptSettings = withoutNulls(checked(pick((name) => OWN.has(name))), OWN_KINDS);
  if (likeRoutes) return { settings, rest: pick((name) => !OWN.has(name)) };
  const ofAction = withoutNulls(checked(pick((name) => Object.hasOwn(OF_ACTION, name))), OF_ACTION);
  checkMessages('PORTICO_ROUTE_OPTION', 'a route', ofAction);
  const { defaults } = checked(pick((name) => name === 'defaults'));
  return {
    settings: { ...settings, ...(Object.keys(ofAction).length > 0 && { action: ofAction }) },
    rest: { ...checkedDefaults(defaults), ...pick((name) => MATCHING.has(name)) },
  };
}

/** Names with a meaning for the mapper. */
const MATCHING: ReadonlySet<string> = new Set([...RESERVED, 'controller', 'action']);

/** Returns the options of a route's copy, which has its values as defaults. */
export function copiedOptions(options: RouteOptions, { action, ...settings }: KeptSettings): RouteOptions {
  const entries = Object.entries(options);
  return {
    ...Object.fromEntries(entries.filter(([name]) => MATCHING.has(name))),
    defaults: Object.fromEntries(entries.filter(([name]) => !MATCHING.has(name))),
    ...action,
    ...settings,
  };
}

function checked(options: Record<string, unknown>): Record<string, unknown> {
  refuseWrongValues('PORTICO_ROUTE_OPTION', 'a route', options, KINDS);
  return options;
}

function checkedDefaults(defaults: unknown): RouteOptions {
  if (!isObject(defaults)) return {};
  const taken = Object.keys(defaults).find((name) => MATCHING.has(name));
  if (taken === undefined) return defaults;
  throw new RouteError('PORTICO_ROUTE_OPTION', {
    message: `the defaults of a route have "${taken}", which is an option`,
    hint: `Write ${taken} beside defaults.`,
  });
}

const OF_CONDITIONS = 'conditions: { method: […] }';

/** Options of other locations and of Fastify, with their counterparts here. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['method', `Write router.route('GET', path, …), or ${OF_CONDITIONS}.`],
  ['methods', `Write router.route(['GET'], path, …), or ${OF_CONDITIONS}.`],
  ['function', 'Write conditions: { function: … }.'],
  ['subDomain', 'Write conditions: { subDomain: … }.'],
  ['querystring', 'Write query for querystring.'],
  ['schema', 'Write the members of schema beside each other: body, query, params, headers, response.'],
  ['docs', 'Write the members of docs beside each other: summary, tags, hidden.'],
  ...['onRequest', 'preValidation', 'preHandler'].map(
    (hook) =>
      [hook, 'Write auth for a guard of the route, or filters; hooks for all routes belong in a plugin.'] as const,
  ),
]);

/** Throws `PORTICO_ROUTE_OPTION` for all unknown names, with what to write. `variables`: names with a meaning in the path. */
export function checkOptionNames(
  options: Readonly<Record<string, unknown>>,
  { what, names }: OptionNames,
  variables: { has(name: string): boolean },
): void {
  const unknown = Object.keys(options).filter((name) => options[name] !== undefined && !names.includes(name));
  if (unknown.length === 0) return;
  const hints = unknown.map((name) => hintFor(name, options[name], names, variables.has(name), unknown.length > 1));
  throw new RouteError('PORTICO_ROUTE_OPTION', {
    message: `${what} has no ${unknown.length === 1 ? 'option' : 'options'} ${unknown.map((name) => JSON.stringify(name)).join(', ')}`,
    hint: [...new Set(hints)].join(' '),
  });
}

function hintFor(
  name: string,
  value: unknown,
  names: readonly string[],
  isVariable: boolean,
  isOneOfMany: boolean,
): string {
  const asDefault = `A value of the route is written as defaults: { ${JSON.stringify(name)}: … }.`;
  const takesDefaults = names.includes('defaults');
  if (isVariable && takesDefaults) return asDefault;
  const shown = names.filter((known) => !known.startsWith('_'));
  const [near] = nearestNames(name, [...names, ...(takesDefaults ? ['method'] : [])]);
  const elsewhere = takesDefaults ? ELSEWHERE.get(near === 'method' ? near : name) : undefined;
  if (elsewhere !== undefined) return elsewhere;
  if (near !== undefined) return `Did you mean "${near}"${isOneOfMany ? ` for "${name}"` : ''}?`;
  const isText = value === null || (typeof value !== 'object' && typeof value !== 'function');
  return takesDefaults && isText ? asDefault : `Options: ${shown.join(', ')}.`;
}

/** Throws `PORTICO_ROUTE_OPTION` for unknown names among the options of a resource, and for wrong facts in its `docs`. */
export function checkResource(options: Readonly<Record<string, unknown>>): void {
  checkOptionNames(options, RESOURCE_OPTIONS, new Set());
  checkDocs('PORTICO_ROUTE_OPTION', 'a resource', options.docs);
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

/** Throws for a route whose name is written twice. */
export function refuseTwoNames(name: string, own: string): never {
  throw new RouteError('PORTICO_ROUTE_OPTION', {
    message: `the route has two names, "${name}" and "${own}"`,
    hint: 'Write the name once: before the path, or among the options.',
  });
}
