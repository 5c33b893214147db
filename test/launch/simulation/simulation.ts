/**
 * A simulation of a launcher: its parent process is real, and its workers, its sockets and the time are pretended. Random
 * requests and mishaps follow one another; `invariants.ts` says what must hold at each moment.
 */
import type { ChildProcess } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import type { Logger } from 'portico';
import type { Launchable, ListenAddress, ServiceBase } from 'portico/service';
import { FleetRunner } from '../../../dist/launch/fleet-runner.js';
import type { LaunchRequest } from '../../../dist/launch/launcher.js';
import { LauncherCore } from '../../../dist/launch/launcher-core.js';
import type { LaunchSettings } from '../../../dist/launch/launcher-options.js';
import type { HostProcess } from '../../../dist/launch/process/host-process.js';
import { ListenerPool } from '../../../dist/launch/sockets/listener-pool.js';
import { World } from '../../simulation/world.js';
import { act, stop } from './deeds.js';
import { fateOf, type Weather } from './fate.js';
import { Invariants } from './invariants.js';
import { nextPlan, type Plan } from './plan.js';
import { pretendedHost } from './pretended-host.js';
import { PretendedSockets } from './pretended-sockets.js';
import { PretendedWorker, type WorkerWorld } from './pretended-worker.js';

/** Longest time between two checks. */
const LOOK_MS = 250;
/** Time in which a fleet is whole again once nothing happens to it. */
const REST_MS = 600_000;

export class Simulation extends World implements WorkerWorld {
  /** Processes by their number, including those that have ended. */
  readonly workers = new Map<number, PretendedWorker>();
  readonly sockets = new PretendedSockets((descriptor) => this.alive.some(({ holds }) => holds.has(descriptor)));
  readonly settings: { -readonly [K in keyof LaunchSettings]?: LaunchSettings[K] };
  readonly core: LauncherCore<FleetRunner>;
  readonly runner: FleetRunner;
  readonly host: HostProcess & EventEmitter;
  readonly invariants: Invariants;
  /** Requests that have not settled, each with its description. */
  readonly pending = new Map<Promise<unknown>, string>();
  weather: Weather;
  /** The services in force, and those of the reload in progress. */
  plan: Plan;
  planned: Plan | undefined;
  /** True while the registry of services does not respond. */
  isRegistryAway = false;
  /** True if all workers of the reload in progress refuse its configuration. */
  isBad = false;
  /** Exit status of the process. */
  exited: number | undefined;
  /** True once `wait()` has settled. */
  over = false;
  #pids = 100;
  #waits = false;

