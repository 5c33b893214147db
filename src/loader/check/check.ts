/**
 * `check`: every mistake of a paste file and of the files it includes, in one go. Modules are imported; for an API, by its
 * name, factories that allow it are made and let go of again, and no others are called.
 *
 * What a section means depends on what leads to it (`get` reads what an outer section has `set`), so the file
 * is loaded from the apps that nothing else mentions; what those do not reach is looked at by itself.
 */
import type { Declared, Trial } from '../../app/internal.js';
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, type Diagnostic, severalRefusals } from '../../errors/index.js';
import type { PasteDocument } from '../../ini/index.js';
import { silentLogger } from '../../log/index.js';
import { type AskedChild, tellsChildren } from '../composite/children.js';
import { type Context, headerOf, innerContexts, isComposite, sectionOf } from '../context.js';
import { unknownProtocol, usableProtocol } from '../create.js';
import { problemDetails } from '../document.js';
import { argumentsFor, Releases } from '../factory-context.js';
import { orderWarnings } from '../filter-order.js';
import { Load, type LoadParts } from '../load.js';
import { PasteError, pasteCode, refuse } from '../paste-error.js';
import { Unimported } from '../resolver.js';
import { definedBy, mentionedNames, rootsOf } from '../section.js';
import { Findings } from './findings.js';
import { warnOfDefaults, warnOfHeaders, warnOfLost, warnOfRepeats, warnOfSection } from './warnings.js';

/** How thoroughly a file is checked. */
export interface CheckOptions {
  /** False looks for modules without importing them: what they export is then not known. Default true. */
  readonly import?: boolean | undefined;
  /** Only what these apps lead to. Default: all sections. */
  readonly names?: readonly string[] | undefined;
  /** With `names`: what those do not lead to is told as well, in warnings. */
  readonly others?: boolean | undefined;
  /** False makes no factory, also none that may be made for a check. Default true. */
  readonly trial?: boolean | undefined;
}

/** Everything that is wrong, or looks wrong, by place. */
export async function checkPaste(parts: LoadParts, options: CheckOptions): Promise<Diagnostic[]> {
  return new Check(parts, options).run();
}

/** A factory that can be tried, and what for. */
interface ToTry {
  readonly context: Context;
  readonly trial: Trial;
}

class Check {
  readonly #findings = new Findings();
  readonly #options: CheckOptions;
  readonly #config: Config;
  readonly #parts: LoadParts;
  readonly #load: Load;
  readonly #main: PasteDocument;
  /** While a section is looked at by itself, what it lacks may come from those that use it. */
  #alone = false;
  /** References that the configuration does not choose. */
  readonly #unchosen: (() => Promise<void>)[] = [];
  readonly #trials: ToTry[] = [];
  #filesJudged = 0;

  constructor(parts: LoadParts, options: CheckOptions) {
    this.#options = options;
    this.#config = parts.config;
    this.#main = parts.document;
    this.#parts = parts;
    this.#load = new Load(parts, options.import ?? true);
  }

