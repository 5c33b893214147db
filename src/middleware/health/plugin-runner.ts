/**
 * The plugins that a health check names: looked for, made, and asked, each at most once at a time and once in a while, and never for
 * long.
 */
import { dirname } from 'node:path';
import type { FactoryContext, LiveOptions } from '../../app/index.js';
import type { OptionsOf } from '../../config/index.js';
import { ConfigurationRefused, errorText, type Origin, PorticoError, Refusals } from '../../errors/index.js';
import { Drivers } from '../../service/index.js';
import { systemClock, within } from '../../tasks/internal.js';
import {
  type AskedAt,
  type HealthcheckPlugin,
  type healthcheckOptions,
  type PluginResult,
  SHIPPED_PLUGINS,
} from './healthcheck-plugins.js';

/** These say that a plugin is there and does not work: a failed start, and no mistake of the configuration. */
const FAILED: ReadonlySet<string> = new Set(['PORTICO_DRIVER_OPEN', 'PORTICO_DRIVER_FAILED']);

/** Makes the plugins; they are closed with the section. Throws ConfigurationRefused for those that cannot be had. */
export async function loadPlugins(
  backends: readonly string[],
  ctx: FactoryContext,
  live: LiveOptions<typeof healthcheckOptions>,
): Promise<Map<string, HealthcheckPlugin>> {
  const drivers = driversOf(ctx);
  ctx.onClose(() => drivers.close());
  await findAll(drivers, backends, ctx);
  const plugins = new Map<string, HealthcheckPlugin>();
  for (const name of plugged(backends)) {
    const made = { required: ['check'], args: [live, ctx.log] };
    plugins.set(name, await placed(ctx, () => drivers.load<HealthcheckPlugin>(name, made)));
  }
  return plugins;
}

/** Finds what {@link loadPlugins} would refuse, and makes none. */
export async function checkPlugins(
  { backends }: OptionsOf<typeof healthcheckOptions>,
  ctx: FactoryContext,
): Promise<void> {
  await findAll(driversOf(ctx), backends, ctx);
}

/** Imports what is named, and makes nothing. Refuses all of it at once that cannot be had. */
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

/** Whether the service drains the health check knows by itself. */
function plugged(backends: readonly string[]): string[] {
  return backends.filter((name) => name !== 'draining');
}

/** A service that is on by one set of files and off by another would be neither. */
function checkBackends(backends: readonly string[], ctx: FactoryContext): void {
  if (!backends.includes('enable_by_files')) return;
  const other = backends.find((name) => name === 'disable_by_file' || name === 'disable_by_files_ports');
  if (other === undefined) return;
  throw new ConfigurationRefused('PORTICO_HEALTHCHECK_BACKENDS', {
    message: `enable_by_files and ${other} are mutually exclusive`,
    hint: 'Keep one of the two in backends.',
    origin: backendsOf(ctx),
  });
}

/** A plugin that is not there is a mistake of the option that names it. */
async function placed<T>(ctx: FactoryContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PorticoError) || error instanceof ConfigurationRefused || FAILED.has(error.code))
      throw error;
    const { code, message, hint } = error;
    throw new ConfigurationRefused(code, { message, hint, origin: backendsOf(ctx), cause: error });
  }
}

function backendsOf({ section }: FactoryContext): Origin {
  return section.options.get('backends')?.origin ?? section.origin;
}

/** A plugin's answer with the plugin's name. */
export interface NamedResult extends PluginResult {
  readonly plugin: string;
}

/** Milliseconds. */
export interface RunnerLimits {
  readonly cacheMs: number;
  readonly timeoutMs: number;
}

interface Answered {
  readonly at: number;
  readonly result: Promise<PluginResult>;
}

/** Asks plugins, and keeps their answers for a while: many probes a second cost one question. */
export class PluginRunner {
  readonly #plugins: ReadonlyMap<string, HealthcheckPlugin>;
  readonly #limits: RunnerLimits;
  readonly #answered = new Map<string, Answered>();

  constructor(plugins: ReadonlyMap<string, HealthcheckPlugin>, limits: RunnerLimits) {
    this.#plugins = plugins;
    this.#limits = limits;
  }

  /** The answers of the plugins whose names are asked for, in their order. Never rejects. */
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
    // The time counts from the answer: until then all requests wait for this one.
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
