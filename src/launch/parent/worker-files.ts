/**
 * Files that workers of one configuration read by `config.readFile` and that their parent does not read by itself, such
 * as the secret of tokens. The parent reads each file too, so that workers that start later get the same content, and a
 * reload compares it.
 */
import { type Stats, statSync } from 'node:fs';
import type { Config } from '../../config/index.js';
import { readUnlessFifo } from '../../config/internal.js';
import { ignoreErrors } from '../../errors/index.js';
import type { ServiceFile } from '../../service/index.js';
import { digest } from '../digest.js';
import { type FileRead, MESSAGE_BYTES } from '../worker-message.js';

export class WorkerFiles {
  readonly #config: Config | undefined;
  readonly #files = new Map<string, Map<string, ServiceFile>>();
  /** Bytes of all files with their names: they are sent to each worker that starts. */
  #bytes = 0;

  constructor(config: Config | undefined) {
    this.#config = config;
  }

  /** Files by service, for its plan. */
  get byService(): ReadonlyMap<string, readonly ServiceFile[]> {
    return new Map([...this.#files].map(([service, files]) => [service, [...files.values()]]));
  }

  /**
   * Records the files that a worker has read. Returns the files whose content differs from that of the configuration,
   * which workers that start later get.
   */
  take(service: string, told: readonly FileRead[]): readonly string[] {
    const files = this.#files.get(service) ?? new Map<string, ServiceFile>();
    this.#files.set(service, files);
    return told.flatMap(({ path, option, where, hash }) => {
      const size = files.has(path) ? 0 : path.length + option.length + where.length;
      if (this.#bytes + size > MESSAGE_BYTES) return [];
      const isSame = hash === undefined ? this.#knows(path) : this.#isAsRead(path, hash);
      if (isSame === true && size > 0) {
        files.set(path, { path, option, where, secret: true });
        this.#bytes += size;
      }
      return isSame === false ? [path] : [];
    });
  }

  #knows(path: string): boolean {
    return this.#config?.filesRead.includes(path) === true;
  }

  /**
   * Stores the file if its content is the one that the worker has read. Returns undefined if the file cannot be read
   * twice, or is too large.
   */
  #isAsRead(path: string, hash: string): boolean | undefined {
    const config = this.#config;
    if (config === undefined) return undefined;
    if (!this.#knows(path)) {
      const file = ignoreErrors((): Stats => statSync(path));
      if (file === undefined) return false;
      if (!file.isFile() || this.#bytes + file.size > MESSAGE_BYTES) return undefined;
      const bytes = readUnlessFifo(path);
      if (bytes === undefined || digest(bytes) !== hash) return false;
      this.#bytes += file.size;
    }
    return ignoreErrors(() => digest(config.readFile(path))) === hash;
  }
}
