/**
 * Starts and ends the workers of one service until the actual workers match the desired ones. Requests change the
 * desired state or mark a worker; events of child processes change the actual state. After each change, one step
 * compares the two. No other module starts workers or ends superfluous ones.
 */

import { PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { EndReason } from '../../operating/index.js';
import { LONGEST_DELAY_MS } from '../../process/index.js';
import { STATUS_REFUSED, textOf, type WorkerExit } from '../exit-status.js';
import { hurriedDrainMs } from '../launcher-options.js';
import type { FleetGeneration } from './fleet-generation.js';
import type { Missing, PoolState } from './pool-state.js';
import type { Turn } from './roll.js';
import { endWithin, workerEnd } from './worker-end.js';
import type { WorkerHandle } from './worker-handle.js';
import { logExit } from './worker-log.js';
import type { OomKills } from './worker-memory.js';

/** Functions that a pool needs from its supervisor. */
export interface PoolOptions {
  readonly log: Logger;
  readonly oomKills?: OomKills;
  /** Number of CPUs. Default: those of this process. */
  readonly processors?: number | undefined;
  /** Starts a worker; `workers`: the desired number of workers of the service. */
  spawn(pool: PoolState, index: number, generation: FleetGeneration, workers: number): WorkerHandle;
  /** Called when a worker has ended unexpectedly. */
  deadWorker(pool: PoolState, index: number, exit: WorkerExit): void;
  /**
   * Called when requests were cut off at the deadline of a worker; with its generation if a reload has replaced it.
   */
  cutOff?(generation: number | undefined, count: number): void;
  /** Called when the service was respawned too often. */
  giveUp(pool: PoolState): void;
}

const NEVER_MS = Number.POSITIVE_INFINITY;

export class Reconciler {
  readonly #pool: PoolState;
  readonly #options: PoolOptions;
  readonly #throttle = new StartThrottle();
  readonly #budget = new RestartBudget();
  /** Workers that a reload has replaced; others are replaced by a restart or for their memory. */
  readonly #replaced = new WeakSet<WorkerHandle>();
  #poked = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(pool: PoolState, options: PoolOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /** Schedules one step, however many changes there are. */
  poke(): void {
    if (this.#poked) return;
    this.#poked = true;
    queueMicrotask(() => {
      this.#poked = false;
      clearTimeout(this.#timer);
      const { phase } = this.#pool;
      if (phase !== 'over' && phase !== 'stopping') this.#step();
    });
  }

  /** As {@link poke}; the next starts are requested, so the number of earlier ones is forgotten. */
  startAnew(): void {
    this.#throttle.reset();
    this.poke();
  }

  /** Ends a worker that is no longer needed. A worker that does not serve yet has no requests. */
  endWorker(worker: WorkerHandle, reason: 'replaced' | 'stop'): void {
    if (worker.assignment.generation < this.#pool.generation.number) this.#replaced.add(worker);
    if (worker.served !== undefined) worker.drain(reason, this.#drainMs, 'drain_timeout');
    else {
      worker.dismiss();
      worker.terminate();
    }
    void endWithin(worker, this.#drainMs, this.#options.log);
  }

  /** Stops all workers. Returns true if each one ended by itself, in time and without an error. */
  async stopAll(timeoutMs: number): Promise<boolean> {
    const ends = [...this.#pool.workers].map((worker) => {
      // Its signal has no deadline, and part of the time may have passed.
      if (worker.served !== undefined) worker.drain('stop', timeoutMs);
      worker.terminate();
      return endWithin(worker, timeoutMs, this.#options.log);
    });
    return (await Promise.all(ends)).every(Boolean);
  }

  #step(): void {
    this.#endNeedless();
    this.#moveRoll();
    const nextMs = Math.min(this.#startMissing(), this.#giveUpLate());
    if (nextMs < NEVER_MS) this.#timer = setTimeout(() => this.poke(), Math.min(nextMs, LONGEST_DELAY_MS));
  }

  #endNeedless(): void {
    const { needless, wanted, roll } = this.#pool;
    for (const worker of needless) {
      const { index } = worker.assignment;
      const stays = index < wanted;
      this.endWorker(worker, stays ? 'replaced' : 'stop');
      // One that stops may accept for `drain_delay`, and its slot gets no other.
      if (worker.served !== undefined && stays) roll?.turnOf(index)?.leaves(worker, () => this.poke());
    }
  }

  /** Ends the turns whose slots have a new worker or were removed, and those that begin then. */
  #moveRoll(): void {
    const { roll, wanted } = this.#pool;
    if (roll === undefined) return;
    const hasNew = ({ slot }: Turn): boolean =>
      this.#pool.slot(slot).some((worker) => worker.serving && !roll.isDue(worker));
    const isOver = (turn: Turn): boolean => !turn.leaving && (turn.slot >= wanted || hasNew(turn));
    for (let turn = roll.turns.find(isOver); turn !== undefined; turn = roll.turns.find(isOver))
      roll.next(turn, hasNew(turn));
    if (roll.turns.length === 0) this.#pool.endRoll();
  }

  /** Starts the workers that may be started now. Returns the time until the next check, in milliseconds. */
  #startMissing(): number {
    const { log } = this.#options;
    for (let { missing } = this.#pool; missing !== undefined; { missing } = this.#pool) {
      if (missing.extra && !this.#hasRoom()) return NEVER_MS;
      const { ms, begins } = this.#throttle.wait(this.#pool.wanted);
      if (begins) log.info({ service: this.#pool.name, ms }, 'Forking too fast, sleeping');
      if (ms > 0) return ms;
      this.#throttle.started(this.#pool.wanted);
      this.#start(missing);
    }
    return NEVER_MS;
  }

  /** Gives up turns that have waited too long for room. Returns the time until the next check, in milliseconds. */
  #giveUpLate(): number {
    const { roll } = this.#pool;
    if (roll === undefined) return NEVER_MS;
    const starts = ({ slot }: Turn): boolean =>
      this.#pool.slot(slot).some((worker) => worker.served === undefined && !roll.isDue(worker));
    const waiting = roll.turns.filter((turn) => !turn.leaving && !starts(turn));
    if (waiting.length === 0 || this.#hasRoom()) return NEVER_MS;
    const times = waiting.map((turn) => {
      const { leftMs, why } = turn.roomLimit;
      if (leftMs > 0) return leftMs;
      roll.failed(turn, new PorticoError('PORTICO_RELOAD_TIMEOUT', why));
      return 0;
    });
    return Math.min(...times);
  }

  /** Reports whether one more process may start. If not, the worker that drains closes its idle connections now. */
  #hasRoom(): boolean {
    const { inTheWay } = this.#pool;
    if (inTheWay === undefined) return true;
    const hurriedMs = hurriedDrainMs(this.#pool.generation.settings);
    if (inTheWay.state === 'leaving' && inTheWay.drain('hurried', hurriedMs))
      void endWithin(inTheWay, hurriedMs, this.#options.log);
    return false;
  }

  #start(missing: Missing): void {
    const { index, trial } = missing;
    if (trial === undefined) this.#pool.starts[this.#pool.reasonFor(missing)] += 1;
    const { generation, workers } = trial ?? { generation: this.#pool.generation, workers: this.#pool.wanted };
    const worker = this.#options.spawn(this.#pool, index, generation, workers);
    this.#pool.workers.add(worker);
    void worker.exited.then((exit) => this.#ended(worker, exit));
    void worker.ready.then(
      () => {
        this.#pool.startedFirst(index);
        this.poke();
      },
      () => undefined,
    );
    if (trial === undefined) return;
    trial.worker = worker;
    trial.begun.resolve(worker);
  }

  #ended(worker: WorkerHandle, exit: WorkerExit): void {
    const { log } = this.#options;
    const { name: service, phase, workers } = this.#pool;
    const { index } = worker.assignment;
    const held = this.#pool.slot(index).includes(worker);
    workers.delete(worker);
    this.poke();
    // A stop by signal has already been logged, and a worker that was not ready yet and ended by the stop's SIGTERM has
    // not failed.
    const killed = worker.killedFor !== undefined;
    const calledByStop = killed || (exit.unready !== undefined && exit.signal === 'SIGTERM');
    const called = worker.dismissed || (phase === 'stopping' && calledByStop);
    // SIGTERM to a worker drains it: its successor is a restart, and it has not died.
    const isAsked = worker.said?.signalled === true && !killed;
    const isOom = exit.signal === 'SIGKILL' && !killed && this.#options.oomKills?.take() === true;
    const end = workerEnd(worker, exit, isOom);
    const endsLaunch = phase === 'launching' && exit.code === STATUS_REFUSED;
    const isOver = phase === 'over' || phase === 'stopping';
    const endsWithIt = isOver && !killed && (called || exit.code === 0 || exit.code === STATUS_REFUSED);
    const refused = exit.unready !== undefined && (endsLaunch || endsWithIt);
    logExit(log, { service, end, called, refused, limit: worker.terms.limit });
    this.#pool.lost[end.reason] = (this.#pool.lost[end.reason] ?? 0) + end.lost;
    const replaced = this.#replaced.has(worker) ? worker.assignment.generation : undefined;
    if (end.reason === 'deadline') this.#options.cutOff?.(replaced, end.lost);
    // The worker of a trial holds no slot; the report of the refused reload names it.
    if (held && !isAsked) this.#pool.lastEnd = end;
    // When one of the first workers has failed, the first one may still validate the configuration.
    const checked = phase === 'over' && this.#pool.firstStart(index) === 'launch';
    if ((phase === 'over' && !checked) || phase === 'stopping' || !held) return;
    const others = this.#pool.slot(index);
    if (exit.unready !== undefined) {
      this.#notReady(worker, exit.unready, others);
      if (others.length > 0) return;
      if (this.#pool.firstStart(index) === 'launch') {
        this.#notLaunched(worker, exit);
        return;
      }
    }
    if (exit.failure !== undefined && exit.unready !== undefined) {
      const { code } = exit.failure;
      log.error({ service, code }, `Error starting service ${service}: ${textOf(exit.failure)}`);
    }
    if (isAsked) this.#pool.reasons.set(index, 'restart');
    // The system has refused the process: nothing of the service has failed, and it is tried again.
    else if (worker.pid === undefined) this.#pool.startedFirst(index);
    else this.#replaceDead(index, end.reason, exit);
  }

  /** Handles the end of a worker that was not ready yet. */
  #notReady(worker: WorkerHandle, error: Error, others: readonly WorkerHandle[]): void {
    const { roll } = this.#pool;
    const turn = roll?.turnOf(worker.assignment.index);
    if (roll !== undefined && turn !== undefined && !roll.isDue(worker)) {
      roll.failed(turn, error);
      return;
    }
    for (const other of others.filter(({ worn }) => worn)) {
      other.worn = undefined;
      const { assignment, pid } = other;
      const facts = { service: assignment.service, workerId: assignment.index, pid, err: error };
      this.#options.log.error(facts, `Child ${pid} could not be replaced`);
    }
  }

  /** Handles the end of one of the first workers; the caller that waits for the launch reports the reason. */
  #notLaunched(worker: WorkerHandle, { code, failure, unready }: WorkerExit): void {
    // A worker that was asked to stop before it was ready has not failed. One that ends with 0 unexpectedly has failed.
    if (code === 0 && failure === undefined && worker.said !== undefined) return;
    this.#pool.phase = 'over';
    this.#pool.startedFirst(worker.assignment.index, unready);
  }

  #replaceDead(index: number, reason: EndReason, exit: WorkerExit): void {
    if (reason === 'stuck') this.#pool.reasons.set(index, 'stuck');
    this.#pool.startedFirst(index);
    this.#pool.restarts += 1;
    this.#options.deadWorker(this.#pool, index, exit);
    const { maxRestarts, restartWindowMs } = this.#pool.generation.settings;
    if (!this.#budget.spend(maxRestarts, restartWindowMs)) return;
    this.#pool.phase = 'over';
    this.#options.giveUp(this.#pool);
  }

  get #drainMs(): number {
    return this.#pool.generation.settings.drainTimeoutMs;
  }
}

// Limits on starts of workers: how soon one that dies is started again (respawned), and how often in all.

/** Delay of a start that exceeds the rate. */
const WAIT_MS = 1000;

/**
 * Counts the starts of one service's workers. The first `workers + 1` starts are free; a further one waits a second if
 * the oldest remembered start is less than `workers` seconds old. So does a start within a second of a start that
 * waited: by the first rule alone, workers that die at once would start in pairs (one of them after no wait, because
 * the wait before it has aged the oldest), and not about once a second. {@link reset} forgets all, for requested
 * restarts.
 */
export class StartThrottle {
  #starts: number[] = [];
  /** Time at which the waiting start may take place. */
  #waitsUntil: number | undefined;
  /** Time of the last start that had to wait. */
  #waitedAt = Number.NEGATIVE_INFINITY;
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  reset(): void {
    this.#starts = [];
    this.#waitsUntil = undefined;
    this.#waitedAt = Number.NEGATIVE_INFINITY;
  }

  /** Returns the delay of the next start, in milliseconds; `begins` is true if the start was not requested before. */
  wait(workers: number): { readonly ms: number; readonly begins: boolean } {
    const now = this.#now();
    const begins = this.#waitsUntil === undefined && this.#comesTooSoon(workers, now);
    if (begins) this.#waitsUntil = now + WAIT_MS;
    return { ms: Math.max(0, (this.#waitsUntil ?? now) - now), begins };
  }

  /** Records a start. */
  started(workers: number): void {
    const now = this.#now();
    if (this.#waitsUntil !== undefined) this.#waitedAt = now;
    this.#waitsUntil = undefined;
    if (this.#starts.length > workers) this.#starts.shift();
    this.#starts.push(now);
  }

  #comesTooSoon(workers: number, now: number): boolean {
    if (this.#starts.length <= workers) return false;
    return now - this.#starts[0]! < workers * 1000 || now - this.#waitedAt < WAIT_MS;
  }
}

/** Counts the unexpected restarts of one service. */
export class RestartBudget {
  #spent: number[] = [];
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Counts one restart. Returns true if there were more than `max` within the last `windowMs`, or in total if that is
   * 0; a `max` of 0 is no limit.
   */
  spend(max: number, windowMs: number): boolean {
    if (max === 0) return false;
    const now = this.#now();
    this.#spent = [...this.#spent, now].filter((time) => windowMs === 0 || now - time <= windowMs);
    return this.#spent.length > max;
  }
}
