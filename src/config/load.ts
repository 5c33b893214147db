/**
 * Reading everything a configuration is made of: where the sources are, and their content.
 */
import type { Logger } from '../log/index.js';
import type { ConfigSnapshot, State } from './generations/generation.js';
import {
  declaredFlags,
  HelpRequested,
  helpText,
  parseCommandLine,
  parseSetting,
  UsageError,
} from './sources/command-line.js';
import {
  findDefaultDirs,
  findDefaultFiles,
  named,
  programName,
  type SourcePaths,
  searchedDirs,
} from './sources/default-files.js';
import { optionVariables, otherVariables } from './sources/environment.js';
import { AcceptedFiles, readFiles } from './sources/read-files.js';
import type { OptionDeclarations } from './types/option.js';
import type { DeclaredGroups } from './values/declared-groups.js';

/** How `Config.load` finds its sources. */
export interface LoadOptions {
  /** Files to read, the last one first in precedence; each must exist. Default: see `defaultFiles`. */
  readonly files?: readonly string[];
  /** Directories whose `*.conf` are read after the files, in byte order. */
  readonly dirs?: readonly string[];
  /** What is read when no file is named. Default: `./portico.ini`, else `./paste/portico.ini`, else those of the system. */
  readonly defaultFiles?: readonly string[];
  /** Likewise for directories. Default: `<project>.conf.d` and `<prog>.conf.d` of the system. */
  readonly defaultDirs?: readonly string[];
  /**
   * Arguments to take `--config-file`, `--config-dir`, `--set` and the flags of `groups` from. Default: none; a program
   * with arguments of its own takes them apart itself and hands on `files` and `set`.
   */
  readonly argv?: readonly string[];
  /** What `--set` was given: `group.opt=value`. */
  readonly set?: readonly string[];
  /** `group.opt` to a value; above everything else. */
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** Default: the process's. Read once. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: the project's name in upper case. */
  readonly envPrefix?: string;
  /** Default: `portico`. */
  readonly project?: string;
  /** Default: the name of the running script. */
  readonly prog?: string;
  /** What `--version` in `argv` answers. */
  readonly version?: string;
  /** Declared before anything is read, so that the first error message is complete. */
  readonly groups?: Readonly<Record<string, OptionDeclarations>>;
  /** As `strict_config = true`. */
  readonly strict?: boolean;
  /** Keeps what is wrong with the files for `validate()`, which then reports it with everything else. Default: throw. */
  readonly collect?: boolean;
  /** Where warnings go, each once. Default: they wait in `problems()`. */
  readonly log?: Logger;
  /** What a parent process handed over; it is used instead of all sources. Default: what this process was given. */
  readonly worker?: WorkerConfiguration | undefined;
}

/** Reads all sources. What is wrong with them is in `issues`; throws {@link UsageError} and {@link HelpRequested} only. */
export function readState(options: LoadOptions, groups: DeclaredGroups): State {
  const env = options.env ?? process.env;
  const project = options.project ?? 'portico';
  const program = { project, prog: options.prog ?? programName(process.argv[1]), env };
  const flags = declaredFlags(groups);
  const command = parseCommandLine(options.argv ?? [], flags);
  if (command.help) throw new HelpRequested(helpText(program.prog || project, flags));
  if (command.version) throw new HelpRequested(`${program.prog || project} ${options.version ?? 'unknown version'}\n`);
  const [stray] = command.positional;
  if (stray !== undefined) throw new UsageError(`unexpected argument ${stray}`);
  const choose = (
    argued: readonly string[],
    configured: readonly string[] | undefined,
    search: () => SourcePaths['files'],
  ) => (argued.length > 0 ? argued.map(named) : (configured?.map(named) ?? search()));
  const paths: SourcePaths = {
    files: choose(command.configFiles, options.files ?? options.defaultFiles, () => findDefaultFiles(program)),
    dirs: choose(command.configDirs, options.dirs ?? options.defaultDirs, () => findDefaultDirs(program)),
    searched: searchedDirs(program),
  };
  const { files, issues } = readFiles(paths);
  const envPrefix = options.envPrefix ?? project.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
  const sources = {
    files,
    environment: optionVariables(env, envPrefix),
    envPrefix,
    otherVariables: otherVariables(env, envPrefix),
    arguments: [...command.arguments, ...(options.set ?? []).map((text, index) => parseSetting(text, index + 1))],
  };
  return { mutable: sources, fixed: sources, pinned: {}, paths, files: new AcceptedFiles(), generation: 1, issues };
}

/** The same sources read afresh, of the next generation. Environment and command line are as they were. */
export function readAgain(state: State): State {
  const { files, issues } = readFiles(state.paths);
  const sources = { ...state.mutable, files };
  return {
    ...state,
    mutable: sources,
    fixed: sources,
    files: state.files.refreshed(false),
    pinned: {},
    generation: state.generation + 1,
    issues,
  };
}

/** Which worker a process is. */
export interface WorkerAssignment {
  /** The name of the one service it runs. */
  readonly service: string;
  /** 0 to `workers` - 1, stable over replacements. */
  readonly index: number;
  readonly workers: number;
  /** Which accepted configuration it begins with, counted from 1. */
  readonly generation: number;
}

/** What a parent hands over to its worker, but for what the launcher alone reads. */
export interface WorkerConfiguration {
  readonly assignment?: WorkerAssignment | undefined;
  readonly configuration?: ConfigSnapshot | undefined;
}

/** Where launchers leave it on the process of a worker. */
const WORKER_LINK = Symbol.for('portico.worker');

/** Undefined in a process that is no worker. */
export function workerConfiguration(): WorkerConfiguration | undefined {
  return (process as { [WORKER_LINK]?: WorkerConfiguration })[WORKER_LINK];
}

/** Which worker this process is; undefined in one that is no worker. */
export function workerAssignment(): WorkerAssignment | undefined {
  return workerConfiguration()?.assignment;
}
