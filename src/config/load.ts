/**
 * The beginning of a configuration: where its sources are, and what they hold; or a text, or what another process accepted.
 */
import type { Diagnostic } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { optionVariables, otherVariables } from '../process/index.js';
import { ConfigHolder, Lasting } from './config-holder.js';
import {
  declaredFlags,
  HelpRequested,
  helpText,
  parseCommandLine,
  parseSetting,
  UsageError,
} from './sources/command-line.js';
import { findDefaultDirs, findDefaultFiles, named, programName, searchedDirs } from './sources/default-files.js';
import { declareSources, readExternalSources } from './sources/external-sources.js';
import { parseSource, readFiles } from './sources/read-files.js';
import { type ConfigSnapshot, fromSnapshot, newState, type SourcePaths, type State } from './state.js';
import type { OptionDeclarations } from './types/option.js';
import { type DeclaredGroups, declaredByAll } from './values/declared-groups.js';
import { refuseErrors } from './values/mistakes.js';
import { problemsOf } from './values/problems.js';

/** How `Config.load` finds its sources. */
export interface LoadOptions {
  /** Files to read, the last one first in precedence; each must exist. Default: see `defaultFiles`. */
  readonly files?: readonly string[];
  /** Directories whose `*.conf` are read after the files, in byte order. */
  readonly dirs?: readonly string[];
  /** Files to read when none is named. Default: `./portico.ini`, else `./paste/portico.ini`, else those of the system. */
  readonly defaultFiles?: readonly string[];
  /** Likewise for directories. Default: `<project>.conf.d` and `<prog>.conf.d` of the system. */
  readonly defaultDirs?: readonly string[];
  /**
   * Arguments to take `--config-file`, `--config-dir`, `--set`, `--help`, `--version` and the flags of `groups` from. Default: those of
   * the process; none where `portico/testing` is loaded, for they are a test runner's then. False: none, for a program that
   * takes its own apart and hands on `files` and `set`. Help and version that the process's ask for are printed, and end it with 0.
   */
  readonly argv?: readonly string[] | false | undefined;
  /** Values of `--set`: `group.opt=value`. */
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
  /** Answer to `--version` in `argv`. */
  readonly version?: string;
  /** Declared before anything is read, so that the first error message is complete. */
  readonly groups?: Readonly<Record<string, OptionDeclarations>>;
  /** As `strict_config = true`. */
  readonly strict?: boolean;
  /** Keeps what is wrong with the files for `validate()`, which then reports it with everything else. Default: throw. */
  readonly collect?: boolean;
  /** Log for warnings, each once. Default: they wait in `problems()`. */
  readonly log?: Logger;
  /** Snapshot from a parent process, used instead of all sources. Default: the one this process was given. */
  readonly worker?: WorkerConfiguration | undefined;
}

/** From files, environment and command line; in a worker from what the parent handed over. */
export async function fromSources(options: LoadOptions): Promise<ConfigHolder> {
  const worker = options.worker ?? workerConfiguration();
  // Workers of a service have the same warnings: the first of them tells those that their parent could not know.
  const quiet = (worker?.assignment?.index ?? 0) > 0;
  if (worker?.configuration !== undefined) return ofSnapshot(worker.configuration, options, quiet);
  const groups = declaredGroups(options);
  const overrides = new Map(Object.entries(options.overrides ?? {}));
  if (options.strict !== undefined) overrides.set('DEFAULT.strict_config', options.strict);
  const state = await readExternalSources({ ...readState(options, groups), overrides }, groups);
  const first = begin(state, new Lasting(groups, options.log));
  if (options.collect === true) return first;
  if (options.groups === undefined) refuseErrors(state.issues);
  // Variables and arguments may be those of groups that are declared later: they wait for the judgement of all.
  else refuseErrors(problemsOf(first.generation, false).filter((issue) => !isStranger(issue, groups)));
  return first;
}

/** From a text, as if it was in a file. */
export function fromText(text: string, { file = 'portico.ini', log }: { file?: string; log?: Logger }): ConfigHolder {
  const issues: Diagnostic[] = [];
  const files = [parseSource({ name: file, path: '' }, text, issues)];
  refuseErrors(issues);
  return begin(newState({ sources: { files } }), new Lasting(undefined, log));
}