  async run(): Promise<Diagnostic[]> {
    try {
      this.#load.open();
      this.#files();
      const { names, others = names === undefined } = this.#options;
      const roots = rootsOf(this.#main);
      const asked = names?.map((name) => ({ kind: 'app' as const, name })) ?? roots;
      for (const { kind, name } of asked) await this.#judge(this.#load.context(kind, name));
      await this.#unchosenBranches();
      for (const each of this.#trials) await this.#try(each);
      if (names !== undefined) this.#findings.unreached = true;
      if (names !== undefined && others)
        for (const { kind, name } of roots) await this.#judge(this.#load.context(kind, name));
      if (others) await this.#rest();
    } catch (error) {
      for (const mistake of this.#load.mistakes()) this.#mistake(mistake);
      this.#mistake(error);
      this.#files();
    }
    for (const [section, source] of this.#load.entered) warnOfSection(source, section, this.#findings);
    return this.#findings.sorted([...this.#load.sources.values()].map(({ name }) => name));
  }

  /** Sections that the roots did not lead to, in this file and in those it includes. */
  async #rest(): Promise<void> {
    this.#alone = true;
    for (const source of this.#load.sources.values()) {
      for (const section of source.document.sections.values()) {
        const defined = definedBy(section);
        if (defined === undefined || this.#load.entered.has(section)) continue;
        const unused = defined.kind === 'filter' && source.document === this.#main;
        if (unused && !mentionedNames(source.document).has(defined.name)) {
          this.#findings.unused(defined.name, section.origin);
        }
        await this.#judge(this.#load.within(source, defined.kind, defined.name));
      }
    }
  }

  /** What the configuration does not choose is not built: mistakes there keep nothing from starting. */
  async #unchosenBranches(): Promise<void> {
    this.#findings.unchosen = true;
    for (let judge = this.#unchosen.shift(); judge !== undefined; judge = this.#unchosen.shift()) await judge();
    this.#findings.unchosen = false;
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

  /** Judges a tree, once its factories are resolved, and those of the children that its composites can tell. */
  async #judge(context: Context): Promise<void> {
    this.#files();
    for (const error of await this.#load.errors()) this.#mistake(error);
    await this.#context(context);
  }

  async #context(context: Context): Promise<void> {
    for (const inner of innerContexts(context)) await this.#context(inner);
    warnOfLost(context, this.#findings);
    if (context.type === 'pipeline') {
      warnOfRepeats(context, this.#findings);
      for (const { origin, message, hint } of orderWarnings(context, this.#config)) {
        this.#findings.warning('PORTICO_PASTE_FILTER_ORDER', origin, this.#main.file, message, hint);
      }
    }
    const { factory } = context;
    if (factory?.resolved !== true) return;
    if (!usableProtocol(context)) this.#mistake(unknownProtocol(context));
    if (factory.value instanceof Unimported) return;
    if (typeof factory.value !== 'function') {
      const origin = factory.origin ?? headerOf(context).origin;
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
    const tries = this.#findings.counts && !this.#alone && this.#options.trial !== false;
    if (typeof trial === 'function' && tries) {
      this.#trials.push({ context, trial });
    }
    if (isComposite(context)) await this.#composite(context);
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

  async #composite(context: Context): Promise<void> {
    const { config, log } = this.#parts;
    const { globalConf, localConf, ctx } = argumentsFor(context, { config, log, releases: new Releases() });
    const factory = tellsChildren(context.factory!.value);
    if (factory === undefined) return;
    let asked: readonly AskedChild[] = [];
    let chosen: readonly AskedChild[] = [];
    try {
      for (const problem of factory.problems?.(localConf, ctx) ?? []) {
        // Without an option of its own it is about what the service configuration chooses.
        if (this.#parts.configured || problem.origin?.option !== undefined) this.#mistake(problem);
      }
      for (const { code, option, message, hint } of factory.warnings?.(localConf) ?? []) {
        const setting = context.localConf.get(option);
        this.#findings.warning(code, setting?.option.origin, this.#main.file, message, hint);
      }
      asked = (factory.references ?? factory.children)(globalConf, localConf, ctx);
      if (asked.some(({ inherits }) => !inherits)) this.#unseen(context);
      // Without a configuration all of it may be chosen.
      chosen = this.#parts.configured ? factory.children(globalConf, localConf, ctx) : asked;
    } catch (error) {
      this.#mistake(error);
    }
    const options = new Set(chosen.map(({ option }) => option));
    for (const child of asked) {
      const judge = (): Promise<void> => this.#judge(this.#load.child(context, child));
      if (options.has(child.option)) await judge();
      else this.#unchosen.push(judge);
    }
  }

  /** A composite whose members do not get its global_conf: its own `set` changes nothing. */
  #unseen(context: Context): void {
    for (const option of context.reference.section?.options.values() ?? []) {
      if (!option.name.startsWith('set ')) continue;
      this.#findings.warning(
        'PORTICO_PASTE_UNSEEN_SET',
        option.origin,
        this.#main.file,
        'the members of this composite do not see what it sets: they are asked for without it.',
        'Set it in [DEFAULT], or in the sections of the members.',
      );
    }
  }

  /** What is wrong with the lines of the files that were opened since, and what looks wrong in them. */
  #files(): void {
    const { sources } = this.#load;
    if (sources.size === this.#filesJudged) return;
    for (const source of [...sources.values()].slice(this.#filesJudged)) {
      for (const problem of source.document.problems) {
        if (problem.kind === 'duplicate-option' && problem.subject === '') continue;
        this.#findings.error(new PasteError(pasteCode(problem.kind), problemDetails(problem)), source.name);
      }
      warnOfDefaults(source, this.#findings);
      warnOfHeaders(source, this.#findings);
    }
    this.#filesJudged = sources.size;
  }

  #mistake(error: unknown): void {
    if (error instanceof PasteError) {
      if (error.code === pasteCode('missing-key') && this.#alone) return;
      // The lines of a file are judged one by one, with the file.
      if (error.lines !== undefined) return;
    }
    this.#findings.error(error, this.#main.file);
  }
}

/** Of what a factory refuses, only what stands in the paste file: the rest may be right in a service configuration. */
function writtenHere(error: unknown): unknown {
  if (!(error instanceof ConfigurationRefused)) return error;
  return severalRefusals(
    error.diagnostics.filter(({ place, option }) => place?.origin !== undefined && option !== undefined),
  );
}
