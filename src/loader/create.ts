/**
 * Creating: calls the factories of a loaded tree, one after the other, in PasteDeploy's order.
 *
 * A pipeline: its app, its filters from the left, then the filters are put around from the right. A filter-app: what
 * is inside, then the filter. A filter-with: the filter first. A composite makes its children when it asks for them.
 */
import type { App, Filter } from '../app/index.js';
import { ConfigurationRefused, errorText, PorticoError } from '../errors/index.js';
import { whileLoading } from '../process/index.js';
import type { Awaitable } from '../service/index.js';
import { type Context, headerOf, isComposite } from './context.js';
import { argumentsFor, type GivenToFactories } from './factory-context.js';
import { orderWarnings } from './filter-order.js';
import { FactoryFailed, PasteError, pasteCode, refuse } from './paste-error.js';
import { A_KIND, type Kind } from './section.js';

type Conf = ReadonlyMap<string, string>;

/** A filter as a factory gave it: applying it may take time. */
export type AwaitableFilter = (app: App) => Awaitable<App>;
/** What a server section gives: a function that serves an app. */
export type ServerFactory = (app: App) => Awaitable<unknown>;
/** A filter with `filter-with`: the outer around the inner, in one. */
export type ComposedFilter = AwaitableFilter & { readonly outer: AwaitableFilter; readonly inner: AwaitableFilter };
/** What creation gives, by kind. */
export type Created = App | AwaitableFilter | ServerFactory;

type AnyFactory = (...args: readonly unknown[]) => Awaitable<unknown>;

/** What is put between the parts of a tree. */
export interface Around {
  /** Around each app that is no composite; undefined: nothing. */
  readonly aroundApp?: Filter | undefined;
  /** Before each filter of a pipeline, and before its app: one more than there are filters; undefined: nothing. */
  readonly aroundFilters?: ((pipeline: string, filters: readonly string[]) => readonly Filter[]) | undefined;
}

/** What creating needs beside the tree. */
export interface CreationParts extends GivenToFactories {
  readonly around: Around;
  /** Loads a child that a composite asked for, its factories resolved. */
  readonly child: (composite: Context, kind: Kind, name?: string, globalConf?: Conf) => Promise<Context>;
}

/** Calls factories. One object for one tree. */
export class Creation {
  readonly #from: CreationParts;

  constructor(from: CreationParts) {
    this.#from = from;
  }

  /** The app, filter or server of a context. */
  async create(context: Context): Promise<Created> {
    // An async function runs on its caller's stack until its first await: filter-apps may stand a thousand deep.
    if (context.reference.depth % STACKED === 0) await Promise.resolve();
    switch (context.type) {
      case 'pipeline': {
        for (const { origin, message, hint } of orderWarnings(context, this.#from.config)) {
          this.#from.log.warn(`pipeline "${headerOf(context).name}": ${message}`, {
            hint,
            file: origin?.file,
            line: origin?.line,
          });
        }
        const app = await this.#app(context.app!);
        const filters: AwaitableFilter[] = [];
        for (const filter of context.filters!) filters.push(await this.#filter(filter));
        return this.#around(context, filters, context.filters!, app);
      }
      case 'filter-app': {
        const app = await this.#app(context.next!);
        return this.#around(context, [await this.#filter(context.filter!)], [context.filter!], app);
      }
      case 'filter-with': {
        const outer = await this.#filter(context.filter!);
        if (context.kind === 'app')
          return this.#around(context, [outer], [context.filter!], await this.#app(context.next!));
        const inner = await this.#filter(context.next!);
        return Object.assign(async (app: App) => outer(await this.#apply(inner, context.next!, app)), { outer, inner });
      }
      case 'plain':
      case 'broken':
        return this.#plain(context);
    }
  }

  async #app(context: Context): Promise<App> {
    return (await this.create(context)) as App;
  }

  async #filter(context: Context): Promise<AwaitableFilter> {
    return (await this.create(context)) as AwaitableFilter;
  }

  async #around(
    pipeline: Context,
    filters: readonly AwaitableFilter[],
    contexts: readonly Context[],
    app: App,
  ): Promise<App> {
    const between = this.#between(pipeline, contexts);
    let wrapped = between?.at(-1)?.(app) ?? app;
    for (let at = filters.length - 1; at >= 0; at--) {
      wrapped = await this.#apply(filters[at]!, contexts[at]!, wrapped);
      wrapped = between?.[at]?.(wrapped) ?? wrapped;
    }
    return wrapped;
  }

  #between(pipeline: Context, filters: readonly Context[]): readonly Filter[] | undefined {
    const names = filters.map((filter) => headerOf(filter).name);
    return this.#from.around.aroundFilters?.(headerOf(pipeline).name, names);
  }

  async #apply(filter: AwaitableFilter, context: Context, app: App): Promise<App> {
    const takesResponse = filter.length > 1;
    const wrapped: unknown = await guarded(context, () => filter(app), takesResponse);
    if (typeof wrapped !== 'function') throw wrongResult(context, 'its filter gave', wrapped, 'an app', takesResponse);
    return wrapped as App;
  }

  async #plain(context: Context): Promise<Created> {
    const { protocol, kind } = context;
    if (!usableProtocol(context)) throw unknownProtocol(context);
    const factory = context.factory!.value;
    if (typeof factory !== 'function') throw notCallable(context);
    const call = factory as AnyFactory;
    const { globalConf, localConf, ctx } = argumentsFor(context, this.#from);
    if (protocol === 'paste.filter_app_factory' || protocol === 'paste.server_runner') {
      const wrap = (app: App) => call(app, globalConf, localConf, ctx) as Awaitable<App>;
      return Object.assign(wrap, { factory: context.factory!.written, localConf });
    }
    const args = isComposite(context)
      ? () => call(this.#loaderFor(context), globalConf, localConf, ctx)
      : () => call(globalConf, localConf, ctx);
    const result = await guarded(context, args);
    if (typeof result !== 'function') throw wrongResult(context, 'gave', result, A_KIND[kind]);
    const { aroundApp } = this.#from.around;
    if (aroundApp !== undefined && kind === 'app' && !isComposite(context)) return aroundApp(result as App);
    return result as Created;
  }

  /** What a composite asks for its children; their origin is the option that names them. */
  #loaderFor(context: Context) {
    const make = async (kind: Kind, name?: string, globalConf?: Conf): Promise<Created> => {
      const child = await this.#from.child(context, kind, name, globalConf);
      context.children.push({ get: kind, name: name ?? '', context: child });
      return this.create(child);
    };
    return {
      getApp: (name?: string, globalConf?: Conf) => make('app', name, globalConf) as Promise<App>,
      getFilter: (name?: string, globalConf?: Conf) => make('filter', name, globalConf) as Promise<Filter>,
      getServer: (name?: string, globalConf?: Conf) => make('server', name, globalConf) as Promise<ServerFactory>,
      betweenFilters: () => {
        const filters = context.children.filter(({ get }) => get === 'filter');
        return this.#between(
          context,
          filters.map((filter) => filter.context),
        );
      },
    };
  }
}

