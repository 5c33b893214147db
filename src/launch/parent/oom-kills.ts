/** Kills by the kernel's OOM killer in the cgroup of this process, to which its workers belong: cgroups(7), version 2. */
import { readFileSync } from 'node:fs';
import { ignoreErrors } from '../../errors/index.js';

export class OomKills {
  readonly #files: readonly string[];
  #known: number;

  /** `files`: the first one that can be read counts the kills. Default: `memory.events` of the cgroup. */
  constructor(files: readonly string[] = eventFiles()) {
    this.#files = files;
    this.#known = this.#count();
  }

  /** Reports whether the kernel has killed a process that no earlier call was about. */
  take(): boolean {
    if (this.#count() <= this.#known) return false;
    this.#known += 1;
    return true;
  }

  /** Returns 0 without such a file: other systems, or version 1. */
  #count(): number {
    for (const file of this.#files) {
      const kills = /^oom_kill (\d+)$/m.exec(ignoreErrors(() => readFileSync(file, 'utf8')) ?? '')?.[1];
      if (kills !== undefined) return Number(kills);
    }
    return 0;
  }
}

/** Within a container, the path may be that of the host, and the cgroup is mounted at the top. */
function eventFiles(): string[] {
  const path = /^0::(\/.*)$/m.exec(ignoreErrors(() => readFileSync('/proc/self/cgroup', 'utf8')) ?? '')?.[1] ?? '/';
  return [path, '/'].map((each) => `/sys/fs/cgroup${each.replace(/\/$/, '')}/memory.events`);
}
