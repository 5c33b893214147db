/**
 * How a worker is spawned: the program's main module again, behind the bootstrap, in an environment and with arguments
 * that are fit for a child.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PorticoError } from '../../errors/index.js';
import { inFollowedFolder, ownFile } from '../../process/index.js';
import type { Configure } from '../assignment.js';
import type { LaunchSettings } from '../launcher-options.js';
import type { ProgramCode } from './program-code.js';
import type { WorkerFiles } from './worker-files.js';

/** The environment variable that holds the assignment as JSON: read once and deleted. */
const ASSIGNMENT_VARIABLE = 'PORTICO_WORKER';

/** The environment variable that stays, for the application: the index. */
const WORKER_ID_VARIABLE = 'PORTICO_WORKER_ID';

/** The process that a child is modelled on. */
type ParentProcess = Pick<NodeJS.Process, 'pid' | 'env' | 'argv' | 'execPath' | 'execArgv'>;

/** Variables that concern the supervisor alone: systemd's sockets and notifications, another cluster's channel, `node --watch`. */
const PARENT_ONLY = [
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
  'NODE_UNIQUE_ID',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'WATCH_REPORT_DEPENDENCIES',
];

/** Runs in each worker before the main module. */
const BOOTSTRAP = ownFile('launch/worker/worker-bootstrap.js').href;

/** Program of a worker process. */
export interface WorkerProgram {
  readonly host: ParentProcess;
  /** The module to run; default the parent's own main module. */
  readonly entry?: URL | string | undefined;
  /** Names of environment variables that workers must not inherit. */
  readonly withheld?: readonly string[];
  /** The arguments that workers are told over their channel; default all of the parent's. */
  told?(): readonly string[];
  /** Those to show in the command line of a worker, which every user can read; default none. */
  shown?(): readonly string[];
}

/**
 * Data that every worker of one generation begins with. Its number counts the configurations that a fleet has adopted; one that is
 * tried has the next.
 */
export interface FleetGeneration {
  /** Counted from 1. */
  readonly number: number;
  readonly settings: LaunchSettings;
  /** The working directory of its workers. */
  readonly folder: string;
  /** The code that its workers run. */
  readonly code: ProgramCode;
  /** The files that its workers read. */
  readonly files: WorkerFiles;
  /** Taken anew for each worker: files that were read meanwhile belong to it. */
  readonly configuration: () => unknown;
}

/** One process of a program. */
interface WorkerStart {
  readonly assignment: { readonly index: number };
  /** Its working directory. */
  readonly folder: string;
  /** Descriptors of the sockets that it inherits. Default none. */
  readonly sockets?: readonly number[];
  /** The descriptor that its output goes to. Default 1. */
  readonly stdout?: 1 | 2;
}

/**
 * Spawns a worker. Its channel is descriptor 3, the watch thread's pipe 4, then the sockets in the order given. One that the
 * system refuses emits `error`, also where Node throws that (`ENOMEM`).
 */
export function spawnWorker(
  program: WorkerProgram,
  { assignment, folder, sockets = [], stdout = 1 }: WorkerStart,
): ChildProcess {
  const { host, withheld = [] } = program;
  const env = { ...host.env };
  for (const name of [...PARENT_ONLY, ...withheld]) delete env[name];
  env[ASSIGNMENT_VARIABLE] = JSON.stringify(assignment);
  env[WORKER_ID_VARIABLE] = String(assignment.index);
  // A link that a reload has followed leads to other files of the program too.
  const bootstrap = pathToFileURL(inFollowedFolder(fileURLToPath(BOOTSTRAP), folder)).href;
  const { inspector, rest } = withoutInspector(env.NODE_OPTIONS);
  if (env.NODE_OPTIONS !== undefined) env.NODE_OPTIONS = rest;
  const execArgv = [...workerExecArgv([...inspector, ...host.execArgv]), '--import', bootstrap];
  const main = inFollowedFolder(mainModule(program), folder);
  try {
    // Node would name its own program, which is there.
    if (!existsSync(folder))
      throw new Error(`the working directory ${folder} no longer exists: keep a release until a reload has left it`);
    return spawn(host.execPath, [...execArgv, main, ...(program.shown?.() ?? [])], {
      stdio: ['ignore', stdout, 2, 'ipc', 'pipe', ...sockets],
      env,
      cwd: folder,
      serialization: 'advanced',
    });
  } catch (error) {
    const child: ChildProcess = Object.assign(new EventEmitter(), { stdio: [], kill: () => false } as never);
    process.nextTick(() => child.emit('error', error));
    return child;
  }
}

/** First message to a child, before its main module runs. */
export function firstMessage(
  program: WorkerProgram,
  { configuration, settings }: Pick<FleetGeneration, 'configuration' | 'settings'>,
  rest: Pick<Configure, 'sockets' | 'builds'>,
): Configure {
  const told = program.told?.() ?? program.host.argv.slice(2);
  return { kind: 'configure', configuration: configuration(), settings, arguments: told, ...rest };
}

/** The path of the module workers run. Throws where there is none, as in a REPL. */
export function mainModule({ host, entry }: WorkerProgram): string {
  if (entry !== undefined) return entry instanceof URL ? fileURLToPath(entry) : entry;
  const main = host.argv[1];
  if (main !== undefined && main !== '') return main;
  throw new PorticoError('PORTICO_NO_MAIN_MODULE', {
    message: 'there is no main module for workers to run',
    hint: "Pass an entry: new ProcessLauncher({ entry: new URL('../launch.js', import.meta.url) }).",
  });
}

/** Node's own options for a worker: those of the parent, except that each worker's inspector picks its own port. */
export function workerExecArgv(execArgv: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < execArgv.length; i++) {
    const arg = execArgv[i]!;
    const [name] = arg.split('=', 1);
    if (name === '--import' && (arg === `--import=${BOOTSTRAP}` || execArgv[i + 1] === BOOTSTRAP)) {
      if (arg === name) i += 1;
    } else if (name === '--inspect' || name === '--inspect-brk' || name === '--inspect-wait') {
      kept.push(`--inspect=${inspectorHost(arg)}0`);
    } else if (name === '--inspect-port' || name === '--debug-port') {
      if (arg === name) i += 1;
    } else if (name === '--eval' || name === '-e' || name === '--print' || name === '-p') {
      i += 1;
    } else if (name !== '--test' && name !== '--watch' && name !== '--input-type') {
      kept.push(arg);
    }
  }
  return kept;
}

/** `NODE_OPTIONS` without the inspector of the parent, whose port a worker would find taken; it is among the worker's arguments. */
function withoutInspector(options = ''): { readonly inspector: readonly string[]; readonly rest: string } {
  const inspector: string[] = [];
  const rest = options.replaceAll(/(?<=^|\s)--inspect(?:-brk|-wait)?(?:=\S*)?(?=\s|$)/g, (option) => {
    inspector.push(option);
    return '';
  });
  return { inspector, rest: rest.trim() };
}

/** `--inspect=host:port` and `--inspect=port`: the host with its colon, or nothing. */
function inspectorHost(arg: string): string {
  const at = arg.indexOf('=');
  const colon = arg.lastIndexOf(':');
  return at !== -1 && colon > at ? arg.slice(at + 1, colon + 1) : '';
}
