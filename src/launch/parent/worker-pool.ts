/**
 * The workers of one service: as many as wanted, each in its numbered slot, replaced when they end and when asked to.
 */

import type { Logger } from '../../log/index.js';
import type { LaunchSettings } from '../launcher-options.js';
import type { ListenSockets } from '../sockets/listen-sockets.js';
import { PoolStarts, RestartBudget } from './pool-starts.js';
import { emptySlot, Replacements, type Slot, undecided } from './replacements.js';
import { SlotAdoption } from './slot-adoption.js';
import { endEarly, endWithin } from './worker-ending.js';
import type { WorkerExit, WorkerHandle } from './worker-handle.js';
import { logExit } from './worker-log.js';
import type { Generation, SpawnOptions } from './worker-process.js';

/** What a pool needs from its supervisor. */
export interface PoolOptions {
  readonly log: Logger;
  settings(): LaunchSettings;
  /** The generation that respawned workers belong to. */
  generation(): Generation;
  spawn(pool: WorkerPool, index: number, generation: Generation, how: SpawnOptions): WorkerHandle;
  /** A worker ended that nobody had told to. */
  deadWorker(pool: WorkerPool, index: number, exit: WorkerExit): void;
  /** The service was respawned too often. */
  giveUp(pool: WorkerPool): void;
}

export class WorkerPool {
  readonly name: string;
  sockets: readonly ListenSockets[];
  /** Starts beyond the first of each slot, since the launch. */
  restarts = 0;
  /** How its workers are replaced by others. */
  readonly replacements: Replacements;
  readonly #slots: Slot[] = [];
  readonly #alive = new Set<WorkerHandle>();
  readonly #starts: PoolStarts;
  readonly #options: PoolOptions;
  readonly #stop = new AbortController();
  readonly #budget = new RestartBudget();
  readonly #adoption = new SlotAdoption(() => (this.stopping ? [] : this.sockets));
  #asked = 0;
  #begun = false;
  #launched = false;
  /** A reload launches it, and may still be refused. */
  #onTrial = false;
  #ending: Promise<boolean> | undefined;
  #succeeded = false;

