/** A worker of a service, in a process that may stand still. */
import type { Cancel, Clock } from 'portico/tasks';
import { StoredRegistry } from '../../../dist/extras/registry/internal.js';
import { Membership } from '../../../dist/extras/registry/membership.js';
import type { Simulation } from './simulation.js';

/** A clock whose timers wait while its process is paused. */
export class ProcessClock implements Clock {
  readonly #clock: Clock;
  #late: (() => void)[] | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isPaused(): boolean {
    return this.#late !== undefined;
  }

  now(): number {
    return this.#clock.now();
  }

  after(ms: number, fn: () => void): Cancel {
    let isCancelled = false;
    const act = (): void => {
      if (isCancelled) return;
      if (this.#late === undefined) fn();
      else this.#late.push(act);
    };
    const cancel = this.#clock.after(ms, act);
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  pause(): void {
    this.#late ??= [];
  }

  resume(): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    for (const act of late) act();
  }
}

export class Member {
  readonly name: string;
  readonly host: string;
  readonly worker: number;
  readonly pid: number;
  readonly clock: ProcessClock;
  readonly registry: StoredRegistry;
  readonly membership: Membership;
  state: 'starting' | 'running' | 'draining' | 'stopping' | 'stopped' | 'failed' | 'dead' = 'starting';
  /** Since when nothing has kept it from its heartbeats. */
  wellSince = Number.POSITIVE_INFINITY;
  stoppedAt = Number.POSITIVE_INFINITY;
  /** Verdicts of the registry on it. */
  readonly verdicts: string[] = [];
  /** Outages that it has reported, and their ends. */
  lost = 0;
  recovered = 0;
  /** True if it could not write its end. */
  isUnsigned = false;
  readonly #sim: Simulation;

  constructor(sim: Simulation, { pid, host, worker }: Pick<Member, 'pid' | 'host' | 'worker'>) {
    this.#sim = sim;
    this.pid = pid;
    this.host = host;
    this.worker = worker;
    this.name = `m${pid}`;
    this.clock = new ProcessClock(sim.clock);
    const { interval } = sim;
    const log = sim.logOf(this);
    this.registry = new StoredRegistry(sim.storeOf(this.name), { log });
    this.membership = new Membership(
      this.registry,
      {
        host,
        binary: 'portico-works',
        topic: 'works',
        version: 1,
        instanceId: `instance-${host}`,
        machineId: `machine-${host}`,
        configGeneration: 1,
        zone: null,
        endpoints: [],
        labels: {},
        worker,
        pid,
      },
      {
        reportInterval: interval,
        serviceDownTime: sim.downTime,
        initialDelay: 5,
        jitter: 0.1,
        startWait: 60,
        onDisabled: () => {},
        mustRegister: sim.random.next() < 0.5,
        retryInterval: 1,
        maxRetryInterval: 10,
        fenceOnForcedDown: false,
        takeover: false,
        inFlight: () => pid % 7,
        onVerdict: (verdict, reason) => {
          sim.note(`${this.name}: verdict ${verdict}, ${reason}`);
          this.verdicts.push(reason);
          sim.validates(this, reason);
        },
        isAlive: (other) => sim.isAlive(other),
        log,
        clock: this.clock,
        random: () => sim.random.next(),
      },
    );
  }

  get isThere(): boolean {
    return this.state === 'running' || this.state === 'draining';
  }

  async start(): Promise<void> {
    try {
      await this.membership.read();
      await this.membership.register();
      await this.membership.join();
      if (this.state !== 'starting') return;
      this.state = 'running';
      this.wellSince = this.#sim.clock.now();
      this.#sim.runs(this);
      this.#sim.note(`${this.name} runs`);
    } catch (error) {
      if (this.state === 'starting') this.state = 'failed';
      this.#sim.note(`${this.name} does not start: ${(error as Error).message}`);
      await this.membership.leave();
    }
  }

  async drain(): Promise<void> {
    this.state = 'draining';
    await this.membership.drain();
  }

  async stop(): Promise<void> {
    const { clock } = this.#sim;
    this.state = 'stopping';
    const until = clock.now() + 60_000;
    await this.membership.drain();
    await this.membership.leave();
    if (this.#sim.isKilled(this)) return;
    this.state = 'stopped';
    this.stoppedAt = clock.now();
    this.#sim.note(`${this.name} has stopped`);
    this.#sim.hasStopped(this, clock.now() > until);
  }
}
