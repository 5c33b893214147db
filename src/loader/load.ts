/**
 * One load, from the question to the close: two of them share nothing but the module cache.
 */
import { resolve } from 'node:path';
import type { Conf } from '../app/index.js';
import type { Config } from '../config/index.js';
import type { Origin } from '../errors/index.js';
import type { PasteDocument } from '../ini/index.js';
import type { Logger } from '../log/index.js';
import type { Awaitable } from '../service/index.js';
import { type AliasTable, aliasesOf, fileAliases } from './aliases.js';
import { Composer } from './compose.js';
import { type AskedChild, tellsChildren } from './composite/children.js';
import { type Context, innerContexts, isComposite } from './context.js';
import { type Around, type Created, Creation } from './create.js';
import type { ReadFile } from './document.js';
import { argumentsFor, type Connect, Releases, rpcOf } from './factory-context.js';
import { Usage } from './limits.js';
import { Reference } from './reference.js';
import type { Resolver } from './resolver.js';
import { DefaultResolver } from './resolver.js';
import type { Kind } from './section.js';
import { Source } from './source.js';
import { Steps } from './steps.js';

/** What a load works with. */
export interface LoadParts {
  readonly path: string;
  readonly document: PasteDocument;
  readonly runTime: Conf;
  readonly readFile: ReadFile;
  readonly nameOf: (path: string) => string;
  readonly config: Config;
  readonly service?: string | undefined;
  /** False without a service configuration: what depends on one is then not judged. */
  readonly configured: boolean;
  readonly log: Logger;
  readonly resolver: Resolver | undefined;
  readonly aliases: AliasTable;
}

/** What an app is created with, beside its tree. */
export interface CreateOptions extends Around {
  /** Makes the way to other services of its factories. Default: one of the configuration. */
  readonly connect?: Connect | undefined;
}

/** A load, and the creation of what it found. */
export class Load {
  readonly #parts: LoadParts;
  readonly #usage = new Usage();
  readonly #documents: Map<string, PasteDocument>;
  readonly #steps: Steps;
  readonly #composer: Composer;
  readonly #fileAliases = new Map<string, AliasTable>();

  /** `imports`: false looks for modules without importing them. */
  constructor(parts: LoadParts, imports = true) {
    this.#parts = parts;
    this.#documents = new Map([[parts.path, parts.document]]);
    this.#usage.sections(parts.document.sections.size);
    this.#steps = new Steps(parts.resolver ?? new DefaultResolver((origin) => this.#aliases(origin), imports));
    const { readFile, nameOf } = parts;
    this.#composer = new Composer({
      readFile,
      nameOf,
      documents: this.#documents,
      usage: this.#usage,
      steps: this.#steps,
    });
  }

  /** The files that were opened. */
  get sources(): ReadonlyMap<PasteDocument, Source> {
    return this.#composer.sources;
  }

  /** The sections that were read, with their files. */
  get entered(): Composer['entered'] {
    return this.#composer.entered;
  }

  /** Opens the file as a program would. */
  open(): Source {
    return this.#composer.open(this.#parts.path, this.#parts.runTime);
  }

  /** The contexts behind a name that a program asks for. Nothing is resolved; mistakes are in the steps. */
  context(kind: Kind, name = 'main'): Context {
    return this.within(this.open(), kind, name, this.#parts.runTime);
  }

  /** The same, of a file that was opened on the way. */
  within(source: Source, kind: Kind, name: string, globalConf?: Conf): Context {
    return this.#composer.context({ form: 'file', source }, Reference.asked(kind, name), globalConf);
  }

  /** The context of a reference that a composite would follow; nothing is resolved. */
  child(composite: Context, { get, name, option, inherits }: AskedChild): Context {
    const reference = Reference.ofChild(composite, get, name, option);
    return this.#composer.context(composite.answerer, reference, inherits ? composite.globalConf : undefined);
  }

  /** Resolves what is left to resolve, and gives every error. */
  async errors(): Promise<unknown[]> {
    const errors: unknown[] = [];
    for await (const error of this.#steps.resolveAll()) errors.push(error);
    return errors;
  }

  /** The mistakes that were made so far; nothing is resolved any more. */
  mistakes(): unknown[] {
    return this.#steps.drop();
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
      const { get, name, option } = asked;
      context.children.push({ get, name, option, context: child });
      await this.expand(child);
    }
  }

  /** The contexts behind a name, with their factories. */
  load(kind: Kind, name: string | undefined): Promise<Context> {
    return this.#resolved(() => this.context(kind, name));
  }

  /** Calls the factories. If one fails, what was acquired so far is released first. */
  async create(context: Context, all: Releases, { connect, ...around }: CreateOptions = {}): Promise<Created> {
    const { config, service, log } = this.#parts;
    let failed = false;
    // A composite may have several children made at once: what is acquired after one of them failed goes at once.
    const add: Releases['add'] = (release) => (failed ? void released(release, log) : all.add(release));
    const releases = { add };
    const creation = new Creation({
      config,
      service,
      log,
      around,
      releases,
      rpc: rpcOf({ config, log, releases }, connect),
      child: (composite, kind, name, globalConf) => {
        const reference = Reference.ofChild(composite, kind, name);
        return this.#resolved(() => this.#composer.context(composite.answerer, reference, globalConf));
      },
    });
    try {
      return await creation.create(context);
    } catch (error) {
      failed = true;
      await released(() => all.run(), log);
      throw error;
    }
  }

  /** Makes contexts, then resolves what they need. A limit ends that before anything is resolved. */
  async #resolved(make: () => Context): Promise<Context> {
    let context: Context | undefined;
    try {
      context = make();
    } catch (error) {
      if (!this.#steps.refuses) throw error;
      // PasteDeploy would have ended at the mistake before.
    }
    await this.#steps.resolve();
    return context!;
  }

  #aliases(origin: Origin): readonly AliasTable[] {
    return [this.#parts.aliases, this.#aliasesIn(resolve(origin.file)), this.#aliasesIn(this.#parts.path)];
  }

  #aliasesIn(path: string): AliasTable {
    const known = this.#fileAliases.get(path);
    if (known !== undefined) return known;
    const document = this.#documents.get(path);
    const { runTime } = this.#parts;
    const source = document === undefined ? undefined : new Source(document, path, runTime, this.#usage);
    const mistake = (error: unknown): void => this.#steps.aliasMistake(error);
    const table = source === undefined ? aliasesOf({}) : fileAliases(source, mistake);
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
