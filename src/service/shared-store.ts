/** Stores that machines share: what an extension provides for the scheme of a URL. */
import type { Config } from '../config/index.js';
import type { Logger } from '../log/index.js';
import type { SharedRule, Taken } from './token-buckets.js';

/** Options of a store. */
export interface StoreOptions {
  /** The API, whose keys are those of no other. */
  readonly name: string;
  /** Longest time for a response. */
  readonly timeoutMs: number;
  /** Receives what goes wrong with the connection, for developers. */
  readonly log: Logger;
  /** False: only the URL is checked. */
  readonly connects: boolean;
  /** Called with the reason, without passwords, while the first connection fails; then, once it is there, with undefined. */
  readonly tellConnection?: (reason: string | undefined) => void;
}

/**
 * Opens a store, which may connect later. Rejects for a URL that it cannot use. Methods of a store reject if it cannot do what they ask; after
 * `timeoutMs` nobody waits for their responses.
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

/** Keeps the data of sessions on the server. Forgets each after its seconds. */
export interface SessionStore {
  get(id: string): Promise<object | null | undefined>;
  /**
   * Keeps the data. `before`: what {@link get} returned a moment ago, for a change; absent for a new session. A store that returns false has not
   * kept it, because another request has changed or ended the session meanwhile: then it is read again.
   */
  set(id: string, data: object, seconds: number, before?: object): Promise<unknown>;
  /**
   * Sets the seconds until a session is forgotten, and leaves its data as they are. Does nothing for an id that it does not have, as `EXPIRE`
   * of Redis: a request renews its session while another one ends or changes it. False or 0: it does not have that id.
   */
  touch(id: string, seconds: number): Promise<unknown>;
  delete(id: string): Promise<unknown>;
}

/** Functions that import what opens a store, by the scheme of its URL. */
export type StoresByScheme<T> = Readonly<Record<string, () => Promise<OpenStore<T>>>>;

declare module './extension.js' {
  interface Provides {
    readonly rateStores?: StoresByScheme<RateStore>;
    readonly sessionStores?: StoresByScheme<SessionStore>;
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
