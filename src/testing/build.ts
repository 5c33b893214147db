/**
 * Factories called as a Loader calls them, without a file.
 */
import { join } from 'node:path';
import type { App, AppFactory, Conf, FactoryContext, Filter, FilterFactory } from '../app/index.js';
import { Config } from '../config/index.js';
import { type Logger, silentLogger } from '../log.js';
import type { Awaitable } from '../service/index.js';

/** What a factory finds around it. */
export interface BuildOptions {
  /** The section's own options, as written. */
  readonly local?: Readonly<Record<string, string>>;
  /** `[DEFAULT]` of the paste file. */
  readonly global?: Readonly<Record<string, string>>;
  /** The service configuration, or its text. Default: empty. */
  readonly config?: Config | string;
  readonly service?: string;
  /** The folder of the paste file, where relative modules are looked for. Default: the current one. */
  readonly folder?: string;
  readonly log?: Logger;
}

/** What a factory has made, and how to release what it holds. */
export interface Built<T> {
  readonly made: T;
  readonly close: () => Promise<void>;
}

/** A filter from its factory. */
export function buildFilter(factory: FilterFactory, options: BuildOptions = {}): Promise<Built<Filter>> {
  return build('filter', factory, options);
}

/** An app from its factory. */
export function buildApp(factory: AppFactory, options: BuildOptions = {}): Promise<Built<App>> {
  return build('app', factory, options);
}

async function build<T>(
  kind: string,
  factory: (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => Awaitable<T>,
  { local = {}, global = {}, config, service, folder = '.', log = silentLogger() }: BuildOptions,
): Promise<Built<T>> {
  const releases: (() => Awaitable<void>)[] = [];
  const origin = { file: join(folder, 'test.ini'), line: 1, column: 1, section: `${kind}:test` };
  const written = Object.entries(local).map(([option, value], at) => {
    return [option, { value, origin: { ...origin, line: at + 2, option } }] as const;
  });
  const ctx: FactoryContext = {
    section: { kind, name: 'test', origin, options: new Map(written) },
    config: typeof config === 'string' ? Config.fromText(config) : (config ?? new Config()),
    service,
    log,
    onClose: (release) => void releases.push(release),
  };
  const made = await factory(new Map(Object.entries(global)), new Map(Object.entries(local)), ctx);
  return {
    made,
    close: async () => {
      for (const release of releases.splice(0).reverse()) await release();
    },
  };
}
