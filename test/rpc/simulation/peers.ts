/** Processes of the simulation, of the product's classes: services, clients and listeners. */
import type { RequestContext } from '../../../dist/app/index.js';
import {
  type Notification,
  NotificationService,
  RPCConnection,
  RPCService,
  rpc,
} from '../../../dist/extras/rpc/index.js';
import type { Notifier } from '../../../dist/service/index.js';
import type { Run } from './errand.js';
import { Refusal } from './pretended-broker.js';
import type { NetworkPeer, PretendedConnection } from './pretended-connection.js';
import type { Simulation } from './simulation.js';

/** Time in which the system closes a connection that is cut. */
const CUT_MS = 10;

/** A process. */
export abstract class Peer implements NetworkPeer {
  readonly name: string;
  readonly connections = new Set<PretendedConnection>();
  readonly acknowledged = new Set<string>();
  readonly arrived = new Map<string, number>();
  away = 0;
  isDead = false;
  state: 'starting' | 'running' | 'stopping' | 'stopped' = 'starting';
  startedAt = Number.POSITIVE_INFINITY;
  stopAskedAt = Number.POSITIVE_INFINITY;
  readonly sim: Simulation;

  constructor(sim: Simulation, name: string) {
    this.sim = sim;
    this.name = name;
  }

  /** Processes of all simulations share the transports of this one, by their URLs. */
  get url(): string {
    return `${this.sim.scheme}://${this.name}.${this.sim.seed}/`;
  }

  get isRunning(): boolean {
    return this.state === 'running' && !this.isDead;
  }

  /** The process ends at once. */
  crash(): void {
    this.isDead = true;
    this.state = 'stopped';
    for (const connection of this.connections) {
      connection.end();
      connection.ends(new Refusal('CONN_CLOSE', 'the process has died'));
    }
  }

  /** Stops it in an orderly way. */
  async stop(how: { readonly graceful: boolean; readonly deadlineMs?: number }): Promise<void> {
    const { sim } = this;
    this.state = 'stopping';
    this.stopAskedAt = sim.clock.now();
    const limitMs = this.limitMs(how);
    const isLate = sim.clock.after(limitMs, () => {
      if (!this.isDead) sim.broken(`${this.name} has not stopped within ${limitMs} ms`);
    });
    await this.end(how).catch((error: unknown) => sim.note(`${this.name}: ${(error as Error).message}`));
    isLate();
    this.state = 'stopped';
    if (this.isDead) return;
    sim.note(`${this.name} has stopped`);
    sim.clock.after(CUT_MS, () => {
      const { size } = this.connections;
      if (size > 0) sim.broken(`${this.name} has stopped, and has ${size} connections`);
    });
  }

  protected abstract end(how: { readonly graceful: boolean; readonly deadlineMs?: number }): Promise<void>;

  protected abstract limitMs(how: { readonly graceful: boolean; readonly deadlineMs?: number }): number;

  protected async begin(work: Promise<unknown>): Promise<void> {
    try {
      await work;
      if (this.state !== 'starting') return;
      this.state = 'running';
      this.startedAt = this.sim.clock.now();
      this.sim.note(`${this.name} runs`);
    } catch (error) {
      this.sim.note(`${this.name} does not start: ${(error as Error).message}`);
      this.state = 'stopped';
    }
  }
}

interface Given {
  readonly n: number;
}

/** The manager of a service whose queues do not count deliveries. */
class BriefWorks {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  once(context: RequestContext, { n }: Given): Promise<unknown> {
    return this.#server.handle(context, n, 'once');
  }
}

/** The manager of a service whose queues count. */
class Works {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  once(context: RequestContext, { n }: Given): Promise<unknown> {
    return this.#server.handle(context, n, 'once');
  }

  late(context: RequestContext, { n }: Given): Promise<unknown> {
    return this.#server.handle(context, n, 'late');
  }
}

rpc({ ack: 'late', idempotent: true, retryDelay: 2 })(Works.prototype.late);

/** Time for consumers and handlers to end, for replies, and for the connections to close: each may wait for a silent broker. */
const RELEASE_MS = 2000 + 1000 + 2 * 2000 + 2000 + 10_000 + 500;

export class Server extends Peer {
  readonly host: string;
  readonly service: RPCService;

