/**
 * What a router does for a route of its table, worked out when the router is built.
 */
import { type App, compose, type Filter, type MatchedRoute } from '../../app/index.js';
import type { CompiledAction } from '../actions/compiled-action.js';
import type { Controllers } from '../actions/controllers.js';
import type { Serializer } from '../actions/negotiate-type.js';
import type { Resource } from '../actions/resource.js';
import type { SchemaCompiler } from '../actions/schema-compiler.js';
import type { Redirect } from '../mapper/mapper.js';
import { RouteError } from '../mapper/route-error.js';
import type { KeptSettings } from '../mapper/route-settings.js';
import type { CompiledRoute } from '../matching/compiled-route.js';
import type { ParamReader } from '../template/param-reader.js';
import type { ApiVersion } from '../versions/api-version.js';

/** A route as it is served. */
export type ServedRoute = ServedAction | ServedMount | ServedRedirect;

export interface ServedMount {
  readonly kind: 'mount';
  readonly matched: MatchedRoute;
  readonly params: ParamReader;
  readonly app: App;
}

export interface ServedRedirect {
  readonly kind: 'redirect';
  readonly matched: MatchedRoute;
  readonly params: ParamReader;
  readonly redirect: Redirect;
}

/** A route to an action. */
export interface ServedAction {
  readonly kind: 'action';
  readonly compiled: CompiledRoute;
  readonly matched: MatchedRoute;
  readonly params: ParamReader;
  readonly settings: KeptSettings;
  /** What it runs; null when controller or action are variables of the path. */
  readonly target: ActionTarget | null;
  /** What it may run where the path names it; empty where `target` says it. */
  readonly named: NamedTargets;
}

/** Targets by controller and action. Complete when the router is built, so a client cannot make it grow. */
export type NamedTargets = ReadonlyMap<string, ReadonlyMap<string, ActionTarget>>;

/** The methods that may run for a controller's action. */
export interface ActionTarget {
  readonly resource: Resource;
  /** By version; empty when a key of the body selects. */
  readonly methods: readonly RunnableAction[];
  /** The way to the actions and the actions by key of the body; null when the action is a method. */
  readonly byKey: BodyKeys | null;
}

/** Actions that a key of the body selects: they share the way to them, on which the body is read. */
export interface BodyKeys extends Entry {
  readonly methods: ReadonlyMap<string, readonly RunnableAction[]>;
}

/** The way to an action. */
export interface Entry {
  /** Filters, if any, then the action. */
  readonly app: App;
  /** Under which Fastify gets the request, where it is Fastify that runs or answers it; the query follows. */
  readonly key: string;
  /** Largest body, in bytes; undefined: the router's. */
  readonly bodyLimit: number | undefined;
}

/** A compiled action with the way to it. */
export interface RunnableAction extends Entry {
  readonly compiled: CompiledAction;
  /** Compiled from its response schemas, by status; filled when they are first used. */
  readonly serializers: Map<number, Serializer>;
}

/** What targets are made from. */
export interface TargetSource {
  readonly controllers: Controllers;
  readonly compiler: SchemaCompiler;
  /** Runs the action. */
  readonly enter: App;
  /** The router's largest body, in bytes. */
  readonly bodyLimit: number;
}

/** Where a target is used. */
export interface TargetPlace {
  readonly compiled: CompiledRoute;
  readonly settings: KeptSettings;
  /** Filters of the router. */
  readonly filters: readonly Filter[];
  /** Under which Fastify gets its requests. */
  readonly key: string;
}

/** The target of a controller's action. Throws a {@link RouteError} when there is none. */
export function makeTarget(source: TargetSource, controller: string, action: string, place: TargetPlace): ActionTarget {
  const resource = source.controllers.resource(controller);
  const outer = [...place.filters, ...(place.settings.filters ?? [])];
  const { key } = place;
  const runnable = (compiled: CompiledAction, index: number): RunnableAction => ({
    compiled,
    app: compose([...outer, ...compiled.filters], source.enter),
    key: index === 0 ? key : `${key}~${index}`,
    bodyLimit: compiled.options.bodyLimit ?? place.settings.bodyLimit,
    serializers: new Map(),
  });
  if (!resource.selectsByKey(action)) {
    const methods = resource.compile(action, source.compiler, place.settings.schema).map(runnable);
    return { resource, methods, byKey: null };
  }
  const methods = new Map<string, readonly RunnableAction[]>();
  for (const bodyKey of resource.bodyKeys()) {
    const compiled = resource.compileKey(bodyKey, source.compiler);
    refuseFilters(compiled, `${controller}: the action for the body key "${bodyKey}"`);
    const number = methods.size;
    methods.set(
      bodyKey,
      compiled.map((one, index) => ({ ...runnable(one, 0), key: `${key}~key${number}~${index}` })),
    );
  }
  const bodyLimit = largestLimit([...methods.values()].flat(), source.bodyLimit);
  return { resource, methods: [], byKey: { methods, key, bodyLimit, app: compose(outer, source.enter) } };
}

/** Of actions that share their way: the body is read before it is known which of them runs. */
function largestLimit(methods: readonly RunnableAction[], usual: number): number {
  return Math.max(...methods.map(({ bodyLimit }) => bodyLimit ?? usual));
}

/** The method for a version; undefined when there is none, which is as if the action did not exist. */
export function methodFor(methods: readonly RunnableAction[], version: ApiVersion | null): RunnableAction | undefined {
  if (version === null) return methods[0];
  for (const method of methods) if (version.within(method.compiled.range)) return method;
  return undefined;
}

/** The key of a route for Fastify: its number, and its template as far as that is plain text to Fastify. */
export function fastifyKey({ index, route }: CompiledRoute): string {
  const template = route.template.replace(/[^\w\-./{}]/g, '_');
  return `/${index}${template.startsWith('/') ? '' : '/'}${template}`;
}

function refuseFilters(methods: readonly CompiledAction[], what: string): void {
  if (!methods.some(({ filters }) => filters.length > 0)) return;
  throw new RouteError('PORTICO_ROUTE_FILTERS', {
    message: `${what} has filters, but is chosen after the body was read`,
    hint: 'Give the filters to the route.',
  });
}
