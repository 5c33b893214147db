/**
 * What a router does for a route of its table, worked out when the router is built.
 */
import { type App, compose, type Filter } from '../app/index.js';
import type { MatchedRoute } from './action-request.js';
import type { ApiVersion } from './api-version.js';
import type { CompiledAction } from './compiled-action.js';
import type { CompiledRoute } from './compiled-route.js';
import type { Controllers } from './controllers.js';
import type { Redirect } from './mapper.js';
import type { Resource } from './resource.js';
import { RouteError } from './route-error.js';
import type { KeptSettings } from './route-settings.js';
import type { SchemaCompiler } from './schema-compiler.js';

/** A route as it is served. */
export type ServedRoute = ServedAction | ServedMount | ServedRedirect;

export interface ServedMount {
  readonly kind: 'mount';
  readonly matched: MatchedRoute;
  readonly app: App;
}

export interface ServedRedirect {
  readonly kind: 'redirect';
  readonly matched: MatchedRoute;
  readonly redirect: Redirect;
}

/** A route to an action. */
export interface ServedAction {
  readonly kind: 'action';
  readonly compiled: CompiledRoute;
  readonly matched: MatchedRoute;
  readonly settings: KeptSettings;
  /** What it runs; null when controller or action are variables of the path. */
  readonly target: ActionTarget | null;
  /** Under which Fastify gets the request; the query follows. */
  readonly key: string;
}

/** The methods that may run for a controller's action. */
export interface ActionTarget {
  readonly resource: Resource;
  /** By version; empty when a key of the body selects. */
  readonly methods: readonly RunnableAction[];
  /** By key of the body; null when the action is a method. */
  readonly byKey: ReadonlyMap<string, readonly RunnableAction[]> | null;
}

/** A compiled action with the way to it: filters, if any, then Fastify. */
export interface RunnableAction {
  readonly compiled: CompiledAction;
  readonly entry: App;
  readonly serializers: ReadonlyMap<number, (value: unknown) => string> | null;
}

/** What targets are made from. */
export interface TargetSource {
  readonly controllers: Controllers;
  readonly compiler: SchemaCompiler;
  /** Hands a request to Fastify. */
  readonly enter: App;
  readonly serializersFor: (action: CompiledAction) => RunnableAction['serializers'];
}

/** The target of a controller's action. Throws a {@link RouteError} when there is none. */
export function makeTarget(
  source: TargetSource,
  controller: string,
  action: string,
  settings: KeptSettings,
  filters: readonly Filter[],
): ActionTarget {
  const resource = source.controllers.resource(controller);
  const outer = [...filters, ...(settings.filters ?? [])];
  const runnable = (compiled: CompiledAction): RunnableAction => ({
    compiled,
    entry: compose([...outer, ...compiled.filters], source.enter),
    serializers: source.serializersFor(compiled),
  });
  if (!resource.selectsByKey(action)) {
    return { resource, methods: resource.compile(action, source.compiler).map(runnable), byKey: null };
  }
  const byKey = new Map<string, readonly RunnableAction[]>();
  for (const key of resource.bodyKeys()) {
    const methods = resource.compileKey(key, source.compiler);
    const filtered = methods.find(({ filters: own }) => own.length > 0);
    if (filtered !== undefined) {
      throw new RouteError('PORTICO_ROUTE_FILTERS', {
        message: `${controller}: the action for the body key "${key}" has filters, but runs after the body was read`,
        hint: 'Give the filters to the route.',
      });
    }
    byKey.set(key, methods.map(runnable));
  }
  return { resource, methods: [], byKey };
}

/** The method for a version; undefined when there is none, which is as if the action did not exist. */
export function methodFor(methods: readonly RunnableAction[], version: ApiVersion | null): RunnableAction | undefined {
  if (version === null) return methods[0];
  return methods.find(({ compiled }) => version.within(compiled.range));
}

/** The key of a route for Fastify: its number, and its template as far as that is plain text to Fastify. */
export function fastifyKey({ index, route }: CompiledRoute): string {
  const template = route.template.replace(/[^\w\-./{}]/g, '_');
  return `/${index}${template.startsWith('/') ? '' : '/'}${template}`;
}
