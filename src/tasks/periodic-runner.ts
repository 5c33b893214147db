/**
 * Passes over periodic tasks, again and again, as long as a service runs.
 */
import type { DynamicLoopingCall } from './dynamic.js';
import type { TaskContext } from './looping-call.js';
import type { PeriodicTasks } from './periodic-tasks.js';
import type { TaskGroup } from './task-group.js';

/** How passes are spaced. Times in seconds. */
export interface PeriodicRunnerOptions {
  /** Handed to every task. Called for each pass. */
  readonly context?: () => unknown;
  /** The longest time between two passes. Default: 60, what a pass asks for at most. */
  readonly periodicIntervalMax?: number | null;
  /** The first pass comes after a random part of this, so that a fleet does not begin in step. Default 60; 0: at once. */
  readonly fuzzyDelay?: number;
  /** Uniform in [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
}

/**
 * Drives {@link PeriodicTasks} from a task group, whose stop ends it: no further task begins, the one that is running
 * is told by its signal and awaited as the group's tasks are.
 */
export class PeriodicRunner {
  readonly tasks: PeriodicTasks;
  readonly #options: PeriodicRunnerOptions;
  #timer: DynamicLoopingCall<[]> | undefined;

  constructor(tasks: PeriodicTasks, options: PeriodicRunnerOptions = {}) {
    this.tasks = tasks;
    this.#options = options;
  }

  get running(): boolean {
    return this.#timer?.running ?? false;
  }

  /** Adds the passes to a group. Nothing happens when there are no tasks, or when it runs already. */
  start(group: TaskGroup): void {
    if (this.tasks.empty || this.running) return;
    const { fuzzyDelay = 60, random = Math.random, periodicIntervalMax = null, context } = this.#options;
    const periodicTasks = async ({ signal }: TaskContext): Promise<number> => {
      const idle = await this.tasks.runPeriodicTasks(context?.(), { signal });
      if (signal.aborted) await this.tasks.settled();
      return idle;
    };
    const initialDelay = fuzzyDelay * random();
    this.#timer = group.addDynamicTimer(periodicTasks, { initialDelay, periodicIntervalMax, stopOnException: false });
  }

  /** No further pass or task begins. What is running is left to the group. */
  stop(): void {
    this.#timer?.stop('shutdown');
  }
}
