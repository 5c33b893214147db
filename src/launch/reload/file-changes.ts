/**
 * Calls back when the configuration files, or other files that were read with them (paste files, certificates), have another content than
 * before and have not changed for half a second.
 *
 * Only different content counts, because a reload replaces all workers; so does another list of files in a folder of `--config-dir`. A file
 * that has disappeared, or cannot be read, is a warning, and counts as changed when it can be read again.
 */
import type { Config } from '../../config/index.js';
import { confNames, isFifo, readUnlessFifo, watchFiles } from '../../config/internal.js';
import { ignoreErrors } from '../../errors/index.js';

export class FileChanges {
  readonly #config: () => Config;
  readonly #changed: () => void;
  readonly #unwatched: ((folder: string, error: unknown) => void) | undefined;
  readonly #gone: ((path: string) => void) | undefined;
  readonly #known = new Map<string, Buffer>();
  /** Files that could be read before, and of which the last look found that they no longer can. */
  #lost: readonly string[] = [];
  #unwatch: (() => void) | undefined;
  #closed = false;

  /**
   * `config`: returns the present configuration. `unwatched`: called with a folder that cannot be watched and is read every five seconds
   * instead, and the error. `gone`: called once with a file that can no longer be read.
   */
  constructor(
    config: () => Config,
    changed: () => void,
    unwatched?: (folder: string, error: unknown) => void,
    gone?: (path: string) => void,
  ) {
    this.#config = config;
    this.#changed = changed;
    this.#unwatched = unwatched;
    this.#gone = gone;
  }

  /**
   * Records the present content, also of files that were unknown: what a reload is about to read does not count as a
   * change. Returns true if a known file has another content now.
   */
  note(): boolean {
    return this.#read().differs;
  }

  #read(): { readonly differs: boolean; readonly lost: readonly string[] } {
    let differs = false;
    const lost: string[] = [];
    const { configDirs } = this.#config();
    const record = (path: string, now: Buffer): void => {
      differs ||= this.#known.get(path)?.equals(now) === false;
      this.#known.set(path, now);
    };
    for (const path of this.#paths()) {
      const now = readUnlessFifo(path);
      if (now !== undefined) record(path, now);
      // A FIFO is there, but its content would be taken from its reader.
      else if (this.#known.has(path) && !isFifo(path)) lost.push(path);
    }
    for (const dir of configDirs) {
      const names = ignoreErrors(() => confNames(dir).join('/'));
      if (names !== undefined) record(dir, Buffer.from(names));
    }
    return { differs, lost };
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
      if (!this.#known.has(path)) this.#known.set(path, config.readFile(path));
    }
    const options = { dirs: config.configDirs, unwatched: this.#unwatched };
    this.#unwatch = watchFiles(this.#paths(), () => this.#look(), options);
    this.#look();
  }

  /** Stops watching for good. */
  close(): void {
    this.#closed = true;
    this.watch(false);
  }

  #look(): void {
    const { differs, lost } = this.#read();
    if (differs) {
      this.#changed();
      return;
    }
    const before = this.#lost;
    this.#lost = lost;
    for (const path of lost) if (!before.includes(path)) this.#gone?.(path);
  }

  #paths(): Set<string> {
    const { configFiles, filesRead } = this.#config();
    return new Set([...configFiles, ...filesRead]);
  }
}
