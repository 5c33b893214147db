/** Loads the plugins of a health check, and runs them with a cache and a timeout. Concurrent requests share one check. */
import { dirname } from 'node:path';
import type { FactoryContext } from '../../app/index.js';
import { optionOrigin } from '../../app/internal.js';
import type { OptionsOf } from '../../config/index.js';
import { ConfigurationRefused, errorText, type PorticoError, Refusals } from '../../errors/index.js';
import { Drivers } from '../../service/internal.js';
import { systemClock, within } from '../../tasks/internal.js';
import { refusalAt } from '../refusing.js';
import {
  type AskedAt,
  type HealthcheckPlugin,
  type healthcheckOptions,
  type PluginResult,
  SHIPPED_PLUGINS,
} from './healthcheck-plugins.js';

type Options = OptionsOf<typeof healthcheckOptions>;

/** Codes of a plugin that exists but fails to start. Others are errors in the configuration. */
const FAILED: ReadonlySet<string | undefined> = new Set(['PORTICO_DRIVER_OPEN', 'PORTICO_DRIVER_FAILED']);

/** Creates the plugins, which are closed with the section. Throws ConfigurationRefused if a plugin cannot be found. */
export async function loadPlugins(options: Options, ctx: FactoryContext): Promise<Map<string, HealthcheckPlugin>> {
  const { backends } = options;
  const drivers = driversOf(ctx);
  ctx.onClose(() => drivers.close());
  await findAll(drivers, backends, ctx);
  const plugins = new Map<string, HealthcheckPlugin>();
  for (const name of plugged(backends)) {
    const made = { required: ['check'], args: [options, ctx.log] };
    plugins.set(name, await placed(ctx, () => drivers.load<HealthcheckPlugin>(name, made)));
  }
  return plugins;
}

/** Checks for the errors that {@link loadPlugins} would throw. Does not create plugins. */
export async function checkPlugins({ backends }: Options, ctx: FactoryContext): Promise<void> {
  await findAll(driversOf(ctx), backends, ctx);
}

/** Imports the plugins without creating them. Reports all errors together. */
async function findAll(drivers: Drivers, backends: readonly string[], ctx: FactoryContext): Promise<void> {
  const refusals = new Refusals();
  await refusals.gather(() => checkBackends(backends, ctx));
  for (const name of plugged(backends)) {
    await refusals.gather(() => placed(ctx, () => drivers.find(name)));
  }
  refusals.refuse();
}

function driversOf(ctx: FactoryContext): Drivers {
  return new Drivers({ folder: dirname(ctx.section.origin.file), builtin: SHIPPED_PLUGINS, log: ctx.log });
}

/** Returns the names of plugins. `draining` is built into the health check. */
function plugged(backends: readonly string[]): string[] {
  return backends.filter((name) => name !== 'draining');
}

/** Refuses backends that enable and disable the service by files at the same time. */
function checkBackends(backends: readonly string[], ctx: FactoryContext): void {
  if (!backends.includes('enable_by_files')) return;
  const other = backends.find((name) => name === 'disable_by_file' || name === 'disable_by_files_ports');
  if (other === undefined) return;
  throw new ConfigurationRefused('PORTICO_HEALTHCHECK_BACKENDS', {
    message: `enable_by_files and ${other} are mutually exclusive`,
    hint: 'Keep one of the two in backends.',
    origin: optionOrigin(ctx, 'healthcheck', 'backends'),
  });
}

/** Reports a plugin that cannot be found at the option that names it. */
async function placed<T>(ctx: FactoryContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const hasFailed = FAILED.has((error as Partial<PorticoError>).code);
    throw hasFailed ? error : refusalAt(error, optionOrigin(ctx, 'healthcheck', 'backends'));
  }
}

/** The result of a plugin, with its name. */
export interface NamedResult extends PluginResult {
  readonly plugin: string;
}

/** Runs plugins and caches their results, so that frequent probes share one check. */
export class PluginRunner {
  readonly #plugins: ReadonlyMap<string, HealthcheckPlugin>;
  readonly #limits: Pick<Options, 'cacheMs' | 'timeoutMs'>;
  readonly #answered = new Map<string, { readonly at: number; readonly result: Promise<PluginResult> }>();

  constructor(plugins: ReadonlyMap<string, HealthcheckPlugin>, limits: Pick<Options, 'cacheMs' | 'timeoutMs'>) {
    this.#plugins = plugins;
    this.#limits = limits;
  }

  /** Returns the results of the plugins that `isAsked` selects, in their order. Never rejects. */
  async check(isAsked: (name: string) => boolean, at: AskedAt): Promise<NamedResult[]> {
    const asked = [...this.#plugins].filter(([name]) => isAsked(name));
    return Promise.all(
      asked.map(async ([name, plugin]) => ({ plugin: plugin.name ?? name, ...(await this.#ask(name, plugin, at)) })),
    );
  }

  #ask(name: string, plugin: HealthcheckPlugin, at: AskedAt): Promise<PluginResult> {
    const key = `${name} ${at.port}`;
    const last = this.#answered.get(key);
    const now = systemClock.now();
    if (last !== undefined && now - last.at < this.#limits.cacheMs) return last.result;
    const result = this.#limited(plugin, at);
    this.#answered.set(key, { at: Number.POSITIVE_INFINITY, result });
    // The cache time begins with the result. Until then all requests share this check.
    void result.then(() => this.#answered.set(key, { at: systemClock.now(), result }));
    return result;
  }

  async #limited(plugin: HealthcheckPlugin, at: AskedAt): Promise<PluginResult> {
    const over = new AbortController();
    const { timeoutMs: ms } = this.#limits;
    try {
      const asked = Promise.resolve(plugin.check({ ...at, signal: over.signal }));
      return await within(asked, { ms }, () => {
        over.abort();
        return { available: false, reason: 'TIMEOUT', details: `no answer within ${ms} ms` };
      });
    } catch (error) {
      return { available: false, reason: 'CHECK FAILED', details: errorText(error) };
    }
  }
}
