/**
 * Creation: calls the factories of a loaded tree, one after the other, in PasteDeploy's order.
 *
 * For a pipeline: its app, then its filters from the left; then the filters are applied from the right. For a filter-app: the app
 * inside, then the filter. For a filter-with: the filter first. Children of a composite are created when it requests them. Resources
 * that the factories acquire are released in reverse order.
 */
import type { App, DeclaredFactory, Filter, OpenApiAdditions } from '../app/index.js';
import { callFactory, connectApp, type FaultForm } from '../app/internal.js';
import { asTrial } from '../config/internal.js';
import { ConfigurationRefused, type Origin } from '../errors/index.js';
import type { Awaitable } from '../service/index.js';
import type { JobList } from '../tasks/index.js';
import {
  appForFilter,
  filterForApp,
  guarded,
  isFilter,
  notAFactory,
  unknownProtocol,
  usableProtocol,
  wrongResult,
} from './factory-errors.js';
import type { BuildWarnings } from './factory-warnings.js';
import { FILTER_ORDER } from './filter-order.js';
import { logsAgain } from './findings.js';
import type { LoadedTree } from './load.js';
import {
  type AwaitableFilter,
  argumentsFor,
  type Connect,
  type Context,
  type GivenToFactories,
  headerOf,
  isComposite,
  type Release,
  type Releases,
  rpcOf,
} from './load-context.js';
import type { MadeApps } from './made-apps.js';
import { NOT_CREATED, PartRefusals, Patience } from './part-refusals.js';
import { PasteError, PasteLimit } from './paste-error.js';
import { A_KIND, type Kind } from './section.js';
import { additionsOfNode, type ContextTree, isMap, mountedApps, treeOf } from './tree.js';
import type { Walk } from './walk.js';

type Conf = ReadonlyMap<string, string>;

/** The product of a server section: a function that serves an app. */
export type ServerFactory = (app: App) => Awaitable<unknown>;
/** A filter with `filter-with`: the outer around the inner, as one filter. */
export type ComposedFilter = AwaitableFilter & { readonly outer: AwaitableFilter; readonly inner: AwaitableFilter };
/** The products of a creation, by kind. */
interface Products {
  readonly app: App;
  readonly filter: AwaitableFilter;
  readonly server: ServerFactory;
}
export type Created = App | AwaitableFilter | ServerFactory;

/** A function from code: a factory, or what it returned. Where it stands in the file says which; the rest is checked when it is called. */
type Given = ((...args: readonly unknown[]) => Awaitable<unknown>) &
  Partial<DeclaredFactory> &
  App &
  Filter &
  ServerFactory;

function isFunction(value: unknown): value is Given {
  return typeof value === 'function';
}

/** A filter that was created, and its section. */
interface MadeFilter {
  readonly filter: AwaitableFilter;
  readonly context: Context;
}

/** A section that was created. */
export interface CreatedNode {
  readonly name: string;
  /** As written; undefined for a pipeline. */
  readonly factory: string | undefined;
  readonly origin: Origin | undefined;
  /** False for a composite that has loaded no app: it responds by itself. */
  readonly hasApps: boolean;
  /** True if its factory is not installed, and a stand-in was created. */
  readonly isUnknown: boolean;
}

/** Options for the creation of an app, beside its tree. */
export interface CreateOptions {
  /** Returns what to put in place of each app except composites; undefined: the app itself. */
  readonly aroundApp?: ((app: App, node: CreatedNode) => App) | undefined;
  /** Returns what to put in place of each composite; undefined: the composite itself. */
  readonly aroundComposite?: ((app: App, node: CreatedNode) => App) | undefined;
  /** Returns filters to put before each filter of a pipeline and before its app: one more than there are filters; undefined: none. */
  readonly aroundFilters?: ((pipeline: CreatedNode, filters: readonly CreatedNode[]) => readonly Filter[]) | undefined;
  /** Makes the clients for other services for its factories. Default: from the configuration. */
  readonly connect?: Connect | undefined;
  /** The form of its faults; null: the server decides. Default: from the configuration. */
  readonly faults?: FaultForm | null | undefined;
  /** Takes the periodic tasks that its factories declare. Default: they are discarded. */
  readonly tasks?: JobList | undefined;
  /** Collects the filters, one for each section, that also apply to the server's own refusals. */
  readonly aroundRefusals?: Map<string, Filter> | undefined;
  /** Gives factories that are not installed a stand-in. Default: an error. @internal */
  readonly standIns?: boolean | undefined;
  /** Gets the apps that its factories make. @internal */
  readonly made?: MadeApps | undefined;
  /** Gets the walk, before it begins: it has all errors of the app in the end, and suspicious lines. @internal */
  readonly walked?: ((walk: Walk) => void) | undefined;
}

