/**
 * What `resource('message', 'messages')` expands to, exactly as Routes expands it.
 */
import type { ParentResource, Requirements, RouteOptions } from './route.js';
import { RouteError } from './route-error.js';

/** Options of `resource`. Any other is dropped, as Routes drops it. */
export interface ResourceOptions {
  /** Default: the collection name without outer slashes. */
  readonly controller?: unknown;
  /** More actions on the collection, with their methods: `{ detail: 'GET' }`. */
  readonly collection?: Readonly<Record<string, string>> | undefined;
  /** More actions on a member: `{ action: 'POST' }`. */
  readonly member?: Readonly<Record<string, string>> | undefined;
  /** More actions below `/new`. */
  readonly new?: Readonly<Record<string, string>> | undefined;
  /** In front of every path. Default: none. */
  readonly pathPrefix?: string | null | undefined;
  /** In front of every name. Default: none. */
  readonly namePrefix?: string | null | undefined;
  /** Gives both prefixes where they are not given: `<collection>/:<member>_id` and `<member>_`. */
  readonly parentResource?: ParentResource | null | undefined;
  /** For the collection and new routes; member routes have one of their own. */
  readonly requirements?: Requirements | undefined;
  /** Changes the values of each route before its URL is generated. Default: none. */
  readonly _filter?: RouteOptions['_filter'];
  readonly [name: string]: unknown;
}

/** One route of the expansion, in the order they are connected. */
export interface ExpandedRoute {
  readonly name: string | null;
  readonly template: string;
  readonly options: RouteOptions;
  /** `.:(format)` is put behind the same route without it. */
  readonly formatted: boolean;
}

/** What `resource('books', { … })` is told. */
export function refuseLoneName(name: string): never {
  throw new RouteError('PORTICO_ROUTE_RESOURCE_NAME', {
    message: 'a resource has two names: of a member, and of the collection, which is its path',
    hint: `Write resource("${name.replace(/s$/, '')}", "${name}", { … }).`,
  });
}

/** The id of a member: a segment that does not end in a backslash. */
export const MEMBER_ID = '[^\\/]+(?<!\\\\)';

/** The routes of a resource: each as a pair, the formatted one first. */
export function expandResource(memberName: string, collectionName: string, options: ResourceOptions): ExpandedRoute[] {
  return new Expansion(memberName, collectionName, options).routes();
}

class Expansion {
  readonly #memberName: string;
  readonly #collectionName: string;
  readonly #options: ResourceOptions;
  readonly #namePrefix: string;
  readonly #path: string;
  readonly #shared: RouteOptions;
  readonly #routes: ExpandedRoute[] = [];

  constructor(memberName: string, collectionName: string, options: ResourceOptions) {
    const { parentResource: parent = null, pathPrefix = null, namePrefix = null } = options;
    const name = stripSlashes(collectionName);
    this.#memberName = memberName;
    this.#collectionName = collectionName;
    this.#options = options;
    this.#namePrefix = namePrefix ?? (parent === null ? '' : `${parent.memberName}_`);
    const prefix = stripSlashes(
      pathPrefix ?? (parent === null ? '' : `${parent.collectionName}/:${parent.memberName}_id`),
    );
    this.#path = prefix === '' ? `/${name}` : `/${prefix}/${name}`;
    this.#shared = {
      controller: options.controller === undefined ? name : options.controller,
      _memberName: memberName,
      _collectionName: collectionName,
      _parentResource: parent,
      _filter: options._filter ?? null,
      ...(options.requirements === undefined ? {} : { requirements: options.requirements }),
    };
  }

  routes(): ExpandedRoute[] {
    this.#collectionRoutes();
    this.#pair(this.#namePrefix + this.#collectionName, this.#path, this.#routeOptions('GET', 'index'));
    this.#newRoutes();
    this.#memberRoutes();
    const show = this.#memberOptions('GET', 'show', { id: MEMBER_ID });
    this.#pair(this.#namePrefix + this.#memberName, `${this.#path}/:(id)`, show);
    return this.#routes;
  }

  #collectionRoutes(): void {
    const groups = byMethod(this.#options.collection ?? {});
    groups.set('POST', ['create', ...(groups.get('POST') ?? [])]);
    for (const [method, actions] of groups) {
      // The first action of any method but GET takes the collection's own path: for POST that is create.
      const [primary, rest] = method === 'GET' ? [null, actions] : [actions[0]!, actions.slice(1)];
      for (const action of rest) {
        const name = `${this.#namePrefix}${action}_${this.#collectionName}`;
        this.#pair(name, `${this.#path}/${action}`, this.#routeOptions(method, action));
      }
      if (primary !== null) this.#pair(null, this.#path, this.#routeOptions(method, primary));
    }
  }

  #newRoutes(): void {
    const groups = byMethod({ ...this.#options.new, new: 'GET' });
    for (const [method, actions] of groups) {
      for (const action of actions) {
        const own = action === 'new';
        const name = `${own ? '' : `${action}_`}new_${this.#memberName}`;
        const path = own ? `${this.#path}/new` : `${this.#path}/new/${action}`;
        this.#pair(this.#namePrefix + name, path, this.#routeOptions(method, action));
      }
    }
  }

  #memberRoutes(): void {
    const groups = byMethod({ ...this.#options.member, edit: 'GET' });
    for (const [method, action] of [
      ['PUT', 'update'],
      ['DELETE', 'delete'],
    ] as const) {
      groups.set(method, [action, ...(groups.get(method) ?? [])]);
    }
    const path = `${this.#path}/:(id)`;
    for (const [method, actions] of groups) {
      const requirements: Requirements = { id: MEMBER_ID };
      const takesPath = method !== 'POST' && method !== 'GET';
      for (const action of takesPath ? actions.slice(1) : actions) {
        const name = `${this.#namePrefix}${action}_${this.#memberName}`;
        this.#pair(name, `${path}/${action}`, this.#memberOptions(method, action, requirements));
      }
      if (takesPath) this.#pair(null, path, this.#memberOptions(method, actions[0]!, requirements));
    }
  }

  #routeOptions(method: string, action: string): RouteOptions {
    return { ...this.#shared, action, conditions: { method: [method] } };
  }

  #memberOptions(method: string, action: string, requirements: Requirements): RouteOptions {
    return { ...this.#routeOptions(method, action), requirements };
  }

  #pair(name: string | null, path: string, options: RouteOptions): void {
    const formattedName = name === null ? null : `formatted_${name}`;
    this.#routes.push({ name: formattedName, template: `${path}.:(format)`, options, formatted: true });
    this.#routes.push({ name, template: path, options, formatted: false });
  }
}

/** Actions by their method, in upper case, in the order in which the methods appear. */
function byMethod(actions: Readonly<Record<string, string>>): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [action, method] of Object.entries(actions)) {
    const group = groups.get(method.toUpperCase());
    if (group === undefined) groups.set(method.toUpperCase(), [action]);
    else group.push(action);
  }
  return groups;
}

/** Removes one slash from each end. */
function stripSlashes(name: string): string {
  const start = name.startsWith('/') ? name.slice(1) : name;
  return start.endsWith('/') ? start.slice(0, -1) : start;
}
