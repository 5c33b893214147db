/**
 * How a section of a paste file becomes an app or a filter: PasteDeploy's factory protocols, with one argument more; and what
 * filters and apps say of themselves.
 */
import type { IncomingMessage } from 'node:http';
import {
  type Config,
  defineOptions,
  type OptionDeclarations,
  type OptionsOf,
  string,
  type WrittenValue,
} from '../config/index.js';
import type { Origin } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { Awaitable, RPCClients } from '../service/index.js';
import type { App, Filter } from './app.js';

/** Configuration as text, in the order of the file. A Map, because option names may be `__proto__` or `17`. */
export type Conf = ReadonlyMap<string, string>;

/** The section a factory is called for: its kind and name, and where each of its options is. */
export interface Section {
  /** `app`, `filter`, `composite`, `filter-app`, `pipeline` or `server`. */
  readonly kind: string;
  readonly name: string;
  readonly origin: Origin;
  /** The options of `localConf` with the place each was written at. */
  readonly options: ReadonlyMap<string, WrittenValue>;
}

/** The loader's arguments for a factory. */
export interface FactoryContext {
  readonly section: Section;
  /** The service configuration; empty where a Loader was made without one. */
  readonly config: Config;
  /** The API that is loaded, by its name in `[api:<name>]`; undefined for a Loader used by itself. */
  readonly service?: string | undefined;
  readonly log: Logger;
  /**
   * The way to other services, as `rpc` of a manager: one for all factories of an app, made for the first that asks, counted with
   * its API and closed with it. Make clients in the factory: what they cannot reach is refused then. A promise, because an app
   * that makes no calls loads nothing of them.
   */
  rpc(): Promise<RPCClients>;
  /** Registers a release: run once, in reverse order of registration, when the loaded app is closed. */
  onClose(release: () => Awaitable<void>): void;
}

/** Loader of a composite factory's children. */
export interface SectionLoader {
  getApp(name?: string, globalConf?: Conf): Promise<App>;
  getFilter(name?: string, globalConf?: Conf): Promise<Filter>;
}

