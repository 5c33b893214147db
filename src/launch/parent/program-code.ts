/**
 * Code of the program as loaded by the workers of one configuration. A worker that starts later loads the files in
 * their current state, so this detects a deployment without a reload.
 */
import { sep } from 'node:path';
import type { ProgramFile } from '../../process/index.js';
import { digest } from '../digest.js';
import { MESSAGE_BYTES } from '../worker-message.js';

/** Files that a worker has loaded with another content than the first worker of its configuration. */
interface OtherCode {
  /** Paths of the files, relative to the working directory if they are below it. */
  readonly files: readonly string[];
  /** True if no earlier worker of the configuration had this content. */
  readonly isNew: boolean;
}

const VERSIONS = 1000;

export class ProgramCode {
  /** Hashes by file, from the first worker that reported the file. */
  readonly #hashes = new Map<string, string>();
  #characters = 0;
  /** Digests of other versions that were already reported, of the last ones. */
  readonly #others = new Set<string>();

  /**
   * Records the files that a worker has loaded. Returns those that an earlier worker loaded with another content.
   * `folder`: the working directory of the workers.
   */
  compare(loaded: readonly ProgramFile[], folder: string): OtherCode {
    const others: ProgramFile[] = [];
    for (const [path, hash] of loaded) {
      const file = fileIn(folder, path);
      const known = this.#hashes.get(file);
      if (known === undefined) this.#add(file, hash);
      else if (known !== hash) others.push([file, hash]);
    }
    const version = digest(Buffer.from(JSON.stringify(others.sort())));
    const isNew = others.length > 0 && !this.#others.has(version);
    if (isNew) this.#others.add(version);
    if (this.#others.size > VERSIONS) this.#others.delete(this.#others.values().next().value!);
    return { files: others.map(([file]) => file), isNew };
  }

  /** Files beyond the limit are not compared. */
  #add(file: string, hash: string): void {
    const characters = this.#characters + file.length + hash.length;
    if (characters > MESSAGE_BYTES) return;
    this.#characters = characters;
    this.#hashes.set(file, hash);
  }
}

/** Returns a path relative to the folder if it is below it. */
function fileIn(folder: string, path: string): string {
  return path.startsWith(`${folder}${sep}`) ? path.slice(folder.length + 1) : path;
}
