/**
 * One load: from a reference to the tree of contexts behind it, in PasteDeploy's order.
 *
 * The tree is made without waiting for anything. Factories that have to be resolved are queued in the order in which
 * PasteDeploy would import them, and {@link Load.resolve} works the queue off before the error that ended the tree, if
 * there is one, is thrown: so the first mistake reported is the same, and questions about a file need no modules.
 */
import { didYouMean, type Origin } from '../errors/index.js';
import { wordsOf } from '../ini/index.js';
import type { Answerer, Context, Trail } from './context.js';
import { cycleError, isCycle } from './cycle.js';
import { firstRefusal, openDocument } from './document.js';
import { explicitFactory } from './factory-queue.js';
import { includedPath } from './included-path.js';
import { isLimit } from './limits.js';
import { broken, type EnteredSection, leaf, outer, useIn } from './make-context.js';
import { ambiguous, noSection } from './missing-section.js';
import { refuse } from './paste-error.js';
import { isModuleReference, parseReference, SCHEMES } from './reference.js';
import { type Kind, sectionsNamed } from './section.js';
import { emptyPipeline, extraSettings, missingSetting } from './section-errors.js';
import { incomingConf, readSettings } from './settings.js';
import { placeOf, type Setting, Source } from './source.js';
import type { LoadSurroundings } from './surroundings.js';
import { finish, type Unfinished } from './unfinished.js';
import { withWay } from './way.js';

type Conf = ReadonlyMap<string, string>;

/** Makes contexts. One object a load; composites come back to it for their children. */
export class Load {
  readonly #from: LoadSurroundings;

  constructor(from: LoadSurroundings) {
    this.#from = from;
  }

  /** A file, opened; its defaults are filled up with what is handed in. */
  open(path: string, handedIn: Conf | undefined): Source {
    const { documents, usage, readFile, nameOf } = this.#from;
    usage.file(nameOf(path));
    const known = documents.get(path);
    const document = known ?? openDocument(path, nameOf(path), readFile);
    if (known === undefined) usage.sections(document.sections.size);
    documents.set(path, document);
    const refusal = firstRefusal(document.problems);
    const { observer } = this.#from;
    if (refusal !== undefined && observer === undefined) throw refusal;
    const source = new Source(document, path, handedIn, usage, observer?.mistake.bind(observer));
    observer?.opened(source);
    return source;
  }

  /** The context a name or URI leads to. `handedIn` is the asking side's global_conf. */
  context(asked: Answerer, kind: Kind, name: string | undefined, handedIn: Conf | undefined, trail: Trail): Context {
    return finish(this.#context(asked, kind, name, handedIn, trail));
  }

  *#context(
    asked: Answerer,
    kind: Kind,
    name: string | undefined,
    handedIn: Conf | undefined,
    trail: Trail,
  ): Unfinished<Context> {
    try {
      this.#from.usage.context(trail.depth);
      const reference = name === undefined ? undefined : parseReference(name);
      if (reference !== undefined && reference.form !== 'name') {
        return yield* this.#uri(asked, kind, name!, reference, handedIn, trail);
      }
      if (asked.form === 'file') return yield* this.#section(asked.source, kind, name, handedIn, trail);
      if (asked.form === 'egg') return this.#entryPoint(asked.distribution, kind, name ?? 'main', handedIn, trail);
      return this.#call(asked.expression, kind, handedIn, trail);
    } catch (error) {
      return this.#instead(withWay(error, trail), kind, trail);
    }
  }

