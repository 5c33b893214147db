/**
 * `check`: every mistake of a paste file and of the files it includes, in one go. Modules are imported; for an API, by its
 * name, factories that allow it are made and let go of again, and no others are called.
 *
 * A section means something only on the way that leads to it (`get` reads what an outer section has `set`), so the file
 * is loaded from the apps that nothing else mentions; what those do not reach is looked at by itself.
 */
import type { Declared, Trial } from '../../app/index.js';
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, type Diagnostic, severalRefusals } from '../../errors/index.js';
import type { PasteDocument, PasteSection } from '../../ini/index.js';
import { silentLogger } from '../../log/index.js';
import { tellsChildren } from '../composite/children.js';
import { type Context, isComposite } from '../context.js';
import { unknownProtocol, usableProtocol } from '../create.js';
import { Unimported } from '../default-resolver.js';
import { problemDetails } from '../document.js';
import { isLimit } from '../limits.js';
import { PasteError, pasteCode, refuse } from '../paste-error.js';
import { mentionedNames, rootsOf } from '../roots.js';
import { definedBy, type Kind } from '../section.js';
import { argumentsFor, Releases, sectionOf } from '../section-context.js';
import { Session, type SessionParts } from '../session.js';
import type { Setting, Source } from '../source.js';
import { Findings } from './finding.js';
import { warnOfDefaults, warnOfHeaders, warnOfSection } from './section-warnings.js';
import { orderWarnings, warnOfLost, warnOfRepeats } from './tree-warnings.js';

/** How thoroughly a file is checked. */
export interface CheckOptions {
  /** False looks for modules without importing them: what they export is then not known. Default true. */
  readonly import?: boolean | undefined;
  /** Only what these apps lead to. Default: all sections. */
  readonly names?: readonly string[] | undefined;
  /** False makes no factory, also none that may be made for a check. Default true. */
  readonly trial?: boolean | undefined;
}

/** Everything that is wrong, or looks wrong, by place. */
export async function checkPaste(parts: SessionParts, options: CheckOptions): Promise<Diagnostic[]> {
  const check = new Check(parts, options);
  await check.run();
  return check.findings.sorted();
}

/** A factory that can be tried, and what for. */
interface ToTry {
  readonly context: Context;
  readonly trial: Trial;
}

class Check {
  readonly findings = new Findings();
  readonly #options: CheckOptions;
  readonly #config: Config;
  readonly #parts: SessionParts;
  readonly #session: Session;
  readonly #main: PasteDocument;
  readonly #sources = new Map<PasteDocument, Source>();
  readonly #entered = new Set<PasteSection>();
  readonly #made: Context[] = [];
  /** While a section is looked at by itself, what it lacks may come from those that use it. */
  #alone = false;
  /** References that the configuration does not choose. */
  readonly #unchosen: (() => unknown)[] = [];
  readonly #trials: ToTry[] = [];

  constructor(parts: SessionParts, options: CheckOptions) {
    this.#options = options;
    this.#config = parts.config;
    this.#main = parts.document;
    const observer = {
      mistake: (error: unknown) => this.#mistake(error),
      opened: (source: Source) => this.#opened(source),
      entered: (source: Source, section: PasteSection) => this.#enter(source, section),
      used: (localConf: ReadonlyMap<string, Setting>, context: Context) =>
        warnOfLost(localConf, context, this.findings),
      made: (context: Context) => void this.#made.push(context),
    };
    this.#parts = { ...parts, observer, imports: options.import ?? true };
    this.#session = new Session(this.#parts);
  }

  async run(): Promise<void> {
    try {
      const source = this.#session.open();
      for (const { kind, name } of this.#roots(source)) {
        this.#session.contexts(kind, name);
        await this.#settle();
      }
      await this.#unchosenBranches();
      if (this.#options.names === undefined) await this.#rest();
      for (const each of this.#trials) await this.#try(each);
    } catch (error) {
      this.#mistake(error);
    }
  }

  /** The apps and servers that no other section mentions, or those that were named. */
  #roots(source: Source): { kind: Kind; name: string }[] {
    const { names } = this.#options;
    if (names !== undefined) return names.map((name) => ({ kind: 'app', name }));
    return rootsOf(source.document);
  }

  /** Sections that the roots did not lead to, in this file and in those it includes. */
  async #rest(): Promise<void> {
    this.#alone = true;
    for (const source of this.#sources.values()) {
      for (const section of source.document.sections.values()) {
        const defined = definedBy(section);
        if (defined === undefined || this.#entered.has(section)) continue;
        const unused = defined.kind === 'filter' && source.document === this.#main;
        if (unused && !mentionedNames(source.document).has(defined.name)) {
          this.findings.unused(defined.name, section.origin);
        }
        this.#session.within(source, defined.kind, defined.name);
        await this.#settle();
      }
    }
  }

  /** What the configuration does not choose is not built: mistakes there keep nothing from starting. */
  async #unchosenBranches(): Promise<void> {
    this.findings.severity = 'warning';
    for (let make = this.#unchosen.shift(); make !== undefined; make = this.#unchosen.shift()) {
      make();
      await this.#settle();
    }
    this.findings.severity = 'error';
  }

