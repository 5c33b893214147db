/**
 * The parent's side of a fleet: one pool of workers for each service, their sockets, and the configuration that they start with. It
 * kills a worker that does not respond for `worker_timeout` or starts too slowly for `worker_start_timeout`. It accepts no
 * connection and runs no service.
 */
import { url as debuggerUrl } from 'node:inspector';
import type { Config } from '../../config/index.js';
import type { Totals } from '../../counts/index.js';
import { PorticoError } from '../../errors/index.js';
import type { Logger, LogLevel } from '../../log/index.js';
import type { Launchable } from '../../service/index.js';
import { isPlanned } from '../../service/internal.js';
import { isChosen } from '../exit-status.js';
import type { LaunchSettings } from '../launcher-options.js';
import { giveBackEach, takeEach } from '../shared-buckets.js';
import { listeningOf, sendableSocket } from '../sockets/listen-sockets.js';
import { type Arrival, type HeldSockets, ListenerPool } from '../sockets/listener-pool.js';
import { ActivatedSockets } from '../systemd/service-manager.js';
import type { Deadline } from '../waiting.js';
import type { Assignment } from '../worker-message.js';
import { type FleetGeneration, fleetGeneration } from './fleet-generation.js';
import { countSeconds, faultOf, isAtRest } from './late-workers.js';
import { WorkerHandle } from './worker-handle.js';
import { channelLog, logFault, logStart } from './worker-log.js';
import { MemoryLimit, OomKills } from './worker-memory.js';
import { type PoolOptions, WorkerPool } from './worker-pool.js';
import { firstMessage, spawnWorker, type WorkerProgram } from './worker-process.js';

/** Time after `drain_delay` in which workers that were asked to stop must stop listening. */
const LISTENS_NO_MORE_MS = 2000;

/**
 * Interval between checks of the workers' heartbeats, and the longest one while all workers are idle: a shorter `worker_timeout` limits
 * it.
 */
const LOOK_MS = 250;
const REST_LOOK_MS = 5000;

/** Starts processes and binds addresses; a test may pretend both. */
export type System = Pick<WorkerProgram, 'spawn'> & Pick<SupervisorOptions, 'listeners' | 'processors'>;

/** Options of a {@link Supervisor}. */
export interface SupervisorOptions extends Omit<PoolOptions, 'spawn' | 'oomKills'> {
  readonly program: WorkerProgram;
  /** The configuration that the first workers start with. */
  readonly config: Config | undefined;
  readonly settings: LaunchSettings;
  /** Returns the level of the log that a command has set for a service. */
  logLevel(service: string): LogLevel | undefined;
  /** Totals of all workers. */
  readonly totals: Totals;
  /** Default: sockets of the system. */
  readonly listeners?: ListenerPool | undefined;
  /** Number of CPUs. Default: those of this process. */
  readonly processors?: number | undefined;
  /** Settles when no reload is in progress. */
  reloadsEnd(): Promise<void>;
}

