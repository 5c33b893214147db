/**
 * The workers of one service. Commands change the desired state or mark a worker, events of processes change the actual one; after each
 * change, one step compares the two, for each slot:
 *
 * | The slot | What the step does |
 * | --- | --- |
 * | was removed, or has a newer worker that serves and fits | ends its other workers |
 * | has no worker | starts one |
 * | has only workers that are worn or due in a roll | starts one beside them, if there is room |
 * | is the first one, and a trial waits | starts the trial's worker beside, if there is room |
 *
 * Nothing else starts workers or ends superfluous ones.
 */
import type { Diagnostic } from '../../errors/index.js';
import { PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { EndReason, WorkerEnd } from '../../operating/index.js';
import { LONGEST_DELAY_MS, processors } from '../../process/index.js';
import type { Launchable } from '../../service/index.js';
import { formatAddress, RECORD_KEY, ServiceBuckets } from '../../service/internal.js';
import { type Deferred, deferred, within } from '../../tasks/internal.js';
import { countText } from '../../text/index.js';
import { type Fault, STATUS_REFUSED, textOf, type WorkerExit } from '../exit-status.js';
import { hurriedDrainMs } from '../launcher-options.js';
import type { ListenSockets } from '../sockets/listen-sockets.js';
import type { HeldSockets } from '../sockets/listener-pool.js';
import { settled } from '../waiting.js';
import type { Kept } from '../worker-message.js';
import type { FleetGeneration } from './fleet-generation.js';
import { Roll, replacedAtOnce, type Turn } from './roll.js';
import { RestartBudget, RestartDelays } from './start-limits.js';
import { callOff, endWithin, workerEnd } from './worker-end.js';
import type { WorkerHandle } from './worker-handle.js';
import { logExit } from './worker-log.js';
import type { OomKills } from './worker-memory.js';
import { holdsSlot } from './worker-state.js';

/** Functions that a pool needs from its supervisor. */
export interface PoolOptions {
  readonly log: Logger;
  readonly oomKills?: OomKills;
  /** Number of CPUs. Default: those of this process. */
  readonly processors?: number | undefined;
  /** Starts a worker; `workers`: the desired number of workers of the service. */
  spawn(pool: WorkerPool, index: number, generation: FleetGeneration, workers: number): WorkerHandle;
  /** Called when a worker has ended unexpectedly. */
  deadWorker(pool: WorkerPool, index: number, exit: WorkerExit): void;
  /** Called when requests were cut off at the deadline of a worker; with its generation if a reload has replaced it. */
  cutOff?(generation: number | undefined, count: number): void;
  /** Called when the service was respawned too often. */
  giveUp(pool: WorkerPool): void;
}

/** The trial of a new configuration: its first worker, which serves beside the old ones until the reload is accepted. */
interface Trial {
  readonly generation: FleetGeneration;
  /** Number of workers if the trial is accepted. */
  readonly workers: number;
  worker: WorkerHandle | undefined;
  /** Settles with the worker, or with undefined if the trial ends before a worker could be started. */
  readonly begun: Deferred<WorkerHandle | undefined>;
}

/** The first worker of a trial, or of a launch that a reload begins. */
interface Proof {
  readonly built: Promise<readonly Diagnostic[]>;
  readonly ready: Promise<void>;
}

const NO_PROOF: Proof = { built: Promise.resolve([]), ready: Promise.resolve() };

type Rolled = Pick<Roll, 'replaced' | 'failures'>;

/** Most values that the workers of a service may leave: a record, and the times of periodic tasks. */
const MOST_KEPT = 1000;
/** Time that a first worker has for its validation when another one has failed. */
const VALIDATED_WITHIN_MS = 10_000;
/** Time that workers have after `drain_delay`, or that a replaced one has, to say that they accept no more connections. */
const DRAINED_WITHIN_MS = 5000;
const NEVER_MS = Number.POSITIVE_INFINITY;

export class WorkerPool {
  readonly name: string;
  /** The service as it was launched, or its plan with the current configuration. */
  service: Launchable;
  /** The service's sockets; undefined for a service that does not listen. */
  held: HeldSockets | undefined;
  /** The generation that new workers start with. */
  generation: FleetGeneration;
  /** Desired number of workers, and the time at which it was set, ISO 8601. */
  wanted = 0;
  wantedSince = '';
  /** Number of workers that the application has last requested. */
  configured = 0;
  /** `over`: one of the first workers failed to start, or too many workers have ended. */
  phase: 'new' | 'launching' | 'running' | 'over' | 'stopping' = 'new';
  trial: Trial | undefined;
  /** The replacement of workers that is under way. */
  roll: Roll | undefined;
  /** All processes, including those that drain. */
  readonly workers = new Set<WorkerHandle>();
  /** Number of workers that replaced one that ended unexpectedly. */
  restarts = 0;
  /** Number of started workers, by reason. */
  readonly starts = { launch: 0, scale: 0, death: 0, stuck: 0, recycle: 0, memory: 0, reload: 0, restart: 0 };
  /** The last worker that held a slot and ended unexpectedly. */
  lastEnd: WorkerEnd | undefined;
  /** Number of requests lost with workers, by the reason of the worker's end. */
  lost: Record<string, number> = {
    start: 0,
    stuck: 0,
    heap: 0,
    oom: 0,
    error: 0,
    signal: 0,
    exit: 0,
    deadline: 0,
  } satisfies Record<EndReason, number>;
  /** Token buckets shared by the workers. */
  readonly buckets = new ServiceBuckets();
  /** Values that its workers leave to those that start later. */
  readonly kept = new Map<string, unknown>();
  readonly #built = deferred();
  /** Settles when the first worker of its launch is built, or has ended; never rejects. */
  readonly built = this.#built.promise;
  readonly #accepted = deferred();
  /** Settles when the first worker of its launch has accepted the configuration. If it refuses it, the errors are all that is logged. */
  readonly accepted = this.#accepted.promise;
  readonly #options: PoolOptions;
  readonly #log: Logger;
  /** Slots in which no worker has been ready yet; each settles with the first start in its slot. */
  readonly #firstStarts = new Map<number, Deferred<void> & { readonly reason: 'launch' | 'scale' }>();
  /** Slots whose last worker was stuck in its start: the next one begins with its watch thread, which finds the line. */
  readonly #stuckStarts = new Set<number>();
  /** Why slots get another worker, unless theirs has died: it sent no heartbeat, or an operator has ended it by a signal. */
  readonly #reasons = new Map<number, 'stuck' | 'restart'>();
  /** Workers that a reload has replaced; others are replaced by a restart or for their memory. */
  readonly #replaced = new WeakSet<WorkerHandle>();
  readonly #delays = new RestartDelays();
  readonly #budget = new RestartBudget();
  /** True if a reload launches it that may still be refused. */
  #launchedByReload = false;
  #poked = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    { name, service, generation }: Pick<WorkerPool, 'name' | 'service' | 'generation'>,
    options: PoolOptions,
  ) {
    this.name = name;
    this.service = service;
    this.generation = generation;
    this.#options = options;
    this.#log = options.log;
  }

  /** One entry for each address, in order; also after the service has released them. */
  get sockets(): readonly ListenSockets[] {
    return this.held?.sockets ?? [];
  }

  get stopping(): boolean {
    return this.phase === 'stopping';
  }

  /** Workers that were not asked to end, including those of removed slots, without the one of a trial. */
  get placed(): readonly WorkerHandle[] {
    return [...this.workers].filter((worker) => holdsSlot(worker.state) && worker !== this.trial?.worker);
  }

  /** Workers that hold a slot or will take one over, by slot. */
  get current(): readonly WorkerHandle[] {
    return this.placed
      .filter(({ assignment }) => assignment.index < this.wanted)
      .toSorted((one, other) => one.assignment.index - other.assignment.index);
  }

  /** Workers of one slot, oldest first. */
  slot(index: number): readonly WorkerHandle[] {
    return this.placed.filter(({ assignment }) => assignment.index === index);
  }

  /** Returns the reason of the first start in a slot; undefined once there was one. */
  firstStart(index: number): 'launch' | 'scale' | undefined {
    return this.#firstStarts.get(index)?.reason;
  }

  /** Reports whether the next worker of a slot begins with its watch thread. Others start it with their first work. */
  watchesStart(index: number): boolean {
    return this.#stuckStarts.has(index);
  }

  /** Keeps a value for workers that start later, and tells the one that replaces its worker at present. */
  keep(from: WorkerHandle, { key, value }: Kept): void {
    this.kept.delete(key);
    this.kept.set(key, value);
    // The record is set once, times of tasks again and again.
    if (this.kept.size > MOST_KEPT) this.kept.delete([...this.kept.keys()].find((each) => each !== RECORD_KEY)!);
    for (const worker of this.workers) {
      if (worker !== from && worker.assignment.index === from.assignment.index) worker.tellKept({ key, value });
    }
  }

  /**
   * Starts the first workers; settles when all are ready. Rejects with the reason if one does not start; only one whose event loop was stuck
   * is tried once more, to name the line. `generation`: that of a reload, which may still be refused. Default: the current one.
   */
  async launch(workers: number, generation?: FleetGeneration): Promise<void> {
    if (this.stopping) return;
    this.#log.debug({ service: this.name, workers }, `Starting ${countText(workers, 'worker')}`);
    this.phase = 'launching';
    this.configured = workers;
    this.#launchedByReload = generation !== undefined;
    this.generation = generation ?? this.generation;
    const firstStarts = this.#setWanted(workers, 'launch');
    this.#poke();
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
    this.#poke();
  }

  /**
   * Starts a trial of a generation: one worker beside those of the current generation, or all workers of a new
   * service. Settles when they start, `built` with the findings of the first one, and `ready` when they are ready. The
   * worker then takes its slot by {@link rollOut}, or is ended by {@link endTrial}. `workers`: the number of workers if
   * it is accepted. A service that neither has nor gets workers has no trial.
   */
  async prove(generation: FleetGeneration, workers: number): Promise<Proof> {
    this.endTrial();
    if (this.phase === 'new') {
      const ready = this.launch(workers, generation);
      const first = await this.#first();
      return { ready, built: first?.built ?? ready.then(() => []) };
    }
    if (this.stopping || (this.wanted === 0 && workers === 0)) return NO_PROOF;
    const begun = deferred<WorkerHandle | undefined>();
    this.trial = { generation, workers, worker: undefined, begun };
    this.#startAnew();
    return (await begun.promise) ?? NO_PROOF;
  }

  /** Ends the trial and its worker. */
  endTrial(): void {
    const worker = this.#takeTrial();
    // The other workers serve on, so no drain_delay is needed for a load balancer.
    if (worker !== undefined && this.workers.has(worker)) this.#end(worker, 'replaced');
  }

  /**
   * Moves all workers to the current generation: the worker of the trial takes the first slot, and then the others are
   * replaced. Settles with the number of replaced workers and the failures. `asked`: the number of
   * workers that the application requests; `superseded`: returns true if another reload was requested, so that this one need not retry without end.
   */
  async rollOut(asked: number | undefined, superseded: () => boolean): Promise<Rolled> {
    // From here on it counts as a worker: slot 0 has two, and the next step ends the older one.
    if (this.#takeTrial() !== undefined) this.starts.reload += 1;
    const old = this.current.filter(({ assignment }) => assignment.generation < this.generation.number);
    const workers = this.workersFor(asked);
    this.configured = asked ?? this.configured;
    const [roll] = await Promise.all([this.#rollOver(old, 'reload', superseded), this.resize(workers)]);
    return roll;
  }

  /** Replaces all workers with the current generation. Settles as {@link rollOut}. */
  renew(): Promise<Rolled> {
    return this.#rollOver(this.current, 'restart', () => false);
  }

  /** Replaces a worker once its successor is ready. If the successor does not start, the worker stays. */
  replace(worker: WorkerHandle, why: 'recycle' | 'memory'): void {
    worker.worn = why;
    this.#poke();
  }

  /**
   * Returns the number of workers for a number that the application requests: the number set by an operator stays, unless
   * the application requests another number than before.
   */
  workersFor(asked: number | undefined): number {
    return asked === undefined || asked === this.configured ? this.wanted : asked;
  }

  /** Adds or removes workers, highest slots first. Settles when each new slot has had its first start. */
  async resize(workers: number): Promise<void> {
    if (this.stopping || this.phase === 'new' || workers === this.wanted) return;
    const firstStarts = this.#setWanted(workers, 'scale');
    this.#startAnew();
    await Promise.allSettled(firstStarts);
  }

  /** Kills a worker that hangs, so that its slot gets another one: at once if it served until then. */
  killFor(worker: WorkerHandle, fault: Fault): void {
    worker.kill(fault);
    if (fault.reason === 'stuck' && holdsSlot(worker.state)) this.#startAnew();
  }

  /**
   * Starts no workers from now on. If others serve on its sockets, ends those that do not serve yet; settles when they
   * are gone.
   */
  async callOff(): Promise<void> {
    const serves = [...this.workers].some(({ served }) => served !== undefined);
    const isServed = this.#shares || (this.held !== undefined && serves);
    this.#close();
    if (isServed) await callOff(this.workers);
  }

  /**
   * Stops all workers gracefully and closes the sockets. Returns true if each worker ended by itself, in time and
   * without an error.
   */
  async stop(timeoutMs: number): Promise<boolean> {
    this.#close();
    const ends = [...this.workers].map((worker) => {
      // Its signal has no deadline, and part of the time may have passed.
      if (worker.served !== undefined) worker.drain('stop', timeoutMs);
      worker.terminate();
      return endWithin(worker, timeoutMs, this.#log);
    });
    return (await Promise.all(ends)).every(Boolean);
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
      for (const worker of left) this.#end(worker, reason);
    }
    await Promise.all(left.map((worker) => worker.exited));
  }

  /** Kills all workers. Settles when they are gone. */
  async kill(): Promise<void> {
    this.#close();
    for (const worker of this.workers) worker.kill('needless');
    await Promise.all([...this.workers].map((worker) => worker.exited));
  }

  /** A bound socket does not listen yet: connections are refused until the first worker is ready, and never again after that. */
  #logAddresses(): void {
    const { name: service } = this;
    for (const { address } of this.sockets) {
      const message = `${service} bound to ${formatAddress(address)}, where its first worker will listen`;
      this.#log.info({ service, address }, message);
    }
  }

  /** Returns its first worker, which the next step starts. */
  async #first(): Promise<WorkerHandle | undefined> {
    await Promise.resolve();
    return this.slot(0)[0];
  }

  /** Ends the trial. From now on its worker is an ordinary one, unless the caller ends it. */
  #takeTrial(): WorkerHandle | undefined {
    const { trial } = this;
    this.trial = undefined;
    trial?.begun.resolve(undefined);
    return trial?.worker;
  }

  /** Rolls one after another: a reload and an operator's request may coincide. */
  async #rollOver(workers: readonly WorkerHandle[], reason: Roll['reason'], superseded: () => boolean): Promise<Roll> {
    while (this.roll !== undefined) await this.roll.over.promise;
    const { name: service, generation } = this;
    const { settings } = generation;
    const atOnce = replacedAtOnce(this.wanted, this.#options.processors ?? processors());
    const roll = new Roll({ service, reason, log: this.#log, settings, workers, atOnce, superseded });
    if (this.stopping) return roll;
    this.roll = roll;
    this.#poke();
    await roll.over.promise;
    return roll;
  }

  #endRoll(): void {
    const { roll } = this;
    this.roll = undefined;
    roll?.over.resolve();
  }

  /** Sets the desired number of workers. Returns a promise for the first start of each new slot, which has this reason. */
  #setWanted(workers: number, reason: 'launch' | 'scale'): readonly Promise<void>[] {
    const started: Promise<void>[] = [];
    for (let index = this.wanted; index < workers; index++) {
      if (this.slot(index).some(({ serving }) => serving)) continue;
      const first = { ...deferred(), reason };
      this.#firstStarts.set(index, first);
      started.push(first.promise);
    }
    this.wanted = workers;
    this.wantedSince = new Date().toISOString();
    for (const index of this.#firstStarts.keys()) if (index >= workers) this.#startedFirst(index);
    return started;
  }

  /** Settles the first start of a slot. */
  #startedFirst(index: number, error?: Error): void {
    const first = this.#firstStarts.get(index);
    this.#firstStarts.delete(index);
    if (error === undefined) first?.resolve();
    else first?.reject(error);
  }

  /** Reports whether other services listen on its sockets. */
  get #shares(): boolean {
    return (this.held?.others.length ?? 0) > 0;
  }

  /** Starts nothing from now on. */
  #close(): void {
    // A worker that hangs may never say it, and connections would wait for it.
    const drained = [...this.workers].map((worker) => within(worker.drained, worker.drainDelayMs + DRAINED_WITHIN_MS));
    this.held?.release(Promise.all(drained));
    // A worker that a reload has started and that does not serve yet has no requests, and is not needed.
    for (const worker of this.workers) {
      const beside = this.slot(worker.assignment.index).length > 1;
      if (this.#launchedByReload || worker === this.trial?.worker || beside) worker.dismiss();
    }
    this.phase = 'stopping';
    this.#takeTrial();
    this.#endRoll();
    for (const index of this.#firstStarts.keys()) this.#startedFirst(index);
  }

  /** Schedules one step, however many changes there are. */
  #poke(): void {
    if (this.#poked) return;
    this.#poked = true;
    queueMicrotask(() => {
      this.#poked = false;
      clearTimeout(this.#timer);
      if (this.phase !== 'over' && this.phase !== 'stopping') this.#step();
    });
  }

  /** Schedules a step; the next starts are requested, so earlier ends delay none. */
  #startAnew(): void {
    this.#delays.reset();
    this.#poke();
  }

  #step(): void {
    for (const worker of this.placed.filter((each) => this.#isNeedless(each))) this.#endNeedless(worker);
    this.#moveRoll();
    const nextMs = Math.min(this.#startMissing(), this.#giveUpLate());
    if (nextMs < NEVER_MS) this.#timer = setTimeout(() => this.#poke(), Math.min(nextMs, LONGEST_DELAY_MS));
  }

  #isDue(worker: WorkerHandle): boolean {
    return this.roll?.isDue(worker) === true;
  }

  #fits(worker: WorkerHandle): boolean {
    return worker.worn === undefined && !this.#isDue(worker);
  }

  /** A worker that must be replaced also leaves its slot to a worn one that need not. */
  #isNeedless(worker: WorkerHandle): boolean {
    const { index } = worker.assignment;
    const holds = this.#isDue(worker)
      ? (other: WorkerHandle) => !this.#isDue(other)
      : (other: WorkerHandle) => this.#fits(other);
    const holder = this.slot(index).findLast((other) => other.serving && holds(other));
    return index >= this.wanted || (holder !== undefined && holder !== worker);
  }

  #endNeedless(worker: WorkerHandle): void {
    const stays = worker.assignment.index < this.wanted;
    this.#end(worker, stays ? 'replaced' : 'stop');
    const turn = this.roll?.turnOf(worker.assignment.index);
    // One that stops may accept for `drain_delay`, and its slot gets no other.
    if (turn === undefined || worker.served === undefined || !stays) return;
    turn.leaving = true;
    void within(worker.drained, DRAINED_WITHIN_MS).then(() => {
      turn.leaving = false;
      this.#poke();
    });
  }

  /** Ends a worker that is no longer needed. A worker that does not serve yet has no requests. */
  #end(worker: WorkerHandle, reason: 'replaced' | 'stop'): void {
    const { drainTimeoutMs } = this.generation.settings;
    if (worker.assignment.generation < this.generation.number) this.#replaced.add(worker);
    if (worker.served !== undefined) worker.drain(reason, drainTimeoutMs, 'drain_timeout');
    else {
      worker.dismiss();
      worker.terminate();
    }
    void endWithin(worker, drainTimeoutMs, this.#log);
  }

  /** Ends the turns whose slots have a new worker or were removed, and those that begin then. */
  #moveRoll(): void {
    const { roll } = this;
    if (roll === undefined) return;
    const hasNew = ({ slot }: Turn): boolean => this.slot(slot).some((each) => each.serving && !roll.isDue(each));
    const isOver = (turn: Turn): boolean => !turn.leaving && (turn.slot >= this.wanted || hasNew(turn));
    for (let turn = roll.turns.find(isOver); turn !== undefined; turn = roll.turns.find(isOver))
      roll.next(turn, hasNew(turn));
    if (roll.turns.length === 0) this.#endRoll();
  }

  /** Starts the workers that may be started now. Returns the time until the next check, in milliseconds. */
  #startMissing(): number {
    for (;;) {
      const all = Array.from({ length: this.wanted }, (_, index) => index);
      const slots = all.filter((index) => this.#delays.wait(index) === 0);
      const waits = all.filter((index) => !slots.includes(index)).map((index) => this.#delays.wait(index));
      const nextMs = Math.min(NEVER_MS, ...waits);
      const empty = slots.find((index) => this.slot(index).length === 0);
      const trial = this.trial?.worker === undefined ? this.trial : undefined;
      const index = empty ?? (trial && 0) ?? slots.find((each) => !this.slot(each).some((one) => this.#fits(one)));
      // Beside another worker there is one process more than slots, until that one is gone.
      if (index === undefined || (empty === undefined && !this.#hasRoom())) return nextMs;
      if (empty === undefined && trial !== undefined) this.#startTrial(trial);
      else {
        this.starts[this.#reasonFor(index)] += 1;
        this.#start(index, this.generation, this.wanted);
      }
    }
  }

  #startTrial(trial: Trial): void {
    trial.worker = this.#start(0, trial.generation, trial.workers);
    trial.begun.resolve(trial.worker);
  }

  #start(index: number, generation: FleetGeneration, workers: number): WorkerHandle {
    const worker = this.#options.spawn(this, index, generation, workers);
    this.workers.add(worker);
    void worker.exited.then((exit) => this.#ended(worker, exit));
    const served = (): void => {
      this.#stuckStarts.delete(index);
      this.#startedFirst(index);
      this.#poke();
    };
    void worker.ready.then(served, () => undefined);
    return worker;
  }

  /** Returns why a worker is started. The worker of a trial counts when it takes a slot. */
  #reasonFor(index: number): keyof WorkerPool['starts'] {
    const beside = this.slot(index);
    if (beside.length > 0) return beside.find(({ worn }) => worn)?.worn ?? this.roll?.reason ?? 'reload';
    const reason = this.firstStart(index) ?? this.#reasons.get(index) ?? 'death';
    if (this.firstStart(index) === undefined) this.#reasons.delete(index);
    return reason;
  }

  /**
   * Reports whether one more process may start. If not, the worker that has drained for the longest time closes its idle connections
   * now, and no process starts before it is gone.
   */
  #hasRoom(): boolean {
    if (this.workers.size < 2 * Math.max(1, this.wanted)) return true;
    const inTheWay = [...this.workers].find(({ stopping }) => stopping);
    if (inTheWay === undefined) return true;
    const hurriedMs = hurriedDrainMs(this.generation.settings);
    if (inTheWay.state === 'leaving' && inTheWay.drain('hurried', hurriedMs))
      void endWithin(inTheWay, hurriedMs, this.#log);
    return false;
  }

  /** Gives up turns that have waited too long for room. Returns the time until the next check, in milliseconds. */
  #giveUpLate(): number {
    const { roll } = this;
    if (roll === undefined) return NEVER_MS;
    const starts = ({ slot }: Turn): boolean =>
      this.slot(slot).some((worker) => worker.served === undefined && !roll.isDue(worker));
    const waiting = roll.turns.filter((turn) => !turn.leaving && !starts(turn));
    if (waiting.length === 0 || this.#hasRoom()) return NEVER_MS;
    const message = `previously replaced workers were still draining after ${Math.round(roll.roomMs) / 1000} s`;
    const hint = 'Set a shorter drain_timeout or graceful_shutdown_timeout to make room sooner.';
    const times = waiting.map((turn) => {
      const leftMs = turn.beganAt + roll.roomMs - performance.now();
      if (leftMs <= 0) roll.failed(turn, new PorticoError('PORTICO_RELOAD_TIMEOUT', { message, hint }));
      return Math.max(0, leftMs);
    });
    return Math.min(...times);
  }

  #ended(worker: WorkerHandle, exit: WorkerExit): void {
    const { name: service, phase } = this;
    const { index } = worker.assignment;
    const held = this.slot(index).includes(worker);
    this.workers.delete(worker);
    this.#poke();
    // SIGTERM to a worker drains it: its successor is a restart, and it has not died.
    const isAsked = worker.said?.signalled === true && worker.killedFor === undefined;
    const end = this.#tellEnd(worker, exit);
    // The worker of a trial holds no slot; the report of the refused reload names it.
    if (held && !isAsked) this.lastEnd = end;
    // When one of the first workers has failed, the first one may still validate the configuration.
    const checked = phase === 'over' && this.firstStart(index) === 'launch';
    if ((phase === 'over' && !checked) || phase === 'stopping' || !held) return;
    const ended = isAsked ? undefined : this.#delays.ended(index, this.#servedMs(worker));
    if (exit.unready !== undefined) {
      const others = this.slot(index);
      const isFirst = this.#noteStuck(worker);
      this.#notReady(worker, exit.unready, others);
      if (others.length > 0) return;
      if (this.firstStart(index) === 'launch') {
        // The worker of a trial begins with its watch thread.
        if (isFirst && phase === 'launching' && !this.#launchedByReload)
          this.#log.warn({ service }, `Worker ${index} of ${service} is started once more, to find where it is stuck`);
        else this.#notLaunched(worker, exit);
        return;
      }
      if (exit.failure !== undefined) {
        const { code } = exit.failure;
        this.#log.error({ service, code }, `Error starting service ${service}: ${textOf(exit.failure)}`);
      }
    }
    if (ended !== undefined && ended.delayMs > 0) this.#logDelay(index, ended);
    if (isAsked) this.#reasons.set(index, 'restart');
    // The system has refused the process: nothing of the service has failed, and it is tried again.
    else if (worker.pid === undefined) this.#startedFirst(index);
    else this.#replaceDead(index, end.reason, exit);
  }

  #servedMs({ served }: WorkerHandle): number {
    return served === undefined ? 0 : performance.now() - served.at;
  }

  #logDelay(workerId: number, { count, delayMs }: { readonly count: number; readonly delayMs: number }): void {
    const { name: service } = this;
    const soon = `Worker ${workerId} of ${service} has ended ${count} times in a row soon after its start`;
    this.#log.warn(
      { service, workerId, delayMs },
      `${soon}: starting it again in ${delayMs / 1000} s; a reload or restart does at once`,
    );
  }

  /** Logs the end of a worker, and counts the requests that are lost with it. */
  #tellEnd(worker: WorkerHandle, exit: WorkerExit): WorkerEnd {
    const { name: service, phase } = this;
    const killed = worker.killedFor !== undefined;
    // A stop by signal has already been logged, and a worker that was not ready yet and ended by the stop's SIGTERM has
    // not failed.
    const calledByStop = killed || (exit.unready !== undefined && exit.signal === 'SIGTERM');
    const called = worker.dismissed || (phase === 'stopping' && calledByStop);
    const isOom = exit.signal === 'SIGKILL' && !killed && this.#options.oomKills?.take() === true;
    const end = workerEnd(worker, exit, isOom);
    const endsLaunch = phase === 'launching' && exit.code === STATUS_REFUSED;
    const isOver = phase === 'over' || phase === 'stopping';
    const endsWithIt = isOver && !killed && (called || exit.code === 0 || exit.code === STATUS_REFUSED);
    const refused = exit.unready !== undefined && (endsLaunch || endsWithIt);
    logExit(this.#log, { service, end, called, refused, limit: worker.terms.limit });
    this.lost[end.reason] = (this.lost[end.reason] ?? 0) + end.lost;
    const replaced = this.#replaced.has(worker) ? worker.assignment.generation : undefined;
    if (end.reason === 'deadline') this.#options.cutOff?.(replaced, end.lost);
    return end;
  }

  /** Notes a worker whose event loop was stuck in its start. Returns false for another one, and if that of its slot before it was stuck too. */
  #noteStuck({ assignment, beat, killedFor }: WorkerHandle): boolean {
    const isStuck = typeof killedFor === 'object' && (killedFor.reason === 'stuck' || beat.silent);
    if (!isStuck || this.#stuckStarts.has(assignment.index)) return false;
    this.#stuckStarts.add(assignment.index);
    return true;
  }

  /** Handles the end of a worker that was not ready yet. */
  #notReady(worker: WorkerHandle, error: Error, others: readonly WorkerHandle[]): void {
    const turn = this.roll?.turnOf(worker.assignment.index);
    if (turn !== undefined && !this.#isDue(worker)) {
      this.roll?.failed(turn, error);
      return;
    }
    for (const other of others.filter(({ worn }) => worn)) {
      other.worn = undefined;
      const { assignment, pid } = other;
      const facts = { service: assignment.service, workerId: assignment.index, pid, err: error };
      this.#log.error(facts, `Child ${pid} could not be replaced`);
    }
  }

  /** Handles the end of one of the first workers; the caller that waits for the launch reports the reason. */
  #notLaunched(worker: WorkerHandle, { code, failure, unready }: WorkerExit): void {
    // A worker that was asked to stop before it was ready has not failed. One that ends with 0 unexpectedly has failed.
    if (code === 0 && failure === undefined && worker.said !== undefined) return;
    this.phase = 'over';
    this.#startedFirst(worker.assignment.index, unready);
  }

  #replaceDead(index: number, reason: EndReason, exit: WorkerExit): void {
    if (reason === 'stuck') this.#reasons.set(index, 'stuck');
    this.#startedFirst(index);
    this.restarts += 1;
    this.#options.deadWorker(this, index, exit);
    const { maxRestarts, restartWindowMs } = this.generation.settings;
    if (!this.#budget.spend(maxRestarts, restartWindowMs)) return;
    this.phase = 'over';
    this.#options.giveUp(this);
  }
}