  /** `told` is called with each request and mishap before it happens. */
  constructor(seed: number, told: (text: string) => void) {
    super(seed, told);
    const { random } = this;
    this.weather = random.pick(['calm', 'calm', 'calm', 'rough', 'storm']);
    this.settings = {
      gracefulShutdownTimeoutMs: random.pick([0, 2000, 10_000, 60_000]),
      workerTimeoutMs: random.pick([0, 5000, 5000, 30_000]),
      workerStartTimeoutMs: random.pick([0, 3000, 15_000]),
      reloadTimeoutMs: random.pick([0, 3000, 20_000]),
      drainDelayMs: random.pick([0, 0, 1000]),
      maxMemory: random.pick([0, 100 * 2 ** 20]),
      maxRestarts: random.pick([0, 0, 0, 4]),
      restartWindowMs: random.pick([0, 30_000]),
      secondTerm: random.pick(['ignore', 'force']),
      sigint: random.pick(['fast', 'graceful']),
      sighupForeground: 'reload',
    };
    this.plan = nextPlan(random, new Map());
    this.host = pretendedHost((status) => {
      this.note(`the process exits with ${status}`);
      this.exited ??= status;
    });
    const options = {
      host: this.host,
      log: this.#makeLog(),
      settings: this.settings,
      restartMethod: random.chance(0.1) ? 'mutate' : 'reload',
      onReload: () => this.#onReload(),
      startFailed: (_: string, error: unknown) => this.invariants.launchFailed(error as Error),
    } as const;
    const listeners = new ListenerPool(this.sockets.bind);
    const system = { spawn: () => this.#spawn(), listeners, processors: random.pick([1, 4, 8]) };
    this.core = new LauncherCore<FleetRunner>(options, (core) => new FleetRunner(core, options, system));
    this.runner = this.core.runner;
    this.invariants = new Invariants(this);
    this.core.stopBegins.signal.addEventListener('abort', () => {
      this.invariants.stoppedAt ??= this.clock.now();
    });
    this.runner.workerDied.add((service) => this.invariants.died(service));
    this.note(`settings ${JSON.stringify(this.settings)}, ${options.restartMethod}, ${this.weather}`);
  }

  get alive(): PretendedWorker[] {
    return [...this.workers.values()].filter(({ alive }) => alive);
  }

  /** Mishaps that the settings end by themselves. */
  get limits(): { readonly start: boolean; readonly end: boolean; readonly hang: boolean } {
    const { workerStartTimeoutMs, gracefulShutdownTimeoutMs, workerTimeoutMs } = this.settings;
    return { start: workerStartTimeoutMs !== 0, end: gracefulShutdownTimeoutMs !== 0, hang: workerTimeoutMs !== 0 };
  }

  /** Follows a request until it settles. It must not reject. */
  track(text: string, work: Promise<unknown>): void {
    this.pending.set(work, text);
    work.then(
      () => this.pending.delete(work),
      (error: unknown) => this.broken(`${text} rejected: ${(error as Error).message}`),
    );
  }

  async run(): Promise<void> {
    const { random } = this;
    this.#launch();
    const deeds = 3 + random.below(35);
    for (let i = 0; i < deeds && !this.core.stopping; i++) {
      act(this);
      if (random.chance(0.7)) await this.pass(random.between(0, random.pick([5, 50, 1000, 5000])));
    }
    if (!this.core.stopping && random.chance(0.6)) await this.#rest();
    await this.#end();
  }

  /** Lets time pass; checks the invariants meanwhile. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left >= 0 && this.exited === undefined; left -= LOOK_MS) {
      await this.clock.advance(Math.min(left, LOOK_MS));
      this.invariants.check();
    }
  }

  told(worker: PretendedWorker, how: string): void {
    this.note(`${worker.name} is told: ${how}`);
    this.invariants.told(worker, how);
  }

  started(worker: PretendedWorker): void {
    this.note(`${worker.name} starts${worker.first.builds ? ' to build' : ''}: ${worker.fate.start}`);
    this.invariants.started(worker);
  }

  ended(worker: PretendedWorker, how: string): void {
    this.note(`${worker.name} ended: ${how}`);
    this.invariants.ended(worker);
  }

  kept(worker: PretendedWorker): void {
    this.invariants.kept(worker);
  }

  listens(worker: PretendedWorker): void {
    for (const descriptor of worker.holds) this.sockets.listened.add(descriptor);
  }

  launchable(name: string): Launchable {
    const { addresses, workers, hasSlots } = (this.planned ?? this.plan).get(name)!;
    if (hasSlots) return { kind: 'planned', name, addresses, workers };
    return new PlainService(name, addresses) as unknown as ServiceBase;
  }

  #launch(): void {
    const requests = [...this.plan].map(([name, { workers }]) => ({ service: this.launchable(name), workers }));
    this.say(`launch ${JSON.stringify([...this.plan])}`);
    const launching = async (): Promise<void> => {
      await this.runner.bindAll(requests);
      const starts = requests.map(({ service, workers }) => this.runner.launchService(service, { workers }));
      this.#wait();
      await Promise.all(starts);
    };
    // The launcher has reported why it failed, and has stopped.
    this.track(
      'launch',
      launching().catch(() => this.#wait()),
    );
  }

  #wait(): void {
    if (this.#waits) return;
    this.#waits = true;
    const waiting = this.core.wait().then((status) => {
      this.note(`wait() ends with ${status}`);
      this.over = true;
    });
    this.track('wait()', waiting);
  }

  /** The weather clears, and the fleet must become whole; then one reload must be accepted. */
  async #rest(): Promise<void> {
    this.say('calm');
    this.weather = 'calm';
    this.sockets.foreign.clear();
    await this.#whole();
    if (this.core.stopping || this.random.chance(0.5)) return;
    this.say('last reload');
    // In calm weather a drain may take longer than a short time limit of a reload.
    this.settings.reloadTimeoutMs = REST_MS;
    this.track('last reload', this.core.reloadOnceLaunched());
    await this.#whole();
    if (!this.core.stopping) this.invariants.rest(true);
  }

