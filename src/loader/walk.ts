/**
 * A walk over the contexts of a paste file, and its findings: shapes of pipelines, factories that are none, options that a factory declares,
 * references of composites. A creation meets contexts as it makes them, a check without making them.
 */
import type { App, DeclaredFactory, Trial } from '../app/index.js';
import { asTrial, unknownLocals } from '../config/internal.js';
import { ConfigurationRefused, type Diagnostic, isError, locationInFile, severalRefusals } from '../errors/index.js';
import { silentLogger } from '../log/internal.js';
import { type AskedChild, tellsChildren } from './composite/children.js';
import { notAFactory, unknownProtocol, usableProtocol } from './factory-errors.js';
import { FILTER_ORDER, type WrongOrder, wrongOrders } from './filter-order.js';
import { warnOfLost, warnOfRepeats } from './findings.js';
import type { Load, LoadParts } from './load.js';
import {
  argumentsFor,
  type Context,
  headerOf,
  isComposite,
  partsOf,
  type Release,
  Releases,
  sectionOf,
} from './load-context.js';
import { NOT_INSTALLED, PasteError } from './paste-error.js';
import { Unimported } from './resolver.js';
import { type ContextTree, isMap, type MountedApp, mountedApps, treeOf } from './tree.js';

/** Code of a warning about a replacement that does less. */
const LOST = 'PORTICO_PASTE_LOST_FUNCTION';

/** Returns the warning about a server section: where its address is written for `api-cli`. */
function servesItself(context: Context): Pick<Diagnostic, 'code' | 'location' | 'section' | 'message' | 'hint'> {
  const written = (name: string): string | undefined => context.localConf.get(name)?.value;
  const { prefix, name, origin } = headerOf(context);
  const [, host = written('host'), port = written('port')] = /^(\S*):(\d+)(?:\s|$)/.exec(written('listen') ?? '') ?? [];
  const lines = [`port = ${port ?? '…'}`, ...(host === undefined ? [] : [`listen = ${host === '*' ? '::' : host}`])];
  return {
    code: 'PORTICO_PASTE_SERVER',
    location: origin && locationInFile({ ...origin, section: undefined, option: undefined }),
    section: `${prefix}:${name}`,
    message: 'this section has no effect: Portico serves by itself.',
    hint: `Write ${lines.join(' and ')} in [api:main] of portico.ini. The section may stay, for pserve and paster.`,
  };
}

/** A child of a composite, or a reference that it may follow under another configuration. */
interface Followed {
  readonly composite: Context;
  readonly child: AskedChild;
}

/** One walk from the names that a caller loads. */
export class Walk {
  readonly load: Load;
  readonly parts: LoadParts;
  /** References that the configuration does not choose. */
  readonly unchosen: Followed[] = [];
  /** The tree that was created, and the apps that its factories have made. */
  created: { readonly root: Context; readonly apps: ReadonlyMap<Context, App> } | undefined;
  /** Factories that allow a trial, and are not called otherwise. */
  readonly #trials: { readonly context: Context; readonly trial: Trial }[] = [];

  constructor(load: Load, parts: LoadParts) {
    this.load = load;
    this.parts = parts;
  }

  /** All errors and suspicious lines, by place. */
  get diagnostics(): Diagnostic[] {
    return this.load.findings.sorted([...this.load.sources.values()].map(({ name }) => name));
  }

  /** Returns the apps of the tree that was created, each also as its own factory has made it, without the filters around it. */
  mounted(): readonly (MountedApp & { readonly made: App | undefined })[] {
    if (this.created === undefined) return [];
    const { root, apps } = this.created;
    const made = new Map<ContextTree, App | undefined>();
    const tree = treeOf(root, (node, context) => made.set(node, apps.get(context)));
    return mountedApps(tree, this.parts.config).map((each) => ({ ...each, made: made.get(each.app) }));
  }

  /** Resolves the factories of a tree and meets its contexts, with the children that its composites report. */
  async validate(context: Context, entered = false): Promise<void> {
    for await (const _ of this.load.resolve());
    await this.look(context, entered);
  }

  /** Meets a context that is not created. `entered`: requests reach it directly or through URL maps only. */
  async look(context: Context, entered: boolean): Promise<void> {
    for (const part of partsOf(context)) await this.look(part, false);
    await this.shape(context, entered);
    const { factory } = context;
    if (factory?.resolved !== true) return;
    this.warn(context);
    if (!usableProtocol(context)) this.load.issue(unknownProtocol(context));
    if (factory.value instanceof Unimported) return;
    if (typeof factory.value !== 'function') return this.load.issue(notAFactory(context));
    const declared = factory.value as Partial<DeclaredFactory>;
    this.#declared(context, declared);
    const trial = declared.trial === true ? (factory.value as Trial) : declared.trial;
    // Without the options that cannot be read, a trial would find false errors.
    const isWhole = this.load.findings.harmless === false && !this.load.alone && !context.incomplete;
    if (typeof trial === 'function' && isWhole) this.#trials.push({ context, trial });
    if (isComposite(context)) await this.composite(context, entered && isMap(factory.value));
  }

  /**
   * Warns of a built-in replacement that does less than the function that the file names, until an alias in the file confirms it; and of
   * options that belong to other applications.
   */
  warn(context: Context): void {
    const { factory } = context;
    const { group, options } = (factory?.value ?? {}) as Partial<DeclaredFactory>;
    if (group !== undefined && options !== undefined)
      for (const each of unknownLocals(group, options, sectionOf(context).options))
        if (!isError(each)) this.load.findings.add(each);
    const alias = this.load.aliasOf(context);
    if (factory === undefined || alias?.lost === undefined) return;
    const from = factory.written.replace(/^call:/, '');
    const origin = factory.origin ?? headerOf(context).origin;
    const hint = `To confirm that, add to [portico:aliases]:\n    ${from}    ${alias.target}`;
    this.load.findings.warning(LOST, origin, `${from} is replaced by ${alias.target}: ${alias.lost}.`, hint);
  }

