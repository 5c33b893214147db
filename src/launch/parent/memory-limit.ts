/** `max_memory`: detects workers that exceed it. */
import type { Logger } from '../../log/index.js';
import { mebibytes } from '../../operating/internal.js';
import { memoryLimit } from '../../process/index.js';
import type { WorkerHandle } from './worker-handle.js';

const MIB = 2 ** 20;
/** Memory of the parent, and of a new worker beside the one that it replaces. */
const RESERVED = 128 * MIB;
/** The rest is for workers of a reload, and for growth between two beats. */
const PART = 3 / 4;
/** With less, workers without a leak would be replaced again and again. */
const LEAST = 128 * MIB;

/**
 * Returns the limit in bytes of each of `workers` workers in a container; 0 without a limit of the container, or if it is too small for
 * them.
 */
export function shareOfContainer(workers: number, limit = memoryLimit()): number {
  const share = Math.floor(((limit - RESERVED) * PART) / Math.max(1, workers));
  return limit === Number.POSITIVE_INFINITY || share < LEAST ? 0 : share;
}

/** Describes the share of each worker; undefined without a limit of the container. */
export function describeShare(workers: number, limit = memoryLimit()): string | undefined {
  if (limit === Number.POSITIVE_INFINITY) return undefined;
  const share = shareOfContainer(workers, limit);
  if (share > 0) return `max_memory is ${mebibytes(share)} for each worker`;
  return `too little memory for a max_memory of ${workers === 1 ? 'the worker' : `${workers} workers`}`;
}

export class MemoryLimit {
  readonly #log: Logger;
  readonly #container: number;
  /** Services and limits that the log has already reported as too small. */
  readonly #tooSmall = new Set<string>();

  /** `container`: its limit in bytes. */
  constructor(log: Logger, container = memoryLimit()) {
    this.#log = log;
    this.#container = container;
  }

  /**
   * Returns the reason to replace a worker whose resident memory exceeds `max_memory` in bytes (0: no limit), or one of `workers` shares
   * of the container. Returns undefined if it does not exceed the limit, or if a fresh worker would exceed it too; the log reports that
   * once.
   */
  exceeded(worker: WorkerHandle, maxMemory: number | undefined, workers: number): string | undefined {
    const limit = maxMemory ?? shareOfContainer(workers, this.#container);
    const { rss = 0, freshRss = 0 } = worker;
    if (limit === 0 || !worker.serving || rss <= limit) return undefined;
    const named = `max_memory (${mebibytes(limit)}${maxMemory === undefined ? ' by the limit of the container' : ''})`;
    if (freshRss > limit) {
      this.#warn(worker, named, freshRss);
      return undefined;
    }
    return `it has ${mebibytes(rss)}, more than ${named}`;
  }

  #warn({ assignment, pid }: WorkerHandle, named: string, rss: number): void {
    const { service, index: workerId } = assignment;
    const key = `${service} ${named}`;
    if (this.#tooSmall.has(key)) return;
    this.#tooSmall.add(key);
    const needs = `a fresh worker of ${service} needs ${mebibytes(rss)}`;
    const text = `${named} is too small, and ignored: ${needs}`;
    this.#log.warn({ service, workerId, pid, rss }, text);
  }
}
