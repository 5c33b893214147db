/**
 * Token buckets that all workers of a service share: they are in the parent. Launchers leave the way there on the process
 * object of a worker, under `Symbol.for('portico.worker')`.
 */
import type { BucketOptions, Taken } from './token-buckets.js';

/** What is counted in buckets of its own. */
export interface SharedRule extends BucketOptions {
  /** The same in all workers of the service, and after a reload: a rule that is written differently has new buckets. */
  readonly id: string;
}

/** Buckets elsewhere. */
export interface SharedBuckets {
  /**
   * As {@link TokenBuckets.take}. Undefined: they cannot be asked now; settles with undefined when they do not answer in
   * time, and never rejects.
   */
  take(rule: SharedRule, key: string, patienceMs: number): Promise<Taken | undefined> | undefined;
}

const WORKER_LINK = Symbol.for('portico.worker');

/** Undefined in a process that is no worker of a launcher. */
export function sharedBuckets(): SharedBuckets | undefined {
  return (process as { [WORKER_LINK]?: { readonly buckets?: SharedBuckets } })[WORKER_LINK]?.buckets;
}