  /** What takes the place of a context that cannot be made, where the load goes on after mistakes. */
  #instead(error: unknown, kind: Kind, trail: Trail): Context {
    const { observer } = this.#from;
    if (observer === undefined || isLimit(error)) throw error;
    observer.mistake(error);
    return broken(kind, trail);
  }

  /** A part of a section: a mistake in it does not keep the other parts from being looked at. */
  *#part(kind: Kind, trail: Trail, make: Unfinished<Context>): Unfinished<Context> {
    try {
      return yield* make;
    } catch (error) {
      return this.#instead(withWay(error, trail), kind, trail);
    }
  }

  *#uri(
    asked: Answerer,
    kind: Kind,
    text: string,
    reference: Exclude<ReturnType<typeof parseReference>, { form: 'name' }>,
    handedIn: Conf | undefined,
    trail: Trail,
  ): Unfinished<Context> {
    switch (reference.form) {
      case 'unknown':
        throw refuse('unknown-scheme', {
          message: `${JSON.stringify(text)} begins with the unknown scheme "${reference.scheme}".`,
          hint: `${didYouMean(reference.scheme, SCHEMES) ?? ''} Schemes: ${SCHEMES.join(', ')}. A section is named without its prefix.`.trimStart(),
          ...placed(trail),
        });
      case 'config': {
        const path = includedPath(asked, text, reference.path, placed(trail).origin);
        const source = this.open(path, handedIn);
        const inside: Trail = { ...trail, include: trail.reference };
        return yield this.#context({ form: 'file', source }, kind, reference.name, handedIn, {
          ...inside,
          depth: trail.depth + 1,
        });
      }
      case 'egg':
        if (parseReference(reference.name).form !== 'name') {
          const answerer: Answerer = { form: 'egg', distribution: reference.distribution };
          return yield this.#context(answerer, kind, reference.name, handedIn, { ...trail, depth: trail.depth + 1 });
        }
        return this.#entryPoint(reference.distribution, kind, reference.name, handedIn, trail);
      case 'call':
        return this.#call(reference.expression, kind, handedIn, trail);
    }
  }

  #entryPoint(distribution: string, kind: Kind, name: string, handedIn: Conf | undefined, trail: Trail): Context {
    const context = leaf(kind, null, handedIn, { form: 'egg', distribution }, trail, {
      written: `egg:${distribution}#${name}`,
      origin: () => trail.reference?.place().origin,
      resolved: false,
      value: undefined,
    });
    this.#from.queue.entryPoint(context, distribution, name);
    return this.#made(context);
  }

  #call(expression: string, kind: Kind, handedIn: Conf | undefined, trail: Trail): Context {
    const context = leaf(kind, null, handedIn, { form: 'call', expression }, trail, {
      written: `call:${expression}`,
      origin: () => trail.reference?.option(),
      resolved: false,
      value: undefined,
    });
    this.#from.queue.expression(context, expression, 'call');
    return this.#made(context);
  }

  *#section(
    source: Source,
    kind: Kind,
    name: string | undefined,
    handedIn: Conf | undefined,
    trail: Trail,
  ): Unfinished<Context> {
    const [section, ...others] = sectionsNamed(source.document, kind, name);
    const asker = () => ({ origin: trail.reference?.place().origin, via: trail.reference?.place().via ?? [] });
    if (section === undefined && name !== undefined && isModuleReference(name)) {
      return this.#call(name, kind, handedIn, trail);
    }
    if (section === undefined) throw noSection(source.document, kind, name ?? 'main', asker());
    if (others.length > 0) throw ambiguous(source.document, name ?? 'main', [section, ...others], asker());
    const incoming = incomingConf(source, handedIn);
    const here: Trail = { ...trail, section, incoming };
    if (isCycle(here)) throw cycleError(here);
    const { observer } = this.#from;
    observer?.entered(source, section);
    try {
      const settings = readSettings(source, section, incoming, observer?.mistake.bind(observer));
      return yield* this.#sectionContext({ source, section, kind, settings, trail: here });
    } catch (error) {
      throw withWay(error, here);
    }
  }

  *#sectionContext(at: EnteredSection): Unfinished<Context> {
    const { source, kind, trail } = at;
    const { globalConf, localConf } = at.settings;
    const wrapper = kind === 'server' ? undefined : take(localConf, 'filter-with');
    const required = take(localConf, 'require');
    if (required !== undefined) this.#from.queue.required(required, trail);
    const next = yield* this.#part(kind, trail, this.#bySection(at));
    if (wrapper === undefined) return next;
    const filter = yield this.#member(source, 'filter', wrapper.value, wrapper, globalConf, trail);
    return { ...outer(at), type: 'filter-with', filter, next };
  }

  *#bySection(at: EnteredSection): Unfinished<Context> {
    const { source, section, trail } = at;
    const { globalConf, localConf } = at.settings;
    if (section.name.startsWith('filter-app:')) {
      const app = take(localConf, 'next');
      if (app === undefined) throw missingSetting(source, section, 'next');
      const next = yield this.#member(source, 'app', app.value, app, globalConf, trail);
      const filter = yield* this.#part('filter', trail, this.#given({ ...at, kind: 'filter' }));
      return { ...outer(at), type: 'filter-app', next, filter };
    }
    if (section.name.startsWith('pipeline:')) {
      const members = take(localConf, 'pipeline');
      if (members === undefined) throw missingSetting(source, section, 'pipeline');
      if (localConf.size > 0) this.#refuse(extraSettings(localConf), trail);
      const words = wordsOf(members.value);
      const last = words.pop();
      if (last === undefined) throw emptyPipeline(members);
      const app = yield this.#member(source, 'app', last.text, members, globalConf, trail, last.start);
      const filters: Context[] = [];
      for (const { text, start } of words) {
        filters.push(yield this.#member(source, 'filter', text, members, globalConf, trail, start));
      }
      return this.#made({ ...outer(at), type: 'pipeline', app, filters });
    }
    return yield* this.#given(at);
  }

  /** By `use`, or by a factory the section names itself. */
  *#given(at: EnteredSection): Unfinished<Context> {
    const { source, section, kind, trail } = at;
    const { globalConf, localConf } = at.settings;
    const use = take(localConf, 'use');
    if (use !== undefined) {
      const used = yield this.#member(source, kind, use.value, use, globalConf, trail);
      this.#from.observer?.used(localConf, used);
      useIn(used, at);
      return used;
    }
    const { protocol, setting } = explicitFactory(source, section, kind, localConf);
    localConf.delete(protocol);
    const origin = () => setting.option.origin;
    const factory = { written: setting.value, origin, resolved: false, value: undefined };
    const context = this.#made({ ...outer(at), type: 'plain', protocol, factory });
    this.#from.queue.expression(context, setting.value, 'protocol');
    return context;
  }

  #made(context: Context): Context {
    this.#from.observer?.made(context);
    return context;
  }

  #refuse(error: unknown, trail: Trail): void {
    if (this.#from.observer === undefined) throw error;
    this.#from.observer.mistake(withWay(error, trail));
  }

  #member(
    source: Source,
    kind: Kind,
    text: string,
    setting: Setting,
    handedIn: Map<string, string>,
    trail: Trail,
    start?: number,
  ): Unfinished<Context> {
    const place = () => placeOf(setting, start ?? 0);
    const option = () => (start === undefined ? setting.option.origin : place().origin);
    const next = {
      parent: trail,
      depth: trail.depth + 1,
      kind,
      phase: trail.phase,
      root: false,
      reference: { text, place, option },
      include: trail.include,
    };
    return this.#context({ form: 'file', source }, kind, text, handedIn, next);
  }
}

function take(conf: Map<string, Setting>, name: string): Setting | undefined {
  const setting = conf.get(name);
  conf.delete(name);
  return setting;
}

function placed(trail: Trail): { origin: Origin | undefined } {
  return { origin: trail.reference?.place().origin };
}
