/**
 * A loaded tree as others see it: what would be called, with which configuration, and where it stands.
 */
import type { Conf } from '../app/index.js';
import type { WrittenValue } from '../config/index.js';
import type { Origin } from '../errors/index.js';
import { type Context, isComposite } from './context.js';
import type { Kind } from './section.js';
import { sectionOf } from './section-context.js';

/** One node of a paste file's tree: what PasteDeploy calls a context. */
export interface ContextTree {
  readonly kind: Kind;
  readonly type: 'app' | 'composite' | 'filter' | 'server' | 'pipeline' | 'filter-app' | 'filter-with';
  /** The section's name without its prefix; of a factory named straight by a URI, the URI. */
  readonly name: string;
  readonly prefix: string;
  readonly origin: Origin | undefined;
  readonly protocol: string | null;
  /** As written; absent where no factory is called: pipelines, filter-apps, filter-withs. */
  readonly factory?: string;
  /** What the factory expression leads to; absent until it was resolved. */
  readonly resolved?: unknown;
  /** Who answers when a composite asks for its children: the path of a file, `egg:…` or `call:…`. */
  readonly loader: string;
  readonly globalConf: Conf;
  readonly localConf: Conf;
  /** The options of `localConf` with their places. */
  readonly options: ReadonlyMap<string, WrittenValue>;
  readonly filters?: readonly ContextTree[];
  readonly app?: ContextTree;
  readonly filter?: ContextTree;
  readonly next?: ContextTree;
  /** Of a composite: its children, in the order it asks for them. */
  readonly children?: readonly ChildTree[];
}

/** A child of a composite: the reference it asked for, and what that leads to. */
export interface ChildTree {
  readonly get: Kind;
  readonly name: string;
  readonly context: ContextTree;
}

/** The tree from a context on, as it is now. */
export function treeOf(context: Context): ContextTree {
  const { kind, named, factory, answerer } = context;
  const section = sectionOf(context);
  const composite = isComposite(context);
  return {
    kind,
    type: context.type === 'plain' || context.type === 'broken' ? (composite ? 'composite' : kind) : context.type,
    name: named.name,
    prefix: named.prefix,
    origin: named.origin(),
    protocol: context.protocol,
    ...(factory === undefined ? {} : { factory: factory.written }),
    ...(factory?.resolved === true ? { resolved: factory.value } : {}),
    loader:
      answerer.form === 'file'
        ? answerer.source.path
        : answerer.form === 'egg'
          ? `egg:${answerer.distribution}`
          : `call:${answerer.expression}`,
    globalConf: new Map(context.globalConf),
    localConf: new Map([...context.localConf].map(([name, { value }]) => [name, value])),
    options: section.options,
    ...(context.filters === undefined ? {} : { filters: context.filters.map(treeOf) }),
    ...(context.app === undefined ? {} : { app: treeOf(context.app) }),
    ...(context.filter === undefined ? {} : { filter: treeOf(context.filter) }),
    ...(context.next === undefined ? {} : { next: treeOf(context.next) }),
    ...(composite
      ? {
          children: context.children.map((child) => ({
            get: child.get,
            name: child.name,
            context: treeOf(child.context),
          })),
        }
      : {}),
  };
}
