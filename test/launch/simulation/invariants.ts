/** Conditions that hold at each moment of a simulation. */
import type { Turn } from '../../../dist/launch/parent/roll.js';
import type { WorkerPool } from '../../../dist/launch/parent/worker-pool.js';
import type { PretendedWorker } from './pretended-worker.js';
import type { Simulation } from './simulation.js';

/** Interval in which a supervisor counts the silence of a worker. */
const LOOK_MS = 250;
/** Time in which a sibling listens for a slot without a worker, with its own late heartbeat. */
const HELPED_WITHIN_MS = 3500;
/** Time between a deadline and the kill, with its delivery, and the time of a start that is called off. */
const KILLED_WITHIN_MS = 1000 + 1000;
const CALLED_OFF_MS = 5000;

export class Invariants {
  stopAsked = false;
  /** Time at which the launcher began to stop. */
  stoppedAt: number | undefined;
  readonly #sim: Simulation;
  #launchFailed = false;
  /** Times of unexpected ends, by service. */
  readonly #deaths = new Map<string, number[]>();
  /** Times until which slots get no worker, because their last ones ended early; and the last delays. */
  readonly #sleeps = new Map<string, { readonly delayMs: number; readonly until: number }>();
  readonly #wanted = new Map<string, number>();
  /** The last start of a turn of a reload. */
  readonly #turns = new Map<Turn, PretendedWorker>();
  readonly #failedAt = new Map<PretendedWorker, number>();
  /** Workers that started as the trial of a reload. */
  readonly #trials = new Set<PretendedWorker>();
  #supersededAt: number | undefined;
  #generation = 1;
  /** True if workers of the last reload could not be replaced. */
  #incomplete = false;
  /** Since when a slot has no listener, and since when a service has a worker that could help. */
  readonly #deafSince = new Map<number, number>();
  readonly #fitSince = new Map<WorkerPool, number>();

  /** Services of which a worker has left a value. */
  readonly #kept = new WeakSet<WorkerPool>();

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  launchFailed(error: Error): void {
    this.#launchFailed = true;
    this.#sim.note(`the launch failed: ${error.message}`);
  }

