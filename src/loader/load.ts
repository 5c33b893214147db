/**
 * One load, from a name to its app. Two loads share only the module cache.
 *
 * It visits the sections behind a reference once, in PasteDeploy's order, and makes the tree of contexts synchronously. Factories to
 * resolve and errors become {@link Steps}; a broken context replaces one with an error, so the whole file is read in spite of
 * errors.
 */
import { resolve } from 'node:path';
import type { Conf } from '../app/index.js';
import type { Origin } from '../errors/index.js';
import { type PasteSection, type Word, wordsOf } from '../ini/index.js';
import { type Alias, type AliasTable, fileAliases } from './aliases.js';
import { tellsChildren } from './composite/children.js';
import { firstRefusal, type OpenedPaste, openDocument, Usage } from './document.js';
import { Findings, findInFile, warnOfSection } from './findings.js';
import {
  type Answerer,
  argumentsFor,
  Context,
  contextOfSection,
  FactoryUse,
  type GivenToFactories,
  isComposite,
  partsOf,
  sharedConf,
  useIn,
} from './load-context.js';
import { includedPath, isModuleReference, parseReference } from './parse-reference.js';
import { PasteError, PasteLimit } from './paste-error.js';
import { Reference } from './reference.js';
import { DefaultResolver, type Resolver } from './resolver.js';
import { type Kind, PROTOCOLS, sectionsNamed } from './section.js';
import {
  emptyPipeline,
  extraSettings,
  missingSetting,
  multipleProtocols,
  noLoader,
  onlySection,
  unknownScheme,
} from './section-errors.js';
import { originOf, type SectionSettings, type Setting, Source, secondKey, take } from './source.js';
import { Steps } from './steps.js';

/** Parts of a load. */
export interface LoadParts extends OpenedPaste, GivenToFactories {
  readonly runTime: Conf;
  /** False without a service configuration: anything that depends on one is then not checked. */
  readonly configured: boolean;
  readonly resolver: Resolver | undefined;
  readonly aliases: AliasTable;
  /** Aliases of the extensions of the configuration. */
  readonly extensionAliases: AliasTable;
}

/** Contexts with their factories resolved, and the first error of a part that cannot be loaded. */
export interface LoadedTree {
  /** Undefined if a reference could not be followed. */
  readonly context: Context | undefined;
  readonly error: unknown;
}

/** The contexts of one load. */
export class Load {
  /** The remaining steps: names to resolve, and errors to refuse. */
  readonly steps: Steps;
  /** The opened files by path, each as opened the first time. Each file is read once. */
  readonly sources = new Map<string, Source>();
  /** The sections that were read, with their files. */
  readonly entered = new Map<PasteSection, Source>();
  /** Kinds and names that a caller loads. */
  readonly asked = new Set<string>();
  /** All errors and warnings so far, each from where it was read. */
  readonly findings: Findings;
  /** True while a section is read alone: values that it lacks may come from sections that use it. */
  alone = false;
  readonly #parts: LoadParts;
  readonly #usage = new Usage();
  readonly #issued = new WeakSet<PasteError>();
  /** By protocol, factory and file, because many sections of a large file name few factories. */
  readonly #aliasesOf = new Map<string, Alias | undefined>();
  /** The error that ended the load. */
  #limit: unknown;

  readonly #resolver: Resolver;