  async #whole(): Promise<void> {
    const until = this.clock.now() + REST_MS;
    let why: string | undefined = 'not yet';
    while (why !== undefined && !this.core.stopping && this.clock.now() < until) {
      await this.pass(1000);
      why =
        this.pending.size > 1 ? `${[...this.pending.values()].join(', ')} did not settle` : this.invariants.unrest();
    }
    if (this.core.stopping) return;
    if (why !== undefined) throw new Error(`the fleet does not rest: ${why}`);
    this.invariants.rest(false);
  }

  async #end(): Promise<void> {
    const { random, invariants } = this;
    if (!this.core.stopping) stop(this);
    const { gracefulShutdownTimeoutMs: limitMs = 0 } = this.settings;
    const until = this.clock.now() + (limitMs === 0 ? REST_MS : limitMs + 4000);
    while (!this.over && this.exited === undefined && this.clock.now() < until) {
      if (random.chance(0.1)) act(this);
      await this.pass(random.between(0, 1000));
    }
    if (!this.over && this.exited === undefined) throw new Error(`the stop does not end: ${invariants.left()}`);
    invariants.gone();
    if (this.exited !== undefined) return;
    // The process exits a second later; a reload whose process still reads files is abandoned.
    await this.clock.advance(10_000);
    invariants.settled();
  }

  #spawn(): ChildProcess {
    const { random } = this;
    const fate = fateOf(random, this.weather, this.limits);
    const worker = new PretendedWorker(++this.#pids, fate, this);
    this.workers.set(this.#pids, worker);
    return worker as unknown as ChildProcess;
  }

  async #onReload(): Promise<readonly LaunchRequest[] | undefined> {
    const { random } = this;
    this.invariants.reloads();
    this.isBad = random.chance(this.weather === 'calm' ? 0 : 0.2);
    this.planned = random.chance(0.2) || this.weather === 'calm' ? undefined : this.#nextPlan();
    const isRefused = this.weather !== 'calm' && random.chance(0.1);
    const services = JSON.stringify([...(this.planned ?? [])]);
    this.note(
      `a reload begins${this.isBad ? ', with a bad configuration' : ''}${isRefused ? ', refused' : ''}: ${services}`,
    );
    if (random.chance(0.2)) {
      await new Promise((resolve) => {
        this.clock.after(random.between(0, 3000), () => resolve(undefined));
      });
    }
    if (isRefused) throw new Error('onReload refuses');
    if (this.planned === undefined) return undefined;
    return [...this.planned].map(([name, { workers }]) => ({ service: this.launchable(name), workers }));
  }

  /** A mutate changes neither services nor numbers of workers. */
  #nextPlan(): Plan {
    const next = nextPlan(this.random, this.plan);
    return this.runner.settings.restartMethod === 'reload' ? next : this.plan;
  }

  #makeLog(): Logger {
    const write =
      (level: string) =>
      (...line: readonly unknown[]) => {
        const message = String(line.at(-1));
        const facts = Object(line[0]) as Readonly<Record<string, string>>;
        this.note(`${level}: ${message}`);
        // It stays requested after a reload that lifts the limit.
        const [, tooLarge] = /^Replacing child (\d+): it has /.exec(message) ?? [];
        if (tooLarge !== undefined) this.workers.get(Number(tooLarge))!.wornOut = true;
        if (facts.delayMs !== undefined)
          this.invariants.sleeps(`${facts.service} ${facts.workerId}`, Number(facts.delayMs));
        if (facts.event !== 'reload') return;
        if (facts.outcome === 'accepted' || facts.outcome === 'incomplete') this.plan = this.planned ?? this.plan;
        this.planned = undefined;
        this.isBad = false;
        this.invariants.reloaded(facts.outcome!);
      };
    const methods = Object.fromEntries(
      ['debug', 'info', 'notice', 'warn', 'error'].map((level) => [level, write(level)]),
    );
    const log = { level: 'debug', enabled: () => false, child: () => log, ...methods } as unknown as Logger;
    return log;
  }
}

/** A service that is launched as an object: its workers share one socket for each address. */
class PlainService {
  readonly name: string;
  readonly addresses: readonly ListenAddress[];
  readonly start = (): undefined => undefined;
  readonly stop = this.start;
  readonly wait = this.start;
  readonly reset = this.start;
  readonly useSockets = this.start;

  constructor(name: string, addresses: readonly ListenAddress[]) {
    this.name = name;
    this.addresses = addresses;
  }
}
