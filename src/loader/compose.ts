/**
 * Makes the tree of contexts behind a reference: walks the sections that it leads to once, in PasteDeploy's order.
 *
 * Nothing is waited for. Factories to be resolved, and mistakes, become {@link Steps}; a mistake leaves a broken context in
 * its place, so that the whole of a file is read, whatever is wrong with a part of it.
 */
import { didYouMean } from '../errors/index.js';
import { type PasteDocument, type PasteSection, wordsOf } from '../ini/index.js';
import { type Answerer, type Context, type EnteredSection, useIn } from './context.js';
import { firstRefusal, openDocument, type ReadFile } from './document.js';
import { isLimit, type Usage } from './limits.js';
import { includedPath, isModuleReference, type ParsedReference, parseReference, SCHEMES } from './parse-reference.js';
import { refuse } from './paste-error.js';
import type { Reference } from './reference.js';
import { type Kind, PROTOCOLS, sectionsNamed } from './section.js';
import {
  ambiguous,
  emptyPipeline,
  extraSettings,
  missingSetting,
  multipleProtocols,
  noLoader,
  noSection,
} from './section-errors.js';
import { incomingConf, readSettings } from './settings.js';
import { type Setting, Source } from './source.js';
import type { Steps } from './steps.js';

type Conf = ReadonlyMap<string, string>;

/** Work that goes as deep as a file says: it yields the work it waits for, and is given its result. See {@link finish}. */
type Coroutine = Generator<Coroutine, Context, Context>;

/** What a tree is made from. */
export interface ComposerParts {
  readonly readFile: ReadFile;
  /** How messages call a file, by its absolute path. */
  readonly nameOf: (path: string) => string;
  /** Parsed files of this load by path: each is read once. */
  readonly documents: Map<string, PasteDocument>;
  readonly usage: Usage;
  readonly steps: Steps;
}

/** Makes contexts. One object a load; composites come back to it for their children. */
export class Composer {
  readonly #from: ComposerParts;
  /** The files that were opened, each as it was the first time. */
  readonly sources = new Map<PasteDocument, Source>();
  /** The sections that were read, with their files. */
  readonly entered = new Map<PasteSection, Source>();

  constructor(from: ComposerParts) {
    this.#from = from;
  }

  /** A file, opened; its defaults are filled up with what is handed in. Throws when it cannot be read. */
  open(path: string, handedIn: Conf | undefined, reference?: Reference): Source {
    const { documents, usage, readFile, nameOf, steps } = this.#from;
    usage.file(nameOf(path));
    const known = documents.get(path);
    const document = known ?? openDocument(path, nameOf(path), readFile);
    if (known === undefined) usage.sections(document.sections.size);
    documents.set(path, document);
    const refusal = firstRefusal(document.problems);
    if (refusal !== undefined && reference !== undefined) steps.mistake(refusal, reference);
    const source = new Source(document, path, handedIn, usage);
    if (!this.sources.has(document)) this.sources.set(document, source);
    return source;
  }

  /** The context a reference leads to, a name or a URI. `handedIn` is the asking side's global_conf. Throws for a limit. */
  context(asked: Answerer, reference: Reference, handedIn: Conf | undefined): Context {
    return finish(this.#follow(asked, reference.text, reference, handedIn));
  }

  *#follow(asked: Answerer, text: string | undefined, reference: Reference, handedIn: Conf | undefined): Coroutine {
    try {
      this.#from.usage.context(reference.depth);
      const parsed = text === undefined ? undefined : parseReference(text);
      if (parsed !== undefined && parsed.form !== 'name') {
        return yield* this.#uri(asked, text!, parsed, reference, handedIn);
      }
      if (asked.form === 'file') return yield* this.#section(asked.source, text, reference, handedIn);
      if (asked.form === 'egg') return this.#entryPoint(asked.distribution, text ?? 'main', reference, handedIn);
      return this.#call(asked.expression, reference, handedIn);
    } catch (error) {
      return this.#broken(error, reference.kind, reference);
    }
  }

