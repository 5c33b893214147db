/** RPCService: a manager as a service that can be launched, with its hooks, periodic tasks, record and heartbeat. */
import { Config, workerAssignment } from 'portico/config';
import {
  describedJobs,
  type EarlierRuns,
  type Logger,
  type ManagedRun,
  ManagedRuns,
  ManagedService,
  PorticoError,
} from 'portico/extension';
import {
  Lifecycle,
  type LifecycleState,
  type Manager,
  type ServiceBase,
  type StopOptions,
  type WorkerContext,
} from 'portico/service';
import { type PeriodicTasks, systemClock, TaskGroup } from 'portico/tasks';
import { CallMeter } from './call-meter.js';
import { RPCConnection } from './client/rpc-connection.js';
import { untracked } from './exposed-methods.js';
import { type ManagerApi, managerApi } from './manager-api.js';
import type { RpcContract } from './server/contract.js';
import type { ServedTopic } from './server/served-topic.js';
import {
  checkServiceOptions,
  endpointsOf,
  identityOf,
  logOf,
  managerOption,
  managersFor,
  periodicOf,
  type RPCIdentity,
  type RPCServiceOptions,
} from './service-options.js';

/** States in which its methods can be called: hooks of a start call each other's methods, and work in progress calls its own. */
const CALLABLE: ReadonlySet<LifecycleState> = new Set(['starting', 'running', 'stopping']);

/** Milliseconds before a deadline for handlers that are cut off, and for replies: a fifth of the time, at most this. */
const FINISH_MS = 2000;