  /** `imports`: false locates modules without importing them. `standIns`: parts that nothing is known of get a stand-in. */
  constructor(parts: LoadParts, imports = true, standIns = false) {
    this.#parts = parts;
    this.findings = new Findings(parts.document.file);
    this.#resolver = parts.resolver ?? new DefaultResolver((origin) => this.#aliases(origin), imports);
    this.steps = new Steps(this.#resolver, standIns);
  }

  /** Returns the alias by which a factory is found; undefined for one that the file names itself, and for one from the caller's resolver. */
  aliasOf({ factory, protocol, answerer }: Context): Alias | undefined {
    if (factory === undefined || !(this.#resolver instanceof DefaultResolver)) return undefined;
    const origin = factory.origin ?? (answerer.form === 'file' ? answerer.source.start : undefined);
    if (origin === undefined) return undefined;
    const { written } = factory;
    const key = `${protocol} ${written} ${origin.file}`;
    if (!this.#aliasesOf.has(key)) this.#aliasesOf.set(key, this.#resolver.aliasOf(written, protocol, origin));
    return this.#aliasesOf.get(key);
  }

  /** Reports whether the package of an entry point is installed; true for a factory of a module, and for one from the caller's resolver. */
  isInstalled({ factory, answerer, reference }: Context): boolean {
    const parsed = parseReference(factory?.written ?? '');
    const origin = reference.origin ?? (answerer.form === 'file' ? answerer.source.start : undefined);
    if (parsed.form !== 'egg' || origin === undefined || !(this.#resolver instanceof DefaultResolver)) return true;
    return this.#resolver.isInstalled(parsed.distribution, origin);
  }

  /** Opens a file; the values handed in are defaults that it does not have. Throws if it cannot be read. */
  #open(path: string, handedIn: Conf | undefined, reference?: Reference): Source {
    const parts = this.#parts;
    this.#usage.file(parts.nameOf(path));
    const known = this.sources.get(path)?.document;
    const document = known ?? (path === parts.path ? parts.document : openDocument(path, parts));
    const refusal = firstRefusal(document.problems);
    if (refusal !== undefined && reference !== undefined) this.steps.issue(refusal, reference);
    const source = new Source(document, path, handedIn, this.#usage);
    if (known === undefined) {
      this.#usage.sections(document.sections.size);
      this.sources.set(path, source);
      findInFile(source, this.findings);
    }
    return source;
  }

  /** Takes over where another load of the same configuration has been: its files and sections are not reported again. */
  after({ sources, entered, asked, findings }: Load): void {
    for (const [path, source] of sources) {
      if (!this.sources.has(path)) this.#usage.sections(source.document.sections.size);
      this.sources.set(path, source);
    }
    for (const [section, source] of entered) this.entered.set(section, source);
    for (const name of asked) this.asked.add(name);
    for (const name of findings.meant) this.findings.meant.add(name);
  }

  /** Opens the main file with the run-time values. */
  open(): Source {
    return this.#open(this.#parts.path, this.#parts.runTime);
  }

  /** Returns the contexts of a name that a caller loads. Nothing is resolved; errors are in the steps. */
  context(kind: Kind, name = 'main'): Context {
    this.asked.add(`${kind} ${name}`);
    return this.within(this.open(), kind, name, this.#parts.runTime);
  }

  /** Returns the contexts of a name in a file that was opened before. */
  within(source: Source, kind: Kind, name: string, globalConf?: Conf): Context {
    return this.#follow({ form: 'file', source }, name, Reference.asked(kind, name), globalConf);
  }

  /** Returns the context of a reference that a composite follows; nothing is resolved. `option`: its location. */
  child(composite: Context, kind: Kind, name: string | undefined, globalConf?: Conf, option?: string): Context {
    const reference = Reference.ofChild(composite, kind, name, option);
    return this.#follow(composite.answerer, name, reference, globalConf);
  }

  /** Adds the children of composites that report them, recursively, without calling a factory. */
  async expand(context: Context): Promise<void> {
    for (const part of partsOf(context)) await this.expand(part);
    const factory = context.factory?.resolved === true ? tellsChildren(context.factory.value) : undefined;
    if (factory === undefined || !isComposite(context) || context.children.length > 0) return;
    const { globalConf, localConf, ctx } = argumentsFor(context, this.#parts);
    for (const { get, name, option, inherits } of factory.children(globalConf, localConf, ctx)) {
      const inherited = inherits ? context.globalConf : undefined;
      const child = await this.#resolved(() => this.child(context, get, name, inherited, option));
      context.children.push({ get, name, option, context: child });
      await this.expand(child);
    }
  }

  /** Returns the contexts of a name, with their factories resolved. */
  load(kind: Kind, name: string | undefined): Promise<Context> {
    return this.#resolved(() => this.context(kind, name));
  }

  /** Makes contexts, then resolves their factories. Throws the first error. */
  async #resolved(make: () => Context): Promise<Context> {
    const context = this.#made(make);
    for await (const error of this.resolve()) throw error;
    return context!;
  }

  /** Makes contexts and resolves their factories. Returns the first error, and the parts without errors too. */
  async loaded(make: () => Context): Promise<LoadedTree> {
    const context = this.#made(make);
    const errors: unknown[] = [];
    for await (const error of this.resolve()) errors.push(error);
    return { context, error: errors[0] };
  }

  /** Resolves the factories of the contexts made so far, and yields every error, which is among the findings. */
  async *resolve(): AsyncGenerator<unknown, void> {
    for await (const error of this.steps.resolve()) {
      this.issue(error);
      yield error;
    }
  }

  /** Adds an error to the findings, once: it may come out of each composite around its location. */
  issue(error: unknown): void {
    if (error instanceof PasteError) {
      if (this.#issued.has(error)) return;
      this.#issued.add(error);
      if (error.code === 'PORTICO_PASTE_MISSING_KEY' && this.alone) return;
      // The lines of a file are reported with the file, one by one.
      if (error.lines !== undefined) return;
    }
    this.findings.error(error);
  }

  /** Adds the error that ended the load, and those before it. */
  ended(error: unknown): void {
    for (const issue of this.steps.drop()) this.issue(issue);
    this.issue(error);
  }

  /** Returns undefined if a context cannot be made after an earlier error. A limit ends this before anything is resolved. */
  #made(make: () => Context): Context | undefined {
    try {
      return make();
    } catch (error) {
      if (!this.steps.refuses) throw error;
      // PasteDeploy would have stopped at the error before.
      return undefined;
    }
  }

  /** Returns the context of a reference, a name or a URI. `handedIn`: global_conf of the referring side. Throws for a limit. */
  #follow(asked: Answerer, text: string | undefined, reference: Reference, handedIn: Conf | undefined): Context {
    try {
      this.#usage.context(reference.depth);
      const parsed = parseReference(text ?? '');
      switch (parsed.form) {
        case 'name':
          if (asked.form === 'file') return this.#section(asked.source, text, reference, handedIn);
          return asked.form === 'egg'
            ? this.#entryPoint(asked.distribution, text ?? 'main', reference, handedIn)
            : this.#call(asked.expression, reference, handedIn);
        case 'call':
          return this.#call(parsed.expression, reference, handedIn);
        case 'egg': {
          const { distribution, name } = parsed;
          if (parseReference(name).form === 'name') return this.#entryPoint(distribution, name, reference, handedIn);
          reference.depth += 1;
          return this.#follow({ form: 'egg', distribution }, name, reference, handedIn);
        }
        case 'config': {
          const from = asked.form === 'file' ? asked.source.path : undefined;
          const source = this.#open(includedPath(from, text!, parsed.path, reference.origin), handedIn, reference);
          reference.include = reference;
          reference.depth += 1;
          return this.#follow({ form: 'file', source }, parsed.name, reference, handedIn);
        }
        case 'unknown':
          throw unknownScheme(text!, parsed.scheme, reference);
      }
    } catch (error) {
      return this.#broken(error, reference.kind, reference);
    }
  }

  /** Makes a part of a section. An error in it becomes a broken context, so the other parts are still read. */
  #part(kind: Kind, reference: Reference, part: () => Context): Context {
    try {
      return part();
    } catch (error) {
      if (error instanceof PasteLimit) throw error;
      return this.#broken(error, kind, reference);
    }
  }

  /** Returns the stand-in for a context that cannot be made. A limit ends the load. */
  #broken(error: unknown, kind: Kind, reference: Reference): Context {
    if (error instanceof PasteLimit) {
      // It is caught once for each reference on its way up: the innermost has the location.
      if (error !== this.#limit) this.#limit = reference.explain(error);
      throw this.#limit;
    }
    this.steps.issue(error, reference);
    const factory = new FactoryUse('');
    return new Context(reference, { form: 'call', expression: '' }, { kind, type: 'broken', factory });
  }

  #entryPoint(distribution: string, name: string, reference: Reference, handedIn: Conf | undefined): Context {
    const entryPoint = `egg:${distribution}#${name}`;
    const globalConf = sharedConf(handedIn);
    reference.entryPoint = entryPoint;
    // A copy, because sections that use the entry point change its global_conf.
    reference.incoming = new Map(globalConf);
    const cycle = reference.cycle();
    if (cycle !== undefined) throw cycle;
    const factory = new FactoryUse(entryPoint, () => reference.origin);
    const answerer: Answerer = { form: 'egg', distribution };
    const context = new Context(reference, answerer, { factory, globalConf });
    this.steps.entryPoint(context, distribution, name);
    return context;
  }

  #call(expression: string, reference: Reference, handedIn: Conf | undefined): Context {
    const factory = new FactoryUse(`call:${expression}`, () => reference.origin);
    const context = new Context(reference, { form: 'call', expression }, { factory, globalConf: sharedConf(handedIn) });
    this.steps.expression(context, expression, 'call');
    return context;
  }

  #section(source: Source, name: string | undefined, reference: Reference, handedIn: Conf | undefined): Context {
    const { kind } = reference;
    const found = sectionsNamed(source.document, kind, name);
    if (found.length === 0 && name !== undefined && isModuleReference(name)) {
      return this.#call(name, reference, handedIn);
    }
    const section = onlySection(source.document, found, name ?? 'main', reference);
    const issue = (error: unknown): void => this.steps.issue(error, reference);
    reference.section = section;
    reference.incoming = source.incoming(handedIn, issue);
    const cycle = reference.cycle();
    if (cycle !== undefined) throw cycle;
    if (!this.entered.has(section)) {
      this.entered.set(section, source);
      warnOfSection(source, section, this.findings);
    }
    return this.#wrapped(source.settings(section, reference.incoming, issue), reference);
  }

  #wrapped(settings: SectionSettings, reference: Reference): Context {
    const { kind } = reference;
    const wrapper = kind === 'server' ? undefined : take(settings, 'filter-with');
    const required = take(settings, 'require');
    if (required !== undefined) this.steps.required(required, reference);
    const inner = this.#part(kind, reference, () => this.#byPrefix(settings, reference));
    if (wrapper === undefined) return inner;
    const filters = [this.#member('filter', wrapper, settings, reference)];
    return contextOfSection(settings, reference, { type: 'filter-with', filters, inner });
  }

  #byPrefix(settings: SectionSettings, reference: Reference): Context {
    const { source, section, localConf } = settings;
    if (section.name.startsWith('filter-app:')) {
      const app = take(settings, 'next');
      if (app === undefined) throw missingSetting(source, section, 'next');
      const inner = this.#member('app', app, settings, reference);
      const filters = [this.#part('filter', reference, () => this.#byFactory('filter', settings, reference))];
      return contextOfSection(settings, reference, { type: 'filter-app', filters, inner });
    }
    if (section.name.startsWith('pipeline:')) {
      const members = take(settings, 'pipeline');
      if (members === undefined) throw missingSetting(source, section, 'pipeline');
      if (localConf.size > 0) this.steps.issue(extraSettings(localConf), reference);
      const words = wordsOf(members.value);
      const last = words.pop();
      if (last === undefined) throw emptyPipeline(members);
      const inner = this.#member('app', members, settings, reference, last);
      const filters: Context[] = [];
      for (const word of words) filters.push(this.#member('filter', members, settings, reference, word));
      return contextOfSection(settings, reference, { type: 'pipeline', filters, inner });
    }
    return this.#byFactory(reference.kind, settings, reference);
  }

  /** Makes a context from `use`, or from a factory that the section names. */
  #byFactory(kind: Kind, settings: SectionSettings, reference: Reference): Context {
    const { source, section, localConf } = settings;
    const use = take(settings, 'use');
    if (use !== undefined) {
      const used = this.#member(kind, use, settings, reference);
      useIn(used, settings, reference);
      return used;
    }
    const [first, another] = PROTOCOLS[kind].flatMap((group) => group.find((name) => localConf.has(name)) ?? []);
    if (first === undefined) throw noLoader(source, section, kind);
    if (another !== undefined) throw multipleProtocols(first, another, localConf.get(another)!);
    const named = take(settings, first)!;
    const second = secondKey(named, settings);
    const setting = second === undefined || this.#knows(named) ? named : take(settings, second)!;
    const factory = new FactoryUse(setting.value, () => originOf(setting).origin);
    const context = contextOfSection(settings, reference, { kind, protocol: first, factory });
    this.steps.expression(context, setting.value, 'protocol');
    return context;
  }

  /** Reports whether the caller, or an alias from code or a file, knows a factory. */
  #knows({ value, option }: Setting): boolean {
    const tables = this.#aliases(option.origin);
    return this.#parts.resolver !== undefined || tables.some((table) => table.expression(value) !== undefined);
  }

  /** Returns the context that a setting of a section refers to, by its whole value or one word of it. */
  #member(kind: Kind, setting: Setting, settings: SectionSettings, from: Reference, word?: Word): Context {
    const reference = from.to(kind, word?.text ?? setting.value, setting, word?.start);
    return this.#follow({ form: 'file', source: settings.source }, reference.text, reference, settings.globalConf);
  }

  /** Returns the aliases given in code, of the current file, of the first file, and of extensions. */
  #aliases(origin: Origin): readonly AliasTable[] {
    const { aliases, extensionAliases, path, runTime } = this.#parts;
    const files = [resolve(origin.file), path].flatMap((file) => this.sources.get(file) ?? []);
    const ofFiles = files.map((source) => fileAliases(source, runTime, (error) => this.steps.aliasError(error)));
    return [aliases, ...ofFiles, extensionAliases];
  }
}
