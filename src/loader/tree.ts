/**
 * The published tree of a paste file, and facts derived from it: what filters add to documents, and its apps, each with the path that
 * requests reach it at and the filters before it.
 */
import type { Conf, DeclaredFactory, OpenApiAdditions } from '../app/index.js';
import type { Config, WrittenValue } from '../config/index.js';
import type { Origin } from '../errors/index.js';
import { placeOf } from './composite/mount-table.js';
import { urlmap } from './composite/urlmap.js';
import { versionedUrlmap } from './composite/versioned-urlmap.js';
import { type Child, type Context, headerOf, isComposite, sectionOf, valuesOf } from './load-context.js';
import type { Kind } from './section.js';

/** One node of a paste file's tree: a context in PasteDeploy's terms. */
export interface ContextTree {
  readonly kind: Kind;
  readonly type: 'app' | 'composite' | 'filter' | 'server' | 'pipeline' | 'filter-app' | 'filter-with';
  /** The section's name without its prefix; the URI for a factory that a URI names directly. */
  readonly name: string;
  readonly prefix: string;
  readonly origin: Origin | undefined;
  readonly protocol: string | null;
  /** As written; absent if no factory is called: for pipelines, filter-apps, filter-withs. */
  readonly factory?: string;
  /** The factory that the expression names; absent until it is resolved. */
  readonly resolved?: unknown;
  /** Target of an alias in place of the expression: `portico/middleware:catchErrors`; absent without an alias. */
  readonly standsFor?: string;
  /** True if the factory is not installed, and the tree was asked for with stand-ins. */
  readonly isUnknown?: true;
  /** The source of a composite's children: the path of a file, `egg:…` or `call:…`. */
  readonly loader: string;
  readonly globalConf: Conf;
  readonly localConf: Conf;
  /** The options of `localConf` with their locations. */
  readonly options: ReadonlyMap<string, WrittenValue>;
  readonly filters?: readonly ContextTree[];
  readonly app?: ContextTree;
  readonly filter?: ContextTree;
  readonly next?: ContextTree;
  /** The children of a composite, in the order of its requests. */
  readonly children?: readonly ChildTree[];
}

/** A child of a composite: the reference that the composite follows, and the child's tree. */
export type ChildTree<C = ContextTree> = Child<C>;

/** Returns the current tree of a context. `note` is called with each node and its context; `targetOf` returns what an alias names for one. */
export function treeOf(
  context: Context,
  note: (node: ContextTree, context: Context) => void = () => undefined,
  targetOf: (context: Context) => string | undefined = () => undefined,
): ContextTree {
  const tree = (part: Context): ContextTree => treeOf(part, note, targetOf);
  const standsFor = targetOf(context);
  const { kind, type, factory, answerer, inner } = context;
  const composite = isComposite(context);
  const filters = context.filters.map(tree);
  const inside = inner === undefined ? undefined : tree(inner);
  const node: ContextTree = {
    kind,
    type: type === 'plain' || type === 'broken' ? (composite ? 'composite' : kind) : type,
    ...headerOf(context),
    protocol: context.protocol,
    ...(factory === undefined ? {} : { factory: factory.written }),
    ...(factory?.resolved === true ? { resolved: factory.value } : {}),
    ...(standsFor === undefined ? {} : { standsFor }),
    ...(factory?.isUnknown === true ? { isUnknown: true as const } : {}),
    loader:
      answerer.form === 'file'
        ? answerer.source.path
        : answerer.form === 'egg'
          ? `egg:${answerer.distribution}`
          : `call:${answerer.expression}`,
    globalConf: new Map(context.globalConf),
    localConf: valuesOf(context),
    options: sectionOf(context).options,
    ...(inside === undefined
      ? {}
      : type === 'pipeline'
        ? { filters, app: inside }
        : { filter: filters[0]!, next: inside }),
    ...(composite && { children: context.children.map((child) => ({ ...child, context: tree(child.context) })) }),
  };
  note(node, context);
  return node;
}

/** Returns the filters of a node and the app they wrap; `inner` is undefined for a node without a wrapped app. */
export function piped(node: ContextTree): { filters: readonly ContextTree[]; inner: ContextTree | undefined } {
  const { filters = node.filter === undefined ? [] : [node.filter], app, next } = node;
  return { filters, inner: app ?? next };
}

/** Returns the additions of a filter to documents, as a list with one or none. */
export function additionsOfNode(node: ContextTree, config: Config): readonly OpenApiAdditions[] {
  const { openapi, group, options } = (node.resolved ?? {}) as Partial<DeclaredFactory>;
  if (openapi === undefined) return [];
  const values = config.group(group!, options!, { local: node.options });
  return [openapi(values as never, { config, section: node }) ?? []].flat();
}

/** An app, or a composite that does not report its children. */
export interface MountedApp {
  readonly app: ContextTree;
  /** Path prefix that the app does not see; with a domain in front if only requests to that domain reach it. */
  readonly prefix: string;
  /** Outermost first. */
  readonly filters: readonly ContextTree[];
}

/** Returns all apps of a tree, in the order in which the file names them. */
export function mountedApps(tree: ContextTree, config: Config): readonly MountedApp[] {
  return below(tree, { prefix: '', filters: [] }, config);
}

type Way = Pick<MountedApp, 'prefix' | 'filters'>;

function below(node: ContextTree, way: Way, config: Config): readonly MountedApp[] {
  const inside = (filters: readonly ContextTree[], app: ContextTree): readonly MountedApp[] =>
    below(app, behind(filters.flatMap(plainFilters), way, config), config);
  const { filters, inner } = piped(node);
  if (inner !== undefined) return inside(filters, inner);
  const { children = [] } = node;
  const apps = children.filter(({ get }) => get === 'app');
  if (apps.length === 0) return [{ app: node, ...way }];
  if (isMap(node.resolved)) {
    return apps.flatMap(({ context, option }) => below(context, { ...way, prefix: at(way.prefix, option) }, config));
  }
  const members = children.filter(({ get }) => get === 'filter').map(({ context }) => context);
  return apps.flatMap(({ context }) => inside(members, context));
}

/** Reports whether a factory is a URL map, which passes requests on without filters. */
export function isMap(factory: unknown): boolean {
  return factory === urlmap || factory === versionedUrlmap;
}

function plainFilters(node: ContextTree): readonly ContextTree[] {
  const { filters, inner } = piped(node);
  return inner === undefined ? [node] : [...filters, inner].flatMap(plainFilters);
}

/** Adds filters to a location. */
function behind(filters: readonly ContextTree[], way: Way, config: Config): Way {
  const taken = filters.map(({ resolved, options: local }) => {
    const { prefix, group, options } = (resolved ?? {}) as Partial<DeclaredFactory>;
    return prefix?.(config.group(group!, options!, { local }) as never) ?? '';
  });
  return { prefix: way.prefix + taken.join(''), filters: [...way.filters, ...filters] };
}

/** Returns the path of a mount after the given prefix. */
function at(prefix: string, option: string | undefined): string {
  if (option === undefined || option === 'not_found_app') return prefix;
  const { domain, path } = placeOf(option);
  return `${domain ?? ''}${prefix}${path.replace(/\/\+$/, '')}`;
}
