/**
 * Loads a configuration: finds and reads its sources, or starts from a text, or from a snapshot that another process accepted.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Diagnostic, UsageError } from '../errors/index.js';
import type { LogOption } from '../log/index.js';
import { checkedLog } from '../log/internal.js';
import { optionVariables, otherVariables } from '../process/index.js';
import { ConfigHolder, Lasting } from './config-holder.js';
import { readExtensions } from './extensions.js';
import {
  declaredFlags,
  HelpRequested,
  helpText,
  parseCommandLine,
  parseSetting,
} from './sources/command-line-values.js';
import { findDefaultDirs, findDefaultFiles, named, programName, searchedDirs } from './sources/default-files.js';
import { parseSource, readFiles } from './sources/read-files.js';
import { type ConfigSnapshot, fromSnapshot, newState, type SourcePaths, type State } from './state.js';
import type { OptionDeclarations } from './types/option.js';
import { type DeclaredGroups, declaredByAll } from './values/declared-groups.js';
import { refuseErrors } from './values/option-issues.js';
import { problemsOf } from './values/unknown-names.js';

/** Options of `Config.load`. */
export interface LoadOptions {
  /** Files to read, highest precedence last; each must exist. Default: see `defaultFiles`. */
  readonly files?: readonly string[];
  /** Directories whose `*.conf` are read after the files, in byte order. */
  readonly dirs?: readonly string[];
  /** Files to read if none is named. Default: `./portico.ini`, else `./paste/portico.ini`, else those of the system. */
  readonly defaultFiles?: readonly string[];
  /** Directories to read if none is named. Default: `<project>.conf.d` and `<prog>.conf.d` of the system. */
  readonly defaultDirs?: readonly string[];
  /**
   * Arguments to parse for `--config-file`, `--config-dir`, `--set`, `--help`, `--version` and the flags of `groups`. Default: those of the
   * process; none if `portico/testing` is loaded, because they belong to a test runner then. False: none, for an application that parses its
   * arguments itself and passes `files` and `set`. If the process's arguments request help or the version, it is printed, and the process
   * ends with 0.
   */
  readonly argv?: readonly string[] | false | undefined;
  /** Values of `--set`: `group.opt=value`. */
  readonly set?: readonly string[];
  /** `group.opt` to a value; above all other sources. */
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** Environment variables, read once. Default: those of the process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: the project's name in upper case. */
  readonly envPrefix?: string;
  /** Default: `portico`. */
  readonly project?: string;
  /** Default: the name of the running script. */
  readonly prog?: string;
  /** Output of `--version` in `argv`. */
  readonly version?: string;
  /** Declared before anything is read, so that the first error message is complete. */
  readonly groups?: Readonly<Record<string, OptionDeclarations>>;
  /** Keeps errors in the files for `validate()`, which then reports them with all others. Default: throw. */
  readonly collect?: boolean;
  /** Log for warnings, each once. Default: they wait in `problems()`. */
  readonly log?: LogOption;
  /** Snapshot from a parent process, used in place of all sources. Default: the one passed to this process. */
  readonly worker?: WorkerConfiguration | undefined;
}

/** Returns a configuration from files, environment and command line; in a worker from its parent's snapshot. */
export async function fromSources(options: LoadOptions): Promise<ConfigHolder> {
  const log = checkedLog('PORTICO_INVALID_OPTION', 'Config.load()', options.log);
  const worker = options.worker ?? workerConfiguration();
  // Workers of a service have the same warnings: the first one sends those to their parent that it could not know.
  const quiet = worker?.assignment !== undefined;
  if (worker?.configuration !== undefined) {
    const state = await readExtensions(fromSnapshot(worker.configuration), declaredByAll());
    return ofSnapshot(worker.configuration, options, quiet, state);
  }
  const groups = declaredGroups(options);
  const overrides = new Map(Object.entries(options.overrides ?? {}));
  const state = await readExtensions({ ...readState(options, groups), overrides }, groups);
  const first = new ConfigHolder(state, new Lasting(groups, log));
  if (options.collect === true) return first;
  if (options.groups === undefined) refuseErrors(state.issues);
  else refuseErrors(problemsOf(first.generation, 'owned'));
  return first;
}

