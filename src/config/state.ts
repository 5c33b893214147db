/**
 * Everything that is written about a configuration, before it is judged: files, environment, command line, and values from
 * code. Plain data, so that it can cross to a worker as JSON.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Diagnostic, Place } from '../errors/index.js';
import type { ConfEntry, ConfSection } from '../ini/index.js';
import { isFifo, readUnlessFifo } from './read-unless-fifo.js';

/** A file or directory to read: as named, and where that is. */
export interface NamedPath {
  readonly name: string;
  readonly path: string;
}

/** Paths of a configuration's sources, which a reload reads. */
export interface SourcePaths {
  readonly files: readonly NamedPath[];
  readonly dirs: readonly NamedPath[];
  /** Directories where default files are looked for. */
  readonly searched: readonly string[];
}

/** One file or external source, read. */
export interface SourceFile {
  readonly kind: 'file' | 'source';
  /** As the operator named it; what messages show. */
  readonly name: string;
  /** Absolute; what a reload reads. Empty for text that never was a file. */
  readonly path: string;
  readonly sections: readonly ConfSection[];
  readonly entries: readonly ConfEntry[];
  /** Others than the owner may read the file. */
  readonly exposed: boolean;
}

/** One `--set group.opt=value`, or its own option on the command line. `index` counts arguments from 1. */
export interface Argument {
  readonly group: string;
  readonly opt: string;
  readonly value: string;
  readonly index: number;
}

/** All that operators wrote. */
export interface Sources {
  /** Lowest precedence first: external sources, files in the order named, files of directories. */
  readonly files: readonly SourceFile[];
  /** The variables of the form `<PREFIX>_<GROUP>__<OPT>`, read once. */
  readonly environment: Readonly<Record<string, string>>;
  readonly envPrefix: string;
  /** The names of variables with the prefix alone, for those that lack an underscore. */
  readonly otherVariables?: readonly string[];
  readonly arguments: readonly Argument[];
}

/** A value as written under one spelling, in one place. */
export interface Written {
  readonly group: string;
  readonly opt: string;
  readonly text: string;
  readonly location: Place;
  /** The file entry it comes from, for places within the value. */
  readonly entry?: ConfEntry;
  /** Values that code gave are not text and stay as they are. */
  readonly typed?: { readonly value: unknown };
  /** The content of a file that `…_FILE` names: a `$` in it is a `$`. */
  readonly verbatim?: boolean;
  /** Read from a file that others may read. */
  readonly exposed?: boolean;
}

/** Parts of one generation. Replaced as a whole, except for values from code, and files that are remembered when first read. */
export interface State {
  /** For options that may change in a running process. */
  readonly mutable: Sources;
  /** For all others; differs from `mutable` after a mutate. */
  readonly fixed: Sources;
  /** `group.opt` of options that only a restart changes, to what counted when the process started. */
  readonly pinned: Readonly<Record<string, readonly Written[]>>;
  readonly paths: SourcePaths;
  readonly files: AcceptedFiles;
  /** Grows by one with each accepted change. */
  readonly generation: number;
  /** Mistakes in the sources themselves. */
  readonly issues: readonly Diagnostic[];
  /** `group.opt` to a value from code, above everything. A reload keeps them. */
  readonly overrides: Map<string, unknown>;
  /** `group.opt` to a value from code, above the declared default only. */
  readonly defaults: Map<string, unknown>;
}

/** A state as JSON. Made by `config.snapshot()`; its fields are private. */
export interface ConfigSnapshot {
  readonly format: 1;
  readonly generation: number;
  readonly mutable: Sources;
  /** Absent where it is the same as `mutable`. */
  readonly fixed?: Sources;
  readonly pinned: State['pinned'];
  readonly paths: SourcePaths;
  readonly files: readonly AcceptedFile[];
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Warnings that are in the log. */
  readonly told?: readonly string[];
}

/** A state in which nothing is written but what is given. */
export function newState({ sources, ...given }: Partial<State> & { readonly sources?: Partial<Sources> } = {}): State {
  const written = { files: [], environment: {}, envPrefix: 'PORTICO', arguments: [], ...sources };
  return {
    mutable: written,
    fixed: written,
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

/** The state of a snapshot. */
export function fromSnapshot(snapshot: ConfigSnapshot): State {
  const { generation, mutable, fixed = mutable, pinned, paths } = snapshot;
  return {
    generation,
    mutable,
    fixed,
    pinned,
    paths,
    files: AcceptedFiles.from(snapshot.files),
    issues: [],
    overrides: new Map(Object.entries(snapshot.overrides)),
    defaults: new Map(Object.entries(snapshot.defaults)),
  };
}

/** One file as JSON: for the snapshot. */
interface AcceptedFile {
  readonly path: string;
  /** Absent for a file that has become a FIFO. */
  readonly base64: string | undefined;
  /** Read afresh also where only mutable options change: certificates. */
  readonly mutable: boolean;
}

/**
 * The files a configuration rests on, by absolute path: paste files, certificates, files with secrets. Each is read once and kept,
 * so that a worker started later works from what was accepted and not from what an editor has made of it since.
 */
class AcceptedFiles {
  /** By absolute path; without bytes, one that has become a FIFO: it is refused to its readers. */
  readonly #files = new Map<string, { readonly bytes: Buffer | undefined; readonly mutable: boolean }>();
  /** Files that were asked for here. */
  readonly #asked = new Set<string>();

  /** The bytes of a file: as remembered, else from disk, remembering them. Throws what `readFileSync` throws. */
  read(path: string, mutable = false): Buffer {
    const absolute = resolve(path);
    const known = this.#files.get(absolute);
    if (known !== undefined && known.bytes === undefined) throw new Error('should be a file, is a FIFO');
    const bytes = known?.bytes ?? readFileSync(absolute);
    this.#asked.add(absolute);
    if (known === undefined || (mutable && !known.mutable)) this.#files.set(absolute, { bytes, mutable });
    return bytes;
  }

  /** The absolute paths of the files that this process has asked for: not of those that it only got from its parent. */
  get asked(): string[] {
    return [...this.#asked];
  }

  /** The absolute paths of all files read. */
  get paths(): string[] {
    return [...this.#files].flatMap(([path, { bytes }]) => (bytes === undefined ? [] : path));
  }

  /**
   * The same files read afresh; with `onlyMutable` the others keep their bytes. A file that cannot be read any more is
   * left out: its next reader reads it from disk, and reports why it cannot. The reader of a FIFO would wait for a writer, and so would
   * everything else in this process.
   */
  refreshed(onlyMutable: boolean): AcceptedFiles {
    const next = new AcceptedFiles();
    for (const [path, { bytes, mutable }] of this.#files) {
      const now = onlyMutable && !mutable ? bytes : readUnlessFifo(path);
      if (now !== undefined || isFifo(path)) next.#files.set(path, { bytes: now, mutable });
    }
    return next;
  }

  toJSON(): AcceptedFile[] {
    return [...this.#files].map(([path, { bytes, mutable }]) => ({ path, base64: bytes?.toString('base64'), mutable }));
  }

  static from(files: readonly AcceptedFile[]): AcceptedFiles {
    const accepted = new AcceptedFiles();
    for (const { path, base64, mutable } of files) {
      accepted.#files.set(path, { bytes: base64 === undefined ? undefined : Buffer.from(base64, 'base64'), mutable });
    }
    return accepted;
  }
}
