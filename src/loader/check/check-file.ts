/**
 * `check`: every error of a paste file and of the files it includes. Modules are imported; factories that allow a trial are called and
 * their resources released, and no others are called.
 *
 * The meaning of a section depends on the sections that use it (`get` reads values that an outer section sets), so the file is loaded
 * from the apps that no other section mentions; sections that these do not reach are checked alone.
 */
import type { DeclaredFactory, Trial } from '../../app/index.js';
import { asTrial } from '../../config/internal.js';
import { ConfigurationRefused, type Diagnostic, severalRefusals } from '../../errors/index.js';
import { silentLogger } from '../../log/internal.js';
import { type AskedChild, tellsChildren } from '../composite/children.js';
import { usableProtocol } from '../create.js';
import { unknownProtocol } from '../factory-errors.js';
import { FILTER_ORDER, wrongOrders } from '../filter-order.js';
import { type Findings, warnOfLost, warnOfRepeats } from '../findings.js';
import { Load, type LoadParts } from '../load.js';
import {
  argumentsFor,
  type Context,
  headerOf,
  isComposite,
  partsOf,
  type Release,
  Releases,
  sectionOf,
} from '../load-context.js';
import { PasteError } from '../paste-error.js';
import { Unimported } from '../resolver.js';
import { definedBy, mentionedNames, rootsOf } from '../section.js';
import { isMap } from '../tree.js';

/** Options of a check. */
export interface CheckOptions {
  /** False locates modules without importing them, so their exports are unknown. Default true. */
  readonly import?: boolean | undefined;
  /** Only sections that these apps reach. Default: all sections. */
  readonly names?: readonly string[] | undefined;
  /** With `names`: reports the other sections too, as warnings. */
  readonly others?: boolean | undefined;
  /** False calls no factory, not even one that allows a trial. Default true. */
  readonly trial?: boolean | undefined;
}

/** Returns all errors and suspicious lines, by place. */
export async function checkPaste(parts: LoadParts, options: CheckOptions): Promise<Diagnostic[]> {
  return new Check(parts, options).run();
}

class Check {
  readonly #findings: Findings;
  readonly #options: CheckOptions;
  readonly #parts: LoadParts;
  readonly #load: Load;
  /** References that the configuration does not choose. */
  readonly #unchosen: (() => Promise<void>)[] = [];
  /** Trials of factories. */
  readonly #trials: (() => Promise<void>)[] = [];

  constructor(parts: LoadParts, options: CheckOptions) {
    this.#options = options;
    this.#parts = parts;
    this.#load = new Load(parts, options.import ?? true);
    this.#findings = this.#load.findings;
  }

