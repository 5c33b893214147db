/**
 * Asking plugins: each at most once at a time and once in a while, and never for long.
 */
import { errorText } from '../../errors/index.js';
import { systemClock } from '../../tasks/index.js';
import type { AskedAt, HealthcheckPlugin, PluginResult } from './healthcheck-plugins.js';
import type { NamedResult } from './healthcheck-report.js';

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
    const { timeoutMs } = this.#limits;
    let cancel = (): void => undefined;
    const timeout = new Promise<PluginResult>((resolve) => {
      cancel = systemClock.after(timeoutMs, () => {
        resolve({ available: false, reason: 'TIMEOUT', details: `no answer within ${timeoutMs} ms` });
        over.abort();
      });
    });
    try {
      const answer = Promise.resolve(plugin.check({ ...at, signal: over.signal }));
      return await Promise.race([answer, timeout]);
    } catch (error) {
      const details = errorText(error);
      return { available: false, reason: 'CHECK FAILED', details };
    } finally {
      cancel();
    }
  }
}
