/**
 * Spawns workers: the application's main module again, after the bootstrap, with an environment and arguments fit for a
 * child. Imports almost nothing, because the first worker is started before its parent is loaded.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ignoreErrors } from '../../errors/index.js';
import { closedFolder, enteredLink, inFollowedFolder, ownFile, unblockOutputs } from '../../process/index.js';
import { PROTOCOL } from '../protocol.js';
import type { Configure, WorkerFailure } from '../worker-message.js';
import type { FleetGeneration } from './fleet-generation.js';

/** Environment variable that marks a process as a worker; read once and deleted. */
const WORKER_VARIABLE = 'PORTICO_WORKER';

/** Environment variable with the index of the worker; it stays for the application. */
const WORKER_ID_VARIABLE = 'PORTICO_WORKER_ID';

/** The process that a child is modelled on. */
type ParentProcess = Pick<NodeJS.Process, 'pid' | 'env' | 'argv' | 'execPath' | 'execArgv'>;

/**
 * Variables that concern the supervisor only: systemd's sockets and notifications, the channel of another cluster,
 * `node --watch`.
 */
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

/** Module that each worker runs before its main module. */
const BOOTSTRAP = ownFile('launch/worker/worker-bootstrap.js').href;

/** Command of a worker process. */
export interface WorkerProgram {
  readonly host: ParentProcess;
  /** Version of Portico in this process; that on disk may become another one. */
  readonly version?: string | undefined;
  /** Module to run. Default: the main module of the parent. */
  readonly entry?: URL | string | undefined;
  /** Names of environment variables that workers must not inherit. */
  readonly withheld?: readonly string[];
  /** Arguments that workers receive over their channel. Default: all arguments of the parent. */
  told?(): readonly string[];
  /** Arguments that appear in the command line of a worker, which every user of the machine can read. Default: none. */
  shown?(): readonly string[];
  /** Starts a process in place of the system. */
  spawn?(start: WorkerStart): ChildProcess;
}

/** One process of an application. */
interface WorkerStart {
  readonly index: number;
  /** Working directory of the process. */
  readonly folder: string;
  /** Descriptor that its output goes to. Default 1. */
  readonly stdout?: 1 | 2;
}

/**
 * The complete command of a process. Two processes with the same command are interchangeable until their first message.
 */