  /**
   * Visits a server section. Only `Loader.loadServer` uses it: `api-cli` serves by itself, so a Python server that is not installed is no
   * error.
   */
  async server(context: Context): Promise<void> {
    const { findings } = this.load;
    // With a server that is not here, none of its options counts.
    const found = this.load.isInstalled(context) ? NOT_INSTALLED : /^PORTICO_PASTE_/;
    findings.instead = { found, ...servesItself(context) };
    await this.validate(context, true);
    findings.instead = undefined;
  }

  /** Reports a pipeline with filters twice or in the wrong order, and options that no factory gets. Returns the wrong orders. */
  async shape(context: Context, entered: boolean): Promise<readonly WrongOrder[]> {
    const { findings } = this.load;
    warnOfLost(context, findings);
    if (context.type !== 'pipeline') return [];
    warnOfRepeats(context, findings);
    const wrong = await wrongOrders(context, this.parts.config, entered);
    for (const { origin, message, hint, refused } of wrong) {
      if (refused) this.load.issue(new PasteError(FILTER_ORDER, { message, hint, origin }));
      else findings.warning(FILTER_ORDER, origin, message, hint);
    }
    return wrong;
  }

  /**
   * Reports errors and suspicious options of a composite, meets its children, and notes the references that the configuration does not choose.
   * `requested`: kinds and names of the children that it has requested when it was created.
   */
  async composite(context: Context, entered: boolean, requested: ReadonlySet<string> = new Set()): Promise<void> {
    const { configured } = this.parts;
    const { globalConf, localConf, ctx } = argumentsFor(context, this.parts);
    const factory = tellsChildren(context.factory!.value);
    if (factory === undefined) return;
    let asked: readonly AskedChild[] = [];
    let chosen: readonly AskedChild[] = [];
    try {
      for (const problem of factory.problems?.(localConf, ctx) ?? []) {
        // A problem without an option is about the choice in the service configuration.
        if (configured || problem.origin?.option !== undefined) this.load.issue(problem);
      }
      for (const { code, option, message, hint } of factory.warnings?.(localConf) ?? []) {
        const setting = context.localConf.get(option);
        this.load.findings.warning(code, setting?.option.origin, message, hint);
      }
      asked = (factory.references ?? factory.children)(globalConf, localConf, ctx);
      if (asked.some(({ inherits }) => !inherits)) this.#unseen(context);
      // Without a configuration, all of them may be chosen.
      chosen = configured ? factory.children(globalConf, localConf, ctx) : asked;
    } catch (error) {
      this.load.issue(error);
    }
    const options = new Set(chosen.map(({ option }) => option));
    for (const child of asked) {
      if (!options.has(child.option)) this.unchosen.push({ composite: context, child });
      else if (!requested.has(`${child.get} ${child.name}`)) await this.follow({ composite: context, child }, entered);
    }
  }

  /** Meets a child of a composite. */
  follow({ composite, child: { get, name, option, inherits } }: Followed, entered: boolean): Promise<void> {
    const inherited = inherits ? composite.globalConf : undefined;
    return this.validate(this.load.child(composite, get, name, inherited, option), entered);
  }

  /**
   * Calls the factories that allow a trial, or the function that they declare for this, with the arguments of the API, and releases their
   * resources. `only`: of these factories.
   */
  async try(only?: ReadonlySet<unknown>): Promise<void> {
    const { config, service } = this.parts;
    for (const { context, trial } of this.#trials.splice(0)) {
      if (only?.has(context.factory?.value) === false) continue;
      const releases = new Releases();
      const warnings = { add: (warning: Diagnostic) => this.load.findings.add(warning) };
      const onClose = (release: Release): void => releases.add(release);
      const given = { config, service, log: silentLogger(), warnings, onClose };
      try {
        await asTrial(async () => {
          const { globalConf, localConf, ctx } = argumentsFor(context, given);
          return trial(globalConf, localConf, ctx);
        });
      } catch (error) {
        if (error instanceof ConfigurationRefused) this.#refusedByFactory(error);
      } finally {
        await releases.run();
      }
    }
  }

  /** Without a service configuration, reports only errors of options in the paste file; the others may be right in a configuration. */
  #refusedByFactory(error: unknown): void {
    const whole = this.parts.configured || !(error instanceof ConfigurationRefused);
    const written = whole
      ? []
      : error.diagnostics.filter(({ location, option }) => location?.origin && option !== undefined);
    this.load.issue(whole ? error : severalRefusals(written));
  }

  /** Parses the options that a factory declares, as the factory would. */
  #declared(context: Context, { group, options, groups = {} }: Partial<DeclaredFactory>): void {
    const { config } = this.parts;
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

  /** Warns of `set` options of a composite whose members do not get its global_conf. */
  #unseen(context: Context): void {
    for (const option of context.reference.section?.options.values() ?? []) {
      if (!option.name.startsWith('set ')) continue;
      this.load.findings.warning(
        'PORTICO_PASTE_UNSEEN_SET',
        option.origin,
        'a value set in this composite is not visible to its members.',
        'Set it in [DEFAULT], or in the sections of the members.',
      );
    }
  }
}
