/**
 * The program's own code as the workers of one configuration have loaded it. A worker that starts later loads the files as they are then:
 * a deployment without a reload shows here.
 */
import { sep } from 'node:path';
import type { ProgramFile } from '../../process/index.js';
import { countText } from '../../text/index.js';

/** Files that a worker has loaded with another text than the first worker of its configuration. */
interface OtherCode {
  /** Their paths, below the working directory where they are there. */
  readonly files: readonly string[];
  /** No worker of the configuration had these texts before. */
  readonly isNew: boolean;
}

export class ProgramCode {
  /** Hashes by file: those of the first worker that told them. */
  readonly #hashes = new Map<string, string>();
  /** The other versions that are known. */
  readonly #others = new Set<string>();

  /**
   * Takes what a worker has loaded. Gives the files that an earlier worker had loaded with another text. `folder`: the working
   * directory of the workers.
   */
  compare(loaded: readonly ProgramFile[], folder: string): OtherCode {
    const others: ProgramFile[] = [];
    for (const [path, hash] of loaded) {
      const file = fileIn(folder, path);
      const known = this.#hashes.get(file);
      if (known === undefined) this.#hashes.set(file, hash);
      else if (known !== hash) others.push([file, hash]);
    }
    const version = JSON.stringify(others.sort());
    const isNew = others.length > 0 && !this.#others.has(version);
    if (isNew) this.#others.add(version);
    return { files: others.map(([file]) => file), isNew };
  }
}

/** The path of a file, below the folder where it is there. */
function fileIn(folder: string, path: string): string {
  return path.startsWith(`${folder}${sep}`) ? path.slice(folder.length + 1) : path;
}

/** So many files are named in a line. */
const NAMED = 5;

/** `app.js, lib/books.js and 3 others`. */
export function describeFiles(files: readonly string[]): string {
  const others = files.length - NAMED;
  return `${files.slice(0, NAMED).join(', ')}${others > 0 ? ` and ${countText(others, 'other')}` : ''}`;
}