/** From what another process accepted. */
export function ofSnapshot(
  snapshot: ConfigSnapshot,
  options: Pick<LoadOptions, 'log' | 'groups'>,
  quiet = false,
): ConfigHolder {
  return begin(fromSnapshot(snapshot), new Lasting(declaredGroups(options), options.log, quiet), snapshot.told);
}

/** From what is written, with the groups declared that it names as sources. */
export function begin(state: State, lasting: Lasting, told?: readonly string[]): ConfigHolder {
  declareSources(state, lasting.groups);
  return new ConfigHolder(state, lasting, told);
}

function isStranger({ code, section = '', place }: Diagnostic, groups: DeclaredGroups): boolean {
  if (code === 'PORTICO_CONFIG_UNKNOWN_VARIABLE') return true;
  return code === 'PORTICO_CONFIG_UNKNOWN_OPTION' && place?.kind === 'command_line' && !groups.has(section);
}

function declaredGroups({ groups = {} }: Pick<LoadOptions, 'groups'>): DeclaredGroups {
  const declared = declaredByAll();
  for (const [name, options] of Object.entries(groups)) declared.declare(name, options);
  return declared;
}

/** Reads all sources. `issues` has what is wrong with them; throws {@link UsageError} and {@link HelpRequested} only. */
function readState(options: LoadOptions, groups: DeclaredGroups): State {
  const env = options.env ?? process.env;
  const project = options.project ?? 'portico';
  const program = { project, prog: options.prog ?? programName(process.argv[1]), env };
  const flags = declaredFlags(groups);
  const command = commandLine(options.argv, flags);
  const answer = (text: string): never => {
    if (options.argv !== undefined) throw new HelpRequested(text);
    process.stdout.write(text);
    process.exit(0);
  };
  if (command.help) answer(helpText(program.prog || project, flags));
  if (command.version) answer(`${program.prog || project} ${options.version ?? 'unknown version'}\n`);
  if (command.stray !== undefined) throw new UsageError(`unexpected argument ${command.stray}`, hintOf(options));
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
  const { files, issues } = readFiles(paths, { again: false });
  const envPrefix = options.envPrefix ?? project.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
  const sources = {
    files,
    environment: optionVariables(env, envPrefix),
    envPrefix,
    otherVariables: otherVariables(env, envPrefix),
    arguments: [...command.arguments, ...(options.set ?? []).map((text, index) => parseSetting(text, index + 1))],
  };
  return newState({ sources, paths, issues });
}

/** Key under which `portico/testing` notes that the command line of the process is not the program's. */
const TESTING = Symbol.for('portico.testing');

function commandLine(given: LoadOptions['argv'], flags: ReturnType<typeof declaredFlags>) {
  const own = given === undefined && !(TESTING in process) ? process.argv.slice(2) : [];
  try {
    return parseCommandLine(given || own, flags);
  } catch (error) {
    if (given !== undefined || !(error instanceof UsageError)) throw error;
    throw new UsageError(error.message, [error.hint, hintOf({})].filter((hint) => hint !== undefined).join(' '));
  }
}

/** The process's arguments may be those of a program that takes them apart itself, or of another tool. */
function hintOf({ argv }: Pick<LoadOptions, 'argv'>): string | undefined {
  if (argv !== undefined) return undefined;
  return 'If these arguments are not meant for the configuration, write Config.load({ argv: false }).';
}

/** The same sources read afresh, of the next generation. Environment and command line are as they were. */
export function readAgain(state: State): State {
  const { files, issues } = readFiles(state.paths, { again: true });
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

/** Identity of a worker. */
export interface WorkerAssignment {
  /** The name of the one service it runs. */
  readonly service: string;
  /** 0 to `workers` - 1, stable over replacements. */
  readonly index: number;
  readonly workers: number;
  /** Number of the accepted configuration it begins with, from 1. */
  readonly generation: number;
}

/** A parent's snapshot for its worker, without the parts that the launcher alone reads. */
export interface WorkerConfiguration {
  readonly assignment?: WorkerAssignment | undefined;
  readonly configuration?: ConfigSnapshot | undefined;
}

/** Key under which launchers leave it on the process of a worker. */
const WORKER_LINK = Symbol.for('portico.worker');

/** Undefined in a process that is no worker. */
function workerConfiguration(): WorkerConfiguration | undefined {
  return (process as { [WORKER_LINK]?: WorkerConfiguration })[WORKER_LINK];
}

/** The worker that this process is; undefined in other processes. */
export function workerAssignment(): WorkerAssignment | undefined {
  return workerConfiguration()?.assignment;
}
