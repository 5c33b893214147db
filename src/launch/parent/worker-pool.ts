/**
 * Commands for the workers of one service. They change the desired state, and the {@link Reconciler} does the rest.
 */
import type { Logger } from '../../log/index.js';
import { deferred } from '../../tasks/internal.js';
import { countText } from '../../text/index.js';
import { PoolState } from './pool-state.js';
import { type PoolOptions, Reconciler } from './reconciler.js';
import { Roll } from './roll.js';
import type { WorkerHandle } from './worker-handle.js';
import type { FleetGeneration } from './worker-process.js';

export class WorkerPool extends PoolState {
  readonly #log: Logger;
  readonly #reconciler: Reconciler;
  #configured = 0;
  /** A reload launches it, and may still be refused. */
  #launchedByReload = false;
  #ending: Promise<boolean> | undefined;

  constructor(name: string, generation: FleetGeneration, options: PoolOptions) {
    super(name, generation);
    this.#log = options.log;
    this.#reconciler = new Reconciler(this, options);
  }

  /**
   * Starts the first workers; settles when each was ready. Rejects with why one could not start; nothing is retried.
   * `generation`: of a reload, which may still be refused. Default: the one in force.
   */
  async launch(workers: number, generation?: FleetGeneration): Promise<void> {
    if (this.stopping) return;
    const said = `Starting ${countText(workers, 'worker')}`;
    this.#log.info(said, { service: this.name, workers });
    this.phase = 'launching';
    this.#configured = workers;
    this.#launchedByReload = generation !== undefined;
    this.generation = generation ?? this.generation;
    const firstStarts = this.setWanted(workers);
    this.#reconciler.poke();
    await Promise.all(firstStarts);
    if (this.phase === 'launching') this.phase = 'running';
    this.#launchedByReload = false;
    this.#reconciler.poke();
  }

  /**
   * Proves a generation by a worker of it, which serves beside those of the generation in force; of a new service by all its
   * workers. Settles when they start, and `ready` when they are ready. The worker then takes its slot by {@link rollOut}, or is
   * ended by {@link endTrial}. `workers`: how many there are to be. A service without workers that gets none has nothing to prove.
   */
  async prove(generation: FleetGeneration, workers: number): Promise<{ readonly ready: Promise<void> }> {
    this.endTrial();
    if (this.phase === 'new') return { ready: this.launch(workers, generation) };
    if (this.stopping || (this.wanted === 0 && workers === 0)) return { ready: Promise.resolve() };
    const begun = deferred<WorkerHandle | undefined>();
    this.trial = { generation, workers, worker: undefined, begun };
    // Its next step starts the worker.
    this.#reconciler.forgiveStarts();
    this.#reconciler.poke();
    return { ready: (await begun.promise)?.ready ?? Promise.resolve() };
  }

  /** Ends the trial, and its worker. */
  endTrial(): void {
    const worker = this.takeTrial()?.worker;
    // The others serve on: a load balancer need not be told by a drain_delay.
    if (worker !== undefined && this.workers.has(worker)) this.#reconciler.endWorker(worker, 'replaced');
  }

