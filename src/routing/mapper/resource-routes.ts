/**
 * Expands `resource('message', 'messages')` exactly as Routes does.
 */
import { MEMBER_ID, type ParentResource, type Requirements, type RouteOptions } from '../route/route.js';
import { RouteError } from '../route/route-error.js';

/** Options of `resource`. Any other is ignored, as in Routes. */
export interface ResourceOptions {
  /** Default: the collection name without outer slashes. */
  readonly controller?: unknown;
  /** Additional actions on the collection, with their methods: `{ detail: 'GET' }`. */
  readonly collection?: Readonly<Record<string, string>> | undefined;
  /** Additional actions on a member: `{ action: 'POST' }`. */
  readonly member?: Readonly<Record<string, string>> | undefined;
  /** Additional actions below `/new`. */
  readonly new?: Readonly<Record<string, string>> | undefined;
  /** Prefix of every path. Default: none. */
  readonly pathPrefix?: string | null | undefined;
  /** Prefix of every name. Default: none. */
  readonly namePrefix?: string | null | undefined;
  /** Default of both prefixes: `<collection>/:<member>_id` and `<member>_`. */
  readonly parentResource?: ParentResource | null | undefined;
  /** For the collection and new routes; member routes have a fixed one. */
  readonly requirements?: Requirements | undefined;
  /** Changes the values of each route before its URL is generated. Default: none. */
  readonly _filter?: RouteOptions['_filter'];
  readonly [name: string]: unknown;
}

/** One route of the expansion, in the order of definition. */
export interface ExpandedRoute {
  readonly name: string | null;
  readonly template: string;
  readonly options: RouteOptions;
  /** True if it has the suffix `.:(format)`. */
  readonly formatted: boolean;
}

/** Refuses `resource('books', { … })`, which lacks the name of its collection, and a parent without a name. */
export function checkNames(memberName: unknown, collectionName: unknown, parent: ParentResource | null): void {
  if (typeof memberName !== 'string' || typeof collectionName !== 'string') {
    const name = String(memberName);
    throw new RouteError('PORTICO_ROUTE_RESOURCE_NAME', {
      message: 'a resource has two names: of a member and of the collection, which is also its path',
      hint: `Write resource("${name.replace(/s$/, '')}", "${name}", { … }).`,
    });
  }
  if (parent === null || (typeof parent.memberName === 'string' && typeof parent.collectionName === 'string')) return;
  throw new RouteError('PORTICO_ROUTE_RESOURCE_NAME', {
    message: `the parent of the resource "${collectionName}" has two names: of a member and of the collection`,
    hint: 'Write parentResource: { memberName: "server", collectionName: "servers" }.',
  });
}

/** Returns the routes of a resource: each as a pair, the formatted one first. */
export function expandResource(memberName: string, collectionName: string, options: ResourceOptions): ExpandedRoute[] {
  const routes: ExpandedRoute[] = [];
  const { path, namePrefix, shared } = sharedBy(memberName, collectionName, options);
  const add = (named: string | null, template: string, method: string, action: string, member?: Requirements): void => {
    const made = { ...shared, action, conditions: { method: [method] }, ...(member && { requirements: member }) };
    const own = named === null ? null : namePrefix + named;
    const formattedName = own === null ? null : `formatted_${own}`;
    routes.push({ name: formattedName, template: `${template}.:(format)`, options: made, formatted: true });
    routes.push({ name: own, template, options: made, formatted: false });
  };
  for (const [method, actions] of byMethod(options.collection ?? {}, { POST: 'create' })) {
    // The first action of any method except GET uses the collection's own path: for POST that is create.
    const primary = method === 'GET' ? undefined : actions.shift();
    for (const action of actions) add(`${action}_${collectionName}`, `${path}/${action}`, method, action);
    if (primary !== undefined) add(null, path, method, primary);
  }
  add(collectionName, path, 'GET', 'index');
  for (const [method, actions] of byMethod({ ...options.new, new: 'GET' })) {
    for (const action of actions) {
      if (action === 'new') add(`new_${memberName}`, `${path}/new`, method, action);
      else add(`${action}_new_${memberName}`, `${path}/new/${action}`, method, action);
    }
  }
  const memberPath = `${path}/:(id)`;
  for (const [method, actions] of byMethod({ ...options.member, edit: 'GET' }, { PUT: 'update', DELETE: 'delete' })) {
    const requirements: Requirements = { id: MEMBER_ID };
    const primary = method === 'POST' || method === 'GET' ? undefined : actions.shift();
    for (const action of actions)
      add(`${action}_${memberName}`, `${memberPath}/${action}`, method, action, requirements);
    if (primary !== undefined) add(null, memberPath, method, primary, requirements);
  }
  add(memberName, memberPath, 'GET', 'show', { id: MEMBER_ID });
  return routes;
}

/** Returns options common to all routes of a resource. */
function sharedBy(memberName: string, collectionName: string, options: ResourceOptions) {
  const { parentResource: parent = null, requirements } = options;
  const below = parent === null ? '' : `${parent.collectionName}/:${parent.memberName}_id`;
  const prefix = stripSlashes(options.pathPrefix ?? below);
  const name = stripSlashes(collectionName);
  return {
    path: prefix === '' ? `/${name}` : `/${prefix}/${name}`,
    namePrefix: options.namePrefix ?? (parent === null ? '' : `${parent.memberName}_`),
    shared: {
      controller: options.controller === undefined ? name : options.controller,
      _memberName: memberName,
      _collectionName: collectionName,
      _parentResource: parent,
      _filter: options._filter ?? null,
      ...(requirements === undefined ? {} : { requirements }),
    },
  };
}

/** Returns actions by their method, in upper case, in the order in which the methods appear; those of `first` come first. */
function byMethod(
  actions: Readonly<Record<string, string>>,
  first: Readonly<Record<string, string>> = {},
): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [action, written] of Object.entries(actions)) {
    const method = written.toUpperCase();
    groups.set(method, [...(groups.get(method) ?? []), action]);
  }
  for (const [method, action] of Object.entries(first)) groups.set(method, [action, ...(groups.get(method) ?? [])]);
  return groups;
}

/** Removes one slash from each end. */
function stripSlashes(name: string): string {
  return name.replace(/^\//, '').replace(/\/$/, '');
}
