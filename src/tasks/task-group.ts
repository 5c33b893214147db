/** Groups of background tasks and timers that stop together. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { PorticoError, refuseUnknownOptions, whatItIs, withCode } from '../errors/index.js';
import { createLogger, type Logger } from '../log/index.js';
import { type Clock, ownLimitMs, systemClock } from './clock.js';
import {
  checkFunction,
  DynamicLoopingCall,
  type DynamicOptions,
  FixedIntervalLoopingCall,
  type FixedIntervalOptions,
  type LoopingCall,
  type LoopOptions,
  type Repeated,
  type StartedLoop,
  type WithContext,
  withContext,
} from './loop-kinds.js';
import { Task } from './task.js';

/** Options of a task group. */
export interface TaskGroupOptions {
  /** Maximum number of concurrent tasks; further tasks are queued. Timers do not count. Default 10. */
  readonly limit?: number;
  /** Name of the group in logs. */
  readonly name?: string;
  /** Default: standard error, under `name`. */
  readonly log?: Logger;
  /** The clock for times and timers. Default: the system's. */
  readonly clock?: Clock;
}

const NAMES: readonly (keyof TaskGroupOptions)[] = ['limit', 'name', 'log', 'clock'];

/** Options of a stop of a group. */
export interface GroupStopOptions {
  /**
   * True: waits for running tasks and timer functions. Default false: their signals are aborted, and the stop waits one turn of the
   * event loop.
   */
  readonly graceful?: boolean | undefined;
  /**
   * Maximum milliseconds for a graceful stop; 0 or absent: no limit. With a `signal` 100 ms more, because its caller aborts it at the
   * deadline.
   */
  readonly deadlineMs?: number | undefined;
  /** Aborted when there is no time left. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a timer, except its interval. */
export type TimerOptions<A extends unknown[]> = Pick<
  FixedIntervalOptions,
  'initialDelay' | 'stopOnException' | 'unref'
> & {
  /** Arguments of the function. Default: none. */
  readonly args?: A;
};

/** Options of a dynamic timer. */
export type DynamicTimerOptions<A extends unknown[]> = Pick<
  DynamicOptions,
  'initialDelay' | 'periodicIntervalMax' | 'stopOnException' | 'unref'
> & {
  /** Arguments of the function. Default: none. */
  readonly args?: A;
};

/** Checks and returns the options. Throws `PORTICO_INVALID_OPTION`; for a limit below 1 as a `RangeError`. */
function checkedGroup(options: TaskGroupOptions): TaskGroupOptions {
  refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a TaskGroup', options, NAMES);
  const { limit = 10 } = options;
  if (typeof limit !== 'number' || !(limit >= 1)) {
    const text = `the limit of a task group is a number of at least 1, not ${whatItIs(limit)}`;
    throw withCode(new RangeError(text), 'PORTICO_INVALID_OPTION');
  }
  return options;
}

/** A task or timer in a report of the work in flight. */
export interface Activity {
  readonly kind: 'task' | 'timer';
  readonly name: string;
  readonly state: string;
  readonly ageMs: number;
}

/** A timer of a group, with any arguments. */
export type Timer = Pick<LoopingCall<unknown[]>, 'running' | 'functionName' | 'stop' | 'wait'>;

/** A task of a group, with any result. */
type Member = Pick<Task, 'name' | 'state' | 'ageMs' | 'cancel' | 'begin' | 'raise'>;

/** The abort reason of the signals at a stop. */
const SHUTDOWN = 'shutdown';

/**
 * Runs functions in the background, at most `limit` at a time, and timers; one `stop()` ends them all. Errors are logged once, with the
 * task's name, and never become unhandled rejections. After `stop()`, adding a task throws `PORTICO_GROUP_STOPPED` until `reset()` is
 * called.
 */
export class TaskGroup {
  readonly limit: number;
  /** Called with the `ServiceExit` that a task or timer throws. Set by the launcher of the group's service. */
  onExit: ((error: unknown) => void) | undefined = undefined;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #queue = new Set<Member>();
  readonly #active = new Set<Member>();
  readonly #timers = new Map<Timer, number>();
  readonly #members: GroupMembers;
  #lastId = 0;
  #stopped = false;

