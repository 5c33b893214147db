/**
 * The Loader: an `api-paste.ini` as apps, filters and servers.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import type { App, Conf, Filter } from '../app/index.js';
import { Config } from '../config/index.js';
import type { Origin } from '../errors.js';
import type { PasteDocument } from '../ini/index.js';
import { type Logger, silentLogger } from '../log.js';
import { type AliasTable, aliasesOf, fileAliases } from './aliases.js';
import type { Context, Trail } from './context.js';
import { type Created, Creation, type ServerFactory } from './create.js';
import { DefaultResolver } from './default-resolver.js';
import { firstRefusal, openDocument, type ReadFile } from './document.js';
import { FactoryQueue } from './factory-queue.js';
import { Usage } from './limits.js';
import { Load } from './load.js';
import { type LoadedApp, loadedApp } from './loaded-app.js';
import { ConfigNotFound, PasteAppNotFound, PasteError, pasteCode } from './paste-error.js';
import type { Resolver } from './resolver.js';
import { definedBy, type Kind, sectionsNamed } from './section.js';
import { Releases } from './section-context.js';
import { Source } from './source.js';
import { type ContextTree, treeOf } from './tree.js';

/** What a Loader may be given. */
export interface LoaderOptions {
  /** Run-time values: defaults where the file has none, and in every global_conf. */
  readonly globalConf?: Readonly<Record<string, string>> | Conf | undefined;
  /** What stands for Python references: `from` to `to [protocol]`. Asked before the aliases of the file. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** Stands in for modules and packages, and for all aliases. */
  readonly resolve?: Resolver | undefined;
  /** The service configuration, handed on as `ctx.config`. Default: an empty one. */
  readonly config?: Config | undefined;
  /** Default: `config.readFile` where a configuration is given, so that a worker reads what its parent accepted. */
  readonly readFile?: ReadFile | undefined;
  /** Default: silent. Factories get a child of it that names their section. */
  readonly log?: Logger | undefined;
}

/** A section of a paste file. */
export interface ListedSection {
  /** `app`, `filter` or `server`; undefined for sections that PasteDeploy does not look at. */
  readonly kind: Kind | undefined;
  readonly name: string;
  /** The whole header. */
  readonly header: string;
  readonly origin: Origin;
}

/** What a factory would be given. */
export interface ResolvedConf {
  readonly globalConf: Conf;
  readonly localConf: Conf;
}

/** A tree that was loaded: its factories are known, none was called. */
export interface Loaded {
  /** The contexts; once created, with the children that composites asked for. */
  tree(): ContextTree;
  /** Calls the factories. If one fails, what was acquired so far is released first. */
  create(): Promise<Created>;
  /** Releases what factories acquired. */
  close(): Promise<void>;
}

/** Loads what a paste file defines, exactly as PasteDeploy does. */
export class Loader {
  /** The file, as an absolute path. */
  readonly path: string;
  readonly #options: LoaderOptions;
  readonly #document: PasteDocument;
  readonly #readFile: ReadFile;
  readonly #nameOf: (path: string) => string;
  readonly #runTime: Conf;
  readonly #config: Config;
  readonly #log: Logger;