interface Command {
  readonly file: string;
  /** Path of the module that runs first. */
  readonly bootstrap: string;
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

/** The process that was started ahead: at most one. */
let ahead: Ahead | undefined;

/**
 * Starts the first worker before its service is known: it loads its modules while its parent loads its own.
 * The first worker that is spawned with the same command becomes this process; if there is none, it is killed. It does
 * not keep the parent alive, and ends with it.
 */
export function startAhead(program: WorkerProgram): void {
  let command: Command;
  try {
    command = commandOf(program, { index: 0, folder: process.cwd() });
  } catch {
    // The working directory is gone; the parent reports that next.
    return;
  }
  const child = run(command);
  // If the system refuses the process, the later start of the worker is refused too and reports it.
  child.on('error', () => undefined);
  if (child.pid === undefined) return;
  const kill = (): void => void child.kill('SIGKILL');
  for (const each of handlesOf(child)) each.unref();
  process.once('exit', kill);
  ahead = { child, command, kill };
}

/** Returns the process that was started ahead, if its command is the same. */
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
 * Spawns a worker. Its channel is descriptor 3, the watch thread's pipe 4. If the system refuses the process, it emits
 * `error`, also for errors that Node throws (`ENOMEM`).
 */
export function spawnWorker(program: WorkerProgram, start: WorkerStart): ChildProcess {
  if (program.spawn !== undefined) return program.spawn(start);
  const command = commandOf(program, start);
  return takeAhead(command) ?? run(command);
}

function commandOf(program: WorkerProgram, { index, folder, stdout = 1 }: WorkerStart): Command {
  const { host, withheld = [] } = program;
  const env = { ...host.env };
  for (const name of [...PARENT_ONLY, ...withheld]) delete env[name];
  env[WORKER_VARIABLE] = '1';
  env[WORKER_ID_VARIABLE] = String(index);
  // A link that a reload has followed also leads to other files of the application.
  const bootstrap = inFollowedFolder(fileURLToPath(BOOTSTRAP), folder);
  const { inspector, rest } = withoutInspector(env.NODE_OPTIONS);
  if (env.NODE_OPTIONS !== undefined) env.NODE_OPTIONS = rest;
  const execArgv = [...workerExecArgv([...inspector, ...host.execArgv]), '--import', pathToFileURL(bootstrap).href];
  const main = inFollowedFolder(mainModule(program) ?? '', folder);
  const args = [...execArgv, main, ...(program.shown?.() ?? [])];
  return { file: host.execPath, bootstrap, args, env, folder, stdout };
}

function run({ file, bootstrap, args, env, folder, stdout }: Command): ChildProcess {
  try {
    // The error of the system or of Node would not tell which of them is missing.
    if (!existsSync(folder))
      throw new Error(`the working directory ${folder} no longer exists: keep a release until a reload has left it`);
    if (!existsSync(file))
      throw new Error(`the Node of this service, ${file}, no longer exists: restart the service with another`);
    if (!existsSync(bootstrap))
      throw new Error(
        `the package portico is incomplete: ${bootstrap} is missing. Workers start when it is installed again`,
      );
    const child = spawn(file, args, {
      stdio: ['ignore', stdout, 2, 'ipc', 'pipe'],
      env,
      cwd: folder,
      serialization: 'advanced',
    });
    // A start of a process makes inherited outputs block, also here, and its exit restores the flags that it has found. So they are set before it
    // looks, and once more when it has ended.
    unblockOutputs();
    child.once('exit', unblockOutputs);
    // Without a free descriptor Node makes no streams, and emits the error.
    return child.stdio === undefined ? Object.assign(child, { stdio: [] as never }) : child;
  } catch (error) {
    const child: ChildProcess = Object.assign(new EventEmitter(), { stdio: [], kill: () => false } as never);
    process.nextTick(() => child.emit('error', error));
    return child;
  }
}

/** Returns the first message to a child, sent before its main module runs. */
export function firstMessage(
  program: WorkerProgram,
  { configuration, settings }: Pick<FleetGeneration, 'configuration' | 'settings'>,
  rest: Pick<
    Configure,
    'assignment' | 'addresses' | 'builds' | 'validates' | 'holds' | 'logLevel' | 'watchesStart' | 'kept'
  >,
): Configure {
  const told = program.told?.() ?? program.host.argv.slice(2);
  return {
    kind: 'configure',
    protocol: PROTOCOL,
    version: program.version,
    configuration: configuration(),
    settings,
    link: enteredLink(),
    arguments: told,
    ...rest,
  };
}

/** Returns the path of the module that workers run; undefined if there is none, as in a REPL. */
export function mainModule({ host, entry }: Pick<WorkerProgram, 'host' | 'entry'>): string | undefined {
  if (entry !== undefined) return entry instanceof URL ? fileURLToPath(entry) : entry;
  return host.argv[1] || undefined;
}

/** Returns Node's own options for a worker: those of the parent, but each worker's inspector picks its own port. */
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

/**
 * Splits `NODE_OPTIONS` into the parent's inspector, whose port would be taken for a worker, and the rest; a worker
 * gets its inspector as an argument.
 */
function withoutInspector(options = ''): { readonly inspector: readonly string[]; readonly rest: string } {
  const inspector: string[] = [];
  const rest = options.replaceAll(/(?<=^|\s)--inspect(?:-brk|-wait)?(?:=\S*)?(?=\s|$)/g, (option) => {
    inspector.push(option);
    return '';
  });
  return { inspector, rest: rest.trim() };
}

/** Returns the host with its colon from `--inspect=host:port`, or an empty text for `--inspect=port`. */
function inspectorHost(arg: string): string {
  const at = arg.indexOf('=');
  const colon = arg.lastIndexOf(':');
  return at !== -1 && colon > at ? arg.slice(at + 1, colon + 1) : '';
}

const PROCESS_LIMITS =
  'the system starts no further process for this user: TasksMax= of the unit, ulimit -u, pids.max of the container, or memory';
const DESCRIPTOR_LIMITS = 'the parent has no free file descriptor: LimitNOFILE= of the unit, ulimit -n';
/** Limits behind errors of the system that starts no further process. */
const LIMITS: ReadonlyMap<string | undefined, string> = new Map([
  ['EAGAIN', PROCESS_LIMITS],
  ['ENOMEM', PROCESS_LIMITS],
  ['EMFILE', DESCRIPTOR_LIMITS],
  ['ENFILE', 'all file descriptors of the system are in use: fs.file-max'],
]);

/**
 * Returns the failure of a worker that could not be started, with the limits that may be the cause. A folder that this user may not enter
 * looks like a missing executable.
 */
export function spawnFailure({ code, message }: NodeJS.ErrnoException): WorkerFailure {
  const closed = code === 'EACCES' ? ignoreErrors(() => closedFolder(join(process.cwd(), 'x'))) : undefined;
  if (closed !== undefined) {
    const text = `no worker can be started: this user may not enter its working directory, ${closed}`;
    return { text, code, status: 1 };
  }
  const limits = LIMITS.get(code);
  return { text: limits === undefined ? message : `${message}: ${limits}`, code, status: 1 };
}
