/**
 * A node of a paste file's tree: what would be called, where it is and what led there; what its factory is given, and
 * the release of what that acquired.
 */
import type { App, Conf, FactoryContext, Section } from '../app/index.js';
import type { Config, WrittenValue } from '../config/index.js';
import type { Origin } from '../errors/index.js';
import type { PasteSection } from '../ini/index.js';
import type { Logger } from '../log/index.js';
import type { Awaitable, OwnRPCClients, RPCClients } from '../service/index.js';
import type { Reference } from './reference.js';
import { headerParts, type Kind } from './section.js';
import type { SectionSettings, Setting, Source } from './source.js';

/** The source of a composite's children: a file, a distribution, or none. */
export type Answerer =
  | { readonly form: 'file'; readonly source: Source }
  | { readonly form: 'egg'; readonly distribution: string }
  | { readonly form: 'call'; readonly expression: string };

/** The factory of a context: as written, and once resolved what it is. */
export class FactoryUse {
  /** The expression as written, `call:` and the expression, or `egg:distribution#name`. */
  readonly written: string;
  resolved = false;
  value: unknown;
  readonly #origin: () => Origin | undefined;

  constructor(written: string, origin: () => Origin | undefined = () => undefined) {
    this.written = written;
    this.#origin = origin;
  }

  /** The option or reference it is at. */
  get origin(): Origin | undefined {
    return this.#origin();
  }
}

/** One node of the tree: PasteDeploy's LoaderContext. Tables are shared between contexts where its tables are. */
export class Context {
  readonly kind: Kind;
  /** `broken`: something that could not be made; the load is refused for it. */
  readonly type: 'plain' | 'pipeline' | 'filter-app' | 'filter-with' | 'broken' = 'plain';
  /** Null until a `use` fills it in, or until an entry point was found. */
  protocol: string | null = null;
  readonly factory?: FactoryUse;
  readonly globalConf: Map<string, string> = new Map();
  readonly localConf: Map<string, Setting> = new Map();
  answerer: Answerer;
  /** The reference that led here. For a factory that a section took through `use`: the reference to that section. */
  reference: Reference;
  /** The section it is named after: the outermost that took it through `use`. Undefined for what a reference names itself. */
  section: PasteSection | undefined;
  /** Settings of the sections that took it through `use`, the innermost first. */
  readonly used: SectionSettings[] = [];
  /** Of a pipeline, filter-app or filter-with: its filters, outermost first. */
  readonly filters: readonly Context[] = [];
  /** The app that these filters wrap. */
  readonly inner?: Context;
  readonly children: Child<Context>[] = [];

  constructor(reference: Reference, answerer: Answerer, more: Partial<Context>) {
    this.kind = reference.kind;
    this.reference = reference;
    this.answerer = answerer;
    Object.assign(this, more);
  }
}

/** The global_conf of a context from `egg:` or `call:`: the very object that was handed in. */
export function sharedConf(handedIn: Conf | undefined): Map<string, string> {
  return handedIn instanceof Map && handedIn.size > 0 ? (handedIn as Map<string, string>) : new Map();
}

/** The context of a section. */
export function contextOfSection(settings: SectionSettings, reference: Reference, more: Partial<Context>): Context {
  const { source, section, globalConf, localConf } = settings;
  return new Context(reference, { form: 'file', source }, { section, globalConf, localConf, ...more });
}

/** A child of a composite: the reference it asked for, and what that leads to. */
export interface Child<C> {
  readonly get: Kind;
  readonly name: string;
  /** The option that names it, where the composite has told that. */
  readonly option?: string | undefined;
  readonly context: C;
}

/** True where a composite protocol is in force. */
export function isComposite({ protocol }: Context): boolean {
  return protocol === 'paste.composite_factory' || protocol === 'paste.composit_factory';
}

/** The contexts a context is made of: filters, and what is inside. Children of composites are not among them. */
export function partsOf({ filters, inner }: Context): readonly Context[] {
  return inner === undefined ? filters : [...filters, inner];
}

/** The name of a context: the header of its section, in its parts, or the reference. */
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
 * A section takes what it uses for its own. It is changed in place, as PasteDeploy does it: tables that are shared show
 * it elsewhere too.
 */
