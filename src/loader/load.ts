/**
 * One load, from the question to the app: two of them share nothing but the module cache.
 *
 * It walks the sections behind a reference once, in PasteDeploy's order, and makes the tree of contexts. Nothing is waited
 * for on the way. Factories to be resolved, and mistakes, become {@link Steps}; a mistake leaves a broken context in its place,
 * so that the whole of a file is read, whatever is wrong with a part of it.
 */
import { resolve } from 'node:path';
import type { Conf } from '../app/index.js';
import type { Origin } from '../errors/index.js';
import { type PasteDocument, type PasteSection, type Word, wordsOf } from '../ini/index.js';
import { type AliasTable, fileAliases } from './aliases.js';
import { tellsChildren } from './composite/children.js';
import {
  type Answerer,
  argumentsFor,
  Context,
  contextOfSection,
  FactoryUse,
  type GivenToFactories,
  isComposite,
  partsOf,
  type Releases,
  sharedConf,
  useIn,
} from './context.js';
import { type Created, type CreateOptions, Creation, type LoadChild } from './create.js';
import { type FileAccess, firstRefusal, openDocument } from './document.js';
import { isLimit, Usage } from './limits.js';
import { includedPath, isModuleReference, parseReference, Reference } from './reference.js';
import { DefaultResolver, type Resolver } from './resolver.js';
import { type Kind, PROTOCOLS, sectionsNamed } from './section.js';
import {
  ambiguous,
  emptyPipeline,
  extraSettings,
  missingSetting,
  multipleProtocols,
  noLoader,
  noSection,
  unknownScheme,
} from './section-errors.js';
import { type SectionSettings, type Setting, Source, take } from './source.js';
import { Steps } from './steps.js';

/** Parts of a load. */
export interface LoadParts extends FileAccess, GivenToFactories {
  /** Absolute. */
  readonly path: string;
  readonly document: PasteDocument;
  readonly runTime: Conf;
  /** False without a service configuration: what depends on one is then not judged. */
  readonly configured: boolean;
  readonly resolver: Resolver | undefined;
  readonly aliases: AliasTable;
}

/** A load, and the creation of what it found. */
export class Load {
  /** Steps left: names to resolve, and mistakes to refuse. */
  readonly steps: Steps;
  /** The files that were opened, by path, each as it was the first time. Each is read once. */
  readonly sources = new Map<string, Source>();
  /** The sections that were read, with their files. */
  readonly entered = new Map<PasteSection, Source>();
  readonly #parts: LoadParts;
  readonly #usage = new Usage();
  /** The error that ended the load. */
  #limit: unknown;

  /** `imports`: false looks for modules without importing them. */
  constructor(parts: LoadParts, imports = true) {
    this.#parts = parts;
    this.steps = new Steps(parts.resolver ?? new DefaultResolver((origin) => this.#aliases(origin), imports));
  }

  /** A file; its defaults are filled up with what is handed in. Throws when it cannot be read. */
  #open(path: string, handedIn: Conf | undefined, reference?: Reference): Source {
    const parts = this.#parts;
    this.#usage.file(parts.nameOf(path));
    const known = this.sources.get(path)?.document;
    const document = known ?? (path === parts.path ? parts.document : openDocument(path, parts));
    const refusal = firstRefusal(document.problems);
    if (refusal !== undefined && reference !== undefined) this.steps.mistake(refusal, reference);
    const source = new Source(document, path, handedIn, this.#usage);
    if (known === undefined) {
      this.#usage.sections(document.sections.size);
      this.sources.set(path, source);
    }
    return source;
  }

  /** Opens the file as a program would. */
  open(): Source {
    return this.#open(this.#parts.path, this.#parts.runTime);
  }

  /** The contexts behind a name that a program asks for. Nothing is resolved; mistakes are in the steps. */
  context(kind: Kind, name = 'main'): Context {
    return this.within(this.open(), kind, name, this.#parts.runTime);
  }

  /** The same, of a file that was opened on the way. */
  within(source: Source, kind: Kind, name: string, globalConf?: Conf): Context {
    return this.#follow({ form: 'file', source }, name, Reference.asked(kind, name), globalConf);
  }

  /** The context of a reference that a composite follows; nothing is resolved. `option`: its place. */
  child(composite: Context, kind: Kind, name: string | undefined, globalConf?: Conf, option?: string): Context {
    const reference = Reference.ofChild(composite, kind, name, option);
    return this.#follow(composite.answerer, name, reference, globalConf);
  }

  /** Makes the children of composites that can tell them, all the way down, without calling a factory. */
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

  /** The contexts behind a name, with their factories. */
  load(kind: Kind, name: string | undefined): Promise<Context> {
    return this.#resolved(() => this.context(kind, name));
  }

  /** Calls the factories. If one fails, what was acquired so far is released first. */
  create(context: Context, releases: Releases, options: CreateOptions = {}): Promise<Created> {
    const child: LoadChild = (composite, kind, name, globalConf) =>
      this.#resolved(() => this.child(composite, kind, name, globalConf));
    return new Creation(this.#parts, child, releases, options).create(context);
  }

  /** Makes contexts, then resolves what they need. A limit ends that before anything is resolved. */
  async #resolved(make: () => Context): Promise<Context> {
    let context: Context | undefined;
    try {
      context = make();
    } catch (error) {
      if (!this.steps.refuses) throw error;
      // PasteDeploy would have ended at the mistake before.
    }
    for await (const error of this.steps.resolve()) throw error;
    return context!;
  }

  /** The context of a reference, a name or a URI. `handedIn`: global_conf of the side that asks. Throws for a limit. */
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

  /** A part of a section: a mistake in it does not keep the other parts from being looked at. */
  #part(kind: Kind, reference: Reference, part: () => Context): Context {
    try {
      return part();
    } catch (error) {
      if (isLimit(error)) throw error;
      return this.#broken(error, kind, reference);
    }
  }

  /** The stand-in for a context that cannot be made. A limit ends the load. */
  #broken(error: unknown, kind: Kind, reference: Reference): Context {
    if (isLimit(error)) {
      // On its way up it is met once for each reference: the innermost says where it is.
      if (error !== this.#limit) this.#limit = reference.explain(error);
      throw this.#limit;
    }
    this.steps.mistake(error, reference);
    const factory = new FactoryUse('');
    return new Context(reference, { form: 'call', expression: '' }, { kind, type: 'broken', factory });
  }

  #entryPoint(distribution: string, name: string, reference: Reference, handedIn: Conf | undefined): Context {
    const factory = new FactoryUse(`egg:${distribution}#${name}`, () => reference.origin);
    const answerer: Answerer = { form: 'egg', distribution };
    const context = new Context(reference, answerer, { factory, globalConf: sharedConf(handedIn) });
    this.steps.entryPoint(context, distribution, name);
    return context;
  }

  #call(expression: string, reference: Reference, handedIn: Conf | undefined): Context {
    const factory = new FactoryUse(`call:${expression}`, () => reference.option);
    const context = new Context(reference, { form: 'call', expression }, { factory, globalConf: sharedConf(handedIn) });
    this.steps.expression(context, expression, 'call');
    return context;
  }

