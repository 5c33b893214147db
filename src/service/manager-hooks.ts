/**
 * The order in which a service with managers starts and stops, the same for HTTP and for remote calls.
 *
 * Start: configuration checks → `initHost` → record → `preStartHook` → serve → `postStartHook` → heartbeat → periodic tasks. Stop: no
 * new periodic task, record `draining` → stop accepting → `gracefulShutdown` while work in flight ends → task group → `cleanupHost` →
 * drivers closed → record `stopped` → release.
 */
import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Config } from '../config/index.js';
import { workerAssignment } from '../config/internal.js';
import { ConfigurationRefused, PorticoError, refuseUnknownOptions } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { Clock, JobList, PeriodicTasks, TaskGroup } from '../tasks/index.js';
import { systemClock } from '../tasks/internal.js';
import { HookCaller } from './hook-caller.js';
import { FORCED_STOP_MS, type LifecycleSteps } from './lifecycle.js';
import { checkHooks } from './load-manager.js';
import type { Manager } from './manager.js';
import { describeJobs, type ManagerPeriodicOptions, ManagersPeriodicTasks } from './managers-periodic-tasks.js';
import type { Registration } from './registry-contract.js';
import type { Awaitable, StopOptions } from './service.js';
import { leftBehind, TaskTracker } from './task-tracker.js';

/** Options of {@link ManagerHooks}. */
export interface ManagerHooksOptions extends ProtocolSteps {
  /** The service's name, for logs and errors. */
  readonly name: string;
  /** {@link Manager}s, or objects with periodic tasks alone, the main one first. Hooks run in this order, `cleanupHost` in reverse. */
  readonly managers?: readonly (Manager | object)[];
  /** Returns further periodic tasks, declared in code. Default: none. */
  readonly declared?: () => readonly JobList[];
  /** The service's place in a registry. Absent: the service keeps no record and sends no heartbeat. */
  readonly registration?: Registration | null;
  /** The group in which periodic tasks run; stopped with the service. */
  readonly tasks: TaskGroup;
  /** Options of the periodic tasks. Default: the defaults of `ManagerPeriodicOptions`. */
  readonly periodic?: ManagerPeriodicOptions;
  /** Maximum milliseconds for each hook. Default 120,000. */
  readonly hookTimeoutMs?: number;
  /** Maximum milliseconds for `gracefulShutdown`, less if the deadline is closer. Default 50,000. */
  readonly managerShutdownMs?: number;
  /** Tracks the managers' tasks by name. Default: a new tracker. */
  readonly tracker?: TaskTracker;
  /** The log of the managers. */
  readonly log: Logger;
  /** The clock for times and timers. Default: the system's. */
  readonly clock?: Clock;
}

const NAMES: readonly (keyof ManagerHooksOptions)[] = [
  'name',
  'managers',
  'declared',
  'registration',
  'tasks',
  'periodic',
  'hookTimeoutMs',
  'managerShutdownMs',
  'tracker',
  'log',
  'clock',
  'serve',
  'stopAccepting',
  'finish',
  'closeDrivers',
  'release',
];

/** Starts and stops the parts of a service with managers. Use it with `new Lifecycle(name, hooks)`. */
export class ManagerHooks implements LifecycleSteps {
  readonly #options: ManagerHooksOptions;
  readonly #managers: readonly Manager[];
  readonly #hooks: HookCaller;
  readonly #clock: Clock;
  readonly #tracker: TaskTracker;
  readonly #periodic: ManagersPeriodicTasks;
  /** Undoes the start steps so far, the latest last. */
  #undo: { readonly step: string; readonly run: (options: StopOptions) => Awaitable<void> }[] = [];