/** Calls the factories of one tree. Its walk gets all findings, however it ends. */
export class Creation {
  readonly #given: GivenToFactories;
  readonly #options: CreateOptions;
  readonly #walk: Walk;
  readonly #releases: Releases;
  readonly #warnings: BuildWarnings;
  /** Contexts that requests reach directly or through URL maps only. */
  readonly #entered = new WeakSet<Context>();
  readonly #patience = new Patience();
  readonly #apps = new Map<Context, App>();
  #failed = false;
  #tree: Context | undefined;

  /** `releases`: collects the resources that factories acquire. */
  constructor(walk: Walk, releases: Releases, options: CreateOptions = {}) {
    const { parts, load } = walk;
    this.#walk = walk;
    this.#options = options;
    this.#releases = releases;
    // A composite may create several children at once: a resource acquired after one of them failed is released at once.
    const onClose = (release: Release): void => (this.#failed ? void this.#released(release) : releases.add(release));
    this.#warnings = { add: (warning) => load.findings.add(warning) };
    const rpc = rpcOf({ ...parts, onClose }, options.connect);
    this.#given = { ...parts, warnings: this.#warnings, tasks: options.tasks, onClose, rpc };
    options.walked?.(walk);
  }

  /** Loads a name and calls the factories. Beside a part that cannot be loaded, the others are created too, for their errors. */
  async load(kind: Kind, name: string | undefined): Promise<Created> {
    const { load } = this.#walk;
    try {
      return await this.create(await load.loaded(() => load.context(kind, name)));
    } catch (error) {
      if (error instanceof PasteLimit) load.ended(error);
      throw error;
    }
  }

  /**
   * Returns the app, filter or server of a tree. Throws its error and the failures of all factories, except those that come more than 2 s
   * after the first; the acquired resources are released before that.
   */
  async create(tree: LoadedTree): Promise<Created> {
    const { context } = tree;
    this.#tree = context;
    if (context !== undefined) {
      this.#entered.add(context);
      this.#walk.created = { root: context, apps: this.#apps };
    }
    try {
      return await Promise.race([this.#whole(tree), this.#patience.over]);
    } catch (error) {
      this.#failed = true;
      await this.#released(() => this.#releases.run());
      // Nothing behind a factory that waits is created any more.
      if (this.#patience.isOver && context !== undefined) await this.#walk.look(context, true);
      await this.#walk.try();
      throw error;
    } finally {
      this.#patience.stop();
      this.#warnings.add = undefined;
    }
  }

  async #released(release: Release): Promise<void> {
    try {
      await release(AbortSignal.abort());
    } catch (error) {
      this.#given.log.error({ err: error }, 'a release failed');
    }
  }

  /**
   * Creates a tree. For one with an error, creates the parts that can be loaded, as a trial because nothing of it will serve, and throws their
   * refusals with the error.
   */
  async #whole({ context, error }: LoadedTree): Promise<Created> {
    const refusals = new PartRefusals(this.#patience);
    const create = () => context && this.#create(context);
    if (error !== undefined) refusals.note(error);
    const created = await refusals.gather(error === undefined ? create : () => asTrial(create));
    refusals.refuse();
    return created!;
  }

  #create(context: Context): Promise<Created> {
    if (context.type === 'broken') return Promise.reject(NOT_CREATED);
    return context.inner === undefined ? this.#plain(context) : this.#parts(context, context.inner);
  }

  /** Creates all parts, even if one is refused; throws their refusals as one. */
  async #parts(context: Context, inner: Context): Promise<Created> {
    const { type, kind, filters } = context;
    const refusals = new PartRefusals(this.#patience);
    await refusals.gather(() => this.#shape(context));
    const outer: MadeFilter[] = [];
    const makeOuter = async (): Promise<void> => {
      for (const filter of filters) {
        if (logsAgain(filter, filters)) {
          outer.push({ filter: (app) => app, context: filter });
          continue;
        }
        const made = await refusals.gather(() => this.#create(filter));
        if (made !== undefined) outer.push({ filter: made as AwaitableFilter, context: filter });
      }
    };
    if (type === 'filter-with') await makeOuter();
    const inside = await refusals.gather(() => this.#create(inner));
    if (type !== 'filter-with') await makeOuter();
    refusals.refuse();
    if (kind === 'filter') return this.#composed(outer[0]!.filter, inside as AwaitableFilter, inner);
    return this.#around(context, outer, inside as App);
  }

  /** Combines two filters into one; `context` is the inner one's. */
  #composed(outer: AwaitableFilter, inner: AwaitableFilter, context: Context): ComposedFilter {
    return Object.assign(async (app: App) => outer(await this.#apply(inner, context, app)), { outer, inner });
  }

  async #around(context: Context, filters: readonly MadeFilter[], app: App): Promise<App> {
    const between = this.#between(context, context.filters);
    let wrapped = between?.at(-1)?.(app) ?? app;
    for (const [at, { filter, context: section }] of [...filters.entries()].toReversed()) {
      wrapped = await this.#apply(filter, section, wrapped);
      wrapped = between?.[at]?.(wrapped) ?? wrapped;
    }
    return wrapped;
  }

  #between(pipeline: Context, filters: readonly Context[]): readonly Filter[] | undefined {
    return this.#options.aroundFilters?.(nodeOf(pipeline), filters.map(nodeOf));
  }

  async #apply(filter: AwaitableFilter, context: Context, app: App): Promise<App> {
    const wrapped: unknown = await guarded(context, () => filter(app));
    if (!isFunction(wrapped)) throw wrongResult(context, ': its filter gave', wrapped, 'an app');
    return wrapped;
  }

  /** Throws if the filters of a pipeline cannot work in their order; warns of other orders. */
  async #shape(context: Context): Promise<void> {
    for (const { origin, message, hint, refused } of await this.#walk.shape(context, this.#entered.has(context))) {
      if (refused) throw context.reference.explain(new PasteError(FILTER_ORDER, { message, hint, origin }));
      const place = { file: origin?.file, line: origin?.line };
      this.#given.log.warn({ hint, ...place }, `pipeline "${headerOf(context).name}": ${message}`);
    }
  }

  async #plain(context: Context): Promise<Created> {
    if (this.#failed) throw new Error('the load has failed already');
    const { factory, incomplete } = context;
    const isEntered = this.#entered.has(context);
    const { load } = this.#walk;
    if (factory?.resolved !== true || incomplete) {
      await this.#walk.look(context, isEntered);
      throw NOT_CREATED;
    }
    const before = load.findings.size;
    const requested = new Set<string>();
    try {
      // A refused section has its warnings too.
      this.#walk.warn(context);
      const made = await this.#made(context, requested);
      // A composite may go on without a child that was refused.
      if (isComposite(context)) load.findings.forgive(before);
      return made;
    } catch (error) {
      if (error instanceof ConfigurationRefused && !this.#failed) load.issue(error);
      throw error;
    } finally {
      if (isComposite(context) && !this.#failed)
        await this.#walk.composite(context, isEntered && isMap(factory.value), requested);
    }
  }

  async #made(context: Context, requested: Set<string>): Promise<Created> {
    const { protocol, kind } = context;
    if (!usableProtocol(context)) throw unknownProtocol(context);
    const { written, value } = context.factory!;
    if (!isFunction(value)) throw notAFactory(context);
    const { globalConf, localConf, ctx } = argumentsFor(context, this.#given);
    const run = (...first: readonly unknown[]): Awaitable<unknown> => value(...first, globalConf, localConf, ctx);
    const made: App[] = [];
    const around = () => this.#additionsAround(context);
    const make = (...first: readonly unknown[]): Promise<unknown> =>
      callFactory(ctx, () => run(...first), { around, made });
    if (protocol === 'paste.filter_app_factory' || protocol === 'paste.server_runner') {
      // A runner may return only when its server has ended, so it is not called as a factory.
      const wrap = (app: App) => (kind === 'server' ? run : make)(app) as Awaitable<App>;
      return Object.assign(wrap, { factory: written, localConf });
    }
    const first = isComposite(context) ? [this.#loaderFor(context, requested)] : [];
    const result = await guarded(
      context,
      () => make(...first),
      MISTAKABLE.has(value.length),
      new Map([...globalConf, ...localConf]),
    );
    if (!isFunction(result)) throw wrongResult(context, ' gave', result, A_KIND[kind]);
    // An app in place of a filter would take the inner app for a request, and fail far from here.
    if (kind === 'filter' && result.length > 1) throw appForFilter(context);
    // A filter in place of an app would take the request for an app, and never respond.
    if (kind === 'app' && (await isFilter(result))) throw filterForApp(context);
    if (kind === 'filter' && value.aroundRefusals === true) {
      const { origin, name } = headerOf(context);
      this.#options.aroundRefusals?.set(`${origin?.file}:${origin?.line}:${name}`, result);
    }
    if (kind !== 'app') return result;
    this.#apps.set(context, result);
    // The factory may return an app that it has made for an earlier load.
    this.#options.made?.note(context, [...made, result]);
    // Filters around it would hide an Express application, which needs to know its mount.
    const app = connectApp(result);
    const { aroundApp, aroundComposite } = this.#options;
    const wrap = isComposite(context) ? aroundComposite : aroundApp;
    return wrap === undefined ? app : wrap(app, nodeOf(context));
  }

  /** Returns the additions of the filters around an app to a document, when the whole tree is created. */
  #additionsAround(context: Context): readonly OpenApiAdditions[] {
    const { config } = this.#given;
    let own: ContextTree | undefined;
    const tree = treeOf(this.#tree ?? context, (node, from) => {
      if (from === context) own = node;
    });
    const { filters = [] } = mountedApps(tree, config).find(({ app }) => app === own) ?? {};
    return filters.flatMap((filter) => additionsOfNode(filter, config));
  }

  /** Returns the loader for a composite's children; their origin is the option that names them. */
  #loaderFor(context: Context, requested: Set<string>) {
    const { load } = this.#walk;
    const make = async <K extends Kind>(kind: K, name?: string, globalConf?: Conf): Promise<Products[K]> => {
      requested.add(`${kind} ${name}`);
      const loaded = await load.loaded(() => load.child(context, kind, name, globalConf));
      const { context: child } = loaded;
      if (child !== undefined && loaded.error === undefined) {
        context.children.push({ get: kind, name: name ?? '', context: child });
        if (this.#entered.has(context) && isMap(context.factory?.value)) this.#entered.add(child);
      }
      return (await this.#whole(loaded)) as Products[K];
    };
    return {
      getApp: (name?: string, globalConf?: Conf) => make('app', name, globalConf),
      getFilter: (name?: string, globalConf?: Conf) => make('filter', name, globalConf) as Promise<Filter>,
      getServer: (name?: string, globalConf?: Conf) => make('server', name, globalConf),
      gatherParts: () => new PartRefusals(this.#patience),
      betweenFilters: () => {
        const filters = context.children.filter(({ get }) => get === 'filter');
        return this.#between(
          context,
          filters.map((filter) => filter.context),
        );
      },
    };
  }
}

function nodeOf(context: Context): CreatedNode {
  const { name, origin } = headerOf(context);
  const hasApps = context.children.some(({ get }) => get === 'app');
  const { written, isUnknown = false } = context.factory ?? {};
  return { name, factory: written, origin, hasApps, isUnknown };
}

/** Parameter counts of a filter, (app), and an app, (req, res). A function with another count is a factory, whatever its error. */
const MISTAKABLE: ReadonlySet<number> = new Set([1, 2]);
