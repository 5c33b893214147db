/** The Loader: apps, filters and servers from an `api-paste.ini`. */
import { readFileSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import type { App, Conf, Filter } from '../app/index.js';
import { configuredFaultForm, inFaultForm } from '../app/internal.js';
import { Config } from '../config/index.js';
import { type Diagnostic, type Origin, refuseUnknownOptions, shownPath } from '../errors/index.js';
import { type Logger, silentLogger } from '../log/index.js';
import { checkLog } from '../log/internal.js';
import type { PlannedApp } from '../service/index.js';
import { aliasesOf } from './aliases.js';
import { type CheckOptions, checkPaste } from './check/check.js';
import { type Context, type LoadedApp, loadedApp, Releases } from './context.js';
import type { Created, CreateOptions, ServerFactory } from './create.js';
import { type FileAccess, firstRefusal, openDocument, type ReadPasteFile } from './document.js';
import { Load, type LoadParts } from './load.js';
import { ConfigNotFound, PasteError } from './paste-error.js';
import type { Resolver } from './resolver.js';
import { definedBy, type Kind, rootsOf, sectionsNamed } from './section.js';
import { type ContextTree, treeOf } from './tree.js';
import { type PasteFiles, pasteFiles, pipelinesOf, type WrittenFiles, writtenApp, writtenFiles } from './written.js';

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
  /** The name of the loaded API in `[api:<name>]`, passed on as `ctx.service`. */
  readonly service?: string | undefined;
  /** Default: `config.readFile` if a configuration is given, so a worker reads the version that its parent accepted. */
  readonly readFile?: ReadPasteFile | undefined;
  /** Default: silent. Factories get a child logger with the name of their section. */
  readonly log?: Logger | undefined;
}

/** A section of a paste file. */
export interface ListedSection {
  /** `app`, `filter` or `server`; undefined for sections that PasteDeploy ignores. */
  readonly kind: Kind | undefined;
  readonly name: string;
  /** The whole header. */
  readonly header: string;
  readonly origin: Origin;
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
export class Loader {
  /** The absolute path of the file. */
  readonly path: string;
  readonly #parts: LoadParts;
  #files: PasteFiles | undefined;
  readonly #nodes = new WeakMap<ContextTree, { readonly load: Load; readonly context: Context }>();

  /**
   * Reads and parses the file; opens no other file and imports nothing. Throws {@link ConfigNotFound} if there is no such file, {@link
   * PasteError} if it is not a paste file.
   */
  constructor(configPath: string, options: LoaderOptions = {}) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a Loader', options, NAMES);
    checkLog('PORTICO_INVALID_OPTION', 'a Loader', options.log);
    this.#parts = loadParts(configPath, options);
    this.path = this.#parts.path;
    const refusal = firstRefusal(this.#parts.document.problems);
    if (refusal !== undefined) throw refusal;
  }

  /**
   * Like {@link Loader.check}, for a file that may not be a paste file: mistakes in its lines are reported too. Throws only if the file
   * cannot be read.
   */
  static checkFile(configPath: string, options: LoaderOptions & CheckOptions = {}): Promise<Diagnostic[]> {
    return checkPaste(loadParts(configPath, options), options);
  }