  #section(source: Source, name: string | undefined, reference: Reference, handedIn: Conf | undefined): Context {
    const { kind } = reference;
    const [section, ...others] = sectionsNamed(source.document, kind, name);
    if (section === undefined && name !== undefined && isModuleReference(name)) {
      return this.#call(name, reference, handedIn);
    }
    if (section === undefined) throw noSection(source.document, name ?? 'main', reference);
    if (others.length > 0) throw ambiguous(source.document, name ?? 'main', [section, ...others], reference);
    const mistake = (error: unknown): void => this.steps.mistake(error, reference);
    reference.section = section;
    reference.incoming = source.incoming(handedIn, mistake);
    const cycle = reference.cycle();
    if (cycle !== undefined) throw cycle;
    if (!this.entered.has(section)) this.entered.set(section, source);
    return this.#wrapped(source.settings(section, reference.incoming, mistake), reference);
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
      if (localConf.size > 0) this.steps.mistake(extraSettings(localConf), reference);
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

  /** By `use`, or by a factory the section names itself. */
  #byFactory(kind: Kind, settings: SectionSettings, reference: Reference): Context {
    const { source, section, localConf } = settings;
    const use = take(settings, 'use');
    if (use !== undefined) {
      const used = this.#member(kind, use, settings, reference);
      useIn(used, settings, reference);
      return used;
    }
    const [first, second] = PROTOCOLS[kind].flatMap((group) => group.find((name) => localConf.has(name)) ?? []);
    if (first === undefined) throw noLoader(source, section, kind);
    if (second !== undefined) throw multipleProtocols(first, second, localConf.get(second)!);
    const { value, option } = take(settings, first)!;
    const factory = new FactoryUse(value, () => option.origin);
    const context = contextOfSection(settings, reference, { kind, protocol: first, factory });
    this.steps.expression(context, value, 'protocol');
    return context;
  }

  /** The context that a setting of a section refers to, by its whole value or one word of it. */
  #member(kind: Kind, setting: Setting, settings: SectionSettings, from: Reference, word?: Word): Context {
    const reference = from.to(kind, word?.text ?? setting.value, setting, word?.start);
    return this.#follow({ form: 'file', source: settings.source }, reference.text, reference, settings.globalConf);
  }

  /** Those of the program, of the file at hand, and of the first file. */
  #aliases(origin: Origin): readonly AliasTable[] {
    const { aliases, path, runTime } = this.#parts;
    const files = [resolve(origin.file), path].flatMap((file) => this.sources.get(file) ?? []);
    return [aliases, ...files.map((source) => fileAliases(source, runTime, (error) => this.steps.aliasMistake(error)))];
  }
}
