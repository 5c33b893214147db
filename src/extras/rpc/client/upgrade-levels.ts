/**
 * Highest version that clients of a topic may send while services of several releases run: `[upgrade_levels]`.
 */
import type { Config } from 'portico/config';
import {
  ConfigurationRefused,
  didYouMean,
  type Logger,
  registryProvider,
  type ServiceRegistry,
} from 'portico/extension';
import type { Awaitable, ClientOptions } from 'portico/service';
import type { Clock } from 'portico/tasks';
import { isVersion } from '../message/versions.js';
import { upgradeLevelOptions } from '../rpc-options.js';

/** Versions by the names and numbers of releases. */
type Releases = NonNullable<ClientOptions['releases']>;

/** Response of the registry about a topic. */
interface Answer {
  readonly lowest: Promise<number | undefined>;
  /** Time of the query. */
  readonly at: number;
}

/** Options of {@link UpgradeLevels}. */
export interface UpgradeLevelsOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
}

const KEEP_MS = 60_000;

/** Levels of all topics for which a connection has clients. */
export class UpgradeLevels {
  readonly #options: UpgradeLevelsOptions;
  readonly #answers = new Map<string, Answer>();
  #registry: Promise<ServiceRegistry | null> | undefined;

  constructor(options: UpgradeLevelsOptions) {
    this.#options = options;
  }

  /** Returns the configured level of the topic. Throws `PORTICO_RPC_UPGRADE_LEVEL` for an invalid one. */
  level(topic: string, releases: Releases = {}): string | undefined {
    const written = this.#written(topic);
    if (written === undefined || isVersion(written) || Object.hasOwn(releases, written)) return written;
    const names = Object.keys(releases);
    const isAuto = written === 'auto';
    if (isAuto && numbered(releases).length > 0) return written;
    throw new ConfigurationRefused('PORTICO_RPC_UPGRADE_LEVEL', {
      message: isAuto
        ? `[upgrade_levels] ${topic} is "auto", but its client has no numbered "releases"`
        : `[upgrade_levels] ${topic} is "${written}", which is neither a version nor a release`,
      hint: isAuto
        ? "Declare the versions of your releases in code: rpc.client({ topic, releases: { 0: '1.0', 7: '1.4' } })."
        : (didYouMean(written, ['auto', ...names]) ?? `Write a version such as 1.4, ${['auto', ...names].join(', ')}.`),
    });
  }

  /**
   * Returns the highest version that may be sent; undefined: any. A response of the registry is valid for a minute, and while
   * the registry is not available. Throws as {@link level}; rejects with `RegistryUnavailable`.
   */
  cap(topic: string, releases: Releases = {}): Awaitable<string | undefined> {
    const level = this.level(topic, releases);
    if (level === undefined || isVersion(level)) return level;
    return Object.hasOwn(releases, level) ? releases[level] : this.#spoken(topic, releases);
  }

  async #spoken(topic: string, releases: Releases): Promise<string | undefined> {
    const lowest = await this.#lowest(topic);
    if (lowest === undefined) return undefined;
    // Older than the oldest known release: the lowest known version is used.
    const known = numbered(releases);
    return releases[known.findLast((number) => number <= lowest) ?? known[0]!];
  }

  async close(): Promise<void> {
    const registry = this.#registry;
    this.#registry = undefined;
    await (await registry)?.close();
  }

  #written(topic: string): string | undefined {
    const { config } = this.#options;
    // Declares the options written there.
    config.group('upgrade_levels', upgradeLevelOptions);
    const name = topic.replaceAll('-', '_');
    return config.has('upgrade_levels', name) ? (config.resolve('upgrade_levels', name).value as string) : undefined;
  }

  #lowest(topic: string): Promise<number | undefined> {
    const { clock } = this.#options;
    const last = this.#answers.get(topic);
    if (last !== undefined && clock.now() - last.at < KEEP_MS) return last.lowest;
    const answer = { lowest: this.#ask(topic, last?.lowest), at: clock.now() };
    this.#answers.set(topic, answer);
    answer.lowest.catch(() => {
      if (this.#answers.get(topic) === answer) this.#answers.delete(topic);
    });
    return answer.lowest;
  }

  /** `last`: the previous response, which applies while the registry is not available. */
  async #ask(topic: string, last: Promise<number | undefined> | undefined): Promise<number | undefined> {
    const { config, log } = this.#options;
    this.#registry ??= registryProvider(config).then(
      async (provider) => (await provider.open(config, { log }))?.registry ?? null,
    );
    const registry = await this.#registry;
    if (registry === null) {
      throw new ConfigurationRefused('PORTICO_RPC_UPGRADE_LEVEL', {
        message: `[upgrade_levels] ${topic} is "auto", but no service registry is configured`,
        hint: 'Set [servicegroup] connection, or write a version.',
      });
    }
    try {
      return await registry.lowestVersion(topic);
    } catch (error) {
      if (last === undefined || (error as { code?: unknown }).code !== 'PORTICO_REGISTRY_UNAVAILABLE') throw error;
      return last;
    }
  }
}

/** Returns the numbers of releases, ascending. */
function numbered(releases: Releases): number[] {
  return Object.keys(releases)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b);
}