  /** A part of a section: a mistake in it does not keep the other parts from being looked at. */
  *#part(kind: Kind, reference: Reference, part: Coroutine): Coroutine {
    try {
      return yield* part;
    } catch (error) {
      if (isLimit(error)) throw error;
      return this.#broken(error, kind, reference);
    }
  }

  /** What takes the place of a context that cannot be made. A limit ends the load. */
  #broken(error: unknown, kind: Kind, reference: Reference): Context {
    if (isLimit(error)) throw reference.explain(error);
    this.#from.steps.mistake(error, reference);
    return { ...leaf({ form: 'call', expression: '' }, reference, undefined, ''), kind, type: 'broken' };
  }

  *#uri(
    asked: Answerer,
    text: string,
    parsed: Exclude<ParsedReference, { form: 'name' }>,
    reference: Reference,
    handedIn: Conf | undefined,
  ): Coroutine {
    switch (parsed.form) {
      case 'unknown':
        throw refuse('unknown-scheme', {
          message: `${JSON.stringify(text)} begins with the unknown scheme "${parsed.scheme}".`,
          hint: `${didYouMean(parsed.scheme, SCHEMES) ?? ''} Schemes: ${SCHEMES.join(', ')}. A section is named without its prefix.`.trimStart(),
          origin: reference.origin,
        });
      case 'config': {
        const from = asked.form === 'file' ? asked.source.path : undefined;
        const source = this.open(includedPath(from, text, parsed.path, reference.origin), handedIn, reference);
        reference.include = reference;
        reference.depth += 1;
        return yield this.#follow({ form: 'file', source }, parsed.name, reference, handedIn);
      }
      case 'egg': {
        const { distribution, name } = parsed;
        if (parseReference(name).form === 'name') return this.#entryPoint(distribution, name, reference, handedIn);
        reference.depth += 1;
        return yield this.#follow({ form: 'egg', distribution }, name, reference, handedIn);
      }
      case 'call':
        return this.#call(parsed.expression, reference, handedIn);
    }
  }

  #entryPoint(distribution: string, name: string, reference: Reference, handedIn: Conf | undefined): Context {
    const context = leaf({ form: 'egg', distribution }, reference, handedIn, `egg:${distribution}#${name}`);
    this.#from.steps.entryPoint(context, distribution, name);
    return context;
  }

  #call(expression: string, reference: Reference, handedIn: Conf | undefined): Context {
    const context = leaf({ form: 'call', expression }, reference, handedIn, `call:${expression}`);
    this.#from.steps.expression(context, expression, 'call');
    return context;
  }

  *#section(source: Source, name: string | undefined, reference: Reference, handedIn: Conf | undefined): Coroutine {
    const { kind } = reference;
    const [section, ...others] = sectionsNamed(source.document, kind, name);
    if (section === undefined && name !== undefined && isModuleReference(name)) {
      return this.#call(name, reference, handedIn);
    }
    if (section === undefined) throw noSection(source.document, name ?? 'main', reference);
    if (others.length > 0) throw ambiguous(source.document, name ?? 'main', [section, ...others], reference);
    const mistake = (error: unknown): void => this.#from.steps.mistake(error, reference);
    const incoming = incomingConf(source, handedIn, mistake);
    reference.section = section;
    reference.incoming = incoming;
    const cycle = reference.cycle();
    if (cycle !== undefined) throw cycle;
    if (!this.entered.has(section)) this.entered.set(section, source);
    const settings = readSettings(source, section, incoming, mistake);
    return yield* this.#wrapped({ source, section, kind, settings, reference });
  }

  *#wrapped(at: EnteredSection): Coroutine {
    const { kind, reference } = at;
    const { localConf } = at.settings;
    const wrapper = kind === 'server' ? undefined : take(localConf, 'filter-with');
    const required = take(localConf, 'require');
    if (required !== undefined) this.#from.steps.required(required, reference);
    const next = yield* this.#part(kind, reference, this.#byPrefix(at));
    if (wrapper === undefined) return next;
    const filter = yield this.#member(at, 'filter', wrapper);
    return { ...ofSection(at), type: 'filter-with', filter, next };
  }

  *#byPrefix(at: EnteredSection): Coroutine {
    const { source, section, reference } = at;
    const { localConf } = at.settings;
    if (section.name.startsWith('filter-app:')) {
      const app = take(localConf, 'next');
      if (app === undefined) throw missingSetting(source, section, 'next');
      const next = yield this.#member(at, 'app', app);
      const filter = yield* this.#part('filter', reference, this.#byFactory({ ...at, kind: 'filter' }));
      return { ...ofSection(at), type: 'filter-app', next, filter };
    }
    if (section.name.startsWith('pipeline:')) {
      const members = take(localConf, 'pipeline');
      if (members === undefined) throw missingSetting(source, section, 'pipeline');
      if (localConf.size > 0) this.#from.steps.mistake(extraSettings(localConf), reference);
      const words = wordsOf(members.value);
      const last = words.pop();
      if (last === undefined) throw emptyPipeline(members);
      const app = yield this.#member(at, 'app', members, last.text, last.start);
      const filters: Context[] = [];
      for (const { text, start } of words) filters.push(yield this.#member(at, 'filter', members, text, start));
      return { ...ofSection(at), type: 'pipeline', app, filters };
    }
    return yield* this.#byFactory(at);
  }

  /** By `use`, or by a factory the section names itself. */
  *#byFactory(at: EnteredSection): Coroutine {
    const { source, section, kind } = at;
    const { localConf } = at.settings;
    const use = take(localConf, 'use');
    if (use !== undefined) {
      const used = yield this.#member(at, kind, use);
      useIn(used, at);
      return used;
    }
    const [first, second] = PROTOCOLS[kind].flatMap((group) => group.find((name) => localConf.has(name)) ?? []);
    if (first === undefined) throw noLoader(source, section, kind);
    if (second !== undefined) throw multipleProtocols(first, second, localConf.get(second)!);
    const { value, option } = take(localConf, first)!;
    const factory = { written: value, origin: option.origin, resolved: false, value: undefined };
    const context: Context = { ...ofSection(at), type: 'plain', protocol: first, factory };
    this.#from.steps.expression(context, value, 'protocol');
    return context;
  }

  /** What a setting of the section refers to, its whole value or one word of it. */
  #member(at: EnteredSection, kind: Kind, setting: Setting, word?: string, start?: number): Coroutine {
    const reference = at.reference.to(kind, word ?? setting.value, setting, start);
    return this.#follow({ form: 'file', source: at.source }, reference.text, reference, at.settings.globalConf);
  }
}