  /** A number of workers was requested: earlier starts do not count. */
  asked(service: string): void {
    for (const slot of this.#sleeps.keys()) if (slot.startsWith(`${service} `)) this.#sleeps.delete(slot);
  }

  /** A reload is requested, perhaps during another one. */
  superseded(): void {
    const { core, clock } = this.#sim;
    if (core.status().reloading !== undefined) this.#supersededAt ??= clock.now();
  }

  /** The log says that a slot gets no worker for a while: longer each time in a row. */
  sleeps(slot: string, delayMs: number): void {
    const last = this.#sleeps.get(slot)?.delayMs;
    if (last !== undefined && delayMs !== 1000 && delayMs !== Math.min(30_000, last * 2))
      this.#sim.broken(`${slot} waits ${delayMs} ms after ${last}`);
    this.#sleeps.set(slot, { delayMs, until: this.#sim.clock.now() + delayMs });
  }

  /** A reload begins. */
  reloads(): void {
    this.#supersededAt = undefined;
  }

  died(service: string): void {
    const now = this.#sim.clock.now();
    this.#deaths.set(service, [...(this.#deaths.get(service) ?? []), now]);
  }

  reloaded(outcome: string): void {
    const { runner, core, plan } = this.#sim;
    if (core.stopping) return;
    const accepted = outcome === 'accepted' || outcome === 'incomplete';
    const { generation } = runner;
    if (accepted) this.#incomplete = outcome === 'incomplete';
    if (generation !== this.#generation + (accepted ? 1 : 0)) {
      this.#sim.broken(`a reload is ${outcome}: generation ${generation} after ${this.#generation}`);
    }
    this.#generation = generation;
    const [runs, wanted] = [runner.supervisor.pools.map(({ name }) => name).sort(), [...plan.keys()].sort()];
    if (runs.join() !== wanted.join())
      this.#sim.broken(`a reload is ${outcome}: ${runs.join()} run in place of ${wanted.join()}`);
  }

  /** A worker has left a value for those that start after it. */
  kept(worker: PretendedWorker): void {
    const pool = this.#sim.runner.supervisor.pool(worker.first.assignment.service);
    if (pool !== undefined && [...pool.workers].some(({ pid }) => pid === worker.pid)) this.#kept.add(pool);
  }

  started(worker: PretendedWorker): void {
    const { core, runner, clock } = this.#sim;
    const { service, index, workers, generation } = worker.first.assignment;
    if (core.stopping) {
      // The stop has not reached the service at the same moment.
      if (clock.now() > (this.stoppedAt ?? clock.now())) this.#sim.broken(`${worker.name} starts after a stop`);
      return;
    }
    if (worker.first.builds === true) return;
    const pool = runner.supervisor.pool(service);
    if (pool === undefined) {
      this.#sim.broken(`${worker.name} starts for a service that was removed`);
      return;
    }
    if (this.#kept.has(pool) && worker.first.kept?.[0]?.key !== 'record')
      this.#sim.broken(`${worker.name} does not get what an earlier worker has left`);
    const isTrial = pool.trial !== undefined && pool.trial.worker === undefined && generation > pool.generation.number;
    if (isTrial) this.#trials.add(worker);
    if (!isTrial && pool.phase !== 'launching' && generation !== pool.generation.number)
      this.#sim.broken(`${worker.name} starts, and generation ${pool.generation.number} is in force`);
    const beside = this.#inSlot(pool, index);
    if (beside.length > 0) this.#startsBeside(worker, pool, isTrial, beside);
    this.#startsInTime(worker, service, workers);
    const { roll } = pool;
    const turn = roll?.reason === 'reload' ? roll.turnOf(index) : undefined;
    if (turn === undefined) return;
    const last = this.#turns.get(turn);
    this.#turns.set(turn, worker);
    const failedAt = last === undefined ? undefined : this.#failedAt.get(last);
    if (failedAt !== undefined && failedAt > (this.#supersededAt ?? clock.now()))
      this.#sim.broken(`${worker.name} is tried again, although another reload waits`);
  }

  ended(worker: PretendedWorker): void {
    if (worker.knownReady || worker.first?.builds === true) return;
    if (!worker.dismissed) this.#failedAt.set(worker, this.#sim.clock.now());
    const { service, index } = worker.first.assignment;
    const pool = this.#sim.runner.supervisor.pool(service);
    if (
      pool === undefined ||
      pool.roll?.turnOf(index) !== undefined ||
      this.#trials.has(worker) ||
      worker.toldAt !== undefined
    )
      return;
    const worn = this.#inSlot(pool, index).filter(({ wornOut }) => wornOut);
    for (const other of worn) other.wornOut = false;
    const { latencyMs, killMs } = worker.fate;
    // A restart that begins before the parent learns of the end takes the start for one of its turns: they are still to be replaced.
    this.#sim.clock.after(Math.max(latencyMs, killMs) + 0.1, () => {
      if (pool.roll?.turnOf(index) !== undefined) for (const other of worn) other.wornOut = true;
    });
  }

  told(worker: PretendedWorker, how: string): void {
    const { core, runner, clock } = this.#sim;
    worker.dismissed ||= how !== 'SIGKILL';
    // The slot of a stuck worker gets another one at once.
    if (how === 'SIGKILL' && worker.toldAt === undefined) this.asked(worker.first.assignment.service);
    if (core.stopping || worker.first.builds === true || !worker.knownReady) return;
    if (worker.toldAt !== undefined || worker.speechless) return;
    const { service, index, generation } = worker.first.assignment;
    const pool = runner.supervisor.pool(service);
    if (pool === undefined || pool.stopping || index >= pool.wanted || generation > pool.generation.number) return;
    if (how === 'SIGKILL') {
      const { workerTimeoutMs } = runner.settings;
      const isSilent = workerTimeoutMs > 0 && clock.now() - worker.beatAt >= workerTimeoutMs - LOOK_MS;
      if (!isSilent && !worker.hung) this.#sim.broken(`${worker.name} serves and is killed`);
      return;
    }
    if (worker.hung) return;
    if (!pool.slot(index).some(({ pid, serving }) => serving && pid !== worker.pid))
      this.#sim.broken(`${worker.name} is told to end, and no other worker of its slot serves`);
  }

  check(): void {
    const { core } = this.#sim;
    if (!core.stopping) {
      for (const pool of this.#sim.runner.supervisor.pools) if (pool.phase === 'running') this.#listens(pool);
    }
    this.#endsInTime();
    const exhausted = [...this.#deaths].some(([service]) => this.#isExhausted(service));
    if (exhausted && !core.stopping) this.#sim.broken('a service was restarted too often, and nothing stops');
    if (core.stopping && !exhausted && !this.stopAsked && !this.#launchFailed)
      this.#sim.broken('the launcher stops, although nothing has asked for it');
    this.#sim.check();
  }

  /** Returns what the fleet lacks to be whole. */
  unrest(): string | undefined {
    const { runner, alive } = this.#sim;
    const { pools } = runner.supervisor;
    const count = pools.reduce((sum, { wanted }) => sum + wanted, 0);
    if (alive.length !== count) return `${alive.length} processes for ${count} workers: ${this.left()}`;
    for (const pool of pools) {
      const { name, phase, trial, roll, workers, wanted } = pool;
      if (phase !== 'running' || trial !== undefined || roll !== undefined) return `${name} is busy`;
      if (workers.size !== wanted || pool.current.length !== wanted) return `${name} has ${workers.size} of ${wanted}`;
      for (let index = 0; index < wanted; index++) {
        const [worker, ...others] = this.#inSlot(pool, index);
        if (worker?.accepts === false && worker.holds.size === 0 && pool.sockets.length > 0)
          return `${worker.name} is deaf`;
        if (others.length > 0 || worker?.knownReady !== true || worker.hung) return `slot ${index} of ${name} is empty`;
      }
      if (pool.current.some(({ worn }) => worn)) return `${name} has a worn worker`;
    }
    return undefined;
  }

  /** `isNew`: a reload was requested in calm weather, and must have been accepted. */
  rest(isNew: boolean): void {
    const { runner, core } = this.#sim;
    const [last] = core.status().reloads.slice(-1);
    if (runner.settings.restartMethod === 'mutate') return;
    if (isNew && last?.outcome !== 'accepted') throw new Error(`the last reload was ${last?.outcome}: ${last?.error}`);
    if (this.#incomplete) return;
    for (const { name, current } of runner.supervisor.pools) {
      const old = current.filter(({ assignment }) => assignment.generation !== runner.generation);
      if (old.length > 0) throw new Error(`${name} rests with ${old.length} workers of an old generation`);
    }
  }

  /** Everything has stopped. */
  gone(): void {
    const { alive, sockets } = this.#sim;
    if (alive.some(({ first }) => first.builds !== true)) throw new Error(`processes are left: ${this.left()}`);
    if (sockets.open.size > 0) throw new Error(`sockets are left: ${[...sockets.open.values()].join(', ')}`);
  }

  settled(): void {
    const { pending } = this.#sim;
    if (pending.size > 0) throw new Error(`never settled: ${[...pending.values()].join(', ')}`);
    this.check();
  }

  left(): string {
    return this.#sim.alive.map((worker) => `${worker.name} ${worker.state}`).join(', ');
  }

  /** Workers of a slot that are alive and were not asked to end, without the one of a trial. */
  #inSlot(pool: WorkerPool, index: number): PretendedWorker[] {
    const { workers } = this.#sim;
    const known = pool.slot(index).flatMap(({ pid }) => workers.get(pid ?? 0) ?? []);
    return known.filter(({ alive, killedAt }) => alive && killedAt === undefined);
  }

  #startsBeside(worker: PretendedWorker, pool: WorkerPool, isTrial: boolean, beside: readonly PretendedWorker[]): void {
    const { index } = worker.first.assignment;
    const limit = 2 * Math.max(1, pool.wanted);
    const drains = [...pool.workers].some(({ stopping }) => stopping);
    if (pool.workers.size >= (drains ? limit : limit + 2))
      this.#sim.broken(`${worker.name} is one of more than ${limit} processes`);
    const { maxMemory = 0 } = pool.generation.settings;
    const isWorn = beside.some(({ wornOut, rss }) => wornOut || (maxMemory > 0 && rss > maxMemory));
    // A worker that does not respond to a mutate is replaced.
    const { restartMethod } = pool.generation.settings;
    if (isTrial || isWorn || pool.roll?.turnOf(index) !== undefined || restartMethod === 'mutate') return;
    this.#sim.broken(`${worker.name} starts beside ${beside[0]!.name}, which nothing asks to replace`);
  }

  /** Starts that nothing has requested wait for the delay of their slot. */
  #startsInTime(worker: PretendedWorker, service: string, workers: number): void {
    const { core, clock } = this.#sim;
    if (this.#wanted.get(service) !== workers || core.status().reloading !== undefined) this.asked(service);
    this.#wanted.set(service, workers);
    const { until = 0 } = this.#sleeps.get(`${service} ${worker.first.assignment.index}`) ?? {};
    if (clock.now() < until - 1) this.#sim.broken(`${worker.name} starts too soon`);
  }

  #isExhausted(service: string): boolean {
    const { maxRestarts = 0, restartWindowMs = 0 } = this.#sim.settings;
    const all = this.#deaths.get(service) ?? [];
    if (maxRestarts === 0) return false;
    return all.some((last, at) => {
      const counted = all.slice(0, at + 1).filter((time) => restartWindowMs === 0 || last - time <= restartWindowMs);
      return counted.length > maxRestarts;
    });
  }

  #endsInTime(): void {
    const { alive, clock, limits, settings } = this.#sim;
    const placed = this.#sim.runner.supervisor.pools.flatMap((pool) => [...pool.placed]);
    const mute = placed
      .filter(({ stopping }) => !stopping)
      .flatMap(({ pid }) => this.#sim.workers.get(pid ?? 0) ?? [])
      .find(({ alive: lives, speechlessAt }) => lives && clock.now() - speechlessAt > KILLED_WITHIN_MS + LOOK_MS);
    if (mute !== undefined) this.#sim.broken(`${mute.name} has closed its channel, and is not killed`);
    if (!limits.end) return;
    const limitMs = Math.max(settings.gracefulShutdownTimeoutMs!, CALLED_OFF_MS) + KILLED_WITHIN_MS + CALLED_OFF_MS;
    const late = alive.find(({ toldAt }) => toldAt !== undefined && clock.now() - toldAt > limitMs);
    if (late !== undefined) this.#sim.broken(`${late.name} was told to end more than ${limitMs} ms ago`);
  }

  #listens(pool: WorkerPool): void {
    const { alive, clock, sockets, workers } = this.#sim;
    const now = clock.now();
    const isFit = pool.current.some(({ pid, serving }) => serving && workers.get(pid ?? 0)?.accepts === true);
    if (!isFit) this.#fitSince.delete(pool);
    else if (!this.#fitSince.has(pool)) this.#fitSince.set(pool, now);
    const fitSince = this.#fitSince.get(pool) ?? now;
    for (const { address, descriptor } of pool.sockets) {
      if (descriptor === undefined || !sockets.open.has(descriptor)) {
        this.#sim.broken(`${pool.name} runs, and ${JSON.stringify(address)} is closed`);
        continue;
      }
      if (!sockets.listened.has(descriptor)) continue;
      if (alive.some((worker) => worker.accepts && worker.holds.has(descriptor))) this.#deafSince.delete(descriptor);
      else if (!this.#deafSince.has(descriptor)) this.#deafSince.set(descriptor, now);
      const since = Math.max(fitSince, this.#deafSince.get(descriptor) ?? now);
      if (now - since > HELPED_WITHIN_MS) this.#sim.broken(`no worker of ${pool.name} listens since ${since} ms`);
    }
  }
}