  async run(): Promise<Diagnostic[]> {
    try {
      this.#load.open();
      const { names, others = names === undefined } = this.#options;
      const roots = rootsOf(this.#parts.document);
      const asked = names?.map((name) => ({ kind: 'app' as const, name })) ?? roots;
      for (const { kind, name } of asked) await this.#validate(this.#load.context(kind, name), true);
      // Apps that the configuration does not choose are not built, so their errors prevent no start.
      this.#findings.harmless = 'unchosen';
      for (let validate = this.#unchosen.shift(); validate !== undefined; validate = this.#unchosen.shift())
        await validate();
      this.#findings.harmless = false;
      for (const attempt of this.#trials) await attempt();
      this.#findings.harmless = names === undefined ? false : 'unreached';
      if (names !== undefined && others)
        for (const { kind, name } of roots) await this.#validate(this.#load.context(kind, name));
      if (others) await this.#rest();
    } catch (error) {
      this.#load.ended(error);
    }
    return this.#findings.sorted([...this.#load.sources.values()].map(({ name }) => name));
  }

  /** Checks the sections that the roots do not reach, in this file and in those it includes. */
  async #rest(): Promise<void> {
    this.#load.alone = true;
    const main = this.#parts.document;
    const mentioned = mentionedNames(main);
    for (const source of this.#load.sources.values()) {
      for (const section of source.document.sections.values()) {
        const defined = definedBy(section);
        if (defined === undefined || this.#load.entered.has(section)) continue;
        const unused = defined.kind === 'filter' && source.document === main && !mentioned.has(defined.name);
        if (unused) this.#findings.unused(defined.name, section.origin);
        await this.#validate(this.#load.within(source, defined.kind, defined.name));
      }
    }
  }

  /**
   * Calls a factory that allows a trial, or the function that it declares for this, with the arguments of the API, and releases its
   * resources.
   */
  async #try(context: Context, trial: Trial): Promise<void> {
    const { config, service } = this.#parts;
    const releases = new Releases();
    const given = { config, service, log: silentLogger(), onClose: (release: Release) => releases.add(release) };
    const { globalConf, localConf, ctx } = asTrial(() => argumentsFor(context, given));
    try {
      await trial(globalConf, localConf, ctx);
    } catch (error) {
      if (error instanceof ConfigurationRefused) this.#refusedByFactory(error);
    } finally {
      await releases.run();
    }
  }

  /** Resolves the factories of a tree and checks it, with the children that its composites report. */
  async #validate(context: Context, entered = false): Promise<void> {
    for await (const _ of this.#load.resolve());
    await this.#context(context, entered);
  }

  /** `entered`: requests reach the context directly or through URL maps only. */
  async #context(context: Context, entered = false): Promise<void> {
    for (const part of partsOf(context)) await this.#context(part);
    warnOfLost(context, this.#findings);
    if (context.type === 'pipeline') {
      warnOfRepeats(context, this.#findings);
      for (const { origin, message, hint, refused } of await wrongOrders(context, this.#parts.config, entered)) {
        if (refused) this.#load.issue(new PasteError(FILTER_ORDER, { message, hint, origin }));
        else this.#findings.warning(FILTER_ORDER, origin, message, hint);
      }
    }
    const { factory } = context;
    if (factory?.resolved !== true) return;
    if (!usableProtocol(context)) this.#load.issue(unknownProtocol(context));
    if (factory.value instanceof Unimported) return;
    if (typeof factory.value !== 'function') {
      const origin = factory.origin ?? headerOf(context).origin;
      this.#load.issue(
        new PasteError('PORTICO_PASTE_BAD_TYPE', {
          message: `${factory.written} is not a factory: it is not a function.`,
          hint: 'Use a function: module:export.',
          origin,
        }),
      );
      return;
    }
    const declared = factory.value as Partial<DeclaredFactory>;
    this.#declared(context, declared);
    const trial = declared.trial === true ? (factory.value as Trial) : declared.trial;
    // Without the options that cannot be read, a trial would find false errors.
    const isWhole = !this.#load.alone && !context.incomplete;
    const tries = this.#findings.harmless === false && isWhole && this.#options.trial !== false;
    if (typeof trial === 'function' && tries) this.#trials.push(() => this.#try(context, trial));
    if (isComposite(context)) await this.#composite(context, entered && isMap(factory.value));
  }

  /** Parses the options that a factory declares, as the factory would. */
  #declared(context: Context, { group, options, groups = {} }: Partial<DeclaredFactory>): void {
    const { config } = this.#parts;
    const read = (work: () => unknown): void => {
      try {
        work();
      } catch (error) {
        this.#refusedByFactory(error);
      }
    };
    if (group !== undefined && options !== undefined) {
      const { options: local, origin } = sectionOf(context);
      const missed = ({ code }: Diagnostic): boolean => code === 'PORTICO_CONFIG_REQUIRED' && context.incomplete;
      read(() => {
        try {
          config.group(group, options, { local, origin });
        } catch (error) {
          if (!(error instanceof ConfigurationRefused)) throw error;
          throw severalRefusals(error.diagnostics.filter((each) => !missed(each)));
        }
      });
    }
    for (const [name, further] of Object.entries(groups)) {
      read(() =>
        name.endsWith('<name>') ? config.register(name, further) : config.group(name, further, { partial: true }),
      );
    }
  }

  async #composite(context: Context, entered: boolean): Promise<void> {
    const { globalConf, localConf, ctx } = argumentsFor(context, this.#parts);
    const factory = tellsChildren(context.factory!.value);
    if (factory === undefined) return;
    let asked: readonly AskedChild[] = [];
    let chosen: readonly AskedChild[] = [];
    try {
      for (const problem of factory.problems?.(localConf, ctx) ?? []) {
        // A problem without an option is about the choice in the service configuration.
        if (this.#parts.configured || problem.origin?.option !== undefined) this.#load.issue(problem);
      }
      for (const { code, option, message, hint } of factory.warnings?.(localConf) ?? []) {
        const setting = context.localConf.get(option);
        this.#findings.warning(code, setting?.option.origin, message, hint);
      }
      asked = (factory.references ?? factory.children)(globalConf, localConf, ctx);
      if (asked.some(({ inherits }) => !inherits)) this.#unseen(context);
      // Without a configuration, all of them may be chosen.
      chosen = this.#parts.configured ? factory.children(globalConf, localConf, ctx) : asked;
    } catch (error) {
      this.#load.issue(error);
    }
    const options = new Set(chosen.map(({ option }) => option));
    for (const { get, name, option, inherits } of asked) {
      const inherited = inherits ? context.globalConf : undefined;
      const validate = (): Promise<void> =>
        this.#validate(this.#load.child(context, get, name, inherited, option), entered);
      if (options.has(option)) await validate();
      else this.#unchosen.push(validate);
    }
  }

  /** Warns of `set` options of a composite whose members do not get its global_conf. */
  #unseen(context: Context): void {
    for (const option of context.reference.section?.options.values() ?? []) {
      if (!option.name.startsWith('set ')) continue;
      this.#findings.warning(
        'PORTICO_PASTE_UNSEEN_SET',
        option.origin,
        'a value set in this composite is not visible to its members.',
        'Set it in [DEFAULT], or in the sections of the members.',
      );
    }
  }

  /** Without a service configuration, reports only errors of options in the paste file; the others may be right in a configuration. */
  #refusedByFactory(error: unknown): void {
    const whole = this.#parts.configured || !(error instanceof ConfigurationRefused);
    const written = whole
      ? []
      : error.diagnostics.filter(({ location, option }) => location?.origin && option !== undefined);
    this.#load.issue(whole ? error : severalRefusals(written));
  }
}
