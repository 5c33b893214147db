/**
 * One load, from the question to the close: two of them share nothing but the module cache.
 */
import { resolve } from 'node:path';
import type { Conf, Filter } from '../app/index.js';
import type { Config } from '../config/index.js';
import type { Origin } from '../errors/index.js';
import type { PasteDocument } from '../ini/index.js';
import type { Logger } from '../log/index.js';
import type { Awaitable } from '../service/index.js';
import { type AliasTable, aliasesOf, fileAliases } from './aliases.js';
import { childTrail } from './child-trail.js';
import { type AskedChild, tellsChildren } from './composite/children.js';
import { type Context, innerContexts, isComposite, type Trail } from './context.js';
import { type Created, Creation } from './create.js';
import { DefaultResolver } from './default-resolver.js';
import type { ReadFile } from './document.js';
import { FactoryQueue } from './factory-queue.js';
import { isLimit, Usage } from './limits.js';
import { Load } from './load.js';
import { PasteAppNotFound, PasteError, pasteCode } from './paste-error.js';
import type { Resolver } from './resolver.js';
import type { Kind } from './section.js';
import { argumentsFor, Releases } from './section-context.js';
import { Source } from './source.js';
import type { LoadObserver } from './surroundings.js';

/** What a session works with. */
export interface SessionParts {
  readonly path: string;
  readonly document: PasteDocument;
  readonly runTime: Conf;
  readonly readFile: ReadFile;
  readonly nameOf: (path: string) => string;
  readonly config: Config;
  readonly service?: string | undefined;
  /** False where nobody gave a configuration: what depends on one is then not judged. */
  readonly configured: boolean;
  readonly log: Logger;
  readonly resolver: Resolver | undefined;
  readonly aliases: AliasTable;
  /** Watches a load that goes on after mistakes. */
  readonly observer?: LoadObserver | undefined;
  /** False: modules are looked for, not imported. Default true. */
  readonly imports?: boolean | undefined;
}

/** A load, and the creation of what it found. */
export class Session {
  readonly #parts: SessionParts;
  readonly #usage = new Usage();
  readonly #documents: Map<string, PasteDocument>;
  readonly #queue: FactoryQueue;
  readonly #load: Load;
  readonly #fileAliases = new Map<string, AliasTable>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#documents = new Map([[parts.path, parts.document]]);
    this.#usage.sections(parts.document.sections.size);
    this.#queue = new FactoryQueue(
      parts.resolver ?? new DefaultResolver((origin) => this.#aliases(origin), parts.imports ?? true),
    );
    const { readFile, nameOf } = parts;
    this.#load = new Load({
      readFile,
      nameOf,
      documents: this.#documents,
      usage: this.#usage,
      queue: this.#queue,
      observer: parts.observer,
    });
  }

  /** The contexts behind a name; nothing is resolved. */
  contexts(kind: Kind, name: string | undefined): Context {
    const { path, runTime } = this.#parts;
    const source = this.#load.open(path, runTime);
    const text = name ?? 'main';
    try {
      return this.#load.context({ form: 'file', source }, kind, text, runTime, nowhere(kind, text));
    } catch (error) {
      throw asked(error, kind);
    }
  }

  /** Opens the file as a program would. */
  open(): Source {
    return this.#load.open(this.#parts.path, this.#parts.runTime);
  }

  /** The context of a reference that a composite would follow; nothing is resolved. */
  child(parent: Context, { get, name, option, inherits }: AskedChild): Context {
    const trail = childTrail(parent, get, name, option);
    return this.#load.context(parent.answerer, get, name, inherits ? parent.globalConf : undefined, trail);
  }

  /** The context of a section of a file that was opened on the way. */
  within(source: Source, kind: Kind, name: string): Context {
    return this.#load.context({ form: 'file', source }, kind, name, undefined, nowhere(kind, name));
  }

  /** Resolves everything that waits, and gives every error. */
  resolveAll(): Promise<unknown[]> {
    return this.#queue.resolveAll();
  }

  /** Makes the children of composites that can tell them, all the way down, without calling a factory. */
  async expand(context: Context): Promise<void> {
    for (const inner of innerContexts(context)) await this.expand(inner);
    const factory = context.factory?.resolved === true ? tellsChildren(context.factory.value) : undefined;
    if (factory === undefined || !isComposite(context) || context.children.length > 0) return;
    const { config, service, log } = this.#parts;
    const { globalConf, localConf, ctx } = argumentsFor(context, { config, service, log, releases: new Releases() });
    for (const asked of factory.children(globalConf, localConf, ctx)) {
      const child = await this.#resolved(() => this.child(context, asked));
      context.children.push({ get: asked.get, name: asked.name, context: child });
      await this.expand(child);
    }
  }

  /** The contexts behind a name, with their factories. */
  load(kind: Kind, name: string | undefined): Promise<Context> {
    return this.#resolved(() => this.contexts(kind, name));
  }

  async create(context: Context, releases: Releases, aroundApp?: Filter): Promise<Created> {
    const { config, service, log } = this.#parts;
    let failed = false;
    const creation = new Creation({
      config,
      service,
      log,
      aroundApp,
      // A composite may have several children made at once: what is acquired after one of them failed goes at once.
      releases: { add: (release) => (failed ? void released(release, log) : releases.add(release)) },
      child: (parent, kind, name, globalConf, trail) =>
        this.#resolved(() => this.#load.context(parent.answerer, kind, name, globalConf, trail!)),
    });
    try {
      return await creation.create(context);
    } catch (error) {
      failed = true;
      await released(() => releases.run(), log);
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
      if (isLimit(error)) throw error;
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
    const { observer, runTime } = this.#parts;
    const report = observer?.mistake.bind(observer);
    const source = document === undefined ? undefined : new Source(document, path, runTime, this.#usage);
    const table = source === undefined ? aliasesOf({}) : fileAliases(source, report);
    this.#fileAliases.set(path, table);
    return table;
  }
}

async function released(release: () => Awaitable<void>, log: Logger): Promise<void> {
  try {
    await release();
  } catch (error) {
    log.error('a release failed', { err: error });
  }
}

/** The beginning of a way: asked for by a program, not by a file. */
function nowhere(kind: Kind, text: string): Trail {
  const place = { origin: undefined, via: [] } as const;
  const reference = { text, place: () => place, option: () => undefined };
  return { parent: undefined, depth: 1, kind, reference, include: undefined, phase: {}, root: true };
}

/** A name that a program asked for, and the file does not have, has an error of its own. */
function asked(error: unknown, kind: Kind): unknown {
  const missing = error instanceof PasteError && error.code === pasteCode('no-section') && error.origin === undefined;
  if (!missing || kind !== 'app') return error;
  return new PasteAppNotFound(error.code, { message: error.message, hint: error.hint });
}
