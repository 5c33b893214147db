/**
 * Tasks and timers that stop together: what a service does in the background.
 */
import { PorticoError } from '../errors/index.js';
import { createLogger, type Logger } from '../log/index.js';
import { type Clock, ownLimitMs, systemClock } from './clock.js';
import { GroupMembers } from './group-members.js';
import {
  checkedGroup,
  type DynamicTimerOptions,
  type GroupStopOptions,
  type TaskGroupOptions,
  type TimerOptions,
} from './group-options.js';
import { DynamicLoopingCall, FixedIntervalLoopingCall } from './loop-kinds.js';
import {
  checkFunction,
  type LoopingCall,
  type LoopOptions,
  type Repeated,
  type WithContext,
  withContext,
} from './looping-call.js';
import { Task } from './task.js';

/** One line of a report about what is going on. */
export interface Activity {
  readonly kind: 'task' | 'timer';
  readonly name: string;
  readonly state: string;
  readonly ageMs: number;
}

/** A timer of a group, whatever its function's arguments. */
export type Timer = Pick<LoopingCall<unknown[]>, 'running' | 'functionName' | 'stop' | 'wait'>;

/** A task of a group, whatever its value. */
type Member = Pick<Task, 'name' | 'state' | 'ageMs' | 'cancel' | 'begin' | 'raise'>;

/** Reason that stop() aborts its tasks' signals with. */
const SHUTDOWN = 'shutdown';

/**
 * Runs functions in the background, at most `limit` at a time, and timers; one `stop()` ends all of them.
 * Errors are logged once, with the task's name; they never become unhandled rejections. After `stop()`, adding a task
 * throws `PORTICO_GROUP_STOPPED` until `reset()` is called.
 */
export class TaskGroup {
  readonly limit: number;
  /** Called with the `ServiceExit` that one of its tasks or timers threw: set by the launcher of the group's service. */
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

  /** How many tasks are queued or running. */
  get size(): number {
    return this.#queue.size + this.#active.size;
  }

  /** True from the beginning of `stop()` until `reset()`. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** The timers that have not ended. */
  get timers(): readonly Timer[] {
    return [...this.#timers.keys()];
  }

  /** Runs `fn(...args, { signal })` soon, when a place is free; the task's name is the function's. */
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

  /** Calls `fn(...args, { signal })` every `interval` seconds; a running timer, gone from the group when it ends. */
  addTimer<A extends unknown[] | [] = []>(
    interval: number,
    fn: Repeated<A>,
    options: TimerOptions<A> = {},
  ): FixedIntervalLoopingCall<A> {
    checkFunction(fn, 'the function of a timer');
    this.#refuseWhenStopped();
    const { args = [] as unknown as A, ...rest } = options;
    const timer: FixedIntervalLoopingCall<A> = new FixedIntervalLoopingCall<A>(
      this.#owned(fn, () => timer),
      ...args,
    );
    this.#adopt(timer, () => timer.start(interval, this.#loop(rest)));
    return timer;
  }

  /** Calls `fn(...args, { signal })`, idles as many seconds as it returned, and so on. */
  addDynamicTimer<A extends unknown[] | [] = []>(
    fn: Repeated<A>,
    options: DynamicTimerOptions<A> = {},
  ): DynamicLoopingCall<A> {
    checkFunction(fn, 'the function of a timer');
    this.#refuseWhenStopped();
    const { args = [] as unknown as A, ...rest } = options;
    const timer: DynamicLoopingCall<A> = new DynamicLoopingCall<A>(
      this.#owned(fn, () => timer),
      ...args,
    );
    this.#adopt(timer, () => timer.start(this.#loop(rest)));
    return timer;
  }

  /** Forgets a timer. Timers that end leave by themselves, so this is never needed and never harms. */
  timerDone(timer: Timer): void {
    this.#timers.delete(timer);
    this.#members.leave(timer);
  }

  /** Stops all timers and forgets them; with `wait`, after the functions that are running have ended. */
  async stopTimers(options: { readonly wait?: boolean } | boolean = false): Promise<void> {
    const wait = typeof options === 'boolean' ? options : (options.wait ?? false);
    const timers = [...this.#timers.keys()];
    for (const timer of timers) timer.stop(SHUTDOWN);
    if (wait) await this.#members.goneOrWaiting(timers);
    for (const timer of timers) this.timerDone(timer);
  }

  /** Cancels the tasks that have not started; how many there were. */
  cancelQueued(): number {
    const queued = [...this.#queue];
    return queued.filter((task) => task.cancel()).length;
  }

  /**
   * Stops timers and raises every task's signal with reason `shutdown`. Graceful: settles when all have ended, queued
   * ones too, or at the deadline. Else what is queued is cancelled, and the rest has one turn of the event loop. Tasks that
   * are left then are detached and named in the log. Safe to call twice, concurrently, and from one of the group's own tasks,
   * which does not wait for itself.
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

  /** Settles when no timer and no task is left; a timer that is not stopped makes it wait for ever. */
  async wait(): Promise<void> {
    await this.#members.gone();
  }

  /** As {@link wait}. */
  waitAll(): Promise<void> {
    return this.wait();
  }

  /** Opens a stopped group for a new run. */
  reset(): void {
    this.#stopped = false;
  }

  /** Work under way, for reports: tasks first, oldest first. */
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

  /** The function of a timer, marked as that timer's code. Keeps its name, which logs show. */
  #owned<A extends unknown[]>(fn: Repeated<A>, timer: () => object): Repeated<A> {
    const owned: Repeated<A> = (...args) => this.#members.run(timer(), () => this.#hearExit(() => fn(...args)));
    return Object.defineProperty(owned, 'name', { value: fn.name });
  }

  /** Runs work of the group, and passes on that it asks the process to end. */
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

  #loop(options: LoopOptions): LoopOptions {
    return { ...options, clock: this.#clock, log: this.#log };
  }

  #adopt(timer: Timer, start: () => { done: Promise<unknown> }): void {
    const { done } = start();
    this.#timers.set(timer, this.#clock.now());
    this.#members.enter(timer);
    const ended = (): void => this.timerDone(timer);
    done.then(ended, ended);
  }

  #dropQueued(): void {
    const dropped = this.cancelQueued();
    if (dropped > 0) this.#log.warn(`${this.#name}: ${dropped} queued tasks were not started, the group is stopping`);
  }

  /** Lets go of what did not end: it cannot be killed, only named. Those that wait for the group are not among them. */
  #detach(): void {
    this.#dropQueued();
    const stays = (member: object): boolean => this.#members.isWaitingOrCalling(member);
    const tasks = [...this.#active].filter((task) => !stays(task));
    const timers = [...this.#timers.keys()].filter((timer) => !stays(timer));
    if (tasks.length + timers.length === 0) return;
    const names = [...tasks.map(({ name }) => name), ...timers.map(({ functionName }) => functionName)];
    this.#log.warn(`${this.#name}: stopped without waiting for ${names.join(', ')}`, { tasks: names });
    for (const task of tasks) this.#remove(task);
    for (const timer of timers) this.timerDone(timer);
  }
}
