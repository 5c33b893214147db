/** The Loader: apps, filters and servers from an `api-paste.ini`. */
import type { App, Conf, Filter } from '../app/index.js';
import { configuredFaultForm, inFaultForm, takesOwnSlot, withSlot } from '../app/internal.js';
import { Config } from '../config/index.js';
import { type Diagnostic, refuseUnknownOptions } from '../errors/index.js';
import type { LogOption } from '../log/index.js';
import { checkedLog, silentLogger } from '../log/internal.js';
import { JobList } from '../tasks/internal.js';
import { aliasesOf, extensionAliases } from './aliases.js';
import { type After, type CheckOptions, checkPaste } from './check/check-file.js';
import { type Created, type CreateOptions, Creation, type ServerFactory } from './create.js';
import { openPaste, type ReadPasteFile } from './document.js';
import { type NamedFactory, namedFactories } from './factories.js';
import { Load, type LoadParts } from './load.js';
import { type Context, Releases } from './load-context.js';
import { type LoadedApp, loadedApp } from './loaded-app.js';
import { MadeApps } from './made-apps.js';
import { PasteFile, readerOf } from './paste-file.js';
import type { Resolver } from './resolver.js';
import type { Kind } from './section.js';
import { type ContextTree, treeOf } from './tree.js';
import { Walk } from './walk.js';

/** Options of a Loader. */
export interface LoaderOptions {
  /** Run-time values: defaults that the file does not have, and part of every global_conf. */
  readonly globalConf?: Readonly<Record<string, string>> | Conf | undefined;
  /** Replacements of Python references: `from` to `to [protocol]`. They take precedence over the aliases of the file. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** Replaces modules, packages and all aliases. */
  readonly resolve?: Resolver | undefined;
  /** The service configuration, passed on as `ctx.config`. Default: an empty one. */
  readonly config?: Config | undefined;
  /**
   * The API whose options of `[api:<name>]` apply, passed on as `ctx.service`. Default: the name of the loaded app, if the configuration
   * has that section.
   */
  readonly service?: string | undefined;
  /** Default: `config.readFile` if a configuration is given, so a worker reads the version that its parent accepted. */
  readonly readFile?: ReadPasteFile | undefined;
  /** Default: silent. Factories get a child logger with the name of their section. */
  readonly log?: LogOption | undefined;
}

/** Arguments of a factory. */
export interface ResolvedConf {
  readonly globalConf: Conf;
  readonly localConf: Conf;
}

/** A loaded tree: its factories are resolved, but not called. */
export interface Loaded {
  /** Returns the contexts; after `create`, with the children that composites requested. */
  tree(): ContextTree;
  /** Calls the factories. If one fails, the resources acquired so far are released first. */
  create(): Promise<Created>;
  /** Releases the resources that factories acquired. */
  close(): Promise<void>;
}

const NAMES: readonly (keyof LoaderOptions)[] = [
  'globalConf',
  'aliases',
  'resolve',
  'config',
  'service',
  'readFile',
  'log',
];

/** Loads apps and filters from a paste file (`api-paste.ini`), exactly like PasteDeploy. */
export class Loader extends PasteFile {
  readonly #parts: LoadParts;
  readonly #nodes = new WeakMap<ContextTree, { readonly walk: Walk; readonly context: Context }>();

