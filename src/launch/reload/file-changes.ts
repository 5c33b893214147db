/**
 * Reloads without a signal: the files a configuration rests on are watched, and read again when something else is in
 * them.
 */
import type { Config } from '../../config/index.js';
import { readUnlessFifo, watchFiles } from '../../config/internal.js';
import { digest } from '../digest.js';

/**
 * Calls back when the configuration files, or other files that were read with them (paste files, certificates), hold other
 * bytes than before and have been left alone for half a second.
 *
 * Watching reports every change in the folders of the files, a log's or a socket's too; only other bytes count, since what
 * follows replaces all workers. A file that cannot be read counts as changed once it can again.
 */
export class FileChanges {
  readonly #config: Config;
  readonly #changed: () => void;
  readonly #known = new Map<string, string>();
  #unwatch: (() => void) | undefined;
  #closed = false;

  constructor(config: Config, changed: () => void) {
    this.#config = config;
    this.#changed = changed;
  }

  /** The files are about to be read: what they hold now is known, and no news. */
  note(): void {
    this.#compare();
  }

  /**
   * Watches the files the configuration rests on now, or nothing. A write since they were read is a change: no
   * watch saw it.
   */
  watch(wanted: boolean): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    if (!wanted || this.#closed) return;
    for (const path of this.#config.filesRead) {
      if (!this.#known.has(path)) this.#known.set(path, digest(this.#config.readFile(path)));
    }
    this.#unwatch = watchFiles(this.#paths(), () => this.#look());
    this.#look();
  }

  /** Watches nothing any more, whatever is asked. */
  close(): void {
    this.#closed = true;
    this.watch(false);
  }

  #look(): void {
    if (this.#compare()) this.#changed();
  }

  /** True when a file that was known holds other bytes now; those that were not are known from now on. */
  #compare(): boolean {
    let differs = false;
    for (const path of this.#paths()) {
      const now = digestOf(path);
      if (now === undefined) continue;
      differs ||= this.#known.has(path) && this.#known.get(path) !== now;
      this.#known.set(path, now);
    }
    return differs;
  }

  #paths(): Set<string> {
    return new Set([...this.#config.configFiles, ...this.#config.filesRead]);
  }
}

/** Digest of a file as it is on disk; undefined for one that cannot be read, and for a FIFO. */
export function digestOf(path: string): string | undefined {
  const bytes = readUnlessFifo(path);
  return bytes && digest(bytes);
}
