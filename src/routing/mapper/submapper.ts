/**
 * Submappers: partial applications of a mapper, and shortcuts for the usual routes of a collection.
 */

import { present } from '../../config/internal.js';
import { isObject } from '../../errors/index.js';
import { pythonText, type RouteOptions } from '../route/route.js';
import { RouteError } from '../route/route-error.js';

/** Parent of a submapper's routes: a mapper, or another submapper. */
export interface RouteParent {
  /** `connect` with both arguments; for a null path, the name is the path if a submapper has a path prefix. @internal */
  addRoute(name: string | null, path: string | null, options: RouteOptions): void;
  readonly resourceName?: string | null;
  /** True if `name` among the options of a route is its name. @internal */
  readonly hasNames?: boolean;
  readonly formatted?: boolean;
}

/** Standard actions, which `actions` may name. */
export type SubMapperAction = 'index' | 'create' | 'new' | 'show' | 'update' | 'delete' | 'edit';

/** Options of a submapper; all others are added to each of its routes. */
export interface SubMapperOptions extends RouteOptions {
  /** Prefix of every path; prefixes of nested submappers are joined. */
  readonly pathPrefix?: string | undefined;
  /** Prefix of every name. */
  readonly namePrefix?: string | undefined;
  /** Name of the route of `index`. Default: none. */
  readonly collectionName?: string | null | undefined;
  /** Default: the parent's, else the controller. */
  readonly resourceName?: string | null | undefined;
  /** Add `{.format}` to link, action and the standard actions. Default: the parent's, else true. */
  readonly formatted?: boolean | null | undefined;
  /** Standard actions to add at once, in this order. */
  readonly actions?: readonly SubMapperAction[] | undefined;
}

/** Arguments of link, action and the standard actions. */
export interface StandardRouteOptions extends RouteOptions {
  /** Name of the route. Default: derived from `rel` or `action` and the resource name. */
  readonly name?: string | null | undefined;
  /** Last segment of the path of a link. Default: `name`. */
  readonly rel?: string | null | undefined;
  /** Action of the controller. Default: `rel`, else `name`. */
  readonly action?: string | null | undefined;
  /** Default GET. */
  readonly method?: string | null | undefined;
  /** As in the submapper, which is the default. */
  readonly formatted?: boolean | null | undefined;
}

/** Options of `collection()`. */
export interface CollectionOptions extends SubMapperOptions {
  /** Path of a member below the collection. Default `/{id}`. */
  readonly memberPrefix?: string | undefined;
  /** Default index, create, new. */
  readonly collectionActions?: readonly SubMapperAction[] | undefined;
  /** Default show, update, delete, edit. */
  readonly memberActions?: readonly SubMapperAction[] | undefined;
  /** Options of the submapper `member` only. Default: none. */
  readonly memberOptions?: SubMapperOptions | null | undefined;
}

/** Common part of mappers and submappers. */
export abstract class SubMapperParent {
  /** @internal */
  abstract addRoute(name: string | null, path: string | null, options: RouteOptions): void;

  /** Returns a partial version of this mapper: its options are added to every route. */
  submapper(options: SubMapperOptions = {}): SubMapper {
    return new SubMapper(this, options);
  }

  /** Returns a submapper for a collection, with index, create and new; its `member` has show, update, delete and edit. */
  collection(
    collectionName: string | null,
    resourceName: string | null,
    options: CollectionOptions = {},
  ): SubMapper & { readonly member: SubMapper } {
    const { pathPrefix, memberPrefix = '/{id}', memberOptions, controller, ...rest } = options;
    const {
      collectionActions = ['index', 'create', 'new'],
      memberActions = ['show', 'update', 'delete', 'edit'],
      ...others
    } = rest;
    const collection = new SubMapper(this, {
      ...others,
      collectionName,
      resourceName,
      pathPrefix: (pathPrefix ?? '') + (collectionName === null ? '' : `/${collectionName}`),
      controller: controller ?? (resourceName || collectionName),
      actions: collectionActions,
    });
    const member = new SubMapper(collection, {
      ...memberOptions,
      pathPrefix: memberPrefix,
      actions: memberActions,
    });
    return Object.assign(collection, { member });
  }
}

/** A partial mapper. It has no `resource` and no `redirect`: those belong to the whole table. */
export class SubMapper extends SubMapperParent {
  readonly collectionName: string | null;
  readonly resourceName: string | null;
  readonly formatted: boolean;
  readonly #parent: RouteParent;
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(parent: RouteParent, options: SubMapperOptions) {
    super();
    const { resourceName, collectionName, actions, formatted, ...rest } = options;
    this.#parent = parent;
    this.#options = present(rest);
    this.collectionName = collectionName ?? null;
    this.resourceName = resourceName || parent.resourceName || (rest.controller as string | undefined) || null;
    this.formatted = formatted ?? parent.formatted ?? true;
    for (const action of actions ?? []) this.#runStandard(action);
  }

  /** Adds a route. Without a name it has none, even with a name prefix. */
  connect(template: string, options?: RouteOptions): this;
  connect(name: string | null, template: string, options?: RouteOptions): this;
  connect(first: string | null, second: string | RouteOptions = {}, third: RouteOptions = {}): this {
    if (typeof second === 'string') this.addRoute(first, second, third);
    else if (this.hasNames && typeof second.name === 'string') {
      const { name, ...options } = second;
      this.addRoute(name, first, options);
    } else this.addRoute(first, null, second);
    return this;
  }