  /**
   * Reads and parses the file; opens no other file and imports nothing. Throws `ConfigNotFound` if there is no such file, `PasteError`
   * if it is not a paste file.
   */
  constructor(configPath: string, options: LoaderOptions = {}) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a Loader', options, NAMES);
    const parts = loadParts(configPath, options);
    super(parts);
    this.#parts = parts;
  }

  /**
   * Like {@link Loader.check}, for a file that may not be a paste file: errors in its lines are reported too. Throws only if the file
   * cannot be read.
   */
  static async checkFile(configPath: string, options: LoaderOptions & CheckOptions = {}): Promise<Diagnostic[]> {
    return (await Loader.walkFile(configPath, options)).diagnostics;
  }

  /** As {@link Loader.checkFile}, with where the check has been. @internal */
  static walkFile(configPath: string, options: LoaderOptions & CheckOptions & After): Promise<Walk> {
    return checkPaste(loadParts(configPath, options), options);
  }

  /**
   * Loads the app of that name, default `main`. `options`: filters to add between its filters and apps, and its clients for other
   * services. Throws `PasteAppNotFound` if there is none.
   */
  async loadApp(name?: string, options: CreateOptions = {}): Promise<LoadedApp> {
    const releases = new Releases();
    const { faults = await configuredFaultForm(this.#parts.config, this.#serviceOf('app', name)) } = options;
    const tasks = new JobList();
    const made = new MadeApps();
    // The slot of a request is for its app, not for the filters around it, which may wait for others.
    const aroundApp: CreateOptions['aroundApp'] = (inner, node) => withSlot(options.aroundApp?.(inner, node) ?? inner);
    const app = (await this.#create('app', name, releases, { tasks, made, ...options, aroundApp })) as App;
    return takesOwnSlot(loadedApp(inFaultForm(app, faults), releases, { tasks, made }));
  }

  /** Loads the filter of that name. Resources that its factory registers are kept until the process ends. */
  async loadFilter(name?: string): Promise<Filter> {
    const filter = (await this.#create('filter', name, new Releases())) as Filter;
    const { config, service } = this.#parts;
    const faults = await configuredFaultForm(config, service);
    const around = (app: App): App => {
      const made: unknown = filter(app);
      if (made instanceof Promise) return made.then((later: App) => inFaultForm(later, faults)) as never;
      return inFaultForm(made as App, faults);
    };
    return Object.assign(around, filter);
  }

  /** Loads the server of that name: a function that serves an app. */
  async loadServer(name?: string): Promise<ServerFactory> {
    return (await this.#create('server', name, new Releases())) as ServerFactory;
  }

  /** Returns the tree of a name, with its factories resolved but not called. */
  async load(kind: Kind, name?: string): Promise<Loaded> {
    const walk = this.#walk(kind, name);
    const context = await walk.load.load(kind, name);
    const releases = new Releases();
    return {
      tree: () => treeOf(context),
      create: () => new Creation(walk, releases).create({ context, error: undefined }),
      close: () => releases.run(),
    };
  }

  /** Returns the arguments of an app's factory. Nothing is imported or built. */
  appConfig(name?: string): ResolvedConf {
    const { load } = this.#walk('app', name);
    const { globalConf, localConf } = treeOf(load.context('app', name));
    const [issue] = load.steps.drop();
    if (issue !== undefined) throw issue;
    return { globalConf, localConf };
  }

  /**
   * Also accepts a reference, whose sections are then read.
   * @internal
   */
  override checkApp(name: string): void {
    if (!this.has(name)) this.appConfig(name);
  }

  /**
   * Returns the contexts of an app, with the children of composites that report them. Modules are imported, no factory is called. `standIns`:
   * factories that are not installed are nodes too. Default: an error.
   */
  async tree(name?: string, { standIns = false }: { readonly standIns?: boolean } = {}): Promise<ContextTree> {
    const walk = this.#walk('app', name, standIns);
    const { load } = walk;
    const context = await load.load('app', name);
    await load.expand(context);
    const note = (node: ContextTree, own: Context): void => void this.#nodes.set(node, { walk, context: own });
    return treeOf(context, note, (own) => load.aliasOf(own)?.target);
  }

  /** Creates the app of one node of a {@link Loader.tree} by its own factory, without the filters around it. */
  async makeApp(node: ContextTree, options: CreateOptions = {}): Promise<LoadedApp> {
    const { walk, context } = this.#nodes.get(node)!;
    const releases = new Releases();
    const app = await new Creation(walk, releases, options).create({ context, error: undefined });
    return loadedApp(app as App, releases);
  }

  /**
   * Reports all errors and suspicious lines of the file and of the files it includes, by place. Modules are imported unless `import`
   * is false. Factories declared with `trial` are called and their resources released; no others are called. Without a service
   * configuration, options that may be in one are not required.
   */
  async check(options: CheckOptions = {}): Promise<Diagnostic[]> {
    return (await checkPaste(this.#parts, options)).diagnostics;
  }

  #create(kind: Kind, name: string | undefined, releases: Releases, options?: CreateOptions): Promise<Created> {
    return new Creation(this.#walk(kind, name, options?.standIns), releases, options).load(kind, name);
  }

  #walk(kind: Kind, name?: string, standIns = false): Walk {
    const parts = { ...this.#parts, service: this.#serviceOf(kind, name) };
    return new Walk(new Load(parts, true, standIns), parts);
  }

  /** Returns the API whose options apply: the one given in code, else the one with the name of the loaded app. */
  #serviceOf(kind: Kind, name = 'main'): string | undefined {
    const { config, service } = this.#parts;
    const isApi = kind === 'app' && config.getSectionLocation(`api:${name}`) !== undefined;
    return service ?? (isApi ? name : undefined);
  }
}

/** Returns the factories that a file names, which need not exist. Imports nothing. */
export function factoriesOf(configPath: string): Promise<readonly NamedFactory[]> {
  return namedFactories(loadParts(configPath, {}));
}

/** Reads and parses the file; errors inside it are in the document's problems. */
function loadParts(configPath: string, options: LoaderOptions): LoadParts {
  const { globalConf = {}, readFile = readerOf(options.config) } = options;
  const log = checkedLog('PORTICO_INVALID_OPTION', 'a Loader', options.log) ?? silentLogger();
  const config = options.config ?? new Config();
  return {
    ...openPaste(configPath, readFile),
    runTime: globalConf instanceof Map ? globalConf : new Map(Object.entries(globalConf)),
    config,
    service: options.service,
    configured: options.config !== undefined,
    log,
    resolver: options.resolve,
    aliases: aliasesOf(options.aliases ?? {}),
    extensionAliases: extensionAliases(config.knownExtensions()),
  };
}
