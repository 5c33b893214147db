/**
 * Membership of one worker in the registry: its service's record, created or found at the start, kept alive, and signed
 * off.
 */
import { PorticoError } from '../errors/index.js';
import type { ServiceAnnouncement, ServiceRegistry, ServiceStore } from '../managers/index.js';
import type { Registration, ServiceRecord, ServiceState } from '../service/index.js';
import { type Clock, pause } from '../tasks/index.js';
import { Heartbeat, type HeartbeatTimes } from './heartbeat.js';
import { correctedDownTime, isUp } from './service-registry.js';
import { RecordExists, RegistryUnavailable } from './service-store.js';

/** Identity of the member: the same in all workers of a service, except for `worker`. */
export interface MemberIdentity extends Omit<ServiceAnnouncement, 'reportInterval' | 'downTime' | 'pid' | 'startedAt'> {
  /** Number of this worker within its service. */
  readonly worker: number;
  readonly pid: number;
}

/** Options of a member: `[servicegroup]` and related options; `membership()` takes defaults from the configuration. Times in seconds. */
export interface MembershipOptions extends HeartbeatTimes {
  /** Seconds without a heartbeat after which it counts as down. Default: `[DEFAULT] service_down_time`, 60. */
  readonly serviceDownTime: number;
  /** Seconds to wait for an unavailable registry at the start. Default: `[servicegroup] start_wait_s`, 60. */
  readonly startWait: number;
  /**
   * Seconds before the first retry if the registry is not available at the start; doubled each time. Default:
   * `[database] retry_interval`, 1.
   */
  readonly retryInterval: number;
  /** Maximum number of seconds between two retries. Default: `[database] max_retry_interval`, 10. */
  readonly maxRetryInterval: number;
  /** Recreate a record that has disappeared, unless an operator deleted it. Default: `[servicegroup] auto_recreate`, true. */
  readonly autoRecreate: boolean;
  /** Enable a record that is created at the first start. Default: `[servicegroup] enable_new_services`, true. */
  readonly enableNewServices: boolean;
  /** Action after the registry was not available for `serviceDownTime`. Default: `[servicegroup] on_registry_loss`, `continue`. */
  readonly onRegistryLoss: 'continue' | 'drain' | 'exit';
  /** Drain if an operator forces the service down. Default: `[servicegroup] fence_on_forced_down`, false. */
  readonly fenceOnForcedDown: boolean;
  /** Start under a host name that another machine seems to use. Default: `[servicegroup] takeover`, false. */
  readonly takeover: boolean;
  /** Start although every other service of this binary is newer. Default: `[servicegroup] allow_old`, false. */
  readonly allowOld: boolean;
  /** Returns the number of requests and calls in progress, for the worker's row. Default: 0. */
  readonly inFlight: () => number;
  /** Called if the service must stop accepting requests, or end, with the reason. */
  readonly onVerdict: (verdict: 'drain' | 'exit', reason: string) => void;
  /** Reports whether a process runs. */
  readonly isAlive: (pid: number) => boolean;
}

/** Minimum interval of warnings about the same problem, in milliseconds. */
const COMPLAINT_MS = 60_000;

export class Membership implements Registration {
  readonly #registry: ServiceRegistry;
  readonly #who: MemberIdentity;
  readonly #options: MembershipOptions;
  readonly #downTime: number;
  readonly #heartbeat: Heartbeat;
  #record: ServiceRecord | undefined;
  /** Id of the record, also after this worker has left. */
  #id: number | undefined;
  readonly #leases: Leases;
  #draining = false;
  #forcedDownTold = false;
  #foreignToldAt: number | undefined;

