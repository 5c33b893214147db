/**
 * All written values of a configuration, before they are checked: files, environment, command line, and values from code. Plain data, so
 * that it can be sent to a worker as JSON.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Diagnostic, Location } from '../errors/index.js';
import type { ConfEntry, ConfFile } from '../ini/index.js';
import { isFifo, readUnlessFifo } from './read-unless-fifo.js';

/** A file or directory to read. */
export interface NamedPath {
  /** Name as written by the operator, for messages. */
  readonly name: string;
  /** Absolute path, which a reload reads. Empty for text that is not from a file. */
  readonly path: string;
}

/** Paths of a configuration's sources, which a reload reads. */
export interface SourcePaths {
  readonly files: readonly NamedPath[];
  readonly dirs: readonly NamedPath[];
  /** Directories that are searched for default files. */
  readonly searched: readonly string[];
}

/** Content of one file. */
export interface SourceFile extends NamedPath, Pick<ConfFile, 'sections' | 'entries'> {
  /** True if others than the owner may read the file. */
  readonly exposed: boolean;
}

/** One `--set group.opt=value`, or a flag of an option on the command line. `index` counts arguments from 1. */
export interface Argument {
  readonly group: string;
  readonly opt: string;
  readonly value: string;
  readonly index: number;
}

/** All values written by operators. */
export interface Sources {
  /** Lowest precedence first: files in the order named, files of directories. */
  readonly files: readonly SourceFile[];
  /** Variables of the form `<PREFIX>_<GROUP>__<OPT>`, read once. */
  readonly environment: Readonly<Record<string, string>>;
  readonly envPrefix: string;
  /** Names of variables that have only the prefix, to find those that lack an underscore. */
  readonly otherVariables?: readonly string[];
  readonly arguments: readonly Argument[];
}

/** A value as written under one spelling, at one place. */
export interface Written {
  readonly group: string;
  readonly opt: string;
  readonly text: string;
  readonly location: Location;
  /** Entry in its file, for locations within the value. */
  readonly entry?: ConfEntry;
  /** Values from code are not text and stay unchanged. */
  readonly typed?: { readonly value: unknown };
  /** True for the content of a file in a `…_FILE` variable: a `$` in it has no special meaning. */
  readonly verbatim?: boolean;
  /** True if it was read from a file that others may read. */
  readonly exposed?: boolean;
}

/** Returns the key of a name. Both parts may contain dots: with one between them, `[a] b.c` and `[a.b] c` would be the same. */
export function keyOf({ group, opt }: { readonly group: string; readonly opt: string }): string {
  return `${group}\0${opt}`;
}

/** Parts of one generation. Replaced as a whole, except for values from code, and files that are kept when first read. */
export interface State {
  readonly sources: Sources;
  /** `group.opt` of options that only a restart changes, to their values at the start of the process. */
  readonly pinned: Readonly<Record<string, readonly Written[]>>;
  readonly paths: SourcePaths;
  readonly files: AcceptedFiles;
  /** Increases by one with each accepted change. */
  readonly generation: number;
  /** Errors in the sources themselves. */
  readonly issues: readonly Diagnostic[];
  /** `group.opt` to a value from code, above all others. A reload keeps them. */
  readonly overrides: Map<string, unknown>;
  /** `group.opt` to a value from code, above the declared default only. */
  readonly defaults: Map<string, unknown>;
}

/** A state as JSON, from `config.snapshot()`; its fields are private. */
export interface ConfigSnapshot extends Pick<State, 'generation' | 'sources' | 'pinned' | 'paths'> {
  readonly format: 1;
  readonly files: readonly AcceptedFile[];
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Errors in the files themselves, if there are any. */
  readonly issues?: readonly Diagnostic[];
  /** Warnings that are in the log. */
  readonly told?: readonly string[];
}

/** Returns a state with only the given parts. */
export function newState({
  sources,
  ...given
}: Partial<Omit<State, 'sources'>> & { readonly sources?: Partial<Sources> } = {}): State {
  return {
    sources: { files: [], environment: {}, envPrefix: 'PORTICO', arguments: [], ...sources },
    pinned: {},
    paths: { files: [], dirs: [], searched: [] },
    files: new AcceptedFiles(),
    generation: 1,
    issues: [],
    overrides: new Map(),
    defaults: new Map(),
    ...given,
  };
}

/** Returns the state of a snapshot. */
export function fromSnapshot(snapshot: ConfigSnapshot): State {
  const { generation, sources, pinned, paths, issues = [] } = snapshot;
  return {
    generation,
    sources,
    pinned,
    paths,
    files: AcceptedFiles.from(snapshot.files),
    issues,
    overrides: new Map(Object.entries(snapshot.overrides)),
    defaults: new Map(Object.entries(snapshot.defaults)),
  };
}

/** One file as JSON, for the snapshot. */
interface AcceptedFile {
  readonly path: string;
  /** Absent for a file that has become a FIFO, or is lost. */
  readonly base64: string | undefined;
  readonly isLost?: boolean;
}

/**
 * Files that a configuration depends on, by absolute path: paste files, certificates, files with secrets. Each is read once and kept, so
 * that a worker that starts later uses the accepted content and not later edits.
 */
class AcceptedFiles {
  /** Files by absolute path; a file that has become a FIFO has no bytes, and is refused to its readers. */
  readonly #files = new Map<string, Buffer | undefined>();
  /** Absolute paths of the files that the configuration before has read, and that can no longer be read. */
  readonly lost = new Set<string>();
  /** Files that were requested in this process. */
  readonly #asked = new Set<string>();

  /** Returns the bytes of a file: kept ones, else from disk, and keeps them. Throws the errors of `readFileSync`. */
  read(path: string): Buffer {
    const absolute = resolve(path);
    const known = this.#files.get(absolute);
    if (known === undefined && this.#files.has(absolute)) throw new Error('should be a file, is a FIFO');
    const bytes = known ?? readFileSync(absolute);
    this.#asked.add(absolute);
    this.#files.set(absolute, bytes);
    return bytes;
  }

  /** Absolute paths of the files that were requested in this process, without those that only came from its parent. */
  get asked(): string[] {
    return [...this.#asked];
  }

  /** Absolute paths of all files read. */
  get paths(): string[] {
    return [...this.#files].flatMap(([path, bytes]) => (bytes === undefined ? [] : path));
  }

  /**
   * Reads the same files again. Leaves out a file that can no longer be read: its next reader reads it from disk, and reports the reason.
   * The reader of a FIFO would wait for a writer, and block this process.
   */
  refreshed(): AcceptedFiles {
    const next = new AcceptedFiles();
    for (const path of this.#files.keys()) {
      const now = readUnlessFifo(path);
      if (now !== undefined || isFifo(path)) next.#files.set(path, now);
      else next.lost.add(path);
    }
    return next;
  }

  toJSON(): AcceptedFile[] {
    const read = [...this.#files].map(([path, bytes]) => ({ path, base64: bytes?.toString('base64') }));
    return [...read, ...[...this.lost].map((path) => ({ path, base64: undefined, isLost: true }))];
  }

  static from(files: readonly AcceptedFile[]): AcceptedFiles {
    const accepted = new AcceptedFiles();
    for (const { path, base64, isLost } of files) {
      if (isLost === true) accepted.lost.add(path);
      else accepted.#files.set(path, base64 === undefined ? undefined : Buffer.from(base64, 'base64'));
    }
    return accepted;
  }
}
