/**
 * A worker's beginning, seen from its parent: a new process that inherits its sockets, or the one that was started before
 * anything was known, which is sent them.
 */
import { spawnWorker, takeEarlyWorker, type WorkerProgram, workerArguments } from '../../spawn/index.js';
import { type Assignment, type Configure, FIRST_SOCKET_DESCRIPTOR } from '../assignment.js';
import { currentProcess } from '../process/host-process.js';
import { sendable } from '../sockets/bind.js';
import { WorkerHandle } from './worker-handle.js';

/** `first` speaks of sockets by their places among `descriptors`. */
export function startWorker(
  program: WorkerProgram,
  assignment: Assignment,
  first: Configure,
  descriptors: readonly number[],
): WorkerHandle {
  const told = { ...first, arguments: workerArguments(program) };
  const early = startEarly(program, assignment, told, descriptors);
  if (early !== undefined) return early;
  // Behind what every worker has.
  const sockets = first.sockets.map((own) => ({
    ...own,
    descriptors: own.descriptors.map((at) => FIRST_SOCKET_DESCRIPTOR + at),
  }));
  return new WorkerHandle(spawnWorker(program, assignment, descriptors), assignment, { ...told, sockets });
}

/** Undefined where no process was started before, or it is not fit: the program has another main module for its workers. */
function startEarly(
  program: WorkerProgram,
  assignment: Assignment,
  first: Configure,
  descriptors: readonly number[],
): WorkerHandle | undefined {
  if (program.entry !== undefined || program.host !== currentProcess() || first.rehearse === true) return undefined;
  const early = takeEarlyWorker();
  if (early === undefined) return undefined;
  const sockets = descriptors.map(sendable).filter((socket) => socket !== undefined);
  if (sockets.length < descriptors.length) {
    early.child.kill('SIGKILL');
    return undefined;
  }
  const withheld = new Set(program.withheld);
  const environment = Object.fromEntries(Object.entries(early.kept).filter(([name]) => !withheld.has(name)));
  const facts = { assignment, environment };
  return new WorkerHandle(early.child, assignment, { ...first, early: facts }, sockets);
}
