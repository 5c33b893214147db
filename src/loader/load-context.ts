/**
 * Contexts: the nodes of a paste file's tree, with the reference that led to each, the arguments of its factory, and the release of the
 * resources that the factory acquired.
 */
import type { App, Conf, FactoryContext, Section } from '../app/index.js';
import type { Config, WrittenValue } from '../config/index.js';
import { isTrial } from '../config/internal.js';
import type { Origin } from '../errors/index.js';
import type { PasteSection } from '../ini/index.js';
import type { Logger } from '../log/index.js';
import { callsProvider } from '../managers/index.js';
import type { Awaitable, OwnRPCClients, RPCClients } from '../service/index.js';
import { JobList } from '../tasks/internal.js';
import { type BuildWarnings, factoryLog } from './factory-warnings.js';
import type { Reference } from './reference.js';
import { headerParts, type Kind } from './section.js';
import type { SectionSettings, Setting, Source } from './source.js';

/** The filter from a factory; it may return a promise of the app. */
export type AwaitableFilter = (app: App) => Awaitable<App>;

/** The source of a composite's children: a file, a distribution, or a `call:` expression. */
export type Answerer =
  | { readonly form: 'file'; readonly source: Source }
  | { readonly form: 'egg'; readonly distribution: string }
  | { readonly form: 'call'; readonly expression: string };

/** The factory of a context: its expression, and its value once resolved. */
export class FactoryUse {
  /** The expression of a protocol option, `call:` and an expression, or `egg:distribution#name`. */
  readonly written: string;
  resolved = false;
  value: unknown;
  /** True if it is not installed, and `value` stands in for it. */
  isUnknown = false;
  readonly #origin: () => Origin | undefined;

  constructor(written: string, origin: () => Origin | undefined = () => undefined) {
    this.written = written;
    this.#origin = origin;
  }

  /** Location of the value or reference that names it. */
  get origin(): Origin | undefined {
    return this.#origin();
  }
}

/** One node of the tree: PasteDeploy's LoaderContext. Contexts share tables where PasteDeploy's do. */
export class Context {
  readonly kind: Kind;
  /** `broken`: the context cannot be made, and the load is refused. */
  readonly type: 'plain' | 'pipeline' | 'filter-app' | 'filter-with' | 'broken' = 'plain';
  /** Null until a `use` sets it or an entry point is found. */
  protocol: string | null = null;
  readonly factory?: FactoryUse;
  readonly globalConf: Map<string, string> = new Map();
  readonly localConf: Map<string, Setting> = new Map();
  answerer: Answerer;
  /** The reference that led here. For a factory that a section takes through `use`: the reference to that section. */
  reference: Reference;
  /** The section it is named after: the outermost that takes it through `use`. Undefined for a factory that a reference names directly. */
  section: PasteSection | undefined;
  /** Settings of the sections that take it through `use`, innermost first. */
  readonly used: SectionSettings[] = [];
  /** True if an option of its sections could not be read, and is omitted. */
  incomplete = false;
  /** Filters of a pipeline, filter-app or filter-with, outermost first. */
  readonly filters: readonly Context[] = [];
  /** The app or filter that these filters wrap. */
  readonly inner?: Context;
  readonly children: Child<Context>[] = [];

  constructor(reference: Reference, answerer: Answerer, more: Partial<Context>) {
    this.kind = reference.kind;
    this.reference = reference;
    this.answerer = answerer;
    Object.assign(this, more);
  }
}

/** Returns the global_conf of a context from `egg:` or `call:`: the given object itself if it is a non-empty map, else a new one. */
export function sharedConf(handedIn: Conf | undefined): Map<string, string> {
  return handedIn instanceof Map && handedIn.size > 0 ? (handedIn as Map<string, string>) : new Map();
}

/** Returns the context of a section. */
export function contextOfSection(settings: SectionSettings, reference: Reference, more: Partial<Context>): Context {
  const { source, section, globalConf, localConf, incomplete } = settings;
  const own = { section, globalConf, localConf, incomplete };
  return new Context(reference, { form: 'file', source }, { ...own, ...more });
}

/** A child of a composite: the reference that the composite follows, and the child's context. */
export interface Child<C> {
  readonly get: Kind;
  readonly name: string;
  /** The option that names it, if the composite reports it. */
  readonly option?: string | undefined;
  readonly context: C;
}

/** Reports whether a context has a composite protocol. */
export function isComposite({ protocol }: Context): boolean {
  return protocol === 'paste.composite_factory' || protocol === 'paste.composit_factory';
}

/** Returns the parts of a context: its filters and the app inside. Children of composites are not included. */
export function partsOf({ filters, inner }: Context): readonly Context[] {
  return inner === undefined ? filters : [...filters, inner];
}

/** Returns the name of a context: the parts of its section's header, or the reference. */
export function headerOf({ section, kind, reference }: Pick<Context, 'section' | 'kind' | 'reference'>): {
  readonly prefix: string;
  readonly name: string;
  readonly origin: Origin | undefined;
} {
  if (section === undefined) return { prefix: kind, name: reference.text ?? '', origin: reference.origin };
  const { prefix, name = '' } = headerParts(section.name);
  return { prefix, name, origin: section.origin };
}

/**
 * Adds the settings of a section to the context that it takes through `use`. As in PasteDeploy, the context is changed in place, so the
 * change is visible wherever its tables are shared.
 */