export class Supervisor {
  /** Application that the workers run. */
  readonly program: WorkerProgram;
  readonly #options: SupervisorOptions;
  readonly #log: Logger;
  readonly #pools = new Map<string, WorkerPool>();
  readonly #poolOptions: PoolOptions;
  #looking: NodeJS.Timeout | undefined;
  #lookMs = 0;
  /** Time up to which seconds are counted. */
  #countedAt = performance.now();
  /** Services that a reload has removed, until all their workers are gone. */
  readonly #retiring = new Set<WorkerPool>();
  /** The current configuration. */
  generation: FleetGeneration;
  #stopped = false;
  /** Exit status that a service chose by a `ServiceExit` while its worker stopped. */
  exitStatus: number | undefined;
  readonly #listeners: ListenerPool;
  /** Sockets of services that are not launched yet. */
  readonly #bound = new Map<string, HeldSockets>();
  readonly #activated: ActivatedSockets;
  readonly #memory: MemoryLimit;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.program = options.program;
    this.#log = options.log;
    this.#listeners = options.listeners ?? new ListenerPool();
    this.#memory = new MemoryLimit(options.log);
    const { config, settings } = options;
    this.generation = fleetGeneration({ number: 1, settings, config });
    this.#poolOptions = { ...options, oomKills: new OomKills(), spawn: (...asked) => this.#spawn(...asked) };
    this.#activated = new ActivatedSockets(options.program.host);
    this.#lookEach(LOOK_MS);
  }

  get pools(): readonly WorkerPool[] {
    return [...this.#pools.values()];
  }

  pool(name: string): WorkerPool | undefined {
    return this.#pools.get(name);
  }

  /**
   * Sets the generation that new workers start with, and the plans of services; a service that was launched as an
   * object keeps its object.
   */
  useGeneration(generation: FleetGeneration, services: readonly Launchable[]): void {
    this.generation = generation;
    for (const pool of this.#all) pool.generation = generation;
    for (const service of services.filter(isPlanned)) {
      const pool = this.pool(service.name);
      if (pool !== undefined) pool.service = service;
    }
  }

  /**
   * Binds the service's addresses and starts its workers; settles when all are ready. Rejects if an address is not
   * available or a worker does not start; the caller then ends the service.
   */
  async launch(service: Launchable, name: string, workers: number): Promise<void> {
    const pool = await this.addPool(service, name);
    await pool?.launch(workers);
  }

  /**
   * Takes the sockets of the service's addresses and creates its pool, still without workers. Returns undefined if a
   * stop is under way.
   */
  async addPool(service: Launchable, name: string, arrival?: Arrival): Promise<WorkerPool | undefined> {
    if (this.#pools.has(name)) throw duplicate(name);
    const pool = new WorkerPool({ name, service, generation: this.generation }, this.#poolOptions);
    pool.lost = this.#options.totals.lost.get(name) ?? pool.lost;
    this.#pools.set(name, pool);
    await this.bind(service, name, arrival);
    if (this.#stopped) return undefined;
    pool.held = this.#bound.get(name);
    this.#bound.delete(name);
    return pool;
  }

  /**
   * Takes the sockets of a service's addresses before its launch: those passed by the service manager, or those of the
   * pool. Rejects if an address is not available. Done once for each address.
   */
  async bind(service: Launchable, name: string, arrival?: Arrival): Promise<void> {
    const listens = listeningOf(service);
    if (this.#bound.has(name) || listens === undefined) return;
    const { addresses, location } = listens;
    const passed = this.#activated.take(name, addresses);
    const held = await this.#listeners.hold({ name, addresses, location, passed }, arrival);
    this.#bound.set(name, held);
    if (this.#stopped) this.#closeBound();
  }

  /** The arrival of services in a reload that removes those in `leaving`. */
  arrival(leaving: readonly string[], stopped: AbortSignal): Arrival {
    const staying = this.pools.map(({ name }) => name).filter((name) => !leaving.includes(name));
    const patienceMs = this.generation.settings.drainDelayMs + LISTENS_NO_MORE_MS;
    return { leaving, staying, draining: [...this.#retiring], patienceMs, stopped };
  }

  /** Ends a service that is no longer wanted. Until it has ended, a stop includes it. */
  async retire(name: string): Promise<void> {
    const pool = this.#pools.get(name);
    if (pool === undefined) return;
    this.#pools.delete(name);
    this.#retiring.add(pool);
    if (pool.phase !== 'new') this.#options.totals.lost.set(name, pool.lost);
    await pool.leave();
    this.#retiring.delete(pool);
  }

  /** Stops all services concurrently. Returns true if each worker ended by itself, in time and without an error. */
  async stop(deadline: Deadline): Promise<boolean> {
    this.#stopped = true;
    this.#closeBound();
    const workers = this.#all.flatMap(({ workers }) => [...workers]);
    await Promise.all(this.#all.map((pool) => pool.callOff()));
    const ends = this.#all.map((pool) => pool.stop(deadline.deadlineMs));
    const clean = (await Promise.all(ends)).every(Boolean);
    this.#lookEach(0);
    for (const { said } of workers) if (isChosen(said?.status)) this.exitStatus ??= said?.status;
    return clean;
  }

  /** Kills all workers. */
  async kill(): Promise<void> {
    this.#stopped = true;
    this.#closeBound();
    this.#lookEach(0);
    await Promise.all(this.#all.map((pool) => pool.kill()));
  }

  /** Tells all workers to reopen their log file, including those that drain. */
  reopenLogs(): void {
    for (const worker of this.#all.flatMap(({ workers }) => [...workers])) worker.tell('reopen');
  }

  /** All pools, including those of services that drain. */
  get #all(): readonly WorkerPool[] {
    return [...this.pools, ...this.#retiring];
  }

  #closeBound(): void {
    for (const held of this.#bound.values()) held.release();
    this.#bound.clear();
  }

  /** Warns of sockets that the service manager passed and that no service listens on. */
  warnOfUnusedSockets(): void {
    this.#activated.warnOfUnused(this.#log, this.pools);
  }

  #spawn(pool: WorkerPool, index: number, generation: FleetGeneration, workers: number): WorkerHandle {
    const assignment: Assignment = { service: pool.name, index, workers, generation: generation.number };
    const { program } = this;
    const { folder } = generation;
    const child = spawnWorker(program, { index, folder });
    const addresses = pool.sockets.map(({ address }) => address);
    // A trial proves the configuration that resets the level.
    const logLevel = generation.number === this.generation.number ? this.#options.logLevel(pool.name) : undefined;
    const holds = generation.number !== this.generation.number;
    const validates = index === 0 && (holds || pool.firstStart(index) === 'launch');
    const kept = [...pool.kept].map(([key, value]) => ({ key, value }));
    // A refused reload is not tried again.
    const watchesStart = holds || pool.watchesStart(index);
    const first = firstMessage(program, generation, {
      assignment,
      addresses,
      logLevel,
      validates,
      holds,
      watchesStart,
      kept,
    });
    const known = { service: pool.name, workerId: index, pid: child.pid };
    const worker: WorkerHandle = new WorkerHandle(child, first, pool.sockets.map(sendableSocket), {
      ...channelLog(this.#log, known),
      keep: (kept) => pool.keep(worker, kept),
      // A reload replaces it anyway: SIGHUP to the process group has come to all workers too.
      replace: (reason) => void this.#options.reloadsEnd().then(() => this.#recycle(pool, worker, reason, 'recycle')),
      beat: () => {
        const all = this.pools.reduce((sum, { wanted }) => sum + wanted, 0);
        const worn = this.#memory.exceeded(worker, this.generation.settings.maxMemory, all);
        if (worn !== undefined) this.#recycle(pool, worker, worn, 'memory');
      },
      awake: () => this.#lookEach(LOOK_MS),
      counted: (counted) => this.#options.totals.add(pool.name, counted),
      take: (takes) => takeEach(pool.buckets, takes, performance.now()),
      giveBack: (takes) => giveBackEach(pool.buckets, takes),
      read: (files) => generation.files.take(pool.name, files),
    });
    this.#lookEach(LOOK_MS);
    if (holds) void this.#hold(worker, generation);
    logStart(worker, this.#log);
    return worker;
  }

  /** Lets a worker of a trial serve when all first workers are built. Its wait does not count as its start. */
  async #hold(worker: WorkerHandle, generation: FleetGeneration): Promise<void> {
    await worker.built.catch(() => undefined);
    await generation.built.promise;
    worker.tell('serve');
  }

  #recycle(pool: WorkerPool, worker: WorkerHandle, text: string, reason: 'recycle' | 'memory'): void {
    if (!worker.serving || worker.worn !== undefined || pool.stopping) return;
    const facts = { service: pool.name, workerId: worker.assignment.index, pid: worker.pid, reason };
    this.#log[reason === 'memory' ? 'warn' : 'info'](facts, `Replacing child ${worker.pid}: ${text}`);
    this.pool(pool.name)?.replace(worker, reason);
  }

  /** Sets the interval of looks; 0: none from now on. */
  #lookEach(ms: number): void {
    if (ms === this.#lookMs || (this.#lookMs === 0 && this.#looking !== undefined)) return;
    this.#count();
    this.#lookMs = ms;
    clearInterval(this.#looking);
    if (ms > 0) this.#looking = setInterval(() => this.#look(), ms).unref();
  }

  /** Counts the time since the last look, at most its interval, so that no worker is late after the supervisor was suspended. */
  #count(): void {
    const now = performance.now();
    const seconds = Math.min(now - this.#countedAt, this.#lookMs) / 1000;
    this.#countedAt = now;
    for (const pool of this.#all) for (const worker of pool.workers) countSeconds(worker, seconds);
  }

  #look(): void {
    this.#count();
    // After a long pause heartbeats may wait to be read: a late worker is looked at again, soon.
    const isLong = this.#lookMs > LOOK_MS;
    const { workerTimeoutMs } = this.generation.settings;
    const isDebugged = debuggerUrl() !== undefined;
    this.#poolOptions.oomKills?.look();
    for (const pool of this.#all) {
      for (const worker of pool.workers) {
        if (isLong || isDebugged || worker.beat.debugged || worker.killedFor !== undefined) continue;
        const fault = faultOf(worker, workerTimeoutMs);
        if (fault === undefined) continue;
        logFault(this.#log, worker, fault);
        pool.killFor(worker, fault);
      }
      pool.buckets.sweep(performance.now());
    }
    const workers = this.#all.flatMap((pool) => [...pool.workers]);
    const restMs = workerTimeoutMs === 0 ? REST_LOOK_MS : Math.min(REST_LOOK_MS, Math.max(workerTimeoutMs, LOOK_MS));
    this.#lookEach(workers.every(isAtRest) ? restMs : LOOK_MS);
  }
}

function duplicate(name: string): PorticoError {
  return new PorticoError('PORTICO_DUPLICATE_SERVICE', {
    message: `a service called "${name}" has already been launched`,
    hint: 'Workers find their service by its name: give each service a unique name.',
  });
}