export function useIn(context: Context, settings: SectionSettings, reference: Reference): void {
  const { source, section, globalConf, localConf, additions } = settings;
  for (const [name, value] of additions) context.globalConf.set(name, value);
  for (const [name, setting] of localConf) context.localConf.set(name, setting);
  const file = globalConf.get('__file__');
  if (file !== undefined) context.globalConf.set('__file__', file);
  context.used.push(settings);
  context.answerer = { form: 'file', source };
  context.section = section;
  if (context.reference.section === undefined) context.reference = reference;
  if (context.protocol === null && context.factory?.written.startsWith('egg:') !== true) {
    context.protocol = protocolOfPrefix(headerParts(section.name).prefix);
  }
}

/** The protocol a `call:` gets from the prefix of the section that uses it; for some prefixes there is none. */
function protocolOfPrefix(prefix: string): string {
  const kind = prefix === 'application' ? 'app' : prefix === 'composite' ? 'composit' : prefix;
  return `paste.${kind}_factory`;
}

/** The section as its factory is told of it. */
export function sectionOf(context: Context): Section {
  const options = new Map<string, WrittenValue>();
  for (const [name, { value, option }] of context.localConf) options.set(name, { value, origin: option.origin });
  const { prefix, name, origin } = headerOf(context);
  return { kind: FULL_PREFIX.get(prefix) ?? prefix, name, origin: origin ?? IN_NO_FILE, options };
}

const FULL_PREFIX: ReadonlyMap<string, string> = new Map([
  ['application', 'app'],
  ['composit', 'composite'],
]);

/** Of a factory that a program named itself. */
const IN_NO_FILE = Object.freeze({ file: '', line: 1, column: 1 });

/** Lets go of something. */
export type Release = () => Awaitable<void>;

/** Arguments common to all factories of a load. */
export interface GivenToFactories {
  readonly config: Config;
  readonly service?: string | undefined;
  readonly log: Logger;
  /** Default: what they want released is forgotten. */
  readonly onClose?: (release: Release) => void;
  /** Default: {@link rpcOf} the configuration. */
  readonly rpc?: FactoryContext['rpc'];
}

/** Makes the way to other services of one load. */
export type Connect = () => Promise<OwnRPCClients>;

/** The remote-call clients for factories: made for the first factory that asks, and closed with the rest. */
export function rpcOf(
  { config, log, onClose }: GivenToFactories,
  connect: Connect = async () => {
    const { RPCConnection } = await import('../rpc/index.js');
    return new RPCConnection({ config, log });
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

/** The arguments of a context's factory. The maps are its own: what it does with them is seen by nothing else. */
export function argumentsFor(
  context: Context,
  given: GivenToFactories,
): { globalConf: Conf; localConf: Conf; ctx: FactoryContext } {
  const { config, service, log, onClose = () => undefined, rpc = rpcOf(given) } = given;
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
      own ??= log.child({ section: headerOf(context).name });
      return own;
    },
    rpc,
    onClose,
  };
  return { globalConf: new Map(context.globalConf), localConf: valuesOf(context), ctx };
}

/** The options of a context as plain text. */
export function valuesOf({ localConf }: Context): Map<string, string> {
  return new Map([...localConf].map(([name, { value }]) => [name, value]));
}

/** Resources that factories acquired, to be released in reverse order. */
export class Releases {
  #registered: Release[] = [];

  add(release: Release): void {
    this.#registered.push(release);
  }

  /** Runs each once, last registered first; all run even when one throws, and the first error is thrown at the end. */
  async run(): Promise<void> {
    const registered = this.#registered;
    this.#registered = [];
    const errors: unknown[] = [];
    for (const release of registered.reverse()) {
      try {
        await release();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

/** An app that can be closed once nothing calls it any more. */
export interface LoadedApp extends App {
  /**
   * Runs what factories registered with `ctx.onClose`, in reverse order. All run even when one throws; then the first
   * error is thrown. A second call waits for the first and does nothing more.
   */
  close(): Promise<void>;
}

/** The app, in its own function: what a factory gave may be shared and is left as it is. */
export function loadedApp(app: App, releases: Releases): LoadedApp {
  let closing: Promise<void> | undefined;
  const loaded: App = (req, res) => app(req, res);
  return Object.assign(loaded, {
    close: () => {
      closing ??= releases.run();
      return closing;
    },
  });
}