  /**
   * Reads and parses the file, opens and imports nothing. Throws {@link ConfigNotFound} when there is no such file,
   * {@link PasteError} when it is not a paste file.
   */
  constructor(configPath: string, options: LoaderOptions = {}) {
    this.path = resolve(configPath);
    this.#options = options;
    this.#config = options.config ?? new Config();
    this.#log = options.log ?? silentLogger();
    this.#readFile = options.readFile ?? readerOf(options.config);
    this.#nameOf = isAbsolute(configPath) ? (path) => path : (path) => relative('', path);
    this.#runTime =
      options.globalConf instanceof Map ? options.globalConf : new Map(Object.entries(options.globalConf ?? {}));
    this.#document = this.#read(configPath);
    const refusal = firstRefusal(this.#document.problems);
    if (refusal !== undefined) throw refusal;
  }

  /** True when exactly one app section has that name. Resolves nothing. */
  has(name: string): boolean {
    return sectionsNamed(this.#document, 'app', name).length === 1;
  }

  /** The app of that name, default `main`. Throws {@link PasteAppNotFound} when there is none. */
  async loadApp(name?: string): Promise<LoadedApp> {
    const releases = new Releases();
    return loadedApp((await this.#create('app', name, releases)) as App, releases);
  }

  /** The filter of that name. What its factory registers to be released stays until the process ends. */
  async loadFilter(name?: string): Promise<Filter> {
    return (await this.#create('filter', name, new Releases())) as Filter;
  }

  /** The server of that name: a function that serves an app. */
  async loadServer(name?: string): Promise<ServerFactory> {
    return (await this.#create('server', name, new Releases())) as ServerFactory;
  }

  /** The tree behind a name, with its factories resolved and none called. */
  async load(kind: Kind, name?: string): Promise<Loaded> {
    const session = this.#session();
    const context = await session.load(kind, name);
    const releases = new Releases();
    return {
      tree: () => treeOf(context),
      create: () => session.create(context, releases),
      close: () => releases.run(),
    };
  }

  /** What the factory of an app would be given. Nothing is imported or built. */
  appConfig(name?: string): ResolvedConf {
    const { globalConf, localConf } = treeOf(this.#session().contexts('app', name));
    return { globalConf, localConf };
  }

  /** All sections, in file order. */
  sections(): ListedSection[] {
    return [...this.#document.sections.values()].map((section) => {
      const defined = definedBy(section);
      return { kind: defined?.kind, name: defined?.name ?? section.name, header: section.name, origin: section.origin };
    });
  }

  async #create(kind: Kind, name: string | undefined, releases: Releases): Promise<Created> {
    const session = this.#session();
    return session.create(await session.load(kind, name), releases);
  }

  #session(): Session {
    return new Session({
      path: this.path,
      document: this.#document,
      runTime: this.#runTime,
      readFile: this.#readFile,
      nameOf: this.#nameOf,
      config: this.#config,
      log: this.#log,
      resolver: this.#options.resolve,
      aliases: aliasesOf(this.#options.aliases ?? {}),
    });
  }

  #read(configPath: string): PasteDocument {
    try {
      return openDocument(this.path, configPath, this.#readFile);
    } catch (error) {
      if (error instanceof PasteError && error.code === pasteCode('no-file')) {
        throw new ConfigNotFound(error.code, {
          message: error.message,
          hint: 'Paths are relative to the folder the program was started in.',
          cause: error.cause,
        });
      }
      throw error;
    }
  }
}

interface SessionParts {
  readonly path: string;
  readonly document: PasteDocument;
  readonly runTime: Conf;
  readonly readFile: ReadFile;
  readonly nameOf: (path: string) => string;
  readonly config: Config;
  readonly log: Logger;
  readonly resolver: Resolver | undefined;
  readonly aliases: AliasTable;
}

/** One load, from the question to the close: two of them share nothing but the module cache. */
class Session {
  readonly #parts: SessionParts;
  readonly #usage = new Usage();
  readonly #documents: Map<string, PasteDocument>;
  readonly #queue: FactoryQueue;
  readonly #load: Load;
  readonly #fileAliases = new Map<string, AliasTable>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#documents = new Map([[parts.path, parts.document]]);
    this.#queue = new FactoryQueue(parts.resolver ?? new DefaultResolver((origin) => this.#aliases(origin)));
    const { readFile, nameOf } = parts;
    this.#load = new Load({ readFile, nameOf, documents: this.#documents, usage: this.#usage, queue: this.#queue });
  }

  /** The contexts behind a name; nothing is resolved. */
  contexts(kind: Kind, name: string | undefined): Context {
    const { path, runTime } = this.#parts;
    const source = this.#load.open(path, runTime);
    const text = name ?? 'main';
    const nowhere = { origin: undefined, via: [] } as const;
    const reference = { text, place: () => nowhere, option: () => undefined };
    const trail: Trail = { parent: undefined, depth: 1, kind, reference, include: undefined };
    try {
      return this.#load.context({ form: 'file', source }, kind, text, runTime, trail);
    } catch (error) {
      throw asked(error, kind);
    }
  }

  /** The contexts behind a name, with their factories. */
  load(kind: Kind, name: string | undefined): Promise<Context> {
    return this.#resolved(() => this.contexts(kind, name));
  }

  async create(context: Context, releases: Releases): Promise<Created> {
    const { config, log } = this.#parts;
    const creation = new Creation({
      config,
      log,
      releases,
      child: (parent, kind, name, globalConf, trail) =>
        this.#resolved(() => this.#load.context(parent.answerer, kind, name, globalConf, trail!)),
    });
    try {
      return await creation.create(context);
    } catch (error) {
      await releases.run().catch((failure: unknown) => log.error('a release failed', { err: failure }));
      throw error;
    }
  }

  /**
   * Makes contexts, then resolves what they need, in order. An error of the second kind stands before the one that
   * ended the making, for PasteDeploy would have met it first; a limit stands before all.
   */
  async #resolved(make: () => Context): Promise<Context> {
    let context: Context | undefined;
    let failure: unknown;
    try {
      context = make();
    } catch (error) {
      if (error instanceof PasteError && error.code === pasteCode('limit')) throw error;
      failure = error;
    }
    await this.#queue.resolve();
    if (context === undefined) throw failure;
    return context;
  }

  #aliases(origin: Origin): readonly AliasTable[] {
    return [this.#parts.aliases, this.#aliasesIn(resolve(origin.file)), this.#aliasesIn(this.#parts.path)];
  }

  #aliasesIn(path: string): AliasTable {
    const known = this.#fileAliases.get(path);
    if (known !== undefined) return known;
    const document = this.#documents.get(path);
    const table =
      document === undefined
        ? aliasesOf({})
        : fileAliases(new Source(document, path, this.#parts.runTime, this.#usage));
    this.#fileAliases.set(path, table);
    return table;
  }
}

/** A name that a program asked for, and the file does not have, has an error of its own. */
function asked(error: unknown, kind: Kind): unknown {
  const missing = error instanceof PasteError && error.code === pasteCode('no-section') && error.origin === undefined;
  if (!missing || kind !== 'app') return error;
  return new PasteAppNotFound(error.code, { message: error.message, hint: error.hint });
}

function readerOf(config: Config | undefined): ReadFile {
  const reader = config as { readFile?: ReadFile } | undefined;
  return reader?.readFile === undefined ? (path) => readFileSync(path) : (path) => reader.readFile!(path);
}
