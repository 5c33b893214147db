/**
 * How a worker is spawned: the program's main module again, behind the bootstrap, in an environment and with arguments
 * that are fit for a child.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PorticoError } from '../../errors.js';
import { ownFile } from '../../own-files.js';
import { ASSIGNMENT_VARIABLE, type Assignment, WORKER_ID_VARIABLE } from '../assignment.js';
import type { HostProcess } from '../process/host-process.js';

/** What concerns the supervisor alone: systemd's sockets and notifications, and another cluster's channel. */
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
];

/** Runs in each worker before the main module. */
const BOOTSTRAP = ownFile('launch/worker/worker-bootstrap.js').href;

/** What a worker process is made of. */
export interface WorkerProgram {
  readonly host: HostProcess;
  /** The module to run; default the parent's own main module. */
  readonly entry?: URL | string | undefined;
  /** Names of environment variables that workers must not inherit. */
  readonly withheld?: readonly string[];
  /** What workers are given of the parent's arguments; default all of them. Everybody can read a command line. */
  readonly argumentsFor?: (argv: readonly string[]) => readonly string[];
}

/** Spawns a worker. Its channel is descriptor 3, the watch thread's pipe 4, then the sockets in the order given. */
export function spawnWorker(program: WorkerProgram, assignment: Assignment, sockets: readonly number[]): ChildProcess {
  const { host, argumentsFor = (argv: readonly string[]) => argv } = program;
  const own = argumentsFor(host.argv.slice(2));
  const args = [...workerExecArgv(host.execArgv), '--import', BOOTSTRAP, mainModule(program), ...own];
  return spawn(host.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe', ...sockets],
    env: workerEnvironment(program, assignment),
    serialization: 'advanced',
  });
}

/** The path of the module workers run. Throws where there is none, as in a REPL. */
export function mainModule({ host, entry }: WorkerProgram): string {
  if (entry !== undefined) return entry instanceof URL ? fileURLToPath(entry) : entry;
  const main = host.argv[1];
  if (main !== undefined && main !== '') return main;
  throw new PorticoError('PORTICO_NO_MAIN_MODULE', {
    message: 'there is no main module that workers could run',
    hint: "Name one: new ProcessLauncher({ entry: new URL('../launch.js', import.meta.url) }).",
  });
}

/** Node's own options for a worker: those of the parent, except that each worker's inspector picks a port of its own. */
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

/** `--inspect=host:port` and `--inspect=port`: the host with its colon, or nothing. */
function inspectorHost(arg: string): string {
  const at = arg.indexOf('=');
  const colon = arg.lastIndexOf(':');
  return at !== -1 && colon > at ? arg.slice(at + 1, colon + 1) : '';
}

function workerEnvironment(program: WorkerProgram, assignment: Assignment): NodeJS.ProcessEnv {
  const environment = { ...program.host.env };
  for (const name of [...PARENT_ONLY, ...(program.withheld ?? [])]) delete environment[name];
  environment[ASSIGNMENT_VARIABLE] = JSON.stringify(assignment);
  environment[WORKER_ID_VARIABLE] = String(assignment.index);
  return environment;
}
