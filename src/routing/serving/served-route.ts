/**
 * Handling of a route: `build-table.ts` determines it when the router is built.
 */
import type { App, Filter, MatchedRoute } from '../../app/index.js';
import type { PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { InputPart } from '../actions/action.js';
import { valueFor } from '../actions/by-version.js';
import type { CompiledAction } from '../actions/compiled-action.js';
import type { Controllers } from '../actions/controllers.js';
import type { Guard } from '../actions/guard.js';
import type { Check, TakenTypes } from '../actions/taken-types.js';
import { type ApiVersion, EVERY_VERSION } from '../api-version.js';
import type { BuiltRouter } from '../built-router.js';
import type { Redirect } from '../mapper/mapper.js';
import type { KeptSettings } from '../mapper/route-settings.js';
import { type CompiledRoute, type Found, Table } from '../matching/compiled-route.js';
import type { RouteTable } from '../matching/route-table.js';
import { type ParamType, parseParam } from '../route/param-types.js';
import { isTruthy, type Route } from '../route/route.js';
import type { RouterOptions } from '../router-options.js';

/** Parts of a router. */
export interface RouterParts {
  readonly options: RouterOptions;
  readonly log: Logger;
  readonly mapper: BuiltRouter;
  readonly table: RouteTable;
  readonly controllers: Controllers;
  readonly settings: Pick<ReadonlyMap<Route, KeptSettings>, 'get'>;
  /** Records an error; the build fails with all of them. */
  readonly refuse: (error: PorticoError) => void;
}

/** A served route. */
export type ServedRoute = ServedAction | ServedMount | ServedRedirect;

interface Served {
  readonly route: Route;
  readonly matched: MatchedRoute;
  /** The matched route below the mounts that led to it, by their template: templates are finite. */
  readonly below: Map<string, MatchedRoute>;
  readonly params: ParamReader;
}

export interface ServedMount extends Served {
  readonly kind: 'mount';
  /** The mounted app within its guards. */
  readonly app: App;
  /** Template of a mount without the rest of the path, which belongs to the app: `/files`. */
  readonly place: string;
}

export interface ServedRedirect extends Served {
  readonly kind: 'redirect';
  readonly guards: readonly Filter[];
  readonly redirect: Redirect;
}

/** A route to an action. */
export interface ServedAction extends Served {
  readonly kind: 'action';
  readonly settings: KeptSettings;
  /** Its action; null if controller or action are variables of the path. */
  readonly target: ActionTarget | null;
  /** Actions that the path may name, by {@link targetKey}. Complete when the router is built: clients cannot make it grow. */
  readonly named: ReadonlyMap<string, ActionTarget>;
}

/** Methods that may run for a controller's action. */
export interface ActionTarget {
  /** Methods by version; empty if a key of the body selects. */
  readonly methods: readonly ServedMethod[];
  /** Entry of the actions, and the actions by key of the body; null if the action is a method. */
  readonly byKey: BodyKeys | null;
  /** True if a body is passed to methods that do not declare one. */
  readonly passesBody: boolean;
}

/** Entry of an action. */
export interface Entry {
  /** Filters, if any, then the action. */
  readonly app: App;
  /** Its guard, if the engine asks it. */
  readonly guard: Guard | undefined;
  /** Bodies that it takes; undefined: JSON, with the usual methods. */
  readonly takes: TakenTypes | undefined;
  /** Path of its Fastify route, and its methods there, in a router with one. */
  readonly fastifyPath: string;
  readonly methods: readonly string[];
  /** Largest body in bytes; undefined: the router's. */
  readonly bodyLimit: number | undefined;
}

/** A controller's method with its entry. */
export interface ServedMethod extends Entry, CompiledAction {
  /** Rules for every version; null if the versions differ. */
  readonly rules: CallRules | null;
}

/** Checks of a call, and the status of its response, in one version. */
export interface CallRules extends Readonly<Record<InputPart, Check | undefined>> {
  readonly status: number | undefined;
  /** True without a check. */
  readonly isFree: boolean;
}

/** Returns the rules of a method for a version. */
export function rulesFor({ checks, statuses }: CompiledAction, version: ApiVersion | null): CallRules {
  const params = valueFor(checks.params, version);
  const headers = valueFor(checks.headers, version);
  const query = valueFor(checks.query, version);
  const body = valueFor(checks.body, version);
  const isFree = (params ?? headers ?? query ?? body) === undefined;
  return { params, headers, query, body, status: valueFor(statuses, version), isFree };
}

/** Returns the rules of a method if they are the same for every version; else null. */
export function fixedRules(method: CompiledAction): CallRules | null {
  const all = [...Object.values(method.checks).flat(), ...method.statuses];
  return all.every(({ range }) => range === EVERY_VERSION) ? rulesFor(method, null) : null;
}

/** Returns the methods that may run for a route, including those selected by a key of the body. */
export function servedMethods({ target, named }: ServedAction): readonly ServedMethod[] {
  const targets = target === null ? [...named.values()] : [target];
  return targets.flatMap(({ methods, byKey }) => [...methods, ...[...(byKey?.actions.values() ?? [])].flat()]);
}

/** Actions that a key of the body selects: they share an entry, at which the body is read. */
interface BodyKeys extends Entry {
  readonly actions: ReadonlyMap<string, readonly ServedMethod[]>;
}

/** Returns the key of a target among those that a path may name. */
export const targetKey = (controller: unknown, action: unknown): string => `${String(controller)} ${String(action)}`;

/** Returns the method for a version; undefined if there is none, as for an unknown action. */
export function methodFor(methods: readonly ServedMethod[], version: ApiVersion | null): ServedMethod | undefined {
  return version === null ? methods[0] : methods.find(({ range }) => version.within(range));
}

const NOT_ARGUMENTS: ReadonlySet<string> = new Set(['controller', 'action', 'format']);

/** Converts a match of one route into path variables, and into arguments from these and the route's defaults. */
export class ParamReader {
  readonly #compiled: CompiledRoute;
  readonly #types: ReadonlyMap<string, ParamType>;
  /** True if the template gives a variable a type. */
  readonly hasTypes: boolean;
  /** Variables with a default text. */
  readonly #fallbacks: readonly (readonly [name: string, text: string])[];
  /** True if there are any. */
  readonly hasFallbacks: boolean;
  /** Arguments besides the variables. */
  readonly #defaults: readonly (readonly [string, unknown])[];
  /** True if there are arguments besides the variables, or variables that are not arguments. */
  readonly hasOwnArgs: boolean;

  constructor(compiled: CompiledRoute, types: ReadonlyMap<string, ParamType> = new Map()) {
    const { names, route, conditional } = compiled;
    this.#compiled = compiled;
    this.#types = types;
    this.hasTypes = types.size > 0;
    this.#fallbacks = names.flatMap((name) => {
      const fallback = route.defaults.get(name);
      return typeof fallback === 'string' && isTruthy(fallback) ? [[name, fallback] as const] : [];
    });
    this.hasFallbacks = this.#fallbacks.length > 0;
    this.#defaults = [...route.defaults].filter(([name]) => !names.includes(name) && !NOT_ARGUMENTS.has(name));
    this.hasOwnArgs = conditional || this.#defaults.length > 0 || names.some((name) => NOT_ARGUMENTS.has(name));
  }

  /** Returns the path's variables as text, if {@link hasFallbacks}; else they are those that were captured. */
  texts({ captured }: Found): Record<string, string> {
    const params: Record<string, string> = Object.assign(new Table(), captured);
    for (const [name, text] of this.#fallbacks) params[name] ||= text;
    return params;
  }

  /** Returns the variables with their types, if {@link hasTypes}. */
  typed(texts: Record<string, string>): Record<string, unknown> {
    const params: Record<string, unknown> = Object.assign(Object.create(null) as Record<string, unknown>, texts);
    for (const [name, type] of this.#types) {
      const text = texts[name];
      if (text !== undefined) params[name] = parseParam(type, text);
    }
    return params;
  }

  /** Returns the match without controller, action and format, if {@link hasOwnArgs}; else the variables are the arguments. */
  args(found: Found, typed: Record<string, unknown>): Readonly<Record<string, unknown>> {
    const args = Object.create(null) as Record<string, unknown>;
    const source = this.#compiled.conditional ? Object.entries(found.match) : this.#defaults;
    for (const [name, value] of source) if (!NOT_ARGUMENTS.has(name)) args[name] = value;
    for (const name of Object.keys(typed)) if (!NOT_ARGUMENTS.has(name)) args[name] = typed[name];
    return args;
  }

  /** Returns the format in the suffix of the path. */
  format({ captured }: Found): string | null {
    return captured.format ?? null;
  }
}
