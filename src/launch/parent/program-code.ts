/**
 * Code of the program as loaded by the workers of one configuration. A worker that starts later loads the files in
 * their current state, so this detects a deployment without a reload.
 */
import { statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { ignoreErrors } from '../../errors/index.js';
import type { ProgramFile } from '../../process/index.js';
import { type Deferred, deferred } from '../../tasks/internal.js';
import type { Assignment } from '../assignment.js';

/** Files that a worker has loaded with another content than the first worker of its configuration. */
interface OtherCode {
  /** Paths of the files, relative to the working directory if they are below it. */
  readonly files: readonly string[];
  /** True if no earlier worker of the configuration had this content. */
  readonly isNew: boolean;
}

/** A worker, as far as its code matters. */
interface Loading {
  readonly assignment: Pick<Assignment, 'service'>;
  /** Time of its start, on the monotonic clock. */
  readonly startedAt: number;
  /** Settles when the process is gone. */
  readonly exited: Promise<unknown>;
  /** Asks for the files that it has loaded. */
  tell(kind: 'list'): void;
}

/** Times and sizes of files on disk, by path. */
type Stamps = ReadonlyMap<string, string>;

export class ProgramCode {
  /** Hashes by file, from the first worker that reported the file. */
  readonly #hashes = new Map<string, string>();
  /** Other versions that were already reported. */
  readonly #others = new Set<string>();
  /** Files of the first worker of each service; undefined if it has not reported them, or they changed while it loaded. */
  readonly #first = new Map<string, Deferred<Stamps | undefined>>();
  readonly #folder: string;

  /** `folder`: the working directory of the workers. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Asks a ready worker for the files that it has loaded, if it is the first of its service, or if a file of the first has changed since:
   * V8 needs some 35 ms to list them, in which the worker serves nothing.
   */
  async look(worker: Loading): Promise<void> {
    const { service } = worker.assignment;
    const first = this.#first.get(service);
    const stamps = await first?.promise;
    if (stamps !== undefined && [...stamps].every(([file, stamp]) => this.#stampOf(file) === stamp)) return;
    if (first === undefined) {
      const listed = deferred<Stamps | undefined>();
      this.#first.set(service, listed);
      void worker.exited.then(() => listed.resolve(undefined));
    }
    worker.tell('list');
  }

  /** Records the files that a worker has loaded. Returns those that an earlier worker loaded with another content. */
  compare({ assignment, startedAt }: Loading, loaded: readonly ProgramFile[]): OtherCode {
    const files = loaded.map(([path, hash]): ProgramFile => [fileIn(this.#folder, path), hash]);
    const startTime = Date.now() - (performance.now() - startedAt);
    this.#first.get(assignment.service)?.resolve(this.#stampsSince(startTime, files));
    const others: ProgramFile[] = [];
    for (const [file, hash] of files) {
      const known = this.#hashes.get(file);
      if (known === undefined) this.#hashes.set(file, hash);
      else if (known !== hash) others.push([file, hash]);
    }
    const version = JSON.stringify(others.sort());
    const isNew = others.length > 0 && !this.#others.has(version);
    if (isNew) this.#others.add(version);
    return { files: others.map(([file]) => file), isNew };
  }

  /** Returns the stamps of files that have not changed since a time; undefined if one has. */
  #stampsSince(time: number, files: readonly ProgramFile[]): Stamps | undefined {
    const stamps = new Map<string, string>();
    for (const [file] of files) {
      const stamp = this.#stampOf(file, time);
      if (stamp === undefined) return undefined;
      stamps.set(file, stamp);
    }
    return stamps;
  }

  /** Returns what a write, or another file at the path, changes; undefined if the file is gone or was written after a time. */
  #stampOf(file: string, latest = Number.POSITIVE_INFINITY): string | undefined {
    const found = ignoreErrors(() => statSync(resolve(this.#folder, file)));
    if (found === undefined || found.mtimeMs > latest || found.ctimeMs > latest) return undefined;
    return `${found.dev} ${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`;
  }
}

/** Returns a path relative to the folder if it is below it. */
function fileIn(folder: string, path: string): string {
  return path.startsWith(`${folder}${sep}`) ? path.slice(folder.length + 1) : path;
}