/** Returns a configuration from a text, as from a file. */
export function fromText(
  text: string,
  { file = 'portico.ini', log: given }: { file?: string; log?: LogOption },
): ConfigHolder {
  const log = checkedLog('PORTICO_INVALID_OPTION', 'Config.fromText()', given);
  const issues: Diagnostic[] = [];
  const files = [parseSource({ name: file, path: '' }, text, issues)];
  refuseErrors(issues);
  return new ConfigHolder(newState({ sources: { files } }), new Lasting(undefined, log));
}

/** Returns the configuration that another process accepted. */
export function ofSnapshot(
  snapshot: ConfigSnapshot,
  options: Pick<LoadOptions, 'log' | 'groups'>,
  quiet = false,
  state = fromSnapshot(snapshot),
): ConfigHolder {
  const log = checkedLog('PORTICO_INVALID_OPTION', 'a Config', options.log);
  return new ConfigHolder(state, new Lasting(declaredGroups(options), log, quiet), snapshot.told);
}

function declaredGroups({ groups = {} }: Pick<LoadOptions, 'groups'>): DeclaredGroups {
  const declared = declaredByAll();
  for (const [name, options] of Object.entries(groups)) declared.declare(name, options);
  return declared;
}

/** Reads all sources. `issues`: their errors; throws only {@link UsageError} and {@link HelpRequested}. */
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

/** Key under which `portico/testing` records that the command line of the process does not belong to the application. */
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

/** The process's arguments may belong to an application that parses them itself, or to another tool. */
function hintOf({ argv }: Pick<LoadOptions, 'argv'>): string | undefined {
  if (argv !== undefined) return undefined;
  return 'If these arguments are not meant for the configuration, write Config.load({ argv: false }).';
}

/** Reads the same sources again for the next generation. Environment and command line do not change. */
export function readAgain(state: State): State {
  const { files, issues } = readFiles(state.paths, { again: true });
  return {
    ...state,
    sources: { ...state.sources, files },
    files: state.files.refreshed(),
    pinned: {},
    generation: state.generation + 1,
    issues,
  };
}

/** Identity of a worker. */
export interface WorkerAssignment {
  /** Name of the one service it runs. */
  readonly service: string;
  /** 0 to `workers` - 1, stable over replacements. */
  readonly index: number;
  readonly workers: number;
  /** Number of the accepted configuration it starts with, from 1. */
  readonly generation: number;
}

/** A parent's snapshot for its worker, without the parts that only the launcher reads. */
export interface WorkerConfiguration {
  assignment?: WorkerAssignment | undefined;
  readonly configuration?: ConfigSnapshot | undefined;
  /** True in a child that builds all services and starts none. */
  readonly builds?: boolean;
}

/** Key under which launchers store it on the process of a worker. */
const WORKER_LINK = Symbol.for('portico.worker');

/** Returns undefined in a process that is no worker. */
function workerConfiguration(): WorkerConfiguration | undefined {
  return (process as { [WORKER_LINK]?: WorkerConfiguration })[WORKER_LINK];
}

/** Set within builds of a process that does other work too: an object for each of them. */
const trials = new AsyncLocalStorage<object>();
/** The trial of a process that only builds. */
const WHOLE_PROCESS = {};

/** Calls `build`, which finds errors of a configuration and whose result serves nothing. */
export function asTrial<T>(build: () => T): T {
  return trials.run(trials.getStore() ?? {}, build);
}

/** Returns the check or dry run for which this process or call builds; its result never serves. Undefined if there is none. */
export function currentTrial(): object | undefined {
  return trials.getStore() ?? (workerConfiguration()?.builds === true ? WHOLE_PROCESS : undefined);
}

/** Reports whether what is built now serves nothing: it is built for a check or a dry run. */
export function isTrial(): boolean {
  return currentTrial() !== undefined;
}

/** Returns the assignment of this worker; undefined in other processes. */
export function workerAssignment(): WorkerAssignment | undefined {
  return workerConfiguration()?.assignment;
}

/**
 * Runs a build in a process that validates a configuration, as a worker of that service would, or with `workers` 0 as one process that has none:
 * what depends on the number of workers is refused there too. In a process without an assignment it only runs the build.
 */
export async function buildAsWorker<T>(
  { name, workers }: { readonly name: string; readonly workers: number },
  build: () => Promise<T>,
): Promise<T> {
  const link = workerConfiguration();
  const assignment = link?.assignment;
  if (link === undefined || assignment === undefined) return build();
  link.assignment = workers === 0 ? undefined : { ...assignment, service: name, workers };
  try {
    return await build();
  } finally {
    link.assignment = assignment;
  }
}
