/** `max_memory`: detects workers that exceed it. */
import type { Logger } from '../../log/index.js';
import { mebibytes } from '../../operating/internal.js';
import type { WorkerHandle } from './worker-handle.js';

export class MemoryLimit {
  readonly #log: Logger;
  /** Services and limits that the log has already reported as too small. */
  readonly #tooSmall = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * Returns the reason to replace a worker whose resident memory exceeds `limit` bytes (0: no limit). Returns undefined
   * if it does not exceed the limit, or if a fresh worker would exceed it too; the log reports that once.
   */
  exceeded(worker: WorkerHandle, limit: number): string | undefined {
    const { rss = 0, freshRss = 0 } = worker;
    if (limit === 0 || !worker.serving || rss <= limit) return undefined;
    if (freshRss > limit) {
      this.#warn(worker, limit, freshRss);
      return undefined;
    }
    return `it has ${mebibytes(rss)}, more than max_memory (${mebibytes(limit)})`;
  }

  #warn({ assignment, pid }: WorkerHandle, limit: number, rss: number): void {
    const { service, index: workerId } = assignment;
    const key = `${service} ${limit}`;
    if (this.#tooSmall.has(key)) return;
    this.#tooSmall.add(key);
    const needs = `a fresh worker of ${service} needs ${mebibytes(rss)}`;
    const text = `max_memory (${mebibytes(limit)}) is too small, and ignored: ${needs}`;
    this.#log.warn({ service, workerId, pid, rss }, text);
  }
}
