/** Stores that machines share: what an extension provides for the scheme of a URL. */
import type { Config } from '../config/index.js';
import type { Logger } from '../log/index.js';
import type { SharedRule, Taken } from './token-buckets.js';

/** Options of a store. */
export interface StoreOptions {
  /** The API, whose keys are those of no other. */
  readonly name: string;
  /** Longest time for an answer. */
  readonly timeoutMs: number;
  /** Receives what goes wrong with the connection, for developers. */
  readonly log: Logger;
  /** False: only the URL is checked. */
  readonly connects: boolean;
}

/**
 * Opens a store, which may connect later. Rejects for a URL that it cannot use. Methods of a store reject if it cannot do what they ask, or
 * does not answer within `timeoutMs`.
 */
export type OpenStore<T> = (url: string, options: StoreOptions) => Promise<T & { close(): void }>;

/** A bucket of a rule. */
export interface RateBucket {
  readonly rule: SharedRule;
  readonly key: string;
}

/** Token buckets of all machines. */
export interface RateStore {
  /** Takes a token of each, like `TokenBuckets.take`, in this order. The first that is refused is the last of the result. */
  take(buckets: readonly RateBucket[], patienceMs: number): Promise<readonly Taken[]>;
}

/** Functions that import what opens a store, by the scheme of its URL. */
export type StoresByScheme<T> = Readonly<Record<string, () => Promise<OpenStore<T>>>>;

declare module './extension.js' {
  interface Provides {
    readonly rateStores?: StoresByScheme<RateStore>;
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