  constructor(options: ManagerHooksOptions) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a ManagerHooks', options, NAMES);
    this.#options = options;
    this.#managers = (options.managers ?? []) as readonly Manager[];
    this.#clock = options.clock ?? systemClock;
    this.#hooks = new HookCaller(options.name, {
      log: options.log,
      clock: this.#clock,
      timeoutMs: options.hookTimeoutMs ?? 120_000,
    });
    const { name: service, log, tasks, periodic = {}, registration = null, declared = () => [] } = options;
    for (const manager of this.#managers) checkHooks(service, manager, buildLog(log).log);
    this.#tracker = options.tracker ?? new TaskTracker({ service, log, clock: this.#clock });
    const [name, managers, clock] = [service, this.#managers, this.#clock];
    this.#periodic = new ManagersPeriodicTasks({ name, declared, managers, tasks, log, clock, periodic, registration });
  }

  /** Returns the hooks that run, a line each, for `describeWork`. */
  describeHooks(): string[] {
    return this.#hooks.describe();
  }

  /** The periodic tasks of the managers; empty unless started. */
  get periodicTasks(): readonly PeriodicTasks[] {
    return this.#periodic.tasks;
  }

  /**
   * Runs the start steps in order. On failure, undoes the completed steps in reverse order; also when `signal` is aborted, after the
   * current step, or when `over` is aborted, without waiting for a hook.
   */
  async start(signal: AbortSignal = new AbortController().signal, over?: AbortSignal): Promise<void> {
    this.#undo = [];
    try {
      for (const step of this.#startSteps(signal, over)) {
        signal.throwIfAborted();
        await step();
      }
    } catch (error) {
      const calledOff = signal.aborted && over?.aborted === true && isHookTimeout(error);
      if (calledOff) this.#options.log.error((error as Error).message);
      await this.#unwind();
      throw calledOff ? signal.reason : error;
    }
  }

  /**
   * Runs all stop steps, even if some fail. Logs failed hooks and throws the first other error. Throws `PORTICO_STOP_DEADLINE` if a
   * graceful stop leaves tracked work unfinished.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    const { name, registration, tasks } = this.#options;
    const began = this.#clock.now();
    const failures: unknown[] = [];
    const step = async (run: () => Awaitable<void> | undefined): Promise<void> => {
      try {
        await run();
      } catch (error) {
        failures.push(error);
      }
    };
    this.#tracker.beginShutdown(() => describeJobs(this.periodicTasks));
    this.#endTimers();
    const drain = (): Promise<void> => step(() => registration?.drain());
    // After a replacement others serve on its address: nobody has to hear of it first, and a write to the registry may take long.
    const isReplaced = options.reason === 'replaced' || options.reason === 'hurried';
    // In a reload of this process the service goes on in its next run, which waits for no registry.
    if (options.reason !== 'reload' && !isReplaced) await drain();
    await step(() => this.#options.stopAccepting?.(options));
    if (isReplaced) await drain();
    const rest = (): StopOptions => remaining(options, this.#clock.now() - began);
    const finish = async (): Promise<void> => {
      await step(() => this.#options.finish?.(rest()));
      await step(() => tasks.stop(rest()));
    };
    let finished = Promise.resolve();
    const graceful = options.graceful === true ? this.#gracefulShutdown(rest(), () => finished) : undefined;
    finished = finish();
    await Promise.all([graceful, finished]);
    this.#periodic.forget();
    const left = this.#tracker.endShutdown();
    if (options.graceful === true && left.length > 0 && !failures.some(isCutOff)) failures.push(leftBehind(name, left));
    const cleanupMs = (): number => cleanupLimit(options.graceful === true, rest().deadlineMs ?? 0);
    await this.#cleanup(this.#managers, options.signal, cleanupMs);
    await step(() => this.#options.closeDrivers?.());
    // `release` may close the registry.
    await step(() => registration?.leave());
    const over = options.graceful === true ? (options.signal ?? new AbortController().signal) : AbortSignal.abort();
    await step(() => this.#options.release?.(over));
    this.#undo = [];
    this.#takeTrackerBack();
    for (const error of failures.slice(1)) this.#options.log.error({ err: error }, `${name}: stopping failed`);
    if (failures.length > 0) throw failures[0];
  }

  /** Prevents new work: stops all timers and sets the record to `draining`. The first step of a stop for good. */
  async withdraw(): Promise<void> {
    this.#endTimers();
    await this.#options.registration?.drain();
  }

  /** The group awaits running passes. Requests in flight may still spawn tasks. */
  #endTimers(): void {
    this.#periodic.stop();
    for (const timer of this.#options.tasks.timers) timer.stop('shutdown');
  }

  /** Calls the managers' `reset` with a later configuration. */
  async reset(next: Config): Promise<void> {
    for (const manager of this.#managers) await this.#hooks.logged(manager, 'reset', [next]);
  }

  #startSteps(signal: AbortSignal, over: AbortSignal | undefined): (() => Promise<void>)[] {
    const { registration = null, tasks } = this.#options;
    let record: Awaited<ReturnType<Registration['read']>> = null;
    const begun: Manager[] = [];
    const undoneBy = (step: string, run: (options: StopOptions) => Awaitable<void>): void =>
      void this.#undo.push({ step, run });
    const each = async (call: (manager: Manager) => Promise<void>): Promise<void> => {
      for (const manager of this.#managers) await call(manager);
    };
    const limit = { signal: over, graceMs: GRACE_MS };
    // Releases parts built before the start, whichever step fails.
    undoneBy('release', () => this.#options.release?.());
    undoneBy('close drivers', () => this.#options.closeDrivers?.());
    return [
      async () => checkTemporaryFolder(),
      async () => {
        record = (await registration?.read(signal)) ?? null;
      },
      async () => {
        undoneBy('cleanupHost', () => this.#cleanup(begun, over));
        await each((manager) => {
          begun.push(manager);
          this.#lendTracker(manager);
          return this.#hooks.call(manager, 'initHost', [record], limit);
        });
      },
      async () => {
        undoneBy('leave the registry', () => registration?.leave());
        record = (await registration?.register(signal)) ?? null;
      },
      () => each((manager) => this.#hooks.call(manager, 'preStartHook', [record], limit)),
      async () => {
        undoneBy('stop the task group', (options) => tasks.stop(options));
        await this.#options.serve?.(signal);
        undoneBy('finish', (options) => this.#options.finish?.(options));
        undoneBy('stop accepting', (options) => this.#options.stopAccepting?.(options));
      },
      () => each((manager) => this.#hooks.call(manager, 'postStartHook', [], limit)),
      async () => registration?.join(),
      async () => this.#periodic.start(),
    ];
  }

  async #unwind(): Promise<void> {
    this.#periodic.stop();
    this.#periodic.forget();
    for (const { step, run } of this.#undo.splice(0).reverse()) {
      try {
        await run({ graceful: false });
      } catch (error) {
        this.#options.log.error({ err: error }, `${this.#options.name}: after a failed start: ${step} failed`);
      }
    }
    this.#takeTrackerBack();
  }

  /** Gives a manager without a `track` property the tracker's, so that it can call `this.track(…)`. */
  #lendTracker(manager: Manager): void {
    if (manager.track === undefined && Object.isExtensible(manager)) manager.track = this.#tracker.track;
  }

  /** Removes the tracker's `track`, so that the next service of the manager can set its own. */
  #takeTrackerBack(): void {
    for (const manager of this.#managers) {
      if (Object.hasOwn(manager, 'track') && manager.track === this.#tracker.track) delete manager.track;
    }
  }

  /**
   * Calls `gracefulShutdown` with a limit that leaves time for the later steps, so that a driver that hangs cannot block the process.
   * For managers without the hook, waits for tracked tasks, including those that requests start meanwhile.
   */
  async #gracefulShutdown(options: StopOptions, finished: () => Promise<void>): Promise<void> {
    const { managerShutdownMs = 50_000 } = this.#options;
    const { deadlineMs = 0, signal } = options;
    const share = deadlineMs > 0 ? deadlineMs - Math.min(10_000, deadlineMs / 6) : managerShutdownMs;
    // Whole milliseconds, because hooks receive and log the value.
    const limit = Math.ceil(Math.min(managerShutdownMs, share));
    const asks = this.#managers.filter((manager) => manager.gracefulShutdown !== undefined);
    const began = this.#clock.now();
    const tracked = async (): Promise<void> => {
      if (asks.length === this.#managers.length || !(await this.#tracker.settled({ ms: limit, signal }))) return;
      await finished();
      await this.#tracker.settled({ ms: Math.max(0, limit - (this.#clock.now() - began)), signal });
    };
    await Promise.all([
      ...asks.map((manager) => this.#hooks.logged(manager, 'gracefulShutdown', [limit], { timeoutMs: limit, signal })),
      tracked(),
    ]);
  }

  async #cleanup(managers: readonly Manager[], signal?: AbortSignal, limitMs?: () => number): Promise<void> {
    for (const manager of managers.toReversed()) {
      const timeoutMs = limitMs?.() ?? Number.POSITIVE_INFINITY;
      await this.#hooks.logged(manager, 'cleanupHost', [], { timeoutMs, signal, graceMs: GRACE_MS });
    }
  }
}

/** Milliseconds for a hook when no time is left; less than launchers wait for a service whose time is up. */
const GRACE_MS = 250;

/** Maximum milliseconds for `cleanupHost`: the rest of the deadline plus `GRACE_MS`; without a deadline no limit if graceful, else 10 s. */
function cleanupLimit(graceful: boolean, leftMs: number): number {
  if (leftMs > 0) return leftMs + GRACE_MS;
  return graceful ? Number.POSITIVE_INFINITY : FORCED_STOP_MS;
}

function isHookTimeout(error: unknown): boolean {
  return error instanceof PorticoError && error.code === 'PORTICO_HOOK_TIMEOUT';
}

function isCutOff(error: unknown): boolean {
  return error instanceof PorticoError && error.code === 'PORTICO_STOP_DEADLINE';
}

/** Returns the options of a stop `passedMs` later. A deadline in the past becomes 1 ms, because 0 would mean no deadline. */
export function remaining(options: StopOptions, passedMs: number): StopOptions {
  if (!options.deadlineMs) return options;
  return { ...options, deadlineMs: Math.max(1, Math.ceil(options.deadlineMs - passedMs)) };
}

function checkTemporaryFolder(): void {
  const folder = tmpdir();
  try {
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new ConfigurationRefused('PORTICO_TEMP_DIR', {
      message: `the temporary directory ${folder} is not writable`,
      hint: 'Set TMPDIR to a directory that this user can write to. In a container whose file system is read-only, mount one (emptyDir of Kubernetes, --tmpfs of Docker).',
      cause,
    });
  }
}

// The steps of a protocol in the start and stop of a service with managers.

/** Steps of a protocol between the hooks. Each may be async. */
export interface ProtocolSteps {
  /** Starts servers and consumers. On failure it has released what it acquired. */
  serve?(signal: AbortSignal): Awaitable<void>;
  /** Stops accepting new work. Called only if `serve` has succeeded. */
  stopAccepting?(options: StopOptions): Awaitable<void>;
  /** Settles when the work in flight has ended, or when there is no time left. */
  finish?(options: StopOptions): Awaitable<void>;
  /** Closes drivers: after the last `cleanupHost`, before the record is set to `stopped`. */
  closeDrivers?(): Awaitable<void>;
  /** Releases transports, loaded apps and the registry: the last step. `over`: aborted when no time is left; absent after a failed start. */
  release?(over?: AbortSignal): Awaitable<void>;
}

// Logs warnings that are the same in every worker of a service only once, in the first worker.

/** A logger for one build. */
export interface BuildLog {
  /** Writes warnings at level debug until `over` is called, except in the first worker. */
  readonly log: Logger;
  /** Ends the build: further warnings concern only this process and keep their level. */
  readonly over: () => void;
}

/** Returns a logger for objects that every worker of a service builds from the same files. */
export function buildLog(log: Logger, isFirst: boolean = isFirstWorker()): BuildLog {
  let quiet = !isFirst;
  if (!quiet) return { log, over: () => undefined };
  const over = (): void => {
    quiet = false;
  };
  return { log: lowered(log, () => quiet), over };
}

/** Reports whether this process is the first worker of a service, or not a worker. */
export function isFirstWorker(): boolean {
  return (workerAssignment()?.index ?? 0) === 0;
}

function lowered(log: Logger, quiet: () => boolean): Logger {
  return {
    get level() {
      return log.level;
    },
    set level(level) {
      log.level = level;
    },
    debug: (first: unknown, ...rest: unknown[]) => log.debug(first, ...rest),
    info: (first: unknown, ...rest: unknown[]) => log.info(first, ...rest),
    warn: (first: unknown, ...rest: unknown[]) => log[quiet() ? 'debug' : 'warn'](first, ...rest),
    error: (first: unknown, ...rest: unknown[]) => log.error(first, ...rest),
    notice: (first: unknown, ...rest: unknown[]) => log.notice(first, ...rest),
    child: (fields) => lowered(log.child(fields), quiet),
    enabled: log.enabled.bind(log),
    ...(log.reopen === undefined ? {} : { reopen: () => log.reopen?.() }),
  };
}
