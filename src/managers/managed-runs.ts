/**
 * The runs of a service with managers, one after another. The managers of a run end before those of the next one begin. In a reload that takes
 * too long, the next run begins beside the former one, which ends with its last work.
 */
import type { Logger } from '../log/index.js';
import type { Lifecycle, StopOptions } from '../service/index.js';
import { keptByParent } from '../service/internal.js';
import type { TaskGroup } from '../tasks/index.js';
import { within } from '../tasks/internal.js';
import type { EarlierRuns, ManagedService, ManagedServiceOptions } from './managed-service.js';

/** One run, from a start to the end of its last work. After a stop it can be started again. */
export interface ManagedRun {
  /** Background tasks that end with it. */
  readonly tasks: TaskGroup;
  readonly managed: ManagedService;
  readonly lifecycle: Lifecycle;
}

/** Options of {@link ManagedRuns}. */
export interface ManagedRunsOptions<R extends ManagedRun> extends Pick<ManagedServiceOptions, 'registration'> {
  /** Makes a run that is not started. */
  readonly make: (earlier: EarlierRuns) => R;
  /** The managers that code has given. */
  readonly given: unknown;
  /** Log of the service. */
  readonly log: Logger;
}

/** The part of a reload's pause that is left for the next start: a fifth, at most this. */
const START_MS = 1000;

/** The present run of a service and those before it. */
export class ManagedRuns<R extends ManagedRun> {
  /** The run that is started, or started next. */
  present: R;
  /** Runs that a reload has left to themselves, until they have ended. */
  readonly former = new Set<R>();
  readonly #options: ManagedRunsOptions<R>;
  #earlier: EarlierRuns = { kept: keptByParent() ?? new Map(), left: Promise.resolve() };
  /** True between a stop that has left work to the former run, and the start after it. */
  #isHandedOver = false;
  /** True once a stop for good was requested, until the next start. */
  #ends = false;

  constructor(options: ManagedRunsOptions<R>) {
    this.#options = options;
    this.present = options.make(this.#earlier);
  }

  /** All runs, the present one first. */
  get all(): readonly R[] {
    return [this.present, ...this.former];
  }

  /** Returns the work of the runs that a reload has left to themselves, a line each. */
  formerWork(): readonly string[] {
    return [...this.former].flatMap(({ managed }) => managed.describeWork());
  }

  /** Uses a new run for the next start. */
  renew(): void {
    const { onExit } = this.present.tasks;
    this.present = this.#options.make(this.#earlier);
    this.present.tasks.onExit = onExit;
  }

  start(): Promise<void> {
    this.#isHandedOver = false;
    this.#ends = false;
    return this.present.lifecycle.start();
  }

  /** Stops all runs. For a reload with `pauseMs`, settles before that time is over; at once if nothing has to end before the next run. */
  async stop(options: StopOptions): Promise<void> {
    if (options.reason === 'reload' && !this.#ends) return this.#stopForReload(options);
    this.#ends = true;
    const stops = await Promise.allSettled(this.all.map(({ lifecycle }) => lifecycle.stop(options)));
    for (const each of stops) if (each.status === 'rejected') throw each.reason;
  }

  async wait(): Promise<void> {
    if (!this.#isHandedOver) await this.present.lifecycle.wait();
  }

  async #stopForReload(options: StopOptions): Promise<void> {
    const { present } = this;
    const { pauseMs, deadlineMs = 0 } = options;
    const { given, registration, log } = this.#options;
    // Objects that the next run has too: their hooks cannot run in both.
    const areShared = registration != null || [given].flat().some((each) => each !== null && typeof each === 'object');
    if (pauseMs === undefined) return present.lifecycle.stop(options);
    // Requests wait for the next start too. A deadline of 0 would be none.
    const workMs = Math.max(1, pauseMs - Math.min(START_MS, pauseMs / 5));
    if (areShared) return present.lifecycle.stop({ ...options, deadlineMs: Math.min(workMs, deadlineMs || workMs) });
    const ended = present.lifecycle.stop(options);
    const { managers, registration: record } = present.managed;
    // Without managers nothing has to end first: a job at work keeps its app, and its record is left beside the next start.
    const isOver = await within(
      ended.then(() => true),
      managers.length > 0 ? workMs : 0,
    );
    if (isOver === true || this.#ends) return ended;
    this.former.add(present);
    ended
      .catch((err: unknown) => log.error({ err }, 'work of the former configuration was cut off'))
      .finally(() => this.former.delete(present));
    // The record is that of the next run; tasks that still run keep their leases. A registry that does not respond delays no reload.
    const { kept, left } = this.#earlier;
    this.#earlier = { kept, left: Promise.allSettled([left, record?.leave({ keepsLeases: true })]) };
    this.renew();
    this.#isHandedOver = true;
  }
}
