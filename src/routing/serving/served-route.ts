/**
 * What a router does for a route of its table, worked out when the router is built.
 */
import { METHODS } from 'node:http';
import { type App, compose, type Filter, type MatchedRoute } from '../../app/index.js';
import type { PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { CompiledAction } from '../actions/compiled-action.js';
import type { Controllers } from '../actions/controllers.js';
import { SchemaCompiler } from '../actions/schema-compiler.js';
import type { ApiVersion } from '../api-version.js';
import { acceptsMethod } from '../mapper/conditions.js';
import type { Mapper, Redirect } from '../mapper/mapper.js';
import type { Route } from '../mapper/route.js';
import { RouteError } from '../mapper/route-error.js';
import type { KeptSettings } from '../mapper/route-settings.js';
import type { CompiledRoute } from '../matching/compiled-route.js';
import type { RouteTable } from '../matching/route-table.js';
import type { RouterOptions } from '../router-options.js';
import { ParamReader } from './param-reader.js';

/** What a router is built from. */
export interface RouterParts {
  readonly options: RouterOptions;
  readonly log: Logger;
  readonly mapper: Mapper;
  readonly table: RouteTable;
  readonly controllers: Controllers;
  readonly settings: ReadonlyMap<Route, KeptSettings>;
  readonly filters: readonly Filter[];
  /** Takes note of a mistake; the build fails with all of them. */
  readonly refuse: (error: PorticoError) => void;
}

/** A route as it is served. */
export type ServedRoute = ServedAction | ServedMount | ServedRedirect;

interface Served {
  readonly matched: MatchedRoute;
  readonly params: ParamReader;
}

interface ServedMount extends Served {
  readonly kind: 'mount';
  readonly app: App;
}

export interface ServedRedirect extends Served {
  readonly kind: 'redirect';
  readonly redirect: Redirect;
}

/** A route to an action. */
export interface ServedAction extends Served {
  readonly kind: 'action';
  readonly settings: KeptSettings;
  /** What it runs; null when controller or action are variables of the path. */
  readonly target: ActionTarget | null;
  /** What it may run where the path names it, by {@link targetKey}. Complete when the router is built: no client makes it grow. */
  readonly named: ReadonlyMap<string, ActionTarget>;
}

/** The methods that may run for a controller's action. */
export interface ActionTarget {
  /** By version; empty when a key of the body selects. */
  readonly methods: readonly ServedMethod[];
  /** The way to the actions and the actions by key of the body; null when the action is a method. */
  readonly byKey: BodyKeys | null;
  /** Whether a body is passed to methods that do not declare one. */
  readonly passesBody: boolean;
}

/** The way to an action. */
export interface Entry {
  /** Filters, if any, then the action. */
  readonly app: App;
  /** The path of its route in Fastify, and the methods that it has there. */
  readonly fastifyPath: string;
  readonly methods: readonly string[];
  /** Largest body, in bytes; undefined: the router's. */
  readonly bodyLimit: number | undefined;
}

/** A method of a controller, with the way to it. */
export interface ServedMethod extends Entry, CompiledAction {}

/** Actions that a key of the body selects: they share the way to them, on which the body is read. */
interface BodyKeys extends Entry {
  readonly actions: ReadonlyMap<string, readonly ServedMethod[]>;
}

/** The key of a target among those that a path may name. */
export const targetKey = (controller: unknown, action: unknown): string => `${String(controller)} ${String(action)}`;

/** The method for a version; undefined when there is none, which is as if the action did not exist. */
export function methodFor(methods: readonly ServedMethod[], version: ApiVersion | null): ServedMethod | undefined {
  return version === null ? methods[0] : methods.find(({ range }) => version.within(range));
}

/** Works out what is done for the routes of one table. */
export class RouteServing {
  readonly #parts: RouterParts;
  readonly #compiler: SchemaCompiler;
  readonly #handToFastify: App;
  readonly #bodyLimit: number;
  /** Methods and paths of Fastify's routes. */
  readonly #taken = new Set<string>();

  /** `handToFastify` has Fastify run the action; `bodyLimit` is the router's, in bytes. */
  constructor(parts: RouterParts, fastify: { readonly handToFastify: App; readonly bodyLimit: number }) {
    this.#parts = parts;
    this.#compiler = new SchemaCompiler(parts.options.schemaDraft, parts.options.fastify?.ajv);
    this.#handToFastify = fastify.handToFastify;
    this.#bodyLimit = fastify.bodyLimit;
  }

  /** What is done for a route. Throws a {@link RouteError} when there is no such controller or action. */
  served(compiled: CompiledRoute): ServedRoute {
    const { route } = compiled;
    const settings = this.#parts.settings.get(route) ?? {};
    const shared = { matched: matchedOf(compiled), params: new ParamReader(compiled, settings.types) };
    const redirect = this.#parts.mapper.redirectOf(route);
    if (redirect !== undefined) return { kind: 'redirect', ...shared, redirect };
    if (settings._mounted !== undefined) return { kind: 'mount', ...shared, app: settings._mounted };
    if (route.variables.has('controller') || route.variables.has('action')) {
      return { kind: 'action', ...shared, settings, target: null, named: this.#named(compiled) };
    }
    const [controller, action] = [route.defaults.get('controller'), route.defaults.get('action')];
    if (typeof controller !== 'string' || typeof action !== 'string') throw noController(controller);
    return {
      kind: 'action',
      ...shared,
      settings,
      target: this.#target(compiled, controller, action),
      named: new Map(),
    };
  }

  /** All that a path may name: mistakes in them are found now, not when a client names them. */
  #named(compiled: CompiledRoute): ReadonlyMap<string, ActionTarget> {
    const { variables, defaults } = compiled.route;
    const { options, controllers } = this.#parts;
    const listed = variables.has('controller') ? Object.keys(options.controllers ?? {}) : [defaults.get('controller')];
    const targets = new Map<string, ActionTarget>();
    for (const controller of listed) {
      if (typeof controller !== 'string') throw noController(controller);
      for (const action of controllers.resource(controller).actionNames()) {
        if (!variables.has('action') && action !== defaults.get('action')) continue;
        targets.set(targetKey(controller, action), this.#target(compiled, controller, action));
      }
    }
    return targets;
  }

  #target(route: CompiledRoute, controller: string, action: string): ActionTarget {
    const { controllers, settings: all, filters: routers, options } = this.#parts;
    const resource = controllers.resource(controller);
    const settings = all.get(route.route) ?? {};
    const filters = [...routers, ...(settings.filters ?? [])];
    const methods = methodsOf(route);
    const servedAs = (compiled: CompiledAction): ServedMethod => ({
      ...compiled,
      app: compose([...filters, ...compiled.filters], this.#handToFastify),
      fastifyPath: this.#freePath(route, methods),
      methods,
      bodyLimit: compiled.options.bodyLimit ?? settings.bodyLimit,
    });
    if (!resource.selectsByKey(action)) {
      const served = resource.compile(action, this.#compiler, settings.schema).map(servedAs);
      return { methods: served, byKey: null, passesBody: (resource.schemas ?? options.schemas) !== 'required' };
    }
    const fastifyPath = this.#freePath(route, methods);
    const actions = new Map<string, readonly ServedMethod[]>();
    for (const bodyKey of resource.bodyKeys()) {
      const compiled = resource.compileKey(bodyKey, this.#compiler);
      if (compiled.some((method) => method.filters.length > 0)) throw filtersTooLate(controller, bodyKey);
      actions.set(bodyKey, compiled.map(servedAs));
    }
    // The body is read before it is known which of them runs.
    const bodyLimit = Math.max(...[...actions.values()].flat().map((method) => method.bodyLimit ?? this.#bodyLimit));
    const app = compose(filters, this.#handToFastify);
    return { methods: [], byKey: { actions, fastifyPath, methods, bodyLimit, app }, passesBody: true };
  }

  /**
   * A path in Fastify that no other action has for one of the methods: the template, with a number where it is taken. It is
   * plain text to Fastify.
   */
  #freePath({ route }: CompiledRoute, methods: readonly string[]): string {
    const text = route.parts.map((part) => (typeof part === 'string' ? part : `{${part.name}}`)).join('');
    const path = (text.startsWith('/') ? text : `/${text}`).replace(/[^\w\-./{}]/g, '_');
    let free = path;
    for (let number = 2; methods.some((method) => this.#taken.has(`${method} ${free}`)); number++) {
      free = `${path}~${number}`;
    }
    for (const method of methods) this.#taken.add(`${method} ${free}`);
    return free;
  }
}

/** What a route without a condition for methods has in Fastify. */
const USUAL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** The methods of a route in Fastify. A request of another one is handed over under the first of them. */
function methodsOf({ route }: CompiledRoute): readonly string[] {
  if (route.conditions?.method === undefined) return USUAL_METHODS;
  const methods = METHODS.filter((method) => method !== 'CONNECT' && acceptsMethod(route.conditions, method));
  if (methods.length === 0) return USUAL_METHODS;
  return methods.includes('GET') ? [...new Set([...methods, 'HEAD'])] : methods;
}

function matchedOf({ route }: CompiledRoute): MatchedRoute {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    name: route.name,
    template: route.template,
    controller: text(route.defaults.get('controller')),
    action: text(route.defaults.get('action')),
  };
}

function noController(controller: unknown): RouteError {
  return new RouteError('PORTICO_ROUTE_NO_CONTROLLER', {
    message: typeof controller === 'string' ? 'the route has no action' : 'the route has no controller',
    hint: "connect(path, { controller: 'servers', action: 'show' }), or a handler.",
  });
}

function filtersTooLate(controller: string, bodyKey: string): RouteError {
  return new RouteError('PORTICO_ROUTE_FILTERS', {
    message: `${controller}: the action for the body key "${bodyKey}" has filters, but is chosen after the body was read`,
    hint: 'Give the filters to the route.',
  });
}