  /**
   * The generation in force is to be that of all workers: the worker of the trial takes the first slot, and the others are
   * replaced behind it, one by one. Settles with how many were, and why others were not. `asked`: as for {@link changeTo};
   * `superseded`: another reload was asked for, and this one need not try for ever.
   */
  async rollOut(asked: number | undefined, superseded: () => boolean): Promise<Pick<Roll, 'replaced' | 'failures'>> {
    // From here on it counts as a worker: slot 0 has two, and the reconciler ends the older one.
    if (this.takeTrial()?.worker !== undefined) this.starts.reload += 1;
    const old = this.current.filter(({ assignment }) => assignment.generation < this.generation.number);
    const [roll] = await Promise.all([this.#rollOver(old, 'reload', superseded), this.changeTo(asked)]);
    return roll;
  }

  /** All workers are replaced, one by one, with the generation in force. Gives as {@link rollOut}. */
  renew(): Promise<Pick<Roll, 'replaced' | 'failures'>> {
    return this.#rollOver(this.current, 'restart', () => false);
  }

  /** Has another worker take the place of this one, once that is ready. If it does not start, all stays as it is. */
  replace(worker: WorkerHandle, why: 'recycle' | 'memory'): void {
    worker.worn = why;
    this.#reconciler.poke();
  }

  /** The number of workers when the program asks for so many: what an operator has set stays, unless the program asks for another number than before. */
  workersFor(asked: number | undefined): number {
    return asked === undefined || asked === this.#configured ? this.wanted : asked;
  }

  /** The program asks for so many workers. Settles as {@link resize}. */
  async changeTo(asked: number | undefined): Promise<void> {
    const workers = this.workersFor(asked);
    this.#configured = asked ?? this.#configured;
    await this.resize(workers);
  }

  /**
   * Grows or shrinks: those with the highest numbers go. Settles when each new slot has had its first start. Each new worker has a socket of
   * its own where the others have; those of workers that go are left to siblings, for clients wait in them.
   */
  async resize(workers: number): Promise<void> {
    if (this.stopping || this.phase === 'new' || workers === this.wanted) return;
    try {
      this.held?.grow(workers);
    } catch (error) {
      const service = this.name;
      this.#log.warn(`The new workers of ${service} share the existing sockets: ${(error as Error).message}`, {
        service,
      });
    }
    const firstStarts = this.setWanted(workers);
    this.#reconciler.forgiveStarts();
    this.#reconciler.poke();
    await Promise.allSettled(firstStarts);
  }

  /** Stops all workers gracefully and closes the sockets. True when every one ended by itself, in time and well. */
  stop(timeoutMs: number): Promise<boolean> {
    this.#ending ??= this.#endAll(timeoutMs, 'stop');
    return this.#ending;
  }

  /** As {@link stop}; but where others serve on its sockets, its clients are let go as in a replacement, at once. */
  async leave(timeoutMs: number): Promise<void> {
    const shares = (this.held?.others.length ?? 0) > 0;
    if (this.stopping || !shares) await this.stop(timeoutMs);
    else await this.#endAll(timeoutMs, 'replaced');
  }

  /** Kills a worker that gives no sign of life, so that its slot gets another. */
  killHung(worker: WorkerHandle): void {
    worker.hung = true;
    worker.kill();
    if (worker.toldToEnd) return;
    this.#reconciler.forgiveStarts();
    this.#reconciler.poke();
  }

  /** Kills all workers. Settles when they are gone. */
  async kill(): Promise<void> {
    this.#close();
    for (const worker of this.workers) worker.kill();
    await Promise.all([...this.workers].map((worker) => worker.exited));
  }

  /** Time has passed: a worker may give no sign of life any more. */
  look(): void {
    this.#reconciler.look();
    this.buckets.sweep(performance.now());
  }

  /** One at a time: a reload and an operator's wish may come together. */
  async #rollOver(workers: readonly WorkerHandle[], reason: Roll['reason'], superseded: () => boolean): Promise<Roll> {
    while (this.roll !== undefined) await this.roll.ended;
    const { name: service, generation } = this;
    const roll = new Roll({ service, reason, log: this.#log, settings: generation.settings, workers, superseded });
    if (this.stopping) return roll;
    this.roll = roll;
    this.#reconciler.poke();
    await roll.ended;
    return roll;
  }

  #endAll(timeoutMs: number, reason: 'replaced' | 'stop'): Promise<boolean> {
    this.#close();
    return this.#reconciler.endAll(timeoutMs, reason);
  }

  /** Nothing is started any more. */
  #close(): void {
    this.held?.release();
    // One that a reload has started and that does not serve yet has nothing in hand: it is not needed.
    for (const worker of this.workers) {
      const beside = this.slot(worker.assignment.index).length > 1;
      const extra = this.#launchedByReload || worker === this.trial?.worker || beside;
      if (extra && !worker.wasReady) worker.dismissed = true;
    }
    this.beginStopping();
    this.#reconciler.poke();
  }
}
