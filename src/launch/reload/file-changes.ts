/**
 * Reloads without a signal: watches the files of a configuration, and reports a change of their content.
 */
import type { Config } from '../../config/index.js';
import { readUnlessFifo, watchFiles } from '../../config/internal.js';
import { digest } from '../digest.js';

/** The line about a folder that cannot be watched: `fs.inotify.max_user_instances` is often 128 for all programs of a user. */
export const UNWATCHED =
  'The folder cannot be watched for watch_config_files and is read every 5 seconds instead: raise fs.inotify.max_user_instances and max_user_watches, or create it';

/**
 * Calls back when the configuration files, or other files that were read with them (paste files, certificates), have
 * another content than before and have not changed for half a second.
 *
 * Watching reports every change in the folders of the files, also of a log or a socket; only a different content
 * counts, because a reload replaces all workers. A file that cannot be read counts as changed when it can be read
 * again.
 */
export class FileChanges {
  readonly #config: () => Config;
  readonly #changed: () => void;
  readonly #unwatched: ((folder: string, error: unknown) => void) | undefined;
  readonly #known = new Map<string, string>();
  #unwatch: (() => void) | undefined;
  #closed = false;

  /** `config`: returns the present configuration. `unwatched`: called with a folder that cannot be watched and is read every five seconds instead, and the error. */
  constructor(config: () => Config, changed: () => void, unwatched?: (folder: string, error: unknown) => void) {
    this.#config = config;
    this.#changed = changed;
    this.#unwatched = unwatched;
  }

  /**
   * Records the present content, also of files that were unknown: what a reload is about to read does not count as a
   * change. Returns true if a known file has another content now.
   */
  note(): boolean {
    let differs = false;
    for (const path of this.#paths()) {
      const now = digestOf(path);
      if (now === undefined) continue;
      differs ||= this.#known.has(path) && this.#known.get(path) !== now;
      this.#known.set(path, now);
    }
    return differs;
  }

  /**
   * Watches the present files of the configuration, or nothing. A write since they were read counts as a change,
   * although no watch reported it.
   */
  watch(wanted: boolean): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    if (!wanted || this.#closed) return;
    const config = this.#config();
    for (const path of config.filesRead) {
      if (!this.#known.has(path)) this.#known.set(path, digest(config.readFile(path)));
    }
    this.#unwatch = watchFiles(this.#paths(), () => this.#look(), { unwatched: this.#unwatched });
    this.#look();
  }

  /** Stops watching for good. */
  close(): void {
    this.#closed = true;
    this.watch(false);
  }

  #look(): void {
    if (this.note()) this.#changed();
  }

  #paths(): Set<string> {
    const { configFiles, filesRead } = this.#config();
    return new Set([...configFiles, ...filesRead]);
  }
}

/** Returns the digest of a file on disk; undefined for a file that cannot be read, and for a FIFO. */
export function digestOf(path: string): string | undefined {
  const bytes = readUnlessFifo(path);
  return bytes && digest(bytes);
}