  /** Reports whether exactly one app section has that name. Resolves nothing. */
  has(name: string): boolean {
    return sectionsNamed(this.#parts.document, 'app', name).length === 1;
  }

  /**
   * Loads the app of that name, default `main`. `options`: filters to add between its filters and apps, and its clients for other
   * services. Throws `PasteAppNotFound` if there is none.
   */
  async loadApp(name?: string, options: CreateOptions = {}): Promise<LoadedApp> {
    const releases = new Releases();
    const { config, service } = this.#parts;
    const { faults = await configuredFaultForm(config, service) } = options;
    const app = (await this.#create('app', name, releases, options)) as App;
    return loadedApp(inFaultForm(app, faults), releases);
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
    const load = this.#load();
    const context = await load.load(kind, name);
    const releases = new Releases();
    return {
      tree: () => treeOf(context),
      create: () => load.create(context, releases),
      close: () => releases.run(),
    };
  }

  /** Returns the arguments of an app's factory. Nothing is imported or built. */
  appConfig(name?: string): ResolvedConf {
    const load = this.#load();
    const { globalConf, localConf } = treeOf(load.context('app', name));
    const [mistake] = load.steps.drop();
    if (mistake !== undefined) throw mistake;
    return { globalConf, localConf };
  }

  /** Returns the contexts of an app, with the children of composites that report them. Modules are imported, no factory is called. */
  async tree(name?: string): Promise<ContextTree> {
    const load = this.#load();
    const context = await load.load('app', name);
    await load.expand(context);
    return treeOf(context, (node, own) => this.#nodes.set(node, { load, context: own }));
  }

  /** Creates the app of one node of a {@link Loader.tree} by its own factory, without the filters around it. */
  async makeApp(node: ContextTree, options: CreateOptions = {}): Promise<LoadedApp> {
    const { load, context } = this.#nodes.get(node)!;
    const releases = new Releases();
    return loadedApp((await load.create(context, releases, options)) as App, releases);
  }

  /** Returns the apps that no other section mentions: those that a program loads by name. */
  roots(): string[] {
    return rootsOf(this.#parts.document)
      .filter(({ kind }) => kind === 'app')
      .map(({ name }) => name);
  }

  /** Returns the pipelines by name, each with its filters in order and its app last, as written. Nothing is resolved. */
  pipelines(): ReadonlyMap<string, readonly string[]> {
    return pipelinesOf(this.#parts.document);
  }

  /** Returns an app with its pipelines and the apps that its composites choose from, as written. Nothing is resolved. */
  writtenApp(name: string): PlannedApp {
    return writtenApp(this.#parts.document, name);
  }

  /** Reads the file and the files that it includes, and returns their absolute paths. */
  files(): readonly string[] {
    return [...this.#opened().keys()];
  }

  /**
   * Returns the same files, each with the pipelines of an app that use it, to find the pipelines that a change of the file affects. As
   * written; nothing is resolved.
   */
  writtenFiles(app: string): WrittenFiles {
    return writtenFiles(app, this.#opened());
  }

  /** Returns all sections, in file order. */
  sections(): ListedSection[] {
    return [...this.#parts.document.sections.values()].map((section) => {
      const defined = definedBy(section);
      return { kind: defined?.kind, name: defined?.name ?? section.name, header: section.name, origin: section.origin };
    });
  }

  /**
   * Reports all mistakes and suspicious lines of the file and of the files it includes, by place. Modules are imported unless `import`
   * is false. Factories declared with `trial` are called and their resources released; no others are called. Without a service
   * configuration, options that may be in one are not required.
   */
  check(options: CheckOptions = {}): Promise<Diagnostic[]> {
    return checkPaste(this.#parts, options);
  }

  #opened(): PasteFiles {
    const { path, document } = this.#parts;
    this.#files ??= pasteFiles(path, document, (each) => openDocument(each, this.#parts));
    return this.#files;
  }

  async #create(kind: Kind, name: string | undefined, releases: Releases, options?: CreateOptions): Promise<Created> {
    const load = this.#load();
    return load.create(await load.load(kind, name), releases, options);
  }

  #load(): Load {
    return new Load(this.#parts);
  }
}

/** Reads and parses the file; mistakes inside it are in the document's problems. */
function loadParts(configPath: string, options: LoaderOptions): LoadParts {
  const path = resolve(configPath);
  const { globalConf = {}, readFile = readerOf(options.config) } = options;
  const access: FileAccess = {
    readFile,
    nameOf: isAbsolute(configPath) ? shownPath : (file) => relative('', file),
  };
  return {
    ...access,
    path,
    document: mainDocument(path, access, isAbsolute(configPath) ? undefined : configPath),
    runTime: globalConf instanceof Map ? globalConf : new Map(Object.entries(globalConf)),
    config: options.config ?? new Config(),
    service: options.service,
    configured: options.config !== undefined,
    log: options.log ?? silentLogger(),
    resolver: options.resolve,
    aliases: aliasesOf(options.aliases ?? {}),
  };
}

/** `name`: the name that the program uses. */
function mainDocument(path: string, access: FileAccess, name?: string): ReturnType<typeof openDocument> {
  try {
    return openDocument(path, access, name);
  } catch (error) {
    if (!(error instanceof PasteError) || error.code !== 'PORTICO_PASTE_NO_FILE') throw error;
    // Only a missing file may have been expected in another folder.
    const hint = error.hint && 'A relative path is relative to the working directory of the program.';
    throw new ConfigNotFound(error.code, { message: error.message, hint, cause: error.cause });
  }
}

function readerOf(config: Config | undefined): ReadPasteFile {
  return config === undefined ? (path) => readFileSync(path) : (path) => config.readFile(path);
}
