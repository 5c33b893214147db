/**
 * The workers of one service: as many as wanted, each in its numbered slot, replaced when they end and when asked to.
 */
import { deferred } from '../deferred.js';
import type { ListenSockets } from '../sockets/listen-sockets.js';
import { pause, within } from '../within.js';
import { makeRoom, type RoomTerms } from './pool-room.js';
import type { Generation, PoolSurroundings } from './pool-surroundings.js';
import { RestartBudget } from './restart-budget.js';
import { SlotAdoption } from './slot-adoption.js';
import { StartThrottle } from './start-throttle.js';
import { endEarly, endWithin } from './worker-ending.js';
import { logExit } from './worker-exit-log.js';
import type { WorkerExit, WorkerHandle } from './worker-handle.js';
import { emptySlot, type Slot, undecided } from './worker-slot.js';

/** A worker gives a sign of life each second; one that gave none for so long does not answer. */
const SILENT_SECONDS = 5;
/** How long a replaced worker may take to say that it accepts nothing any more. */
const DRAINED_WITHIN_MS = 5000;

export class WorkerPool {
  readonly name: string;
  sockets: readonly ListenSockets[];
  /** Starts beyond the first of each slot, since the launch. */
  restarts = 0;
  readonly #slots: Slot[] = [];
  readonly #alive = new Set<WorkerHandle>();
  readonly #throttle = new StartThrottle();
  readonly #around: PoolSurroundings;
  readonly #stop = new AbortController();
  readonly #budget = new RestartBudget();
  readonly #adoption = new SlotAdoption();
  readonly #room = (): RoomTerms => ({
    most: 2 * Math.max(1, this.wanted),
    timeoutMs: this.#around.settings().gracefulShutdownTimeoutMs,
  });
  #asked = 0;
  #begun = false;
  #launched = false;
  #ending: Promise<boolean> | undefined;

  constructor(name: string, sockets: readonly ListenSockets[], around: PoolSurroundings) {
    this.name = name;
    this.sockets = sockets;
    this.#around = around;
  }

  /** How many workers there are to be. */
  get wanted(): number {
    return this.#slots.length;
  }

  get stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Every slot has a worker that serves. */
  get ready(): boolean {
    return this.#slots.every((slot) => slot.current?.serving === true);
  }

  /** No worker that should serve has been silent for suspiciously long. */
  get answering(): boolean {
    return this.current.every((worker) => !worker.serving || worker.debugged || worker.silentSeconds <= SILENT_SECONDS);
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
    this.#around.log.info(`Starting ${workers} workers`, { service: this.name, workers });
    this.#asked = workers;
    this.#begun = true;
    for (let index = 0; index < workers; index++) this.#slots.push(emptySlot(index));
    await Promise.all(this.#slots.map((slot, at) => this.#startFirst(slot, generation, at === 0 ? spare : undefined)));
    this.#launched = true;
  }

  /**
   * Starts a child that loads all a worker of this generation would need, and starts nothing. Whoever asked for it waits
   * for its word, and hands it to {@link prepare} or {@link launch}, or to {@link dismiss}. Undefined: being stopped.
   */
  async rehearse(generation: Generation): Promise<WorkerHandle | undefined> {
    await makeRoom(this.#alive, this.#stop.signal, this.#room);
    await this.#throttle.next(this.wanted, (ms) => this.#pauseStart(ms));
    return this.stopping ? undefined : this.#spawn(this.#slots[0] ?? emptySlot(0), generation, true);
  }

  /** Ends a worker that does not serve yet and is not needed. */
  dismiss(worker: WorkerHandle): void {
    worker.dismissed = true;
    worker.terminate();
    void endEarly(worker);
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

  /** Grows or shrinks: new slots are started, those with the highest numbers drained. */
  async resize(workers: number): Promise<void> {
    if (this.stopping || !this.#begun || workers === this.wanted) return;
    this.#throttle.reset();
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
    this.#throttle.reset();
  }

  /**
   * Replaces the worker of one slot: a new one is started and, once it is ready, the old one told to drain. Rejects when
   * the new one does not become ready; then nothing has changed.
   */
  async replace(index: number, generation: Generation): Promise<void> {
    const slot = this.#slots[index];
    if (slot === undefined || this.stopping) return;
    const next = await this.prepare(index, generation);
    if (next !== undefined) await this.promote(index, next);
  }

  /**
   * Starts the replacement of one slot, or lets one go on that rehearsed, and waits until it is ready. Undefined: the
   * service is being stopped.
   */
  async prepare(index: number, generation: Generation, spare?: WorkerHandle): Promise<WorkerHandle | undefined> {
    const slot = this.#slots[index];
    if (slot === undefined) return undefined;
    while (slot.next !== undefined && !this.stopping) await slot.decided.promise;
    if (spare === undefined) {
      await makeRoom(this.#alive, this.#stop.signal, this.#room);
      await this.#throttle.next(this.wanted, (ms) => this.#pauseStart(ms));
    }
    if (this.stopping || slot.next !== undefined) return undefined;
    const next = spare ?? this.#spawn(slot, generation);
    slot.next = next;
    slot.decided = deferred();
    spare?.start();
    try {
      await next.ready;
      return next;
    } catch (error) {
      undecided(slot);
      if (this.stopping) return undefined;
      // The old one may have ended meanwhile, in the hope of this one.
      if (slot.current === undefined) void this.#fill(slot);
      throw error;
    }
  }

  /** Puts a prepared worker in its slot. Settles when the old one accepts no new connections any more. */
  async promote(index: number, next: WorkerHandle): Promise<void> {
    const slot = this.#slots[index];
    if (slot === undefined || this.stopping) return;
    if (slot.next !== next) throw new Error(`worker ${index} of service ${this.name} ended before it could take over`);
    const old = slot.current;
    slot.current = next;
    undecided(slot);
    if (old === undefined) return;
    this.#retire(old, 'replaced');
    await within(DRAINED_WITHIN_MS, old.drained);
  }

  /** True when the slot's worker serves and belongs to that generation, or a later one. */
  isCurrent(index: number, generation: number): boolean {
    const worker = this.#slots[index]?.current;
    return worker?.serving === true && worker.assignment.generation >= generation;
  }

  /** Ends a prepared worker that is not to take over after all. */
  discard(index: number): void {
    const slot = this.#slots[index];
    const next = slot?.next;
    if (slot === undefined || next === undefined) return;
    undecided(slot);
    if (next.wasReady) this.#retire(next, 'stop');
    else this.dismiss(next);
    if (slot.current === undefined && !this.stopping) void this.#fill(slot);
  }

  /** Stops all workers gracefully and closes the sockets. True when every one ended by itself, in time and well. */
  stop(timeoutMs: number): Promise<boolean> {
    this.#ending ??= this.#stopAll(timeoutMs);
    return this.#ending;
  }

  /** Kills a worker that gives no sign of life, so that its slot gets another. */
  killHung(worker: WorkerHandle): void {
    const replaced = worker.stopping;
    worker.kill();
    if (!replaced) this.forgiveStarts();
  }

  /** Kills all workers. Settles when they are gone. */
  async kill(): Promise<void> {
    this.#stop.abort();
    for (const socket of this.sockets) socket.close();
    for (const worker of this.#alive) worker.kill();
    await Promise.all([...this.#alive].map((worker) => worker.exited));
  }

  async #startFirst(slot: Slot, generation: Generation | undefined, spare?: WorkerHandle): Promise<void> {
    for (let rehearsed = spare; !this.stopping; rehearsed = undefined) {
      if (rehearsed === undefined) await this.#throttle.next(this.wanted, (ms) => this.#pauseStart(ms));
      if (this.stopping) return;
      const worker = rehearsed ?? this.#spawn(slot, generation ?? this.#around.generation());
      slot.current = worker;
      rehearsed?.start();
      try {
        await worker.ready;
        return;
      } catch (error) {
        if (this.stopping) return;
        const { code, failure } = await worker.exited;
        // Told to stop before it was ready: not a start that failed.
        if (code !== 0 || failure !== undefined) throw error;
      }
    }
  }

  /** Gives an empty slot a worker, and another when that one does not get ready, until the service is stopped. */
  async #fill(slot: Slot): Promise<void> {
    await this.#throttle.next(this.wanted, (ms) => this.#pauseStart(ms));
    if (this.stopping || slot.current !== undefined || !this.#slots.includes(slot)) return;
    this.restarts += 1;
    slot.current = this.#spawn(slot, this.#around.generation());
    await slot.current.ready.catch(() => undefined);
  }

  #pauseStart(ms: number): Promise<void> {
    this.#around.log.info('Forking too fast, sleeping', { service: this.name, ms });
    return pause(ms, this.#stop.signal);
  }

  #spawn(slot: Slot, generation: Generation, rehearse = false): WorkerHandle {
    const worker = this.#around.spawn(this, slot.index, generation, rehearse);
    this.#alive.add(worker);
    void worker.exited.then((exit) => this.#ended(slot, worker, exit));
    worker.ready.then(
      () => this.#adoption.served(worker, this.#launched ? this.current : []),
      () => undefined,
    );
    return worker;
  }

  #ended(slot: Slot, worker: WorkerHandle, exit: WorkerExit): void {
    this.#alive.delete(worker);
    this.#report(slot, worker, exit);
    if (slot.next === worker) {
      undecided(slot);
      if (slot.current === undefined && worker.wasReady && !this.stopping) void this.#fill(slot);
    }
    if (slot.current !== worker) return;
    slot.current = undefined;
    if (this.stopping || (!this.#launched && !worker.wasReady)) return;
    this.#adoption.update(this.current);
    this.#around.deadWorker(this, slot.index, exit);
    const { maxRestarts, restartWindowMs } = this.#around.settings();
    if (this.#budget.spend(maxRestarts, restartWindowMs)) this.#around.giveUp(this);
    else if (slot.next === undefined) void this.#fill(slot);
  }

  #report(slot: Slot, worker: WorkerHandle, exit: WorkerExit): void {
    const { log } = this.#around;
    // One that never was ready and ends because its service is being stopped is no accident.
    const called = worker.dismissed || (this.stopping && !worker.wasReady && exit.signal === 'SIGTERM');
    logExit(log, { service: this.name, worker, exit, called });
    // At the first launch and in a reload, whoever waits for the worker says why it failed.
    if (exit.failure !== undefined && slot.current === worker && this.#launched) {
      const { text, code } = exit.failure;
      log.error(`Error starting service ${this.name}: ${text}`, { service: this.name, code });
    }
  }

  #retire(worker: WorkerHandle, reason: 'replaced' | 'stop'): void {
    const timeoutMs = this.#around.settings().gracefulShutdownTimeoutMs;
    worker.drain(reason, timeoutMs);
    this.#adoption.update(this.current);
    void endWithin(worker, timeoutMs, this.#around.log);
  }

  async #stopAll(timeoutMs: number): Promise<boolean> {
    this.#stop.abort();
    for (const socket of this.sockets) socket.close();
    const ends = [...this.#alive].map((worker) => {
      worker.terminate();
      return endWithin(worker, timeoutMs, this.#around.log);
    });
    return (await Promise.all(ends)).every(Boolean);
  }
}
