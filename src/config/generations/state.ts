/**
 * One generation of a configuration: what was written, the bytes of the files it rests on, and how to read it again.
 * As JSON it is the snapshot that a parent hands to its workers.
 */
import type { Diagnostic } from '../../errors/index.js';
import { type AcceptedFile, AcceptedFiles } from '../sources/accepted-files.js';
import type { NamedPath } from '../sources/default-files.js';
import { noSources, type Sources, type Written } from '../sources/sources.js';

/** Where the sources came from: what a reload reads. */
export interface SourcePaths {
  readonly files: readonly NamedPath[];
  readonly dirs: readonly NamedPath[];
  /** Directories where default files are looked for. */
  readonly searched: readonly string[];
}

/** A generation. Replaced as a whole, never changed, but for files that are remembered when they are first read. */
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
  /** What is wrong with the sources themselves. */
  readonly issues: readonly Diagnostic[];
}

/** A state and the values that code set, as JSON. Made by `config.snapshot()`; what is in it is nobody's business. */
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

/** A state in which nothing is written. */
export function emptyState(): State {
  return {
    mutable: noSources,
    fixed: noSources,
    pinned: {},
    paths: { files: [], dirs: [], searched: [] },
    files: new AcceptedFiles(),
    generation: 1,
    issues: [],
  };
}

/** The state as JSON, with the values from code, which are JSON already. */
export function toSnapshot(
  state: State,
  overrides: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
): ConfigSnapshot {
  const { generation, mutable, fixed, pinned, paths, files } = state;
  const separate = fixed === mutable ? {} : { fixed };
  return { format: 1, generation, mutable, ...separate, pinned, paths, files: files.toJSON(), overrides, defaults };
}

/** The state of a snapshot. */
export function fromSnapshot(snapshot: ConfigSnapshot): State {
  const { mutable, pinned, paths, generation } = snapshot;
  const files = AcceptedFiles.from(snapshot.files);
  return { mutable, fixed: snapshot.fixed ?? mutable, pinned, paths, files, generation, issues: [] };
}
