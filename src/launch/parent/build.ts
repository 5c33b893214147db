/**
 * The build of a configuration in a child: it runs the program once more, builds all services, and starts none. `check`, a dry
 * run, and what a refusal names beside its first mistake come from here.
 */
import type { Diagnostic } from '../../errors/index.js';
import { within } from '../../tasks/internal.js';
import { WorkerHandle } from './worker-handle.js';
import { type FleetGeneration, firstMessage, spawnWorker, type WorkerProgram } from './worker-process.js';

/** The name that such a child has where a worker has that of its service. */
const ASSIGNED = 'build';
/** How long a child that has said what it found may take to end. */
const ENDS_WITHIN_MS = 1000;

/** How long a build may take. */
export interface BuildLimits {
  /** Milliseconds; 0: for ever. */
  readonly limitMs: number;
  /** Raised when its result is not wanted any more. */
  readonly stopped?: AbortSignal | undefined;
  /** The error of a build that took too long; `stack`: the call that it is stuck in. */
  late(stack: readonly string[] | undefined): Error;
}

/**
 * Gives what it found, warnings included; undefined when it was stopped. Rejects with what kept the child from building, all mistakes of a
 * configuration in one refusal.
 */
export async function buildInChild(
  program: WorkerProgram,
  generation: FleetGeneration,
  { limitMs, stopped, late }: BuildLimits,
): Promise<readonly Diagnostic[] | undefined> {
  const assignment = { service: ASSIGNED, index: 0, workers: 1, generation: generation.number };
  const child = spawnWorker(program, assignment, []);
  const worker = new WorkerHandle(child, assignment, firstMessage(program, generation, { sockets: [], builds: true }));
  try {
    const ms = limitMs || Number.POSITIVE_INFINITY;
    return await within(worker.built, { ms, ...(stopped === undefined ? {} : { signal: stopped }) }, () => {
      if (stopped?.aborted === true) return undefined;
      throw late(worker.stack);
    });
  } finally {
    void within(worker.exited, stopped?.aborted === true ? 0 : ENDS_WITHIN_MS).then(() => worker.kill());
  }
}
