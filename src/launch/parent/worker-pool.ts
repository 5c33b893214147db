/**
 * Commands for the workers of one service. They change the desired state, and the {@link Reconciler} carries it out.
 */
import type { Diagnostic } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { processors } from '../../process/index.js';
import { formatAddress } from '../../service/internal.js';
import { deferred, within } from '../../tasks/internal.js';
import { countText } from '../../text/index.js';
import type { Fault } from '../exit-status.js';
import { settled } from '../waiting.js';
import type { FleetGeneration } from './fleet-generation.js';
import { type PoolStart, PoolState } from './pool-state.js';
import { type PoolOptions, Reconciler } from './reconciler.js';
import { Roll, replacedAtOnce } from './roll.js';
import { callOff } from './worker-end.js';
import type { WorkerHandle } from './worker-handle.js';
import { holdsSlot } from './worker-state.js';

/** The first worker of a trial. */
interface Trial {
  readonly built: Promise<readonly Diagnostic[]>;
  readonly ready: Promise<void>;
}

/** Time that a first worker has for its validation when another one has failed. */
const VALIDATED_WITHIN_MS = 10_000;

/** Time that workers have after `drain_delay` to say that they accept no more connections. */
const HUNG_MS = 5000;

const NO_TRIAL: Trial = { built: Promise.resolve([]), ready: Promise.resolve() };

export class WorkerPool extends PoolState {
  readonly #log: Logger;
  readonly #processors: number | undefined;
  readonly #reconciler: Reconciler;
  /** Number of workers that the application has last requested. */
  configured = 0;
  readonly #built = deferred();
  /** Settles when the first worker of its launch is built, or has ended; never rejects. */
  readonly built = this.#built.promise;
  readonly #accepted = deferred();
  /** Settles when the first worker of its launch has accepted the configuration. If it refuses it, the errors are all that is logged. */
  readonly accepted = this.#accepted.promise;
  /** True if a reload launches it that may still be refused. */
  #launchedByReload = false;

  constructor(start: PoolStart, options: PoolOptions) {
    super(start);
    this.#log = options.log;
    this.#processors = options.processors;
    this.#reconciler = new Reconciler(this, options);
  }

  /**
   * Starts the first workers; settles when all are ready. Rejects with the reason if one does not start; nothing is
   * retried. `generation`: that of a reload, which may still be refused. Default: the current one.
   */
  async launch(workers: number, generation?: FleetGeneration): Promise<void> {
    if (this.stopping) return;
    this.#log.debug({ service: this.name, workers }, `Starting ${countText(workers, 'worker')}`);
    this.phase = 'launching';
    this.configured = workers;
    this.#launchedByReload = generation !== undefined;
    this.generation = generation ?? this.generation;
    const firstStarts = this.setWanted(workers, 'launch');
    this.#reconciler.poke();
    const first = this.#first();
    void settled(first.then((worker) => worker?.built)).then(() => this.#built.resolve());
    const accept = (): void => {
      this.#logAddresses();
      this.#accepted.resolve();
    };
    // By its own promise: a worker may be built and ready in one turn, and the line that it is ready follows.
    void first.then((worker) => (worker === undefined ? accept() : void worker.built.then(accept, () => undefined)));
    await Promise.all(firstStarts).catch(async (error: unknown) => {
      // The first worker validates the whole configuration, and another one may fail before that has ended.
      await within(firstStarts[0]!, VALIDATED_WITHIN_MS);
      throw error;
    });
    if (this.phase === 'launching') this.phase = 'running';
    this.#launchedByReload = false;
    this.#reconciler.poke();
  }

  /**
   * Starts a trial of a generation: one worker beside those of the current generation, or all workers of a new
   * service. Settles when they start, `built` with the findings of the first one, and `ready` when they are ready. The
   * worker then takes its slot by {@link rollOut}, or is ended by {@link endTrial}. `workers`: the number of workers if
   * it is accepted. A service that neither has nor gets workers has no trial.
   */
  async prove(generation: FleetGeneration, workers: number): Promise<Trial> {
    this.endTrial();
    if (this.phase === 'new') {
      const ready = this.launch(workers, generation);
      const first = await this.#first();
      return { ready, built: first?.built ?? ready.then(() => []) };
    }
    if (this.stopping || (this.wanted === 0 && workers === 0)) return NO_TRIAL;
    const begun = deferred<WorkerHandle | undefined>();
    this.trial = { generation, workers, worker: undefined, begun };
    // The next step of the reconciler starts the worker.
    this.#reconciler.startAnew();
    return (await begun.promise) ?? NO_TRIAL;
  }

  /** A bound socket does not listen yet: connections are refused until the first worker is ready, and never again after that. */
  #logAddresses(): void {
    const { name: service } = this;
    for (const { address } of this.sockets) {
      const message = `${service} bound to ${formatAddress(address)}, where its first worker will listen`;
      this.#log.info({ service, address }, message);
    }
  }

