/** Generations of a fleet: data that all workers of one configuration share. */

import { type Stats, statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import type { Config, ConfigSnapshot } from '../../config/index.js';
import { readUnlessFifo } from '../../config/internal.js';
import { ignoreErrors } from '../../errors/index.js';
import type { ProgramFile } from '../../process/index.js';
import type { ServiceFile } from '../../service/index.js';
import { deferred } from '../../tasks/internal.js';
import type { LaunchSettings } from '../launcher-options.js';
import { digest, type FileRead, MESSAGE_BYTES } from '../worker-message.js';

/**
 * One configuration of a fleet, which workers start with. It is replaced as a whole when a reload is accepted; until
 * then a trial has the next number.
 */
export type FleetGeneration = ReturnType<typeof fleetGeneration>;

interface Origin {
  /** Counted from 1. */
  readonly number: number;
  readonly settings: LaunchSettings;
  /** Configuration that the workers get. */
  readonly config: Config | undefined;
}

/** Returns the generation of a configuration, which no worker has yet. */
export function fleetGeneration({ number, settings, config }: Origin) {
  return {
    number,
    settings,
    config,
    /** Working directory of its workers. */
    folder: process.cwd(),
    /** Settles when every first worker of its trial is built: then they serve. */
    built: deferred(),
    /** Code that its workers run. */
    code: new ProgramCode(),
    /** Files that its workers read. */
    files: new WorkerFiles(config),
    /** Made for each worker: it includes files that were read since, and values from code. */
    configuration: (): ConfigSnapshot | undefined => config?.snapshot(),
  } as const;
}

// Code of the application as loaded by the workers of one configuration. A worker that starts later loads the files in
// their current state, so this detects a deployment without a reload.

/** Files that a worker has loaded with another content than the first worker of its configuration. */
interface OtherCode {
  /** Paths of the files, relative to the working directory if they are below it. */
  readonly files: readonly string[];
  /** True if no earlier worker of the configuration had this content. */
  readonly isNew: boolean;
}

/** A file as a worker has loaded it: V8's hash of its text, and its state on disk; undefined: it may be another one by now. */
interface LoadedFile {
  readonly hash: string;
  readonly state: string | undefined;
}

/** The worker that has listed its files. */
interface Listing {
  readonly service: string;
  readonly folder: string;
  readonly startedAt: number;
}

const VERSIONS = 1000;

export class ProgramCode {
  /** Files by name, as the first worker that listed them has loaded them. */
  readonly #files = new Map<string, LoadedFile>();
  /** Services of which a worker has listed its files. */
  readonly #listed = new Set<string>();
  #characters = 0;
  /** Digests of other versions that were already reported, of the last ones. */
  readonly #others = new Set<string>();

  /** Reports whether a worker of the service has listed its files: the code of later ones may be another. */
  knows(service: string): boolean {
    return this.#listed.has(service);
  }

  /**
   * Reports whether a worker of the service that is ready now may have loaded another content than the first one: a known file is another one
   * by now, or has changed since that worker started. True until one has listed its files. `folder`: the working directory of the workers.
   */
  mayDiffer(service: string, folder: string): boolean {
    const differs = ([file, { state }]: [string, LoadedFile]): boolean =>
      state === undefined || stateOf(resolve(folder, file)) !== state;
    return !this.#listed.has(service) || [...this.#files].some(differs);
  }

  /**
   * Records the files that a worker has loaded. Returns those that an earlier worker loaded with another content. `startedAt`: its start, in
   * milliseconds since the epoch.
   */
  compare(loaded: readonly ProgramFile[], { service, folder, startedAt }: Listing): OtherCode {
    this.#listed.add(service);
    const others: ProgramFile[] = [];
    for (const [path, hash] of loaded) {
      const file = fileIn(folder, path);
      const known = this.#files.get(file);
      if (known === undefined) this.#add(file, { hash, state: stateOf(resolve(folder, file), startedAt) });
      else if (known.hash !== hash) others.push([file, hash]);
    }
    if (others.length === 0) return { files: [], isNew: false };
    const version = digest(Buffer.from(JSON.stringify(others.sort())));
    const isNew = !this.#others.has(version);
    if (isNew) this.#others.add(version);
    if (this.#others.size > VERSIONS) this.#others.delete(this.#others.values().next().value!);
    return { files: others.map(([file]) => file), isNew };
  }

  /** Files beyond the limit are not compared. */
  #add(file: string, loaded: LoadedFile): void {
    const characters = this.#characters + file.length + loaded.hash.length;
    if (characters > MESSAGE_BYTES) return;
    this.#characters = characters;
    this.#files.set(file, loaded);
  }
}

/** Returns what changes with a file: its inode, and its time of change. Undefined if it is gone, or has changed since `since`. */
function stateOf(path: string, since = Number.POSITIVE_INFINITY): string | undefined {
  const stats = ignoreErrors((): Stats => statSync(path));
  return stats === undefined || stats.ctimeMs >= since ? undefined : `${stats.dev} ${stats.ino} ${stats.ctimeMs}`;
}

/** Returns a path relative to the folder if it is below it. */
function fileIn(folder: string, path: string): string {
  return path.startsWith(`${folder}${sep}`) ? path.slice(folder.length + 1) : path;
}

// Files that workers of one configuration read by `config.readFile` and that their parent does not read by itself, such
// as the secret of tokens. The parent reads each file too, so that workers that start later get the same content, and a
// reload compares it.

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