/** A service that runs a manager and serves remote calls of its methods. The constructor opens nothing; `start()` creates the managers. */
export class RPCService implements ServiceBase {
  readonly name: string;
  /** Name of the process in records and reports: `<project>-<name>`. */
  readonly binary: string;
  /** Number of processes that run it. */
  readonly workers: number;
  /** Address of the launcher's backdoor: a port, a path, or null. The launcher sets it; a manager's response contains it. */
  backdoorPort: number | string | null = null;
  /** Source of its metrics. */
  readonly meter = new CallMeter({ troubles: () => this.#run.connection.troubles });
  /** For reports. */
  readonly registryTrouble = () => this.#run.managed.registration?.trouble?.();
  readonly #options: RPCServiceOptions;
  /** Configuration of the present run. */
  #config: Config;
  readonly #log: Logger;
  readonly #runs: ManagedRuns<RPCRun>;
  #overridePoolSize: number | undefined;
  #worker: WorkerContext | undefined;

  /**
   * Creates a service from the options, with defaults from the configuration. Throws `PORTICO_RPC_NAME` for invalid names,
   * `PORTICO_RPC_OPTION` for invalid options, `PORTICO_MANAGER` without a manager, `PORTICO_INVALID_INTERVAL` for a time below 0.
   */
  static create(options: RPCServiceOptions = {}): RPCService {
    checkServiceOptions(options);
    const config = options.config ?? new Config();
    return new RPCService(identityOf(options, config), { ...options, config });
  }

  private constructor(identity: RPCIdentity, options: RPCServiceOptions & { readonly config: Config }) {
    const { binary } = identity;
    this.name = options.name ?? binary;
    this.binary = binary;
    this.workers = options.workers ?? 1;
    this.#options = options;
    this.#config = options.config;
    this.#log = logOf(options).child({ service: this.name });
    const { manager: given, registration } = options;
    this.#runs = new ManagedRuns({ make: (earlier) => this.#makeRun(earlier), given, registration, log: this.#log });
  }

  get #run(): RPCRun {
    return this.#runs.present;
  }

  /** Topic whose calls it serves. */
  get topic(): string {
    return this.#run.identity.topic;
  }

  /** Background tasks that end with the present run. */
  get tasks(): TaskGroup {
    return this.#run.tasks;
  }

  /** Name of the machine in service records: the option `host`. */
  get host(): string {
    return this.#run.identity.host;
  }

  /** The main manager: it alone owns the topic. One given as an object is present before the first start. */
  get manager(): Manager | undefined {
    return this.managers[0];
  }

  /** Its managers, the main one first. */
  get managers(): readonly Manager[] {
    return this.#run.managed.managers;
  }

  /** Periodic tasks of its managers, while it is started. */
  get periodicTasks(): readonly PeriodicTasks[] {
    return this.#run.managed.periodicTasks;
  }

  /** Objects with its methods: the main manager, the base endpoint, and those that managers add. Fixed while it serves. */
  get endpoints(): readonly object[] {
    return this.#run.endpoints;
  }

  /** Returns the main manager's methods for others: called here, or sent to the host that the work belongs to. */
  api<M extends object>(): ManagerApi<M> {
    return managerApi<M>({
      manager: () => (CALLABLE.has(this.#run.lifecycle.state) ? this.manager : undefined),
      host: this.host,
      topic: this.topic,
      tracker: () => this.#run.managed.tracker,
      log: this.#log,
      policy: this.#run.connection.settings.accessPolicy,
      remote: (options) => this.#run.connection.client({ topic: this.topic, ...options }),
    });
  }

  useWorker(worker: WorkerContext): void {
    this.#worker = worker;
  }

  readonly formerWork = () => this.#runs.formerWork();

  describeWork(): readonly string[] {
    return this.#runs.all.flatMap(({ managed }) => managed.describeWork());
  }

  /** Returns the contract of its methods. A service that is not started creates its managers for that; no hook runs. */
  async contract(): Promise<RpcContract[]> {
    const of = await this.#contractOf();
    return CALLABLE.has(this.#run.lifecycle.state) ? of(this.managers) : this.#run.managed.inspect(of);
  }

  async #contractOf(): Promise<(managers: readonly Manager[]) => RpcContract[]> {
    const { rpcContract } = await import('./server/contract.js');
    const { accessPolicy } = this.#run.connection.settings;
    return (managers) => rpcContract(endpointsOf(managers), accessPolicy);
  }

  /** Configuration of its next start. @internal */
  get config(): Config {
    return this.#config;
  }

  /** Returns the contract and the periodic tasks. A service that is not started creates its managers for that; no hook runs. @internal */
  async described() {
    const of = await this.#contractOf();
    if (CALLABLE.has(this.#run.lifecycle.state)) {
      return { interfaces: of(this.managers), jobs: this.periodicTasks.flatMap(({ described }) => described) };
    }
    return this.#run.managed.inspect((managers, declared) => ({
      interfaces: of(managers),
      jobs: describedJobs(managers, declared),
    }));
  }

  /** Finds the managers that the next start will create, as that configuration names them; creates none. */
  async prepare(next: Config = this.#config): Promise<() => void> {
    await this.#run.managed.find(next);
    this.#connect(next, identityOf(this.#options, next));
    return () => {};
  }

  /** `overridePoolSize`: number of calls handled at a time, in place of the configuration's. */
  start({ overridePoolSize }: { readonly overridePoolSize?: number } = {}): Promise<void> {
    this.#overridePoolSize = overridePoolSize;
    return this.#runs.start();
  }

  /**
   * Takes no more calls, and ends when those that run have. For a `reload` with `pauseMs` it settles after this time at the latest: calls that
   * run keep their managers until they have ended, or until the deadline.
   */
  stop(options: StopOptions = {}): Promise<void> {
    return this.#runs.stop(options);
  }

  wait(): Promise<void> {
    return this.#runs.wait();
  }

  /** While it serves, calls its managers' `reset` with `next`; otherwise the next start uses `next`. */
  async reset(next: Config = this.#config): Promise<void> {
    if (this.#run.lifecycle.state === 'running') {
      await this.#run.managed.hooks?.reset(next);
      return;
    }
    this.#config = next;
    this.#runs.renew();
  }

  /** Stops, and deletes the record: the service will not return. A missing record is a warning. */
  async kill(options: StopOptions = {}): Promise<void> {
    await this.stop(options);
    if (this.#run.managed.registration === null || (await this.#run.managed.forget())) return;
    this.#log.warn(`${this.binary} on ${this.host} was killed and its record was deleted`);
  }

  #makeRun(earlier: EarlierRuns): RPCRun {
    const options = this.#options;
    const identity = identityOf(options, this.#config);
    const { topic } = identity;
    const tasks = new TaskGroup({ limit: 1000, name: this.name, log: this.#log });
    const { reportInterval } = options;
    const named = managerOption(topic, options);
    const managed = new ManagedService({
      name: this.name,
      serviceName: topic,
      binary: this.binary,
      topic,
      ...(options.host == null ? {} : { host: options.host }),
      config: () => this.#config,
      log: this.#log,
      tasks,
      earlier,
      managers: managersFor(identity, options),
      option: named.opt,
      named,
      registration: options.registration,
      member: { version: options.version ?? 0, ...(reportInterval == null ? {} : { reportInterval }) },
      periodic: { ...periodicOf(options), ran: (...ran) => this.meter.ran(...ran) },
      rpc: (next) => {
        this.meter.use(next);
        run.connection = this.#connect(next, identity);
        return run.connection;
      },
      onVerdict: (verdict, reason) => run === this.#run && this.#heed(verdict, reason),
      onDisabled: (isDisabled) => this.#disabled(run, isDisabled),
    });
    const start = (signal: AbortSignal, over: AbortSignal): Promise<void> => this.#start(run, signal, over);
    const steps = { start, stop: (how: StopOptions) => managed.hooks?.stop(how) };
    const lifecycle = new Lifecycle(this.name, steps, systemClock, (text) => this.#log.warn(text));
    const connection = this.#connect(this.#config, identity);
    const run: RPCRun = {
      identity,
      tasks,
      managed,
      lifecycle,
      connection,
      endpoints: NO_ENDPOINTS,
      isDisabled: false,
      startedAt: 0,
    };
    return run;
  }

  async #start(run: RPCRun, signal: AbortSignal, over: AbortSignal): Promise<void> {
    this.#log.info(`Starting ${run.identity.topic} node (version ${this.#options.version ?? 0})`);
    run.startedAt = systemClock.now();
    run.tasks.reset();
    const hooks = await run.managed.prepare({
      backdoorPort: this.backdoorPort,
      workerId: this.#worker?.id ?? 0,
      steps: {
        serve: async (aborted) => {
          run.endpoints = this.#makeEndpoints(run);
          const served = await this.#topicsOf(run);
          run.served = served;
          void served.takeShared(!run.isDisabled);
          await served.start(aborted);
        },
        stopAccepting: () => run.served?.stopAccepting(),
        finish: (options) => run.served?.finish(this.#limitOf(run, options), options.signal),
        release: () => {
          run.endpoints = NO_ENDPOINTS;
          run.served = undefined;
        },
      },
    });
    await hooks.start(signal, over);
  }

  #connect(config: Config, { binary, topic, host }: RPCIdentity): RPCConnection {
    const { transport, serializer, project } = this.#options;
    return new RPCConnection(
      {
        config,
        transport,
        serializer,
        project,
        name: `${binary}@${host}:${process.pid}`,
        log: this.#log,
        ...(workerAssignment() === undefined ? {} : { workerTopics: [topic] }),
      },
      this.meter,
    );
  }

  async #topicsOf({ identity, connection, endpoints, managed }: RPCRun): Promise<ServedTopic> {
    const { topic, host, binary } = identity;
    // Loaded with the first start: most applications that import the class of services run none.
    const { ServedTopic } = await import('./server/served-topic.js');
    return new ServedTopic({
      connection,
      topic,
      host,
      binary,
      endpoints,
      tracker: managed.tracker,
      poolSize: this.#overridePoolSize,
    });
  }

  /** Leaves the calls of its topic to other hosts while it is disabled; those to this host still arrive. */
  #disabled(run: RPCRun, isDisabled: boolean): void {
    run.isDisabled = isDisabled;
    run.served?.takeShared(!isDisabled).catch((err: unknown) => {
      this.#log.error({ err }, `${this.name} cannot ${isDisabled ? 'leave' : 'take'} the calls of its topic`);
    });
  }

  /** Returns the milliseconds that handlers have in a stop: those of managers, minus a part. */
  #limitOf({ managed }: RPCRun, { graceful, deadlineMs = 0 }: StopOptions): number {
    if (graceful !== true) return 0;
    const own = managed.shutdownMs;
    return deadlineMs > 0 ? Math.min(own, deadlineMs - Math.min(FINISH_MS, deadlineMs / 5)) : own;
  }

  #makeEndpoints({ identity: { topic, host }, managed, connection, lifecycle, startedAt }: RPCRun): readonly object[] {
    const base = new BaseEndpoint({ service: topic, host }, () => ({
      version: this.#options.version ?? 0,
      uptime: (systemClock.now() - startedAt) / 1000,
      inFlight: managed.tracker.size,
      draining: lifecycle.state === 'stopping',
      configGeneration: this.#config.generation,
    }));
    const [main, ...others] = endpointsOf(managed.managers);
    const ping = connection.settings.isOslo ? [new OsloPing()] : [];
    return Object.freeze([...(main === undefined ? [] : [main]), base, ...ping, ...others]);
  }

