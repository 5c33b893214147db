/**
 * The Loader: an `api-paste.ini` as apps, filters and servers.
 */
import type { App, Conf, Filter } from '../app/index.js';
import type { Diagnostic, Origin } from '../errors/index.js';
import { type CheckOptions, checkPaste } from './check/check.js';
import type { Created, ServerFactory } from './create.js';
import { firstRefusal, openDocument } from './document.js';
import { type LoadedApp, loadedApp } from './loaded-app.js';
import { type LoaderOptions, sessionParts } from './loader-options.js';
import { pasteFiles, type WrittenFiles, writtenFiles } from './paste-files.js';
import { pipelinesOf } from './pipelines.js';
import { rootsOf } from './roots.js';
import { definedBy, type Kind, sectionsNamed } from './section.js';
import { Releases } from './section-context.js';
import { Session, type SessionParts } from './session.js';
import { type ContextTree, treeOf } from './tree.js';

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

/** How {@link Loader.loadApp} makes an app. */
export interface LoadAppOptions {
  readonly aroundApp?: Filter | undefined;
}

/** Loads what a paste file defines, exactly as PasteDeploy does. */
export class Loader {
  /** The file, as an absolute path. */
  readonly path: string;
  readonly #parts: SessionParts;

  /**
   * Reads and parses the file, opens and imports nothing. Throws {@link ConfigNotFound} when there is no such file,
   * {@link PasteError} when it is not a paste file.
   */
  constructor(configPath: string, options: LoaderOptions = {}) {
    this.#parts = sessionParts(configPath, options);
    this.path = this.#parts.path;
    const refusal = firstRefusal(this.#parts.document.problems);
    if (refusal !== undefined) throw refusal;
  }

  /**
   * {@link Loader.check} for a file that may not even be a paste file: what is wrong with its lines is found too.
   * Throws only when the file cannot be read.
   */
  static checkFile(configPath: string, options: LoaderOptions & CheckOptions = {}): Promise<Diagnostic[]> {
    return checkPaste(sessionParts(configPath, options), options);
  }

  /** True when exactly one app section has that name. Resolves nothing. */
  has(name: string): boolean {
    return sectionsNamed(this.#parts.document, 'app', name).length === 1;
  }

  /**
   * The app of that name, default `main`; `aroundApp` is put around each app in it that an app factory gives, inside its
   * filters. Throws {@link PasteAppNotFound} when there is none.
   */
  async loadApp(name?: string, { aroundApp }: LoadAppOptions = {}): Promise<LoadedApp> {
    const releases = new Releases();
    return loadedApp((await this.#create('app', name, releases, aroundApp)) as App, releases);
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

  /**
   * The contexts behind an app, with the children of composites that can tell them. Modules are imported, no factory is
   * called.
   */
  async tree(name?: string): Promise<ContextTree> {
    const session = this.#session();
    const context = await session.load('app', name);
    await session.expand(context);
    return treeOf(context);
  }

  /** The apps that nothing else in the file mentions: those a program asks for by name. */
  roots(): string[] {
    return rootsOf(this.#parts.document)
      .filter(({ kind }) => kind === 'app')
      .map(({ name }) => name);
  }

  /** The pipelines by name, each with its filters in order and its app last, as written. Nothing is resolved. */
  pipelines(): ReadonlyMap<string, readonly string[]> {
    return pipelinesOf(this.#parts.document);
  }

  /**
   * The file and those it includes, by absolute path, each with the pipelines that an app leads to and that are made of it:
   * to tell what a change of the file concerns. As it is written; nothing is resolved.
   */
  writtenFiles(app: string): WrittenFiles {
    const { path, document, nameOf, readFile } = this.#parts;
    return writtenFiles(
      app,
      pasteFiles(path, document, (each) => openDocument(each, nameOf(each), readFile)),
    );
  }

  /** All sections, in file order. */
  sections(): ListedSection[] {
    return [...this.#parts.document.sections.values()].map((section) => {
      const defined = definedBy(section);
      return { kind: defined?.kind, name: defined?.name ?? section.name, header: section.name, origin: section.origin };
    });
  }

  /**
   * Everything that is wrong with the file and those it includes, and what only looks wrong, by place. Modules are
   * imported unless `import` is false; factories that are declared with `trial` are made, and let go of, and no others are
   * called. Without a service configuration what one might have is not missed.
   */
  check(options: CheckOptions = {}): Promise<Diagnostic[]> {
    return checkPaste(this.#parts, options);
  }

  async #create(kind: Kind, name: string | undefined, releases: Releases, aroundApp?: Filter): Promise<Created> {
    const session = this.#session();
    return session.create(await session.load(kind, name), releases, aroundApp);
  }

  #session(): Session {
    return new Session(this.#parts);
  }
}
