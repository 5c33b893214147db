/**
 * How a worker is spawned: the program's main module again, behind the bootstrap, in an environment and with arguments
 * that are fit for a child. Imports almost nothing, because the first one is started before its parent is loaded.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { enteredLink, inFollowedFolder, ownFile } from '../../process/index.js';
import type { Configure } from '../assignment.js';
import type { LaunchSettings } from '../launcher-options.js';
import type { ProgramCode } from './program-code.js';
import type { WorkerFiles } from './worker-files.js';

/** The environment variable that says that a process is a worker: read once and deleted. */
const WORKER_VARIABLE = 'PORTICO_WORKER';

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
  readonly index: number;
  /** Its working directory. */
  readonly folder: string;
  /** The descriptor that its output goes to. Default 1. */
  readonly stdout?: 1 | 2;
}

/** All that makes a process what it is. Two that have the same are interchangeable until their first message. */
interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly stdout: 1 | 2;
}

/** A process that waits for its first message. */
interface Ahead {
  readonly child: ChildProcess;
  readonly command: Command;
  readonly kill: () => void;
}

/** One for the process. */
let ahead: Ahead | undefined;

/**
 * Starts the first worker before anything is known of its service: it loads its modules while its parent reads the configuration. The
 * first worker that is spawned with the same command is this process; without one it is killed. It keeps nothing alive, and ends
 * with its parent.
 */
export function startAhead(program: WorkerProgram): void {
  let command: Command;
  try {
    command = commandOf(program, { index: 0, folder: process.cwd() });
  } catch {
    // The working directory is gone, which the parent is about to say.
    return;
  }
  const child = run(command);
  // A worker that the system refuses is refused again when it is needed, and that start reports it.
  child.on('error', () => undefined);
  if (child.pid === undefined) return;
  const kill = (): void => void child.kill('SIGKILL');
  for (const each of handlesOf(child)) each.unref();
  process.once('exit', kill);
  ahead = { child, command, kill };
}

/** The process that was started ahead, if it is what this command gives. */
function takeAhead(command: Command): ChildProcess | undefined {
  if (ahead === undefined || command.stdout !== 1) return undefined;
  const { child, kill, command: had } = ahead;
  ahead = undefined;
  process.off('exit', kill);
  const isAlive = child.connected && child.exitCode === null && child.signalCode === null;
  if (!isAlive || JSON.stringify(command) !== JSON.stringify(had)) {
    kill();
    return undefined;
  }
  for (const each of handlesOf(child)) each.ref();
  return child;
}

/** The handles of a child that keep its parent alive. */
function handlesOf(child: ChildProcess): { ref(): unknown; unref(): unknown }[] {
  return [child, child.channel, child.stdio[4] as Socket | undefined].filter((each) => each != null);
}

/**
 * Spawns a worker. Its channel is descriptor 3, the watch thread's pipe 4. One that the system refuses emits `error`, also where Node
 * throws that (`ENOMEM`).
 */
export function spawnWorker(program: WorkerProgram, start: WorkerStart): ChildProcess {
  const command = commandOf(program, start);
  return takeAhead(command) ?? run(command);
}

function commandOf(program: WorkerProgram, { index, folder, stdout = 1 }: WorkerStart): Command {
  const { host, withheld = [] } = program;
  const env = { ...host.env };
  for (const name of [...PARENT_ONLY, ...withheld]) delete env[name];
  env[WORKER_VARIABLE] = '1';
  env[WORKER_ID_VARIABLE] = String(index);
  // A link that a reload has followed leads to other files of the program too.
  const bootstrap = pathToFileURL(inFollowedFolder(fileURLToPath(BOOTSTRAP), folder)).href;
  const { inspector, rest } = withoutInspector(env.NODE_OPTIONS);
  if (env.NODE_OPTIONS !== undefined) env.NODE_OPTIONS = rest;
  const execArgv = [...workerExecArgv([...inspector, ...host.execArgv]), '--import', bootstrap];
  const main = inFollowedFolder(mainModule(program) ?? '', folder);
  const args = [...execArgv, main, ...(program.shown?.() ?? [])];
  return { file: host.execPath, args, env, folder, stdout };
}

function run({ file, args, env, folder, stdout }: Command): ChildProcess {
  try {
    // Node would name its own program, which is there.
    if (!existsSync(folder))
      throw new Error(`the working directory ${folder} no longer exists: keep a release until a reload has left it`);
    return spawn(file, args, {
      stdio: ['ignore', stdout, 2, 'ipc', 'pipe'],
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
  rest: Pick<Configure, 'assignment' | 'addresses' | 'builds'>,
): Configure {
  const told = program.told?.() ?? program.host.argv.slice(2);
  return {
    kind: 'configure',
    configuration: configuration(),
    settings,
    link: enteredLink(),
    arguments: told,
    ...rest,
  };
}

/** The path of the module workers run; undefined where there is none, as in a REPL. */
export function mainModule({ host, entry }: Pick<WorkerProgram, 'host' | 'entry'>): string | undefined {
  if (entry !== undefined) return entry instanceof URL ? fileURLToPath(entry) : entry;
  return host.argv[1] || undefined;
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