  #heed(verdict: 'drain' | 'exit', reason: string): void {
    if (verdict === 'drain') {
      this.#log.warn(`${this.name} accepts no more work until it is restarted: ${reason}`);
      this.stop({ graceful: true }).catch((err: unknown) => this.#log.error({ err }, `${this.name}: stopping failed`));
    } else this.#run.lifecycle.fail(new PorticoError('PORTICO_SERVICE_FENCED', { message: `${this.name}: ${reason}` }));
  }
}

/** One run of a service. */
interface RPCRun extends ManagedRun {
  readonly identity: RPCIdentity;
  connection: RPCConnection;
  /** Fixed while it serves. */
  endpoints: readonly object[];
  /** While it serves. */
  served?: ServedTopic | undefined;
  /** True if an operator has disabled the service on this host. */
  isDisabled: boolean;
  startedAt: number;
}

const NO_ENDPOINTS: readonly object[] = Object.freeze([]);

/** Status of a service. Times in seconds. */
export interface ServiceStatus {
  readonly version: number;
  readonly uptime: number;
  readonly inFlight: number;
  readonly draining: boolean;
  readonly configGeneration: number;
}

/** Endpoint of the namespace `base`, version 1.1, which every service has: `ping` and `getStatus`. */
export class BaseEndpoint {
  static readonly rpc = ['ping', 'getStatus'];
  readonly target = { namespace: 'base', version: '1.1' } as const;
  readonly #service: string;
  readonly #host: string;
  readonly #status: () => ServiceStatus;

  /** `service`: the target of its calls. */
  constructor({ service, host }: { readonly service: string; readonly host: string }, status: () => ServiceStatus) {
    this.#service = service;
    this.#host = host;
    this.#status = status;
  }

  /** Returns its argument, and the name of the service. */
  @untracked
  ping(_context: unknown, { arg }: { readonly arg?: unknown } = {}): { service: string; host: string; arg: unknown } {
    return { service: this.#service, host: this.#host, arg };
  }

  @untracked
  getStatus(): ServiceStatus {
    return this.#status();
  }
}

/** Endpoint of oslo.messaging's `rpc_ping_enabled`. */
class OsloPing {
  static readonly rpc = ['oslo_rpc_server_ping'];

  @untracked
  oslo_rpc_server_ping(): string {
    return 'pong';
  }
}
