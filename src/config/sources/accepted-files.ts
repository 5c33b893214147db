/**
 * The bytes of the files a configuration rests on: paste files, certificates, files with secrets. Read once and kept, so
 * that a worker started later works from what was accepted and not from what an editor has made of it since.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** One file as JSON: for the snapshot. */
export interface AcceptedFile {
  readonly path: string;
  readonly base64: string;
  /** Read afresh also where only mutable options change: certificates. */
  readonly mutable: boolean;
}

interface Entry {
  readonly bytes: Buffer;
  readonly mutable: boolean;
}

/** Files by absolute path. */
export class AcceptedFiles {
  readonly #files = new Map<string, Entry>();

  /** The bytes of a file: as remembered, else from disk, remembering them. Throws what `readFileSync` throws. */
  read(path: string, mutable = false): Buffer {
    const absolute = resolve(path);
    const known = this.#files.get(absolute);
    const bytes = known?.bytes ?? readFileSync(absolute);
    if (known === undefined || (mutable && !known.mutable)) this.#files.set(absolute, { bytes, mutable });
    return bytes;
  }

  /** The absolute paths of all files read. */
  get paths(): string[] {
    return [...this.#files.keys()];
  }

  /**
   * The same files read afresh; with `onlyMutable` the others keep their bytes. A file that cannot be read any more is
   * left out: whoever still needs it reads it, and says why it cannot.
   */
  refreshed(onlyMutable: boolean): AcceptedFiles {
    const next = new AcceptedFiles();
    for (const [path, entry] of this.#files) {
      if (onlyMutable && !entry.mutable) next.#files.set(path, entry);
      else next.#tryToRead(path, entry.mutable);
    }
    return next;
  }

  toJSON(): AcceptedFile[] {
    return [...this.#files].map(([path, { bytes, mutable }]) => ({ path, base64: bytes.toString('base64'), mutable }));
  }

  static from(files: readonly AcceptedFile[]): AcceptedFiles {
    const accepted = new AcceptedFiles();
    for (const { path, base64, mutable } of files) {
      accepted.#files.set(path, { bytes: Buffer.from(base64, 'base64'), mutable });
    }
    return accepted;
  }

  #tryToRead(path: string, mutable: boolean): void {
    try {
      this.#files.set(path, { bytes: readFileSync(path), mutable });
    } catch {
      // Left out on purpose, as said above.
    }
  }
}