/**
 * Runs work and all that it waits for, without a deep stack: a chain of `use` through a thousand sections would end where
 * Node's stack does, at a length that depends on who calls.
 */
function finish(first: Coroutine): Context {
  const waiting = [first];
  let result: Context | undefined;
  for (let work = waiting.at(-1); work !== undefined; work = waiting.at(-1)) {
    const { done, value } = work.next(result!);
    if (done === true) waiting.pop();
    else waiting.push(value);
    result = done === true ? value : undefined;
  }
  return result!;
}

function take(conf: Map<string, Setting>, name: string): Setting | undefined {
  const setting = conf.get(name);
  conf.delete(name);
  return setting;
}

/** What the context of any section has. */
function ofSection({ source, section, kind, settings: { globalConf, localConf }, reference }: EnteredSection) {
  const answerer: Answerer = { form: 'file', source };
  return { kind, protocol: null, globalConf, localConf, answerer, section, reference, used: [], children: [] };
}

/** A context that `egg:` or `call:` gives: it holds the very global_conf it was handed. */
function leaf(answerer: Answerer, reference: Reference, handedIn: Conf | undefined, written: string): Context {
  const factory = {
    written,
    get origin() {
      return answerer.form === 'egg' ? reference.origin : reference.option;
    },
    resolved: false,
    value: undefined,
  };
  return {
    kind: reference.kind,
    type: 'plain',
    protocol: null,
    factory,
    globalConf: handedIn instanceof Map && handedIn.size > 0 ? (handedIn as Map<string, string>) : new Map(),
    localConf: new Map(),
    answerer,
    reference,
    section: undefined,
    used: [],
    children: [],
  };
}