/** How many references deep creation goes on one stack. */
const STACKED = 64;

/** The protocols that can be created, and the kind each gives. */
const KNOWN: ReadonlyMap<string, Kind> = new Map([
  ['paste.app_factory', 'app'],
  ['paste.composite_factory', 'app'],
  ['paste.composit_factory', 'app'],
  ['paste.filter_factory', 'filter'],
  ['paste.filter_app_factory', 'filter'],
  ['paste.server_factory', 'server'],
  ['paste.server_runner', 'server'],
]);

/** `isApp`: what is called takes more than a filter does. */
async function guarded<T>(context: Context, call: () => Awaitable<T>, isApp = false): Promise<T> {
  try {
    return await whileLoading(() => loadingText(context), call);
  } catch (error) {
    const { origin } = headerOf(context);
    if (error instanceof PasteError)
      throw error.origin === undefined ? explained(error.with({ origin }), context) : error;
    if (error instanceof ConfigurationRefused) throw error;
    const reason = errorText(error);
    const failed = new FactoryFailed(pasteCode('factory-failed'), {
      message: `${named(context)}: ${context.factory?.written ?? 'its factory'} failed: ${reason}`,
      origin,
      cause: error,
      hint: isNoFactory(error) || (isApp && error instanceof TypeError) ? HOW_CALLED : hintOf(error),
    });
    throw explained(failed, context);
  }
}

const HOW_CALLED =
  'A factory is called with (globalConf, localConf, ctx) and gives the app or filter: is its outer function missing?';

function hintOf(error: unknown): string | undefined {
  return error instanceof PorticoError ? error.hint : undefined;
}

/** What a filter or an app says that is called in the place of a factory: it is given plain values. */
function isNoFactory(error: unknown): boolean {
  return error instanceof TypeError && error.message.endsWith(' is not a function');
}

/** A factory at work: what a start that takes too long says it waits for. */
function loadingText(context: Context): string {
  const { origin } = headerOf(context);
  const place = origin === undefined ? '' : `${origin.file}:${origin.line}:${origin.column}: `;
  return `${place}${named(context)} ${context.factory?.written ?? ''}`.trimEnd();
}

function explained(error: PasteError, { reference }: Context): unknown {
  return reference.explain(error);
}

/** True when a factory of this protocol makes what was asked for. */
export function usableProtocol({ protocol, kind }: Context): boolean {
  return KNOWN.get(protocol ?? '') === kind;
}

/** The error for a factory that nothing says how to call. */
export function unknownProtocol(context: Context): unknown {
  const { protocol, factory } = context;
  const error = refuse('unknown-protocol', {
    message:
      protocol === null
        ? `${factory?.written ?? 'the factory'} has no protocol here: nothing says whether it makes an app or a filter.`
        : `${factory?.written ?? 'the factory'} has the unknown protocol ${protocol}.`,
    hint: 'Put it into a section of its own: [app:…], [composite:…] or [filter:…] with "use = call:…".',
    origin: context.reference.origin ?? headerOf(context).origin,
  });
  return explained(error, context);
}

function notCallable(context: Context): unknown {
  const { written, value, origin } = context.factory!;
  const error = refuse('bad-type', {
    message: `${written} is ${kindOfValue(value)}, not a factory that can be called.`,
    hint: 'Name a function: module:export.',
    origin: origin ?? headerOf(context).origin,
  });
  return explained(error, context);
}

function wrongResult(context: Context, verb: string, result: unknown, wanted: string, isApp = false): unknown {
  const error = refuse('bad-type', {
    message: `${named(context)}: ${context.factory?.written ?? 'the filter'} ${verb} ${kindOfValue(result)} instead of ${wanted}.`,
    hint: isApp
      ? HOW_CALLED
      : wanted === 'an app'
        ? 'An app is a function (req, res); a factory returns it, or a promise of it.'
        : 'A filter is a function that takes an app and returns one; its factory returns that function.',
    origin: headerOf(context).origin,
  });
  return explained(error, context);
}

function named(context: Context): string {
  const { prefix, name } = headerOf(context);
  return `${prefix} "${name}"`;
}

function kindOfValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  return typeof value === 'function' ? 'a function' : `a ${typeof value}`;
}