/** `paste.app_factory`. `globalConf` is `[DEFAULT]` after `set`; `localConf` is the section. */
export type AppFactory = (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => Awaitable<App>;
/** `paste.filter_factory`. */
export type FilterFactory = (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => Awaitable<Filter>;
/** `paste.filter_app_factory`: filter and application in one step. */
export type FilterAppFactory = (app: App, globalConf: Conf, localConf: Conf, ctx: FactoryContext) => Awaitable<App>;
/** `paste.composite_factory`: asks `loader` for apps and filters by name. */
export type CompositeFactory = (
  loader: SectionLoader,
  globalConf: Conf,
  localConf: Conf,
  ctx: FactoryContext,
) => Awaitable<App>;

/** Options that a factory has declared, so that a file can be checked without calling the factory. */
export interface DeclaredFactory<D extends OptionDeclarations = OptionDeclarations> {
  /** The group of the service configuration that gives defaults: `[sizelimit]`. */
  readonly group: string;
  readonly options: D;
  /**
   * Making it opens nothing that its releases do not close, and sends no request, so that a check may make it, to find what
   * it refuses beyond its options, and release it again; or a function with a factory's arguments that does so in its
   * place. Default false.
   */
  readonly trial?: boolean | Trial;
  /** The order it wants with these options; undefined: any. */
  readonly order?: (options: OptionsOf<D>) => WantedOrder | undefined;
  /** Its description. */
  readonly describe?: Describe<OptionsOf<D>>;
  /** Further groups of the service configuration that it reads, `[api:compute]` or one of its own, with their options. */
  readonly groups?: Readonly<Record<string, OptionDeclarations>>;
  /**
   * Its filter, which names a request or adds headers, is also around the answers to requests that a server refuses before any pipeline:
   * a malformed path, a head that is too large. Of such a request method, URL and headers are there as far as they could be read.
   */
  readonly aroundRefusals?: boolean;
}

/**
 * Tells what a factory with these options makes; with `req`, what that would do with the request, of which method, URL and
 * headers are known. Called without the factory being called: it opens and asks nothing.
 */
export type Describe<O> = (options: O, req: IncomingMessage | undefined, ctx: DescribeContext) => Description;

/** The part of a {@link FactoryContext} that is known where nothing is loaded. */
export interface DescribeContext {
  readonly section: Pick<Section, 'options'>;
  readonly config: Config;
}

/** Place that a filter wants in a pipeline. */
export interface WantedOrder {
  /** Names of filters: one that is further in, and none further out, is told at the load and by a check. */
  readonly behind: readonly string[];
  /** The consequence, as the rest of a sentence. */
  readonly why: string;
  /** The remedy. Default: the other order. */
  readonly hint?: string;
  /**
   * The filter can do nothing there unless one further out has found the caller: the file is refused where none can have, else warned of.
   * Default false: a warning.
   */
  readonly refused?: boolean;
}

/** Finds what a factory would refuse, and makes nothing. */
export type Trial = (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => Awaitable<unknown>;

/** The options of a section as they are at this moment: those declared `mutable` follow the service configuration. */
export type LiveOptions<D extends OptionDeclarations> = () => OptionsOf<D>;

/**
 * A filter factory with declared options. Options in the section of the paste file take precedence over the section of the
 * same name in `portico.ini`, and both over the defaults. Unknown options and invalid values refuse the file, all in one report.
 * A filter with mutable options calls `live()` once per request.
 */
export function filterFactory<D extends OptionDeclarations>(
  group: string,
  options: D,
  make: MakeOfFactory<D, Filter>,
  more: MoreOfFactory<D> = {},
): FilterFactory & DeclaredFactory<D> {
  return declaredFactory(group, options, make, more);
}

/** An app factory with declared options. It works like {@link filterFactory}. */
export function appFactory<D extends OptionDeclarations>(
  group: string,
  options: D,
  make: MakeOfFactory<D, App>,
  more: MoreOfFactory<D> = {},
): AppFactory & DeclaredFactory<D> {
  return declaredFactory(group, options, make, more);
}

export type MakeOfFactory<D extends OptionDeclarations, T> = (
  options: OptionsOf<D>,
  ctx: FactoryContext,
  live: LiveOptions<D>,
) => Awaitable<T>;

/** Further declarations of a factory. */
export interface MoreOfFactory<D extends OptionDeclarations> {
  /** As {@link DeclaredFactory.trial}; a function is given what `make` is given. */
  readonly trial?: boolean | MakeOfFactory<D, unknown>;
  /** As {@link DeclaredFactory.order}. */
  readonly order?: (options: OptionsOf<D>) => WantedOrder | undefined;
  /** As {@link DeclaredFactory.describe}. */
  readonly describe?: Describe<OptionsOf<D>>;
  /** As {@link DeclaredFactory.groups}. */
  readonly groups?: Readonly<Record<string, OptionDeclarations>>;
  /** As {@link DeclaredFactory.aroundRefusals}. */
  readonly aroundRefusals?: boolean;
}

function declaredFactory<D extends OptionDeclarations, T>(
  group: string,
  options: D,
  make: MakeOfFactory<D, T>,
  { trial, order, describe, groups, aroundRefusals }: MoreOfFactory<D>,
) {
  // Refuses what is no declaration: it would fail far from here, in the words of its reader.
  defineOptions(options);
  const withOptions =
    <R>(work: MakeOfFactory<D, R>) =>
    (_globalConf: Conf, _localConf: Conf, ctx: FactoryContext): Awaitable<R> => {
      const live = follow(group, options, ctx);
      for (const [further, own] of Object.entries(groups ?? {})) ctx.config.register(further, own);
      return work(live(), ctx, live);
    };
  return Object.assign(withOptions(make), {
    group,
    options,
    ...(groups === undefined ? {} : { groups }),
    ...(aroundRefusals === undefined ? {} : { aroundRefusals }),
    ...(trial === undefined ? {} : { trial: typeof trial === 'function' ? withOptions(trial) : trial }),
    ...(order === undefined ? {} : { order }),
    ...(describe === undefined ? {} : { describe }),
  });
}

/**
 * Place of an option's value: in the section, else in the group of the service configuration, as the options
 * of {@link filterFactory} are found; the section where it is a default.
 */
export function optionOrigin({ section, config }: FactoryContext, group: string, option: string): Origin {
  const own = section.options.get(option)?.origin;
  if (own !== undefined || !config.has(group, option)) return own ?? section.origin;
  return config.getLocation(group, option).origin ?? section.origin;
}

function follow<D extends OptionDeclarations>(group: string, options: D, ctx: FactoryContext): LiveOptions<D> {
  const { options: local, origin } = ctx.section;
  let current = ctx.config.group(group, options, { local, origin });
  if (Object.values(options).some(({ mutable }) => mutable)) {
    const end = ctx.config.onMutate((config) => {
      current = config.group(group, options, { local, origin });
    });
    ctx.onClose(end);
  }
  return () => current;
}

/** Description of a filter or an app. */
export interface Description {
  /** The rest of a sentence whose subject it is: "answers 413 to a body of more than 114688 bytes". */
  readonly does: string;
  /**
   * Whether a filter answers in the place of the app inside it: never, which is the default; perhaps; always, or with this
   * status, which is said of the request that is asked about.
   */
  readonly answers?: 'never' | 'perhaps' | 'always' | number;
  /** URL as the app inside sees it, where that differs. */
  readonly rewrites?: { readonly scriptName: string; readonly url: string };
  /** Its addition to each operation of an OpenAPI document. */
  readonly openapi?: OpenApiAdditions;
}

/** A filter's addition to every operation it wraps. Responses without `content` are faults. */
export interface OpenApiAdditions {
  readonly parameters?: readonly object[];
  readonly responses?: Readonly<Record<string, object>>;
  /** Headers of every response. */
  readonly headers?: Readonly<Record<string, object>>;
  /** Headers of a 200 to GET and HEAD. */
  readonly contentHeaders?: Readonly<Record<string, object>>;
  readonly security?: readonly object[];
  /** Whether one of the schemes is needed, where those around leave the decision to the app. Default: as they say. */
  readonly needsCaller?: boolean;
  /** The schemes that `security` names. */
  readonly securitySchemes?: Readonly<Record<string, object>>;
}

/** A filter or app in code, such as those around the controllers of a Router, that says what it does. */
export interface Described {
  readonly describe?: (req?: IncomingMessage) => Description;
}

/** Description of a filter or app made in code. */
export function descriptionOf(made: Filter | App, req?: IncomingMessage): Description | undefined {
  return (made as Described).describe?.(req);
}

/** How callers are authenticated: the group `[api]`, for those who choose by it. */
export const authOptions = defineOptions({
  auth_strategy: string({
    default: 'keystone',
    aliases: ['DEFAULT.auth_strategy'],
    help: 'How callers are authenticated: selects a pipeline of a byOption composite. The noauth filter loads only if this is noauth or noauth2.',
  }),
});
