/**
 * Factories, which create an app or a filter from a section of a paste file: PasteDeploy's factory protocols with one more argument; and
 * their additions to documents.
 */
import {
  type Config,
  defineOptions,
  type OptionDeclarations,
  type OptionsOf,
  string,
  type WrittenValue,
} from '../config/index.js';
import { checkDefinitions, isSecret, owns } from '../config/internal.js';
import type { Origin } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { Awaitable, RPCClients } from '../service/index.js';
import type { JobList } from '../tasks/index.js';
import type { App, Filter } from './app.js';

/** Configuration as text, in the order of the file. A Map, because option names may be `__proto__` or `17`. */
export type Conf = ReadonlyMap<string, string>;

/** The section for which a factory is called: its kind, its name and the location of each option. */
export interface Section {
  /** `app`, `filter`, `composite`, `filter-app`, `pipeline` or `server`. */
  readonly kind: string;
  readonly name: string;
  readonly origin: Origin;
  /** The options of `localConf`, with the location of the value of each. */
  readonly options: ReadonlyMap<string, WrittenValue>;
}

/** Arguments that the loader passes to a factory. */
export interface FactoryContext {
  /** The section of the paste file, with its name and the location of each option. */
  readonly section: Section;
  /** The service configuration; empty if the Loader was created without one. */
  readonly config: Config;
  /** The name of the loaded API in `[api:<name>]`; undefined if a Loader is used on its own. */
  readonly service?: string | undefined;
  /** Log with the name of the section in each line. */
  readonly log: Logger;
  /**
   * True if the app is built to find errors and serves nothing: in `api-cli check`, in a start or a reload whose options or references are refused
   * already, and in a dry run of a reload, which without workers is built in the process that serves. A factory that migrates a database or makes files leaves that out then. False in the first worker of a reload, which serves if the reload is accepted.
   */
  readonly isTrial: boolean;
  /**
   * Returns access to other services, like `rpc` of a manager: one object for all factories of an app, created on first use, counted
   * with its API and closed with it. Create clients in the factory: targets that they cannot reach are refused then. A promise, so that
   * an app without calls loads no RPC code.
   */
  rpc(): Promise<RPCClients>;
  /** Declares periodic tasks: `ctx.tasks.every('90s', fn, { on: 'fleet' })`. A service runs them while it serves this app; nothing else does. */
  readonly tasks: JobList;
  /**
   * Registers a release function: called once, in reverse order of registration, when the loaded app is closed. `over` is aborted when the stop
   * has no time left: a release that waits for others ends then.
   */
  onClose(release: (over?: AbortSignal) => Awaitable<void>): void;
}

/** Loads the children of a composite factory. */
export interface SectionLoader {
  getApp(name?: string, globalConf?: Conf): Promise<App>;
  getFilter(name?: string, globalConf?: Conf): Promise<Filter>;
}

