/**
 * The workers of one service: as many as wanted, each in its numbered slot, replaced when they end and when asked to.
 */
import { deferred } from './deferred.js';
import type { ListenSockets } from './listen-sockets.js';
import type { Generation, PoolSurroundings } from './pool-surroundings.js';
import { RestartBudget } from './restart-budget.js';
import { SlotAdoption } from './slot-adoption.js';
import { StartThrottle } from './start-throttle.js';
import { aborted, pause, within } from './within.js';
import { endWithin } from './worker-ending.js';
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
  #asked = 0;
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

  /** Starts the first workers; settles when all are ready. Rejects with why one could not start; nothing is retried. */
  async launch(workers: number, generation?: Generation): Promise<void> {
    this.#asked = workers;
    for (let index = 0; index < workers; index++) this.#slots.push(emptySlot(index));
    await Promise.all(this.#slots.map((slot) => this.#startFirst(slot, generation)));
    this.#launched = true;
  }

  /**
   * How many workers there are to be now that the program asks for so many: what an operator set at run time stays, unless
   * the program asks for another number than before.
   */
  countFor(asked: number | undefined): number {
    if (asked === undefined || asked === this.#asked) return this.wanted;
    this.#asked = asked;
    return asked;
  }

  /** Grows or shrinks: new slots are started, those with the highest numbers drained. */
  async resize(workers: number): Promise<void> {
    if (this.stopping || workers === this.wanted) return;
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

  /** Starts the replacement of one slot and waits until it is ready. Undefined: the service is being stopped. */
  async prepare(index: number, generation: Generation): Promise<WorkerHandle | undefined> {
    const slot = this.#slots[index];
    if (slot === undefined) return undefined;
    while (slot.next !== undefined && !this.stopping) await slot.decided.promise;
    await this.#makeRoom();
    await this.#throttle.next(this.wanted, (ms) => this.#pauseStart(ms));
    if (this.stopping || slot.next !== undefined) return undefined;
    const next = this.#spawn(slot, generation);
    slot.next = next;
    slot.decided = deferred();
    try {
      await next.ready;
      return next;
    } catch (error) {
      undecided(slot);
      if (this.stopping) return undefined;
      // The old one may have ended meanwhile, in the hope of this one.
      if (slot.current === undefined) this.#fillLater(slot);
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
    this.#retire(next, 'stop');
    if (slot.current === undefined && !this.stopping) this.#fillLater(slot);
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

  async #startFirst(slot: Slot, generation: Generation | undefined): Promise<void> {
    while (!this.stopping) {
      await this.#throttle.next(this.wanted, (ms) => this.#pauseStart(ms));
      if (this.stopping) return;
      const worker = this.#spawn(slot, generation ?? this.#around.generation());
      slot.current = worker;
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

  #fillLater(slot: Slot): void {
    void this.#fill(slot);
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

  #spawn(slot: Slot, generation: Generation): WorkerHandle {
    const worker = this.#around.spawn(this, slot.index, generation);
    this.#alive.add(worker);
    void worker.exited.then((exit) => this.#ended(slot, worker, exit));
    worker.ready.then(
      () => this.#adoption.served(worker),
      () => undefined,
    );
    return worker;
  }

  #ended(slot: Slot, worker: WorkerHandle, exit: WorkerExit): void {
    this.#alive.delete(worker);
    this.#report(slot, worker, exit);
    if (slot.next === worker) {
      undecided(slot);
      if (slot.current === undefined && worker.wasReady && !this.stopping) this.#fillLater(slot);
    }
    if (slot.current !== worker) return;
    slot.current = undefined;
    if (this.stopping || (!this.#launched && !worker.wasReady)) return;
    this.#adoption.update(this.current);
    this.#around.deadWorker(this, slot.index, exit);
    const { maxRestarts, restartWindowMs } = this.#around.settings();
    if (this.#budget.spend(maxRestarts, restartWindowMs)) this.#around.giveUp(this);
    else if (slot.next === undefined) this.#fillLater(slot);
  }

  #report(slot: Slot, worker: WorkerHandle, exit: WorkerExit): void {
    const facts = {
      event: 'worker_exited',
      service: this.name,
      workerId: slot.index,
      pid: worker.pid,
      code: exit.code,
      signal: exit.signal,
      uptime: Math.round(exit.uptimeMs) / 1000,
    };
    const how = exit.signal === null ? `exited with status ${exit.code}` : `killed by signal ${exit.signal}`;
    const message = `Child ${worker.pid ?? '(not started)'} ${how}`;
    // One that never was ready and ends because its service is being stopped is no accident.
    const called = this.stopping && !worker.wasReady && exit.signal === 'SIGTERM';
    if (exit.code === 0 || called) this.#around.log.info(message, facts);
    else this.#around.log.warn(message, facts);
    // At the first launch and in a reload, whoever waits for the worker says why it failed.
    if (exit.failure !== undefined && slot.current === worker && this.#launched) {
      const { text, code } = exit.failure;
      this.#around.log.error(`Error starting service ${this.name}: ${text}`, { service: this.name, code });
    }
  }

  #retire(worker: WorkerHandle, reason: 'replaced' | 'stop'): void {
    const timeoutMs = this.#around.settings().gracefulShutdownTimeoutMs;
    worker.drain(reason, timeoutMs);
    this.#adoption.update(this.current);
    void endWithin(worker, timeoutMs, this.#around.log);
  }

  /** At most twice as many processes as wanted: the worker that drains longest lets its idle connections go now. */
  async #makeRoom(): Promise<void> {
    while (!this.stopping && this.#alive.size >= 2 * Math.max(1, this.wanted)) {
      const draining = [...this.#alive].filter((worker) => worker.stopping);
      const oldest = draining[0];
      if (oldest === undefined) return;
      oldest.drain('stop', this.#around.settings().gracefulShutdownTimeoutMs);
      await Promise.race([oldest.exited, aborted(this.#stop.signal)]);
    }
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
