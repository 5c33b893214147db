/** Kills by the kernel's OOM killer in the cgroup of this process, to which its workers belong: cgroups(7), version 2. */
import { readFileSync } from 'node:fs';
import { ignoreErrors } from '../../errors/index.js';

/** Time in which the end of a killed worker is known. A kill without such an end was that of another process. */
const EXPLAINS_MS = 3000;

export class OomKills {
  /** The file that counts the kills; undefined on other systems, or with version 1. */
  readonly #file: string | undefined;
  #known: number;
  /** Times of kills that have explained no end. */
  #unexplained: number[] = [];

  /** `files`: the first one that counts kills is read. Default: `memory.events` of the cgroup. */
  constructor(files: readonly string[] = eventFiles()) {
    this.#file = files.find((file) => killsIn(file) !== undefined);
    this.#known = this.#count();
  }

  /** Must be called each second or more often: notes when kills happen. */
  look(now = performance.now()): void {
    this.#unexplained = this.#unexplained.filter((at) => now - at < EXPLAINS_MS);
    for (const count = this.#count(); this.#known < count; this.#known += 1) this.#unexplained.push(now);
  }

  /** Reports whether the kernel has just killed a process that no earlier call was about. */
  take(now = performance.now()): boolean {
    this.look(now);
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

/** Within a container, the path may be that of the host, and the cgroup is mounted at the top. */
function eventFiles(): string[] {
  const path = /^0::(\/.*)$/m.exec(ignoreErrors(() => readFileSync('/proc/self/cgroup', 'utf8')) ?? '')?.[1] ?? '/';
  return [path, '/'].map((each) => `/sys/fs/cgroup${each.replace(/\/$/, '')}/memory.events`);
}
