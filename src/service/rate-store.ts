/** Token buckets that machines share: what an extension provides for the scheme of a URL. */
import type { Config } from '../config/index.js';
import type { Logger } from '../log/index.js';
import type { SharedRule, Taken } from './token-buckets.js';

/** Token buckets of all machines. */
export interface RateStore {
  /** Like `TokenBuckets.take`. Rejects if the store cannot take it, or does not answer within `timeoutMs`. */
  take(rule: SharedRule, key: string, patienceMs: number): Promise<Taken>;
  close(): void;
}

/** Options of a {@link RateStore}. */
export interface RateStoreOptions {
  /** The API, whose buckets are those of no other. */
  readonly name: string;
  /** Longest time for an answer. */
  readonly timeoutMs: number;
  /** Receives what goes wrong with the connection, for developers. */
  readonly log: Logger;
  /** False: only the URL is checked. */
  readonly connects: boolean;
}

/** Opens a store, which may connect later. Rejects for a URL that it cannot use. */
export type OpenRateStore = (url: string, options: RateStoreOptions) => Promise<RateStore>;

declare module './extension.js' {
  interface Provides {
    /** Stores of rate limits, by the scheme of their URL. */
    readonly rateStores?: Readonly<Record<string, () => Promise<OpenRateStore>>>;
  }
}

const TROUBLES = new WeakMap<object, Set<() => string | undefined>>();

/** Adds a problem of something that an application needs to the status, while `describe` returns one. Returns a function that removes it. */
export function addTrouble(config: Config, describe: () => string | undefined): () => void {
  const known = TROUBLES.get(config.lineage) ?? new Set();
  TROUBLES.set(config.lineage, known.add(describe));
  return () => void known.delete(describe);
}

/** Returns the present problems. */
export function troublesOf(config: Config | undefined): string[] {
  const known = config === undefined ? undefined : TROUBLES.get(config.lineage);
  return [...(known ?? [])].flatMap((describe) => describe() ?? []);
}