  constructor(sim: Simulation, name: string, host: string) {
    super(sim, name);
    this.host = host;
    this.service = RPCService.create({
      config: sim.config,
      log: sim.logOf(this),
      binary: 'portico-works',
      host,
      registration: null,
      manager: sim.counts ? new Works(this) : new BriefWorks(this),
      transport: this.url,
    });
    void this.begin(this.service.start());
  }

  /** Runs a method. */
  async handle(context: RequestContext, n: number, method: 'once' | 'late'): Promise<unknown> {
    const { sim, name } = this;
    if (this.isDead) return new Promise(() => undefined);
    const errand = sim.errands[n]!;
    const run: Run = { process: name, at: sim.clock.now() };
    sim.ledger.begins(this, errand, run, context, method);
    errand.runs.push(run);
    const { ms, how, times } = errand.fate;
    const over = (outcome: NonNullable<Run['outcome']>): void => {
      run.endedAt = sim.clock.now();
      run.outcome = outcome;
      sim.note(`${name}: ${errand.name} ends: ${outcome}`);
    };
    const { signal } = context;
    // An endless method ends with its process.
    const isWhole = await sim.sleep(how === 'endless' ? sim.endlessMs : ms, how === 'heeds' ? signal : undefined);
    if (this.isDead) return new Promise(() => undefined);
    sim.ledger.ends(this, errand, run, context);
    if (!isWhole) over('signalled');
    else if (how === 'throws' || (how === 'retryable' && errand.runs.length <= times)) over('threw');
    else over('ok');
    if (run.outcome === 'ok') return { n, by: name };
    throw Object.assign(new Error(`${errand.name} fails`), { retryable: how === 'retryable' });
  }

  protected end(how: { readonly graceful: boolean; readonly deadlineMs?: number }): Promise<void> {
    return this.service.stop(how);
  }

  protected limitMs({ graceful, deadlineMs }: { readonly graceful: boolean; readonly deadlineMs?: number }): number {
    return (graceful ? Math.min(this.sim.shutdownMs, deadlineMs ?? this.sim.shutdownMs) : 0) + RELEASE_MS;
  }
}

export class Client extends Peer {
  readonly rpc: RPCConnection;
  readonly notifier: Notifier;
  /** Number of notifications that it has reported as not sent. */
  unsent = 0;

  constructor(sim: Simulation, name: string) {
    super(sim, name);
    this.rpc = new RPCConnection({ config: sim.config, log: sim.logOf(this), transport: this.url });
    this.notifier = this.rpc.notifier({ publisherId: name });
    this.state = 'running';
    this.startedAt = sim.clock.now();
  }

  protected end({ deadlineMs = 0 }: { readonly deadlineMs?: number }): Promise<void> {
    return this.rpc.close({ deadline: deadlineMs / 1000 });
  }

  protected limitMs({ deadlineMs = 0 }: { readonly deadlineMs?: number }): number {
    return deadlineMs + RELEASE_MS;
  }
}

export class Listener extends Peer {
  readonly service: NotificationService;

  constructor(sim: Simulation, name: string) {
    super(sim, name);
    this.service = NotificationService.create({
      config: sim.config,
      log: sim.logOf(this),
      transport: this.url,
      handlers: { info: (notice) => this.#handle(notice) },
    });
    void this.begin(this.service.start());
  }

  async #handle({ payload }: Notification): Promise<void> {
    const { sim, name } = this;
    if (this.isDead) return new Promise(() => undefined);
    const errand = sim.errands[(payload as Given).n]!;
    const run: Run = { process: name, at: sim.clock.now() };
    sim.ledger.hears(this, errand);
    errand.runs.push(run);
    await sim.sleep(errand.fate.ms);
    if (this.isDead) return new Promise(() => undefined);
    run.endedAt = sim.clock.now();
    run.outcome = errand.fate.how === 'retryable' && errand.runs.length <= errand.fate.times ? 'threw' : 'ok';
    sim.note(`${name}: ${errand.name} ends: ${run.outcome}`);
    if (run.outcome === 'threw') throw new Error(`${errand.name} fails`);
  }

  protected end(how: { readonly graceful: boolean; readonly deadlineMs?: number }): Promise<void> {
    return this.service.stop(how);
  }

  /** A handler takes as long as it takes, unless there is a deadline. */
  protected limitMs({ graceful, deadlineMs }: { readonly graceful: boolean; readonly deadlineMs?: number }): number {
    return (graceful ? (deadlineMs ?? this.sim.longestMs) : 0) + RELEASE_MS;
  }
}
