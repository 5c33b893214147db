/** Kills by the kernel's OOM killer in the cgroup of this process, to which its workers belong: cgroups(7). */
import { readFileSync } from 'node:fs';
import { ignoreErrors } from '../../errors/index.js';
import { cgroupFiles } from '../../process/index.js';

/** Time in which the end of a killed worker is known. A kill without such an end was that of another process. */
const EXPLAINS_MS = 3000;
/** Interval of the reads of {@link OomKills.look}. */
const EVERY_MS = 1000;

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