  /** Returns its first worker, which the next step of the reconciler starts. */
  async #first(): Promise<WorkerHandle | undefined> {
    await Promise.resolve();
    return this.slot(0)[0];
  }

  /** Ends the trial and its worker. */
  endTrial(): void {
    const worker = this.takeTrial()?.worker;
    // The other workers serve on, so no drain_delay is needed for a load balancer.
    if (worker !== undefined && this.workers.has(worker)) this.#reconciler.endWorker(worker, 'replaced');
  }

  /**
   * Moves all workers to the current generation: the worker of the trial takes the first slot, and then the others are
   * replaced. Settles with the number of replaced workers and the failures. `asked`: the number of
   * workers that the application requests; `superseded`: returns true if another reload was requested, so that this one need not retry without end.
   */
  async rollOut(asked: number | undefined, superseded: () => boolean): Promise<Pick<Roll, 'replaced' | 'failures'>> {
    // From here on it counts as a worker: slot 0 has two, and the reconciler ends the older one.
    if (this.takeTrial()?.worker !== undefined) this.starts.reload += 1;
    const old = this.current.filter(({ assignment }) => assignment.generation < this.generation.number);
    const [roll] = await Promise.all([this.#rollOver(old, 'reload', superseded), this.#changeTo(asked)]);
    return roll;
  }

  /** Replaces all workers with the current generation. Settles as {@link rollOut}. */
  renew(): Promise<Pick<Roll, 'replaced' | 'failures'>> {
    return this.#rollOver(this.current, 'restart', () => false);
  }

  /** Replaces a worker once its successor is ready. If the successor does not start, the worker stays. */
  replace(worker: WorkerHandle, why: 'recycle' | 'memory'): void {
    worker.worn = why;
    this.#reconciler.poke();
  }

  /**
   * Returns the number of workers for a number that the application requests: the number set by an operator stays, unless
   * the application requests another number than before.
   */
  workersFor(asked: number | undefined): number {
    return asked === undefined || asked === this.configured ? this.wanted : asked;
  }

  /** Applies the number of workers that the application requests. Settles as {@link resize}. */
  async #changeTo(asked: number | undefined): Promise<void> {
    const workers = this.workersFor(asked);
    this.configured = asked ?? this.configured;
    await this.resize(workers);
  }

  /** Adds or removes workers, highest slots first. Settles when each new slot has had its first start. */
  async resize(workers: number): Promise<void> {
    if (this.stopping || this.phase === 'new' || workers === this.wanted) return;
    const firstStarts = this.setWanted(workers, 'scale');
    this.#reconciler.startAnew();
    await Promise.allSettled(firstStarts);
  }

  /**
   * Starts no workers from now on. If others serve on its sockets, ends those that do not serve yet; settles when they
   * are gone.
   */
  async callOff(): Promise<void> {
    const isServed =
      this.#shares || (this.held !== undefined && [...this.workers].some(({ served }) => served !== undefined));
    this.#close();
    if (isServed) await callOff(this.workers);
  }

  /**
   * Stops all workers gracefully and closes the sockets. Returns true if each worker ended by itself, in time and
   * without an error.
   */
  stop(timeoutMs: number): Promise<boolean> {
    this.#close();
    return this.#reconciler.stopAll(timeoutMs);
  }

  /**
   * Ends all workers within `drain_timeout` and closes the sockets. Idle connections stay as in a replacement if other
   * workers serve on its sockets. Settles when all are gone.
   */
  async leave(): Promise<void> {
    const reason = this.#shares ? 'replaced' : 'stop';
    const left = [...this.workers];
    if (!this.stopping) {
      this.#close();
      for (const worker of left) this.#reconciler.endWorker(worker, reason);
    }
    await Promise.all(left.map((worker) => worker.exited));
  }

  /** Kills a worker that hangs, so that its slot gets another one: at once if it served until then. */
  killFor(worker: WorkerHandle, fault: Fault): void {
    worker.kill(fault);
    if (fault.reason === 'stuck' && holdsSlot(worker.state)) this.#reconciler.startAnew();
  }

  /** Kills all workers. Settles when they are gone. */
  async kill(): Promise<void> {
    this.#close();
    for (const worker of this.workers) worker.kill('needless');
    await Promise.all([...this.workers].map((worker) => worker.exited));
  }

  /** Rolls one after another: a reload and an operator's request may coincide. */
  async #rollOver(workers: readonly WorkerHandle[], reason: Roll['reason'], superseded: () => boolean): Promise<Roll> {
    while (this.roll !== undefined) await this.roll.ended;
    const { name: service, generation } = this;
    const { settings } = generation;
    const atOnce = replacedAtOnce(this.wanted, this.#processors ?? processors());
    const roll = new Roll({ service, reason, log: this.#log, settings, workers, atOnce, superseded });
    if (this.stopping) return roll;
    this.roll = roll;
    this.#reconciler.poke();
    await roll.ended;
    return roll;
  }

  /** Reports whether other services listen on its sockets. */
  get #shares(): boolean {
    return (this.held?.others.length ?? 0) > 0;
  }

  /** Starts nothing from now on. */
  #close(): void {
    // A worker that hangs may never say it, and connections would wait for it.
    const drained = [...this.workers].map((worker) => within(worker.drained, worker.drainDelayMs + HUNG_MS));
    this.held?.release(Promise.all(drained));
    // A worker that a reload has started and that does not serve yet has no requests, and is not needed.
    for (const worker of this.workers) {
      const beside = this.slot(worker.assignment.index).length > 1;
      const extra = this.#launchedByReload || worker === this.trial?.worker || beside;
      if (extra) worker.dismiss();
    }
    this.beginStopping();
    this.#reconciler.poke();
  }
}