export function useIn(context: Context, settings: SectionSettings, reference: Reference): void {
  const { source, section, globalConf, localConf, additions } = settings;
  for (const [name, value] of additions) context.globalConf.set(name, value);
  for (const [name, setting] of localConf) context.localConf.set(name, setting);
  const file = globalConf.get('__file__');
  if (file !== undefined) context.globalConf.set('__file__', file);
  context.used.push(settings);
  context.incomplete ||= settings.incomplete;
  context.answerer = { form: 'file', source };
  context.section = section;
  if (context.reference.section === undefined) context.reference = reference;
  if (context.protocol === null && context.factory?.written.startsWith('egg:') !== true) {
    context.protocol = protocolOfPrefix(headerParts(section.name).prefix);
  }
}

/** Returns the protocol of a `call:` by the prefix of the section that uses it. For some prefixes no such protocol exists. */
function protocolOfPrefix(prefix: string): string {
  const kind = prefix === 'application' ? 'app' : prefix === 'composite' ? 'composit' : prefix;
  return `paste.${kind}_factory`;
}

/** Returns the section that a factory gets as `ctx.section`. */
export function sectionOf(context: Context): Section {
  const options = new Map<string, WrittenValue>();
  for (const [name, { value, option }] of context.localConf)
    options.set(name, { value, origin: option.pieces[0]?.origin ?? option.origin });
  const { prefix, name, origin } = headerOf(context);
  return { kind: FULL_PREFIX.get(prefix) ?? prefix, name, origin: origin ?? IN_NO_FILE, options };
}

const FULL_PREFIX: ReadonlyMap<string, string> = new Map([
  ['application', 'app'],
  ['composit', 'composite'],
]);

/** Origin for a factory that code names. */
const IN_NO_FILE = Object.freeze({ file: '', line: 1, column: 1 });

/** Releases a resource. `over`: aborted when no time is left. */
export type Release = (over?: AbortSignal) => Awaitable<void>;

/** Arguments common to all factories of a load. */
export interface GivenToFactories {
  readonly config: Config;
  readonly service?: string | undefined;
  readonly log: Logger;
  /** Takes the warnings that factories log. Default: they are only logged. */
  readonly warnings?: BuildWarnings;
  /** Takes the releases that factories register. Default: they are discarded. */
  readonly onClose?: (release: Release) => void;
  /** Takes the periodic tasks that factories declare. Default: they are discarded. */
  readonly tasks?: JobList | undefined;
  /** Default: {@link rpcOf} the configuration. */
  readonly rpc?: FactoryContext['rpc'];
}

/** Makes the clients for other services of one load. */
export type Connect = () => Promise<OwnRPCClients>;

/** Returns a getter of the remote-call clients for factories: created on the first call, and closed with the other resources. */
export function rpcOf(
  { config, log, onClose }: GivenToFactories,
  connect: Connect = async () => {
    const provider = await callsProvider(config);
    return provider.calls().connect(config, { log });
  },
): FactoryContext['rpc'] {
  let made: Promise<RPCClients> | undefined;
  const make = async (): Promise<RPCClients> => {
    const rpc = await connect();
    onClose?.(() => rpc.close());
    return rpc;
  };
  return () => (made ??= make());
}

/** Returns the arguments of a context's factory. The maps are copies, so a factory can change them without effect on others. */
export function argumentsFor(
  context: Context,
  given: GivenToFactories,
): { globalConf: Conf; localConf: Conf; ctx: FactoryContext } {
  const {
    config,
    service,
    log,
    warnings = {},
    tasks = new JobList(),
    onClose = () => undefined,
    rpc = rpcOf(given),
  } = given;
  let section: Section | undefined;
  let own: Logger | undefined;
  const ctx: FactoryContext = {
    get section() {
      section ??= sectionOf(context);
      return section;
    },
    config,
    service,
    get log() {
      own ??= factoryLog(log.child({ section: headerOf(context).name }), placeOf(context), warnings);
      return own;
    },
    isTrial: isTrial(),
    rpc,
    tasks: tasks.ofSection(keyOf(context)),
    onClose,
  };
  return { globalConf: new Map(context.globalConf), localConf: valuesOf(context), ctx };
}

function placeOf(context: Context): { section: string; origin: Origin | undefined } {
  const { prefix, name, origin } = headerOf(context);
  return { section: `${prefix}:${name}`, origin };
}

/** Returns a text that is equal for contexts of one section with the same options. */
function keyOf(context: Context): string {
  const { name, origin } = headerOf(context);
  return JSON.stringify([origin?.file, origin?.line, name, [...context.globalConf], [...valuesOf(context)]]);
}

/** Returns the options of a context as plain text. */
export function valuesOf({ localConf }: Context): Map<string, string> {
  return new Map([...localConf].map(([name, { value }]) => [name, value]));
}

/** Resources that factories acquired, released in reverse order. */
export class Releases {
  #registered: Release[] = [];

  add(release: Release): void {
    this.#registered.push(release);
  }

  /**
   * Runs each release once, last registered first. All run even if one throws; then the first error is thrown. `over`: aborted when no time is
   * left; by default none is, because nothing was served.
   */
  async run(over: AbortSignal = AbortSignal.abort()): Promise<void> {
    const registered = this.#registered;
    this.#registered = [];
    const errors: unknown[] = [];
    for (const release of registered.reverse()) {
      try {
        await release(over);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
