/** `max_memory`: which workers have outgrown it. */
import type { Logger } from '../../log/index.js';
import { mebibytes } from './worker-end.js';
import type { WorkerHandle } from './worker-handle.js';

export class MemoryLimit {
  readonly #log: Logger;
  /** Of which services, and for which values, the log has that it is too small. */
  readonly #tooSmall = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * Why the worker is to be replaced, with a resident memory above `limit` bytes; 0: no limit. Undefined: it is not, also where a
   * fresh worker would need more as well: the log has that once.
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
    this.#log.warn(text, { service, workerId, pid, rss });
  }
}
