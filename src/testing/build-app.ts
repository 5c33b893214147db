/** Calls factories as a Loader does, without a paste file. */
import { join } from 'node:path';
import type { App, AppFactory, Conf, FactoryContext, Filter, FilterFactory } from '../app/index.js';
import { callFactory, configuredFaultForm, type FaultForm, inFaultForm } from '../app/internal.js';
import { Config } from '../config/index.js';
import { PorticoError, whatItIs } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { silentLogger } from '../log/internal.js';
import { callsProvider } from '../managers/index.js';
import type { Awaitable, RPCClients } from '../service/index.js';
import { JobList } from '../tasks/internal.js';
import { checkOptions } from './check-options.js';

/** The environment of a factory. */
export interface BuildOptions {
  /** The options of the section, as written. */
  readonly local?: Readonly<Record<string, string>>;
  /** `[DEFAULT]` of the paste file. */
  readonly global?: Readonly<Record<string, string>>;
  /** The service configuration, or its text. Default: empty. */
  readonly config?: Config | string;
  /** The service name that the factory receives. Default: none. */
  readonly service?: string;
  /** The folder of the paste file, from which relative modules are resolved. Default: the current one. */
  readonly folder?: string;
  /** Default: a logger that writes nothing. */
  readonly log?: Logger;
  /** Whether the factory is called as by `api-cli check`. Default: false. */
  readonly isTrial?: boolean;
}

const NAMES: Readonly<Record<keyof BuildOptions, true>> = {
  local: true,
  global: true,
  config: true,
  service: true,
  folder: true,
  log: true,
  isTrial: true,
};

/** The product of a factory, and the function that releases its resources. */
export interface Built<T> {
  readonly made: T;
  readonly close: () => Promise<void>;
}

/**
 * Builds a filter from its factory. Rejects with `PORTICO_WRONG_RESULT` if the factory returns no function, as a Loader does; the filter
 * throws the same error if it returns no app.
 */
export async function buildFilter(factory: FilterFactory, options: BuildOptions = {}): Promise<Built<Filter>> {
  const { made: filter, faults, close } = await build('filter', factory, options);
  const made: Filter = (app) => {
    const wrapped: unknown = filter(app);
    const checked = (result: unknown): App => inFaultForm(isResult(result, 'the filter', 'an app'), faults);
    // A filter may return a promise, as in a Loader.
    if (wrapped instanceof Promise) return wrapped.then(checked) as never;
    return checked(wrapped);
  };
  return { made: Object.assign(made, filter), close };
}

/** Builds an app from its factory. Rejects with `PORTICO_WRONG_RESULT` if the factory returns no function, as a Loader does. */
export async function buildApp(factory: AppFactory, options: BuildOptions = {}): Promise<Built<App>> {
  const { made, faults, close } = await build('app', factory, options);
  return { made: inFaultForm(made, faults), close };
}

async function build<T>(
  kind: 'filter' | 'app',
  factory: (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => Awaitable<T>,
  options: BuildOptions,
): Promise<Built<T> & { readonly faults: FaultForm }> {
  const what = kind === 'filter' ? 'buildFilter' : 'buildApp';
  checkOptions(what, options, NAMES);
  const { local = {}, global = {}, config, service, folder = '.', log = silentLogger(), isTrial = false } = options;
  const releases: ((over?: AbortSignal) => Awaitable<void>)[] = [];
  const origin = { file: join(folder, 'test.ini'), line: 1, column: 1, section: `${kind}:test` };
  const written = Object.entries(local).map(([option, value], at) => {
    return [option, { value, origin: { ...origin, line: at + 2, option } }] as const;
  });
  let rpc: Promise<RPCClients> | undefined;
  const connect = async (): Promise<RPCClients> => {
    const provider = await callsProvider(ctx.config);
    const connection = provider.calls().connect(ctx.config, { log });
    releases.push(() => connection.close());
    return connection;
  };
  const ctx: FactoryContext = {
    section: { kind, name: 'test', origin, options: new Map(written) },
    config: typeof config === 'string' ? Config.fromText(config) : (config ?? new Config()),
    service,
    log,
    isTrial,
    rpc: () => (rpc ??= connect()),
    tasks: new JobList(),
    onClose: (release) => void releases.push(release),
  };
  if (typeof factory !== 'function') throw wrongResult(`the factory is ${whatItIs(factory)}, not a function`);
  const result: unknown = await callFactory(ctx, () =>
    factory(new Map(Object.entries(global)), new Map(Object.entries(local)), ctx),
  );
  const made = isResult<T>(result, 'the factory', kind === 'filter' ? 'a filter' : 'an app');
  return {
    made,
    faults: await configuredFaultForm(ctx.config, service),
    close: async () => {
      for (const release of releases.splice(0).reverse()) await release(AbortSignal.abort());
    },
  };
}

function wrongResult(message: string): PorticoError {
  return new PorticoError('PORTICO_WRONG_RESULT', {
    message,
    hint: 'An app is a function (req, res); a filter takes an app and returns one; a factory returns either.',
  });
}

function isResult<T>(result: unknown, who: string, what: string): T {
  if (typeof result === 'function') return result as T;
  throw wrongResult(`${who} gave ${whatItIs(result)}, not ${what}`);
}