  constructor(registry: ServiceRegistry, who: MemberIdentity, options: MembershipOptions) {
    this.#registry = registry;
    this.#who = who;
    this.#options = options;
    this.#leases = new Leases(registry.store, who, options.clock);
    const { reportInterval, serviceDownTime, log, onRegistryLoss } = options;
    this.#downTime = correctedDownTime(serviceDownTime, reportInterval);
    if (this.#downTime !== serviceDownTime) {
      log.warn(
        `service_down_time (${serviceDownTime}) must be greater than report_interval (${reportInterval}): using ${this.#downTime}`,
      );
    }
    this.#heartbeat = new Heartbeat({
      ...options,
      beat: () => this.#beat(),
      downTime: this.#downTime,
      onLost: () => {
        if (onRegistryLoss !== 'continue') options.onVerdict(onRegistryLoss, 'the service registry is unavailable');
      },
    });
  }

  /** Values for health checks. */
  get heartbeat(): { readonly disconnected: boolean; readonly lateMs: number } {
    return this.#heartbeat;
  }

  trouble(): string | undefined {
    return this.#heartbeat.trouble;
  }

  /** Reports whether other services consider this one down: its heartbeat has failed for longer than `service_down_time`. */
  isLost(): boolean {
    return this.#heartbeat.outageMs > this.#downTime * 1000;
  }

  /** The service's record, once registered, as last read by this worker. */
  get record(): ServiceRecord | undefined {
    return this.#record;
  }

  /** Waits for a registry that is not available, with growing pauses, for at most `startWait` seconds, or until the start is cancelled. */
  async read(signal: AbortSignal = new AbortController().signal): Promise<ServiceRecord | null> {
    const calledOff = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    calledOff.catch(() => undefined);
    const { clock, log, startWait, retryInterval, maxRetryInterval } = this.#options;
    const { host, binary } = this.#who;
    const began = clock.now();
    let told = Number.NEGATIVE_INFINITY;
    for (let waitMs = retryInterval * 1000; ; waitMs = Math.min(2 * waitMs, maxRetryInterval * 1000)) {
      try {
        signal.throwIfAborted();
        return await Promise.race([this.#registry.store.find(host, binary), calledOff]);
      } catch (error) {
        if (!(error instanceof RegistryUnavailable) || clock.now() - began + waitMs > startWait * 1000) throw error;
        if (clock.now() - told >= 10_000) {
          told = clock.now();
          log.warn(`waiting for the service registry: ${error.message}`);
        }
      }
      await pause(waitMs, { clock, signal });
    }
  }

  async register(signal?: AbortSignal): Promise<ServiceRecord> {
    const { store } = this.#registry;
    const { host, binary, version } = this.#who;
    const existing = await this.read(signal);
    await this.#refuse(existing);
    if (existing !== null && existing.version !== version) {
      this.#options.log.info(
        `Updating service version for ${binary} on ${host} from ${existing.version} to ${version}`,
      );
    }
    // If a sibling runs already, the record has its state; only the first worker sets the state of a start.
    const state = existing !== null && (await this.#siblings(existing.id)).length > 0 ? existing.state : 'starting';
    const record =
      existing === null ? await this.#insert() : await store.update(existing.id, { ...this.#announcement(), state });
    if (record === null) return this.register(signal);
    await this.#forgetDeadWorkers(record.id);
    await store.putWorker(record.id, { ...this.#worker(), inFlight: 0, draining: false });
    this.#draining = false;
    this.#record = record;
    this.#id = record.id;
    return record;
  }

  async join(): Promise<void> {
    await this.#write('running');
    this.#heartbeat.start();
  }

  /** Sets the service's state to draining when no worker accepts requests any more. */
  async drain(): Promise<void> {
    await this.#signOff('draining', (id) => {
      this.#draining = true;
      return this.#registry.store.putWorker(id, { ...this.#worker(), draining: true });
    });
  }

  async leave(): Promise<void> {
    await this.#heartbeat.stop();
    await this.#signOff('stopped', async (id) => {
      await this.#leases.release();
      return this.#registry.store.dropWorker(id, this.#who.worker, this.#who.pid);
    });
    this.#record = undefined;
  }

  /** Deletes the record. Returns false if it is gone already. */
  async remove(): Promise<boolean> {
    return this.#id !== undefined && (await this.#registry.store.remove(this.#id, this.#who.binary));
  }

  /** Acquires or renews a lease in the name of this process. */
  lease(task: string, seconds: number): Promise<boolean> {
    return this.#leases.take(task, seconds);
  }

  #announcement(): ServiceAnnouncement {
    const { worker: _, ...service } = this.#who;
    return {
      ...service,
      startedAt: new Date(),
      reportInterval: this.#options.reportInterval,
      downTime: this.#downTime,
    };
  }

  /** Returns the columns of its row that describe this worker. */
  #worker() {
    const { worker, pid, instanceId } = this.#who;
    return { worker, pid, instanceId, inFlight: this.#options.inFlight() };
  }

  async #insert(): Promise<ServiceRecord | null> {
    const { host, binary } = this.#who;
    try {
      return await this.#registry.create(this.#announcement(), {
        disabled: !this.#options.enableNewServices,
        state: 'starting',
      });
    } catch (error) {
      // A sibling was faster: its record is used.
      const record = error instanceof RecordExists ? await this.#registry.store.find(host, binary) : null;
      if (record === null) throw error;
      return record;
    }
  }

  async #refuse(existing: ServiceRecord | null): Promise<void> {
    const { store } = this.#registry;
    const { host, binary, version, machineId } = this.#who;
    const minimum = await this.#registry.minVersion(binary);
    if (!this.#options.allowOld && minimum !== undefined && version < minimum) {
      // It would not understand the messages of the others.
      throw new PorticoError('PORTICO_SERVICE_TOO_OLD', {
        message: `${binary} has version ${version}, but every running ${binary} has at least ${minimum}`,
        hint: 'Upgrade it, or start it once with --set servicegroup.allow_old=true.',
      });
    }
    if (existing === null || existing.machineId === machineId || this.#options.takeover) return;
    if (!isUp({ ...existing, forcedDown: false }, await store.now())) return;
    throw new PorticoError('PORTICO_HOST_TAKEN', {
      message: `${binary} runs on another machine under the host name ${host}`,
      hint: 'Give this machine a unique name ([DEFAULT] host), or start once with --set servicegroup.takeover=true if the other one is gone.',
    });
  }

  async #beat(): Promise<void> {
    const record = this.#record;
    if (record === undefined) return;
    const answer = await this.#registry.store.beat({ serviceId: record.id, ...this.#worker() });
    if (answer === null) return this.#gone(record);
    this.#heedForcedDown(answer.forcedDown);
    if (answer.instanceId !== this.#who.instanceId) this.#complainOfForeigner();
  }

  async #gone(record: ServiceRecord): Promise<void> {
    const { log, autoRecreate } = this.#options;
    const by = await this.#registry.store.deletedBy(record.id);
    const mayRecreate = autoRecreate && by === undefined && !this.#draining;
    log.error(
      { hint: mayRecreate ? 'It is created again.' : 'Stop the service, or restart it to have a record again.' },
      `The record of ${record.binary} on ${record.host} was deleted${by === undefined ? '' : ` by ${by}`} while it runs`,
    );
    if (!mayRecreate) {
      this.#record = undefined;
      this.#options.onVerdict('drain', 'its record was deleted');
      return;
    }
    await this.register();
    await this.#write('running');
  }

  #heedForcedDown(forcedDown: boolean): void {
    if (forcedDown && !this.#forcedDownTold) {
      this.#options.log.warn('an operator forced this service down: other services treat it as down');
      if (this.#options.fenceOnForcedDown) this.#options.onVerdict('drain', 'an operator forced it down');
    }
    this.#forcedDownTold = forcedDown;
  }

  #complainOfForeigner(): void {
    const now = this.#options.clock.now();
    if (this.#draining || (this.#foreignToldAt !== undefined && now - this.#foreignToldAt < COMPLAINT_MS)) return;
    this.#foreignToldAt = now;
    const { binary, host } = this.#who;
    this.#options.log.error(`another ${binary} has registered under the host name ${host}: only one can run there`);
  }

  /** Never fails: a registry that is not available must not delay an end. */
  async #signOff(state: ServiceState, own: (id: number) => Promise<void>): Promise<void> {
    const id = this.#record?.id;
    if (id === undefined) return;
    try {
      await own(id);
      if ((await this.#siblings(id)).length > 0) return;
      await this.#write(state);
      // A worker that has joined between the look and the write serves.
      if ((await this.#siblings(id)).length > 0) await this.#write('running');
    } catch (error) {
      this.#options.log.warn({ err: error }, `could not write "${state}" to the service registry`);
    }
  }

  /** Returns the other workers that accept requests: on the same machine, so the system knows which are alive. */
  async #siblings(id: number): Promise<number[]> {
    const rows = await this.#registry.store.workers(id);
    return rows
      .filter(({ pid, draining }) => pid !== this.#who.pid && !draining && this.#options.isAlive(pid))
      .map(({ pid }) => pid);
  }

  async #forgetDeadWorkers(id: number): Promise<void> {
    for (const { worker, pid } of await this.#registry.store.workers(id)) {
      const replaced = worker === this.#who.worker && pid !== this.#who.pid;
      if (replaced && !this.#options.isAlive(pid)) await this.#registry.store.dropWorker(id, worker, pid);
    }
  }

  async #write(state: ServiceState): Promise<void> {
    const id = this.#record?.id;
    if (id === undefined) return;
    const record = await this.#registry.store.update(id, { state });
    if (record !== null) this.#record = record;
  }
}

/** The leases of a process: only its holder runs a task of the fleet. */
class Leases {
  readonly #store: ServiceStore;
  /** The process, because in a rolling reload its predecessor runs beside it. */
  readonly #owner: string;
  readonly #clock: Clock;
  readonly #asked = new Set<string>();

  constructor(
    store: ServiceStore,
    { host, worker, pid }: Readonly<{ host: string; worker: number; pid: number }>,
    clock: Clock,
  ) {
    this.#store = store;
    this.#owner = `${host}/${worker}/${pid}`;
    this.#clock = clock;
  }

  /** Acquires or renews the lease of a task. False if it has ended before the answer came. */
  async take(task: string, seconds: number): Promise<boolean> {
    const askedAt = this.#clock.now();
    this.#asked.add(task);
    const isHeld = await this.#store.lease(task, this.#owner, seconds);
    return isHeld && this.#clock.now() - askedAt < seconds * 1000;
  }

  /** Ends all leases, so that another process may run the tasks at once. */
  async release(): Promise<void> {
    for (const task of this.#asked) await this.#store.lease(task, this.#owner, 0);
  }
}