/** `paste.app_factory`. `globalConf` is `[DEFAULT]` after `set`; `localConf` is the section. */
export type AppFactory = (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => Awaitable<App>;
/** `paste.filter_factory`. */
export type FilterFactory = (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => Awaitable<Filter>;
/** `paste.filter_app_factory`: creates filter and application in one step. */
export type FilterAppFactory = (app: App, globalConf: Conf, localConf: Conf, ctx: FactoryContext) => Awaitable<App>;
/** `paste.composite_factory`: loads apps and filters by name with `loader`. */
export type CompositeFactory = (
  loader: SectionLoader,
  globalConf: Conf,
  localConf: Conf,
  ctx: FactoryContext,
) => Awaitable<App>;

/** A factory with declared options, so that a file can be checked without calling it. */
export interface DeclaredFactory<D extends OptionDeclarations = OptionDeclarations> {
  /** The group of the service configuration with its defaults: `[sizelimit]`. */
  readonly group: string;
  readonly options: D;
  /**
   * Whether calling it opens nothing that its release functions do not close, and sends no request: a check may then call it, to find
   * errors beyond its options, and release the result. Or a function with a factory's arguments to call instead. Default: false.
   */
  readonly trial?: boolean | Trial;
  /** Returns the order that it requires with these options; undefined: any. */
  readonly order?: (options: OptionsOf<D>) => WantedOrder | undefined;
  /** Returns what the filter adds to each operation of an OpenAPI document. The factory is not called: this opens and sends nothing. */
  readonly openapi?: (options: OptionsOf<D>, ctx: DeclaredContext) => OpenApiAdditions | undefined;
  /** Returns the prefix that the filter removes from paths: documents and lists of routes show it. Default: none. */
  readonly prefix?: (options: OptionsOf<D>) => string;
  /** Further groups of the service configuration that it reads, such as `[api:compute]`, with their options. */
  readonly groups?: Readonly<Record<string, OptionDeclarations>>;
  /**
   * Whether the filter, such as one that assigns request ids or adds headers, also wraps responses to requests that the server refuses
   * before any pipeline: a malformed path, headers that are too large. Method, URL and headers of such a request are set as far as they
   * could be parsed.
   */
  readonly aroundRefusals?: boolean;
}

/** The part of a {@link FactoryContext} that is available without loading. */
export interface DeclaredContext {
  readonly section: Pick<Section, 'options'>;
  readonly config: Config;
}

/** The order that a filter requires in a pipeline. */
export interface WantedOrder {
  /** Names of filters that must be outside of this one: load and check report one that is inside, if none is outside. */
  readonly behind: readonly string[];
  /** The consequence of the wrong order, as the end of a sentence. */
  readonly why: string;
  /** The remedy. Default: to change the order. */
  readonly hint?: string;
  /**
   * Whether the file is refused if certainly no outer filter has identified the caller, because the filter can do nothing then. Default:
   * false, which is always a warning.
   */
  readonly refused?: boolean;
  /** Whether there is also a warning without such an inner filter, if certainly no outer filter has identified the caller. Default: false. */
  readonly needsCaller?: boolean;
}

/** Finds errors that a factory would report, and creates nothing. */
export type Trial = (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => Awaitable<unknown>;

/**
 * Returns a filter factory with declared options. Options in the section of the paste file take precedence over the section of the same
 * name in `portico.ini`, and both over the defaults. Unknown options and invalid values refuse the file, all in one report.
 */
export const filterFactory: DeclareFactory<Filter> = declaredFactory;

/** Returns an app factory with declared options. It works like {@link filterFactory}. */
export const appFactory: DeclareFactory<App> = declaredFactory;

/** Declares a factory of apps or filters: the group and names of its options, what makes one, and further declarations. */
export type DeclareFactory<T> = <D extends OptionDeclarations>(
  group: string,
  options: D,
  make: MakeOfFactory<D, T>,
  more?: MoreOfFactory<D>,
) => ((globalConf: Conf, localConf: Conf, ctx: FactoryContext) => Awaitable<T>) & DeclaredFactory<D>;

export type MakeOfFactory<D extends OptionDeclarations, T> = (
  options: OptionsOf<D>,
  ctx: FactoryContext,
) => Awaitable<T>;

/** Further declarations of a factory. */
export interface MoreOfFactory<D extends OptionDeclarations>
  extends Pick<DeclaredFactory<D>, 'order' | 'openapi' | 'prefix' | 'groups' | 'aroundRefusals'> {
  /** See {@link DeclaredFactory.trial}; a function gets the arguments of `make`. */
  readonly trial?: boolean | MakeOfFactory<D, unknown>;
}

function declaredFactory<D extends OptionDeclarations, T>(
  group: string,
  options: D,
  make: MakeOfFactory<D, T>,
  { trial, ...more }: MoreOfFactory<D> = {},
) {
  // Refuses invalid declarations here: otherwise the error would occur far away, in other terms.
  checkDefinitions(options, group);
  owns(group, options, true);
  for (const [further, own] of Object.entries(more.groups ?? {})) owns(further, own);
  const withOptions =
    <R>(work: MakeOfFactory<D, R>) =>
    (_globalConf: Conf, _localConf: Conf, ctx: FactoryContext): Awaitable<R> => {
      const { options: local, origin } = ctx.section;
      const values = ctx.config.group(group, options, { local, origin });
      for (const [further, own] of Object.entries(more.groups ?? {})) ctx.config.register(further, own);
      return work(values, withoutSecretLines(ctx, options));
    };
  return Object.assign(withOptions(make), {
    group,
    options,
    ...more,
    ...(trial !== undefined && { trial: typeof trial === 'function' ? withOptions(trial) : trial }),
  });
}

/** Returns a context whose origins of secret options have no line of the file: an error at one would show it. */
function withoutSecretLines(ctx: FactoryContext, options: OptionDeclarations): FactoryContext {
  const { section } = ctx;
  const secret = Object.entries(options).flatMap(([opt, option]) => {
    const names = [opt, ...option.aliases, ...option.deprecated];
    return names.filter((name) => section.options.has(name) && isSecret(name, option));
  });
  if (secret.length === 0) return ctx;
  const without = (name: string): WrittenValue => {
    const { origin, ...written } = section.options.get(name)!;
    return origin === undefined ? written : { ...written, origin: { ...origin, text: undefined } };
  };
  const own = new Map([...section.options, ...secret.map((name) => [name, without(name)] as const)]);
  // Its log is made when it is first read.
  return Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(ctx),
      section: { value: { ...section, options: own }, enumerable: true },
    },
  ) as FactoryContext;
}

/**
 * Returns the location of an option's value: in the section, else in the group of the service configuration, as {@link filterFactory} finds
 * options; the section for a default.
 */
export function optionOrigin({ section, config }: FactoryContext, group: string, option: string): Origin {
  const own = section.options.get(option)?.origin;
  if (own !== undefined || !config.has(group, option)) return own ?? section.origin;
  const { option: declared, location } = config.resolve(group, option);
  const other = [...declared.aliases, ...declared.deprecated].find((name) => section.options.has(name));
  return section.options.get(other ?? '')?.origin ?? location.origin ?? section.origin;
}

/** Additions of a filter to every operation that it wraps. Responses without `content` are faults. */
export interface OpenApiAdditions {
  readonly parameters?: readonly object[];
  readonly responses?: Readonly<Record<string, object>>;
  /** Headers of every response. */
  readonly headers?: Readonly<Record<string, object>>;
  /** Headers of a 200 response to GET and HEAD. */
  readonly contentHeaders?: Readonly<Record<string, object>>;
  readonly security?: readonly object[];
  /** Whether one of the schemes is required, if outer filters leave that to the app. Default: as in the outer filters. */
  readonly needsCaller?: boolean;
  /** The name of a guard that requires a caller and does not say by which scheme; for documents without any other scheme. */
  readonly guard?: string | undefined;
  /** The schemes that `security` names. */
  readonly securitySchemes?: Readonly<Record<string, object>>;
}

/** A filter in code with additions to the documents of the operations that it wraps, such as one around the controllers of a Router. */
export interface Described {
  readonly openapi?: OpenApiAdditions | undefined;
}

/** Returns the additions of a filter made in code, as a list with one or none. */
export function additionsOf(filter: Filter): readonly OpenApiAdditions[] {
  const { openapi } = filter as Described;
  return openapi === undefined ? [] : [openapi];
}

/** The authentication of callers: the group `[api]`, for filters and composites that select by it. */
export const authOptions = defineOptions('api', {
  auth_strategy: string({
    default: 'keystone',
    aliases: ['DEFAULT.auth_strategy'],
    help: 'Selects a pipeline of a byOption composite. The noauth filter loads only with noauth or noauth2.',
  }),
});