  /** @internal */
  get hasNames(): boolean {
    return this.#parent.hasNames ?? false;
  }

  /** @internal */
  addRoute(name: string | null, path: string | null, options: RouteOptions): void {
    const { pathPrefix, namePrefix } = this.#options as SubMapperOptions;
    let routeName = name;
    let routePath = path;
    if (pathPrefix !== undefined) routePath = pathPrefix + text(path ?? name, 'a path');
    if (namePrefix !== undefined) routeName = path === null ? null : namePrefix + text(name, 'a name');
    this.#parent.addRoute(routeName, routePath, mergeOptions(this.#options, present(options)));
  }

  /** Adds a route below this submapper's path: `/<rel or name>`, named `name` or `<rel>_<resource name>`. */
  link(options: StandardRouteOptions = {}): this {
    const { rel, name, action, method = 'GET', formatted, ...rest } = options;
    const path = `/${text(rel || name, 'rel or name')}${this.#suffix(formatted)}`;
    const routeName = name || `${text(rel, 'rel')}_${text(this.resourceName, 'resourceName')}`;
    this.addRoute(routeName, path, { ...withMethod(rest, method), action: action || rel || name });
    return this;
  }

  /** Adds a route at this submapper's own path, named `name` or `<action>_<resource name>`. */
  action(options: StandardRouteOptions = {}): this {
    const { name, action, method = 'GET', formatted, rel, ...rest } = options;
    const extra: RouteOptions = rel === undefined ? rest : { ...rest, rel };
    const routeName = name || `${text(action, 'action')}_${text(this.resourceName, 'resourceName')}`;
    this.addRoute(routeName, this.#suffix(formatted), { ...withMethod(extra, method), action: action || name });
    return this;
  }

  index(options: StandardRouteOptions = {}): this {
    return this.action(fixed({ ...options, name: options.name || this.collectionName }, 'index', 'GET'));
  }

  create(options: StandardRouteOptions = {}): this {
    return this.action(fixed(options, 'create', 'POST'));
  }

  new(options: StandardRouteOptions = {}): this {
    return this.link({ ...options, rel: 'new' });
  }

  show(options: StandardRouteOptions = {}): this {
    return this.action(fixed({ ...options, name: options.name || this.resourceName }, 'show', 'GET'));
  }

  update(options: StandardRouteOptions = {}): this {
    return this.action(fixed(options, 'update', 'PUT'));
  }

  delete(options: StandardRouteOptions = {}): this {
    return this.action(fixed(options, 'delete', 'DELETE'));
  }

  edit(options: StandardRouteOptions = {}): this {
    return this.link({ ...options, rel: 'edit' });
  }

  #runStandard(action: SubMapperAction): void {
    if (!STANDARD.has(action)) {
      throw new RouteError('PORTICO_ROUTE_UNKNOWN_ACTION', {
        message: `a submapper has no action "${String(action)}"`,
        hint: `There are: ${[...STANDARD].join(', ')}.`,
      });
    }
    this[action](this.#options as StandardRouteOptions);
  }

  #suffix(formatted: boolean | null | undefined): string {
    return (formatted ?? this.formatted) ? '{.format}' : '';
  }
}

const STANDARD: ReadonlySet<string> = new Set(['index', 'create', 'new', 'show', 'update', 'delete', 'edit']);

/**
 * Merges options: prefixes belong to one level; of other options the inner value applies, and objects are merged, with precedence for inner
 * keys.
 */
function mergeOptions(outer: Readonly<Record<string, unknown>>, inner: RouteOptions): RouteOptions {
  const merged = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(outer)) {
    if (key === 'pathPrefix' || key === 'namePrefix') continue;
    if (!Object.hasOwn(inner, key)) merged[key] = value;
    else merged[key] = isTable(value) ? { ...value, ...(inner[key] as object) } : inner[key];
  }
  for (const [key, value] of Object.entries(inner)) if (!Object.hasOwn(outer, key)) merged[key] = value;
  return merged;
}

function isTable(value: unknown): value is object {
  const prototype: unknown = isObject(value) ? Object.getPrototypeOf(value) : undefined;
  return prototype === null || prototype === Object.prototype;
}

function withMethod(options: RouteOptions, method: string | null | undefined): RouteOptions {
  return method && options.conditions === undefined ? { ...options, conditions: { method } } : options;
}

/** The standard actions have a fixed action and method; setting them again is a contradiction. */
function fixed(options: StandardRouteOptions, action: string, method: string): StandardRouteOptions {
  for (const key of ['action', 'method']) {
    if (options[key] === undefined) continue;
    throw new RouteError('PORTICO_ROUTE_CONTRADICTION', {
      message: `"${action}" has its own ${key}; "${pythonText(options[key])}" contradicts it`,
      hint: 'Use action() or link() for other routes.',
    });
  }
  return { ...options, action, method };
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new RouteError('PORTICO_ROUTE_MISSING', {
    message: `the route needs ${what}`,
    hint: 'A submapper gets names from its resourceName and collectionName, and paths from its pathPrefix.',
  });
}