  /** Makes what says that it may be made for a check, or what it gives in its place, as the API would, and lets go of it. */
  async #try({ context, trial }: ToTry): Promise<void> {
    const { config, service } = this.#parts;
    const releases = new Releases();
    const { globalConf, localConf, ctx } = argumentsFor(context, { config, service, log: silentLogger(), releases });
    try {
      await trial(globalConf, localConf, ctx);
    } catch (error) {
      if (error instanceof ConfigurationRefused) this.#mistake(this.#parts.configured ? error : writtenHere(error));
    } finally {
      await releases.run();
    }
  }

  /** Resolves what was loaded, and follows the children of composites until there are no more. */
  async #settle(): Promise<void> {
    for (const error of await this.#session.resolveAll()) this.#mistake(error);
    for (let context = this.#made.shift(); context !== undefined; context = this.#made.shift()) {
      this.#context(context);
      for (const error of await this.#session.resolveAll()) this.#mistake(error);
    }
  }

  #context(context: Context): void {
    if (context.type === 'pipeline') {
      warnOfRepeats(context, this.findings);
      for (const { origin, message, hint } of orderWarnings(context, this.#config)) {
        this.findings.warning('PORTICO_PASTE_FILTER_ORDER', origin, this.#main.file, message, hint);
      }
      return;
    }
    const { factory } = context;
    if (factory?.resolved !== true) return;
    if (!usableProtocol(context)) this.#mistake(unknownProtocol(context));
    if (factory.value instanceof Unimported) return;
    if (typeof factory.value !== 'function') {
      const origin = factory.origin() ?? context.named.origin();
      this.#mistake(
        refuse('bad-type', {
          message: `${factory.written} is not a factory: it is not a function.`,
          hint: 'Name a function: module:export.',
          origin,
        }),
      );
      return;
    }
    const declared = factory.value as Partial<Declared>;
    this.#declared(context, declared);
    const trial = declared.trial === true ? (factory.value as Trial) : declared.trial;
    const tries = this.findings.severity === 'error' && !this.#alone && this.#options.trial !== false;
    if (typeof trial === 'function' && tries) {
      this.#trials.push({ context, trial });
    }
    if (isComposite(context)) this.#composite(context);
  }

  /** Options that a factory has declared are parsed as it would parse them. */
  #declared(context: Context, { group, options, groups = {} }: Partial<Declared>): void {
    const read = (work: () => unknown): void => {
      try {
        work();
      } catch (error) {
        this.#mistake(this.#parts.configured ? error : writtenHere(error));
      }
    };
    if (group !== undefined && options !== undefined) {
      const { options: local, origin } = sectionOf(context);
      read(() => this.#config.group(group, options, { local, origin }));
    }
    for (const [name, further] of Object.entries(groups)) {
      read(() =>
        name.endsWith('<name>')
          ? this.#config.register(name, further)
          : this.#config.group(name, further, { partial: true }),
      );
    }
  }

  #composite(context: Context): void {
    const { config, log } = this.#parts;
    const { globalConf, localConf, ctx } = argumentsFor(context, { config, log, releases: new Releases() });
    const factory = tellsChildren(context.factory!.value);
    if (factory === undefined) return;
    try {
      for (const problem of factory.problems?.(localConf, ctx) ?? []) {
        // Without an option of its own it is about what the service configuration chooses.
        if (this.#parts.configured || problem.origin?.option !== undefined) this.#mistake(problem);
      }
      for (const { code, option, message, hint } of factory.warnings?.(localConf) ?? []) {
        const setting = context.localConf.get(option);
        this.findings.warning(code, setting?.option.origin, this.#main.file, message, hint);
      }
      const asked = (factory.references ?? factory.children)(globalConf, localConf, ctx);
      if (asked.some(({ inherits }) => !inherits)) this.#unseen(context);
      // Without a configuration nobody knows what will be chosen.
      const chosen = this.#parts.configured ? factory.children(globalConf, localConf, ctx) : asked;
      const options = new Set(chosen.map(({ option }) => option));
      for (const child of asked) {
        const follow = (): unknown => this.#session.child(context, child);
        if (options.has(child.option)) follow();
        else this.#unchosen.push(follow);
      }
    } catch (error) {
      this.#mistake(error);
    }
  }

  /** A composite whose members do not get its global_conf: its own `set` changes nothing. */
  #unseen(context: Context): void {
    for (const option of context.trail.section?.options.values() ?? []) {
      if (!option.name.startsWith('set ')) continue;
      this.findings.warning(
        'PORTICO_PASTE_UNSEEN_SET',
        option.origin,
        this.#main.file,
        'the members of this composite do not see what it sets: they are asked for without it.',
        'Set it in [DEFAULT], or in the sections of the members.',
      );
    }
  }

  #opened(source: Source): void {
    if (this.#sources.has(source.document)) return;
    this.#sources.set(source.document, source);
    for (const problem of source.document.problems) {
      if (problem.kind === 'duplicate-option' && problem.subject === '') continue;
      this.findings.error(new PasteError(pasteCode(problem.kind), problemDetails(problem)), source.name);
    }
    warnOfDefaults(source, this.findings);
    warnOfHeaders(source, this.findings);
  }

  #enter(source: Source, section: PasteSection): void {
    if (this.#entered.has(section)) return;
    this.#entered.add(section);
    warnOfSection(source, section, this.findings);
  }

  #mistake(error: unknown): void {
    const missing = error instanceof PasteError && error.code === pasteCode('missing-key');
    if (missing && this.#alone) return;
    this.findings.error(error, this.#main.file);
    if (isLimit(error)) this.#made.length = 0;
  }
}

/** Of what a factory refuses, only what stands in the paste file: the rest may be right in a service configuration. */
function writtenHere(error: unknown): unknown {
  if (!(error instanceof ConfigurationRefused)) return error;
  return severalRefusals(
    error.diagnostics.filter(({ place, option }) => place?.origin !== undefined && option !== undefined),
  );
}
