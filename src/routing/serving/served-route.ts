/**
 * What a router does for a route of its table, worked out when the router is built; and for one request, once it has
 * matched.
 */
import { type IncomingMessage, METHODS } from 'node:http';
import { type App, compose, type Filter, type MatchedRoute } from '../../app/index.js';
import type { ActionRequest } from '../actions/action-request.js';
import type { CompiledAction } from '../actions/compiled-action.js';
import type { Controllers } from '../actions/controllers.js';
import type { Resource } from '../actions/resource.js';
import type { SchemaCompiler } from '../actions/schema-compiler.js';
import { acceptsMethod } from '../mapper/conditions.js';
import type { Redirect } from '../mapper/mapper.js';
import { RouteError } from '../mapper/route-error.js';
import type { KeptSettings } from '../mapper/route-settings.js';
import type { CompiledRoute } from '../matching/compiled-route.js';
import type { ParamReader } from '../template/param-reader.js';
import type { ApiVersion } from '../versions/api-version.js';

/** A route as it is served. */
export type ServedRoute = ServedAction | ServedMount | ServedRedirect;

interface ServedMount {
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
interface BodyKeys extends Entry {
  readonly actions: ReadonlyMap<string, readonly RunnableAction[]>;
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

/** A compiled action with the way to it. */
export interface RunnableAction extends Entry {
  readonly compiled: CompiledAction;
}

/** What targets are made from. */
export interface TargetSource {
  readonly controllers: Controllers;
  readonly compiler: SchemaCompiler;
  /** Has Fastify run the action. */
  readonly handToFastify: App;
  readonly paths: FastifyPaths;
  /** The router's largest body, in bytes. */
  readonly bodyLimit: number;
}

/** A route as its targets need it. */
export interface TargetRoute {
  readonly compiled: CompiledRoute;
  readonly settings: KeptSettings;
  /** Filters of the router. */
  readonly filters: readonly Filter[];
  readonly methods: readonly string[];
}

/** The target of a controller's action. Throws a {@link RouteError} when there is none. */
export function makeTarget(
  source: TargetSource,
  controller: string,
  action: string,
  targetRoute: TargetRoute,
): ActionTarget {
  const { compiled: route, settings, filters, methods: accepted } = targetRoute;
  const resource = source.controllers.resource(controller);
  const outer = [...filters, ...(settings.filters ?? [])];
  const runnable = (compiled: CompiledAction): RunnableAction => ({
    compiled,
    app: compose([...outer, ...compiled.filters], source.handToFastify),
    fastifyPath: source.paths.take(route, accepted),
    methods: accepted,
    bodyLimit: compiled.options.bodyLimit ?? settings.bodyLimit,
  });
  if (!resource.selectsByKey(action)) {
    const methods = resource.compile(action, source.compiler, settings.schema).map(runnable);
    return { resource, methods, byKey: null };
  }
  const fastifyPath = source.paths.take(route, accepted);
  const actions = new Map<string, readonly RunnableAction[]>();
  for (const bodyKey of resource.bodyKeys()) {
    const compiled = resource.compileKey(bodyKey, source.compiler);
    refuseFilters(compiled, `${controller}: the action for the body key "${bodyKey}"`);
    actions.set(bodyKey, compiled.map(runnable));
  }
  const bodyLimit = largestLimit([...actions.values()].flat(), source.bodyLimit);
  const app = compose(outer, source.handToFastify);
  return { resource, methods: [], byKey: { actions, fastifyPath, methods: accepted, bodyLimit, app } };
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

/** The paths of the actions in Fastify: templates, with a number where an action has template and method already. */
export class FastifyPaths {
  readonly #taken = new Set<string>();

  /** A path that no other action has for one of the methods. It is plain text to Fastify. */
  take({ route }: CompiledRoute, methods: readonly string[]): string {
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
export function methodsOf({ route }: CompiledRoute): readonly string[] {
  if (route.conditions?.method === undefined) return USUAL_METHODS;
  const methods = METHODS.filter((method) => method !== 'CONNECT' && acceptsMethod(route.conditions, method));
  if (methods.length === 0) return USUAL_METHODS;
  return methods.includes('GET') ? [...new Set([...methods, 'HEAD'])] : methods;
}

function refuseFilters(methods: readonly CompiledAction[], what: string): void {
  if (!methods.some(({ filters }) => filters.length > 0)) return;
  throw new RouteError('PORTICO_ROUTE_FILTERS', {
    message: `${what} has filters, but is chosen after the body was read`,
    hint: 'Give the filters to the route.',
  });
}

/** What the match has decided. */
export interface Pending {
  readonly request: ActionRequest;
  readonly target: ActionTarget;
  readonly entry: Entry;
  /** Undefined: a key of the body selects the method. */
  readonly method: RunnableAction | undefined;
  readonly version: ApiVersion | null;
  /** Arguments of the action, without the body. */
  readonly args: Readonly<Record<string, unknown>>;
  /** URL and method as the action is to see them. */
  readonly url: string;
  readonly verb: string | undefined;
  /** The format that the path asks for. */
  readonly format: string | null;
  /** Bytes of body that were read. */
  received: number;
  /** What the action threw. */
  failure: unknown;
}

const PENDING: unique symbol = Symbol('portico.routing.pending');

type Carrier = IncomingMessage & { [PENDING]?: Pending };

export function setPending(req: IncomingMessage, pending: Pending): void {
  (req as Carrier)[PENDING] = pending;
}

export function pendingOf(req: IncomingMessage): Pending {
  return (req as Carrier)[PENDING]!;
}