  constructor(options: TaskGroupOptions = {}) {
    const { limit = 10, name = 'tasks', clock = systemClock } = checkedGroup(options);
    this.limit = limit;
    this.#name = name;
    this.#clock = clock;
    this.#members = new GroupMembers(clock);
    this.#log = options.log ?? createLogger({ base: { name } });
  }

  /** Number of queued and running tasks. */
  get size(): number {
    return this.#queue.size + this.#active.size;
  }

  /** True from the start of `stop()` until `reset()`. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Timers that have not ended. */
  get timers(): readonly Timer[] {
    return [...this.#timers.keys()];
  }

  /** Runs `fn(...args, { signal })` in a later microtask, or when the group is below its limit. The task has the function's name. */
  spawn<A extends unknown[], R>(fn: (...args: WithContext<A>) => R | PromiseLike<R>, ...args: A): Task<R> {
    checkFunction(fn, 'a task');
    this.#refuseWhenStopped();
    const task: Task<R> = new Task<R>({
      id: ++this.#lastId,
      name: fn.name === '' ? 'anonymous' : fn.name,
      run: (context) => this.#hearExit(() => fn(...withContext(args, context))),
      log: this.#log,
      now: () => this.#clock.now(),
      onDone: () => this.#remove(task),
    });
    this.#queue.add(task);
    this.#members.enter(task);
    queueMicrotask(() => this.#fill());
    return task;
  }

  /** Calls `fn(...args, { signal })` every `interval` seconds. Returns the running timer, which leaves the group when it ends. */
  addTimer<A extends unknown[] | [] = []>(
    interval: number,
    fn: Repeated<A>,
    options: TimerOptions<A> = {},
  ): FixedIntervalLoopingCall<A> {
    return this.#begin(FixedIntervalLoopingCall<A>, fn, options, (timer, loop) => timer.start(interval, loop));
  }

  /** Calls `fn(...args, { signal })`, idles for the number of seconds that it returns, and repeats. */
  addDynamicTimer<A extends unknown[] | [] = []>(
    fn: Repeated<A>,
    options: DynamicTimerOptions<A> = {},
  ): DynamicLoopingCall<A> {
    return this.#begin(DynamicLoopingCall<A>, fn, options, (timer, loop) => timer.start(loop));
  }

  /** Removes a timer. Optional, because timers that end are removed automatically. */
  timerDone(timer: Timer): void {
    this.#timers.delete(timer);
    this.#members.leave(timer);
  }

  /** Stops and removes all timers; with `wait`, after their running functions end. */
  async stopTimers(options: { readonly wait?: boolean } | boolean = false): Promise<void> {
    const wait = typeof options === 'boolean' ? options : (options.wait ?? false);
    const timers = [...this.#timers.keys()];
    for (const timer of timers) timer.stop(SHUTDOWN);
    if (wait) await this.#members.goneOrWaiting(timers);
    for (const timer of timers) this.timerDone(timer);
  }

  /** Cancels the tasks that have not started; returns their number. */
  cancelQueued(): number {
    const queued = [...this.#queue];
    return queued.filter((task) => task.cancel()).length;
  }

  /**
   * Stops timers and aborts every task's signal with the reason `shutdown`. Graceful: settles when all tasks have ended, including
   * queued ones, or at the deadline. Otherwise cancels queued tasks and waits one turn of the event loop. Remaining tasks are then
   * detached and logged by name. Safe to call twice, concurrently, and from a task of the group, which does not wait for itself.
   */
  async stop(options: GroupStopOptions | boolean = false): Promise<void> {
    const { graceful = false, deadlineMs = 0, signal } = typeof options === 'boolean' ? { graceful: options } : options;
    this.#stopped = true;
    for (const timer of this.#timers.keys()) timer.stop(SHUTDOWN);
    for (const task of [...this.#active, ...this.#queue]) task.raise(SHUTDOWN);
    if (!graceful) this.#dropQueued();
    const limitMs = deadlineMs > 0 ? ownLimitMs(deadlineMs, signal) : undefined;
    if (!(await this.#members.gone({ ms: graceful ? limitMs : -1, signal }))) this.#detach();
  }

  /** Settles when no timer and no task is left. Never settles while a timer is not stopped. */
  async wait(): Promise<void> {
    await this.#members.gone();
  }

  /** Like {@link wait}. */
  waitAll(): Promise<void> {
    return this.wait();
  }

  /** Reopens a stopped group. */
  reset(): void {
    this.#stopped = false;
  }

  /** Returns the work in flight, for reports: tasks before timers, oldest first. */
  activity(): Activity[] {
    const tasks = [...this.#active, ...this.#queue].map(({ name, state, ageMs }) => ({
      kind: 'task' as const,
      name,
      state,
      ageMs,
    }));
    const now = this.#clock.now();
    const timers = [...this.#timers].map(([timer, since]) => ({
      kind: 'timer' as const,
      name: timer.functionName,
      state: timer.running ? 'running' : 'ended',
      ageMs: now - since,
    }));
    return [...tasks, ...timers];
  }

  #refuseWhenStopped(): void {
    if (!this.#stopped) return;
    throw new PorticoError('PORTICO_GROUP_STOPPED', {
      message: `${this.#name}: the task group is stopped and accepts no tasks`,
      hint: 'Call reset() first; a service does this when it starts again.',
    });
  }

  #fill(): void {
    for (const task of this.#queue) {
      if (this.#active.size >= this.limit) return;
      this.#queue.delete(task);
      this.#active.add(task);
      void this.#members.run(task, () => task.begin());
    }
  }

  #remove(task: Member): void {
    this.#queue.delete(task);
    if (this.#active.delete(task)) this.#fill();
    this.#members.leave(task);
  }

  /** Wraps a timer's function to run as a member of the group. Keeps its name, which logs show. */
  #owned<A extends unknown[]>(fn: Repeated<A>, timer: () => object): Repeated<A> {
    const owned: Repeated<A> = (...args) => this.#members.run(timer(), () => this.#hearExit(() => fn(...args)));
    return Object.defineProperty(owned, 'name', { get: () => fn.name });
  }

  /** Runs work of the group and passes a thrown `ServiceExit` to `onExit`. */
  #hearExit<R>(work: () => R): R {
    const hear = (error: unknown): never => {
      if ((error as { code?: unknown } | null | undefined)?.code === 'PORTICO_SERVICE_EXIT') this.onExit?.(error);
      throw error;
    };
    try {
      const result = work();
      return result instanceof Promise ? (result.catch(hear) as R) : result;
    } catch (error) {
      return hear(error);
    }
  }

  /** Starts a timer of either kind as a member of the group. */
  #begin<A extends unknown[], T extends LoopingCall<A>>(
    Kind: new (fn: Repeated<A>, ...args: A) => T,
    fn: Repeated<A>,
    { args = [] as unknown as A, ...rest }: LoopOptions & { readonly args?: A },
    start: (timer: T, options: LoopOptions) => StartedLoop,
  ): T {
    checkFunction(fn, 'the function of a timer');
    this.#refuseWhenStopped();
    const timer: T = new Kind(
      this.#owned(fn, () => timer),
      ...args,
    );
    const { done } = start(timer, { ...rest, clock: this.#clock, log: this.#log });
    this.#timers.set(timer, this.#clock.now());
    this.#members.enter(timer);
    const ended = (): void => this.timerDone(timer);
    done.then(ended, ended);
    return timer;
  }

  #dropQueued(): void {
    const dropped = this.cancelQueued();
    if (dropped > 0) this.#log.warn(`${this.#name}: ${dropped} queued tasks were not started, the group is stopping`);
  }

  /** Detaches and logs members that have not ended, because they cannot be killed. Keeps members that wait for the group. */
  #detach(): void {
    this.#dropQueued();
    const stays = (member: object): boolean => this.#members.isWaitingOrCalling(member);
    const tasks = [...this.#active].filter((task) => !stays(task));
    const timers = [...this.#timers.keys()].filter((timer) => !stays(timer));
    if (tasks.length + timers.length === 0) return;
    const names = [...tasks.map(({ name }) => name), ...timers.map(({ functionName }) => functionName)];
    this.#log.warn({ tasks: names }, `${this.#name}: stopped without waiting for ${names.join(', ')}`);
    for (const task of tasks) this.#remove(task);
    for (const timer of timers) this.timerDone(timer);
  }
}

/** Limits of a wait. */
interface WaitLimit {
  /** Milliseconds; 0 or less: one turn of the event loop; absent: no limit. */
  readonly ms?: number | undefined;
  /** Ends the wait when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The members of a task group: its tasks and timers. A member that waits for the group must not wait for itself or for other waiting
 * members, so the current member is tracked across `await`s.
 */
class GroupMembers {
  readonly #clock: Clock;
  readonly #all = new Set<object>();
  readonly #running = new AsyncLocalStorage<object>();
  /** Members that wait for the group, with the number of their waits. */
  readonly #waiting = new Map<object, number>();
  #watchers: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  enter(member: object): void {
    this.#all.add(member);
  }

  leave(member: object): void {
    this.#waiting.delete(member);
    if (this.#all.delete(member)) this.#changed();
  }

  /** Reports whether a member waits for the group or is the caller: a stop detaches neither. */
  isWaitingOrCalling(member: object): boolean {
    return this.#waiting.has(member) || this.#caller() === member;
  }

  /** Runs code as part of a member. */
  run<R>(member: object, code: () => R): R {
    return this.#running.run(member, code);
  }

  /**
   * Resolves with true when all members have ended, except the caller and other waiting members if a member calls; with false at the
   * limit.
   */
  gone(limit: WaitLimit = {}): Promise<boolean> {
    return this.#until((caller) => this.#all.size <= (caller === undefined ? 0 : this.#waiting.size), limit);
  }

  /** Settles when each of these members has ended or waits for the group. */
  async goneOrWaiting(members: readonly object[]): Promise<void> {
    await this.#until(() => members.every((member) => !this.#all.has(member) || this.#waiting.has(member)), {});
  }

  async #until(reached: (caller: object | undefined) => boolean, limit: WaitLimit): Promise<boolean> {
    const caller = this.#caller();
    if (caller !== undefined) this.#waiting.set(caller, (this.#waiting.get(caller) ?? 0) + 1);
    this.#changed();
    let outOfTime = limit.signal?.aborted === true;
    const expire = (): void => {
      outOfTime = true;
      this.#changed();
    };
    const cancel = limit.ms === undefined ? undefined : this.#clock.after(limit.ms, expire);
    limit.signal?.addEventListener('abort', expire, { once: true });
    try {
      while (!reached(caller) && !outOfTime) await new Promise<void>((resolve) => this.#watchers.push(resolve));
      return reached(caller);
    } finally {
      cancel?.();
      limit.signal?.removeEventListener('abort', expire);
      if (caller !== undefined) this.#stopsWaiting(caller);
    }
  }

  #stopsWaiting(caller: object): void {
    const left = (this.#waiting.get(caller) ?? 1) - 1;
    if (left === 0) this.#waiting.delete(caller);
    else this.#waiting.set(caller, left);
  }

  /** Returns the member that contains the calling code; undefined if it has left. */
  #caller(): object | undefined {
    const running = this.#running.getStore();
    return running !== undefined && this.#all.has(running) ? running : undefined;
  }

  #changed(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}