  constructor(name: string, sockets: readonly ListenSockets[], options: PoolOptions) {
    this.name = name;
    this.sockets = sockets;
    this.#options = options;
    this.#starts = new PoolStarts({
      service: name,
      log: options.log,
      alive: this.#alive,
      stopped: this.#stop.signal,
      wanted: () => this.wanted,
      drainMs: () => options.settings().gracefulShutdownTimeoutMs,
    });
    this.replacements = new Replacements({
      service: name,
      slots: this.#slots,
      starts: this.#starts,
      stopped: this.#stop.signal,
      spawn: (slot, generation, how) => this.#spawn(slot, generation, how),
      retire: (worker, reason) => this.#retire(worker, reason),
      dismiss: (worker) => this.dismiss(worker),
      fill: (slot) => void this.#fill(slot),
    });
  }

  /** How many workers there are to be. */
  get wanted(): number {
    return this.#slots.length;
  }

  get stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** All processes, those that drain included. */
  get workers(): readonly WorkerHandle[] {
    return [...this.#alive];
  }

  /** Those that hold a slot now. */
  get current(): readonly WorkerHandle[] {
    return this.#slots.flatMap((slot) => slot.current ?? []);
  }

  /**
   * Starts the first workers; settles when all are ready. Rejects with why one could not start; nothing is retried.
   * `spare` becomes the first of them.
   */
  async launch(workers: number, generation?: Generation, spare?: WorkerHandle): Promise<void> {
    this.#options.log.info(`Starting ${workers} ${workers === 1 ? 'worker' : 'workers'}`, {
      service: this.name,
      workers,
    });
    this.#asked = workers;
    this.#begun = true;
    this.#onTrial = generation !== undefined;
    for (let index = 0; index < workers; index++) this.#slots.push(emptySlot(index));
    await Promise.all(this.#slots.map((slot, at) => this.#startFirst(slot, generation, at === 0 ? spare : undefined)));
    this.#launched = true;
    this.#onTrial = false;
    this.#adoption.update(this.current);
  }

  /**
   * Starts a child that loads all a worker of this generation would need, and starts nothing. Whoever asked for it waits
   * for its word, and hands it to {@link Replacements.prepare} or {@link launch}, or to {@link dismiss}. `workers`: how many there are
   * to be. Undefined: being stopped.
   */
  async rehearse(generation: Generation, workers: number): Promise<WorkerHandle | undefined> {
    await this.#starts.nextWithRoom();
    if (this.stopping) return undefined;
    return this.#spawn(this.#slots[0] ?? emptySlot(0), generation, { rehearse: true, workers });
  }

  /** Ends a worker that does not serve yet and is not needed. */
  dismiss(worker: WorkerHandle): void {
    worker.dismissed = true;
    worker.terminate();
    void this.#endDismissed(worker);
  }

  /**
   * The number of workers to change to, now that the program asks for so many; undefined: none. What an operator set at
   * run time stays, unless the program asks for another number than before.
   */
  changeTo(asked: number | undefined): number | undefined {
    if (asked === undefined || asked === this.#asked) return undefined;
    this.#asked = asked;
    return asked;
  }

  /** How many workers there are to be after {@link changeTo}. */
  planned(asked: number | undefined): number {
    return asked === undefined || asked === this.#asked ? this.wanted : asked;
  }

  /** Grows or shrinks: new slots are started, those with the highest numbers drained. */
  async resize(workers: number): Promise<void> {
    if (this.stopping || !this.#begun || workers === this.wanted) return;
    this.#starts.forgive();
    const removed = this.#slots.splice(workers);
    for (const { current, next } of removed.reverse()) {
      for (const worker of [next, current]) if (worker !== undefined) this.#retire(worker, 'stop');
    }
    const added: Slot[] = [];
    while (this.#slots.length < workers) {
      const slot = emptySlot(this.#slots.length);
      this.#slots.push(slot);
      added.push(slot);
    }
    await Promise.all(added.map((slot) => this.#fill(slot)));
  }

  /** Forgets how often workers were started: what follows was asked for. */
  forgiveStarts(): void {
    this.#starts.forgive();
  }

  /** Stops all workers gracefully and closes the sockets. True when every one ended by itself, in time and well. */
  stop(timeoutMs: number): Promise<boolean> {
    this.#ending ??= this.#endAll(timeoutMs, (worker) => worker.terminate());
    return this.#ending;
  }

  /** Another service serves on these sockets by now, and has them. */
  handOver(sockets: ListenSockets): void {
    this.sockets = this.sockets.filter((own) => own !== sockets);
    this.#succeeded = true;
  }

  /** As {@link stop}; but where others serve on its sockets, its clients are let go as in a replacement, at once. */
  async leave(timeoutMs: number, borrowed = false): Promise<void> {
    if (!(this.#succeeded || borrowed) || this.stopping) {
      await this.stop(timeoutMs);
      return;
    }
    await this.#endAll(timeoutMs, (worker) => {
      if (worker.wasReady) worker.drain('replaced', timeoutMs);
      else worker.terminate();
    });
  }

  /** Kills a worker that gives no sign of life, so that its slot gets another. */
  killHung(worker: WorkerHandle): void {
    const replaced = worker.stopping;
    worker.kill();
    if (!replaced) this.forgiveStarts();
  }

  /** Kills all workers. Settles when they are gone. */
  async kill(): Promise<void> {
    this.#close();
    for (const worker of this.#alive) worker.kill();
    await Promise.all([...this.#alive].map((worker) => worker.exited));
  }

  /**
   * Nothing is started any more. One that a reload has started and that does not serve yet has nothing in hand: it is not
   * needed.
   */
  #close(): void {
    this.#stop.abort();
    for (const socket of this.sockets) socket.close();
    for (const { current, next } of this.#slots) {
      if (next?.wasReady === false) next.dismissed = true;
      if (this.#onTrial && current?.wasReady === false) current.dismissed = true;
    }
  }

  async #startFirst(slot: Slot, generation: Generation | undefined, spare?: WorkerHandle): Promise<void> {
    for (let rehearsed = spare; !this.stopping; rehearsed = undefined) {
      if (rehearsed === undefined) await this.#starts.next();
      if (this.stopping) return;
      const worker = rehearsed ?? this.#spawn(slot, generation ?? this.#options.generation());
      slot.current = worker;
      rehearsed?.start();
      try {
        await worker.ready;
        return;
      } catch (error) {
        if (this.stopping) return;
        const { code, failure } = await worker.exited;
        // Told to stop before it was ready: not a start that failed. One that ends with 0 untold has failed.
        if (code !== 0 || failure !== undefined || worker.endedWith === undefined) throw error;
      }
    }
  }

  /** Siblings listen where a worker gives no sign of life. */
  lookAtSlots = (): void => void (this.#launched && this.#adoption.update(this.current));

  /** Gives an empty slot a worker, and another when that one does not get ready, until the service is stopped. */
  async #fill(slot: Slot): Promise<void> {
    const empty = (): boolean => slot.current === undefined && this.#slots.includes(slot);
    await this.#starts.next(empty);
    if (this.stopping || !empty()) return;
    this.restarts += 1;
    slot.current = this.#spawn(slot, this.#options.generation());
    await slot.current.ready.catch(() => undefined);
  }

  #spawn(slot: Slot, generation: Generation, how: SpawnOptions = {}): WorkerHandle {
    const worker = this.#options.spawn(this, slot.index, generation, how);
    this.#alive.add(worker);
    void worker.exited.then((exit) => this.#ended(worker, exit));
    worker.ready.then(this.lookAtSlots, () => undefined);
    return worker;
  }

  #ended(worker: WorkerHandle, exit: WorkerExit): void {
    this.#alive.delete(worker);
    // A child that checked a reload has its slot since it was let go on; others may have lost theirs to a resize.
    const slot = this.#slots[worker.assignment.index];
    this.#report(slot, worker, exit);
    if (slot === undefined) return;
    if (slot.next === worker) {
      undecided(slot);
      if (slot.current === undefined && worker.wasReady && !this.stopping) {
        this.lookAtSlots();
        void this.#fill(slot);
      }
    }
    if (slot.current !== worker) return;
    slot.current = undefined;
    if (this.stopping || (!this.#launched && !worker.wasReady)) return;
    this.lookAtSlots();
    this.#options.deadWorker(this, slot.index, exit);
    const { maxRestarts, restartWindowMs } = this.#options.settings();
    if (this.#budget.spend(maxRestarts, restartWindowMs)) this.#options.giveUp(this);
    else if (slot.next === undefined) void this.#fill(slot);
  }

  #report(slot: Slot | undefined, worker: WorkerHandle, exit: WorkerExit): void {
    const { log } = this.#options;
    // One that never was ready and ends because its service is being stopped is no accident.
    const called = worker.dismissed || (this.stopping && !worker.wasReady && exit.signal === 'SIGTERM');
    logExit(log, { service: this.name, worker, exit, called });
    // At the first launch and in a reload, whoever waits for the worker says why it failed.
    if (exit.failure !== undefined && slot?.current === worker && this.#launched) {
      const { text, code } = exit.failure;
      log.error(`Error starting service ${this.name}: ${text}`, { service: this.name, code });
    }
  }

  #retire(worker: WorkerHandle, reason: 'replaced' | 'stop'): void {
    const timeoutMs = this.#options.settings().gracefulShutdownTimeoutMs;
    worker.drain(reason, timeoutMs);
    this.#adoption.update(this.current);
    void endWithin(worker, timeoutMs, this.#options.log);
  }

  async #endDismissed(worker: WorkerHandle): Promise<void> {
    if (await endEarly(worker)) return;
    await endWithin(worker, this.#options.settings().gracefulShutdownTimeoutMs, this.#options.log);
  }

  async #endAll(timeoutMs: number, tell: (worker: WorkerHandle) => void): Promise<boolean> {
    this.#close();
    const ends = [...this.#alive].map((worker) => {
      tell(worker);
      return endWithin(worker, timeoutMs, this.#options.log);
    });
    return (await Promise.all(ends)).every(Boolean);
  }
}
