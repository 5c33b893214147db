/**
 * Memory of workers: those that exceed `max_memory`, and those that the kernel's OOM killer has killed in the cgroup of this process, to
 * which they belong: cgroups(7).
 */

import { readFileSync } from 'node:fs';
import { ignoreErrors } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { mebibytes } from '../../operating/internal.js';
import { cgroupFiles, memoryLimit } from '../../process/index.js';
import type { WorkerHandle } from './worker-handle.js';

const MIB = 2 ** 20;
/** Memory of the parent, and of a new worker beside the one that it replaces. */
const RESERVED = 128 * MIB;
/** The rest is for workers of a reload, and for growth between two beats. */
const PART = 3 / 4;
/** Least limit: with less, workers without a leak would be replaced again and again. */
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

/** `max_memory`: detects workers that exceed it. */
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
    const { rss = 0 } = worker.beat;
    const freshRss = worker.served?.rss ?? 0;
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

/** Time in which the end of a killed worker is known. A kill without such an end was that of another process. */
const EXPLAINS_MS = 3000;
/** Interval of the reads of {@link OomKills.look}. */
const EVERY_MS = 1000;

/** Kills by the kernel's OOM killer in the cgroup of this process. */
export class OomKills {
  /** The file that counts the kills; undefined on other systems. */
  readonly #file: string | undefined;
  #known: number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Times of kills that have explained no end. */
  #unexplained: number[] = [];

  /** `files`: the first one that counts kills is read. Default: those of the cgroup. */
  constructor(files: readonly string[] = eventFiles()) {
    this.#file = files.find((file) => killsIn(file) !== undefined);
    this.#known = this.#count();
  }

  /** Must be called every five seconds or more often: a kill has the time of the call that finds it. Reads the file once a second. */
  look(now = performance.now()): void {
    if (this.#file === undefined || now - this.#lookedAt < EVERY_MS) return;
    this.#lookedAt = now;
    this.#note(now);
  }

  #note(now: number): void {
    this.#unexplained = this.#unexplained.filter((at) => now - at < EXPLAINS_MS);
    for (const count = this.#count(); this.#known < count; this.#known += 1) this.#unexplained.push(now);
  }

  /** Reports whether the kernel has just killed a process that no earlier call was about. */
  take(now = performance.now()): boolean {
    this.#note(now);
    return this.#unexplained.shift() !== undefined;
  }

  #count(): number {
    return (this.#file && killsIn(this.#file)) || 0;
  }
}

function killsIn(file: string): number | undefined {
  const kills = /^oom_kill (\d+)$/m.exec(ignoreErrors(() => readFileSync(file, 'utf8')) ?? '')?.[1];
  return kills === undefined ? undefined : Number(kills);
}

/** The counters of versions 2 and 1 of cgroups. */
const eventFiles = (): string[] => [
  ...cgroupFiles('', 'memory.events'),
  ...cgroupFiles('memory', 'memory.oom_control'),
];
