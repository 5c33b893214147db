/**
 * Membership of one worker in the registry: its service's record, created or found at the start, kept alive, and signed
 * off.
 */
import {
  formatDuration,
  type KeptValues,
  PorticoError,
  RECORD_KEY,
  type ServiceAnnouncement,
  type ServiceRegistry,
} from 'portico/extension';
import type { Registration, ServiceRecord, ServiceState } from 'portico/service';
import { pause, within } from 'portico/tasks';
import { Heartbeat, type HeartbeatTimes } from './heartbeat.js';
import { Leases } from './leases.js';
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
  /** Seconds to wait for an unavailable registry if {@link mustRegister}. Default: 60. */
  readonly startWait: number;
  /**
   * The service must not serve before it has its record, which may say that it was forced down. Default: `[servicegroup]
   * fence_on_forced_down`, unless a replaced process has left a record
   * that is not forced down.
   */
  readonly mustRegister: boolean;
  /** Values of replaced processes of this service, with the record under `record`. Default: none. */
  readonly kept?: KeptValues | undefined;
  /** Settles when an earlier run of this service in the same process has left: it registers after that. Default: at once. */
  readonly left?: Promise<unknown> | undefined;
  /**
   * Seconds before the first retry if the registry is not available at the start; doubled each time. Default: 1.
   */
  readonly retryInterval: number;
  /** Maximum number of seconds between two retries. Default: 10. */
  readonly maxRetryInterval: number;
  /** Drain if an operator forces the service down. Default: `[servicegroup] fence_on_forced_down`, false. */
  readonly fenceOnForcedDown: boolean;
  /**
   * Start under a host name that another machine seems to use, or although every other service of this binary is newer. Default:
   * `[servicegroup] takeover`, false.
   */
  readonly takeover: boolean;
  /** Returns the number of requests and calls in progress, for the worker's row. Default: 0. */
  readonly inFlight: () => number;
  /** Called if the service must stop accepting requests, or end, with the reason. */
  readonly onVerdict: (verdict: 'drain' | 'exit', reason: string) => void;
  /** Called when the record is known, and when an operator disables or enables the service. */
  readonly onDisabled: (isDisabled: boolean) => void;
  /** Reports whether a process runs. */
  readonly isAlive: (pid: number) => boolean;
}

/** Minimum interval of warnings about the same problem, in milliseconds. */
const COMPLAINT_MS = 60_000;

/** Time that a start waits for a registry before it serves without: one that is present responds within milliseconds. */
const PATIENCE_MS = 1000;

/** Time for the first start, after which its hooks get null as if there were no record: as long as a connection may take. */
const FIRST_PATIENCE_MS = 5000;

/** Refusals of a registration that a later attempt cannot change. */
const REFUSED: ReadonlySet<unknown> = new Set(['PORTICO_SERVICE_TOO_OLD', 'PORTICO_HOST_TAKEN']);

export class Membership implements Registration {
  readonly #registry: ServiceRegistry;
  readonly #who: MemberIdentity;
  readonly #options: MembershipOptions;
  readonly #downTime: number;
  readonly #heartbeat: Heartbeat;
  #record: ServiceRecord | undefined;
  /** True once the record says that the service serves. */
  #isRunning = false;
  /** True if this service may have no record any more. */
  #isRefused = false;
  /** Id of the record, also after this worker has left. */
  #id: number | undefined;
  readonly #leases: Leases;
  /** Aborted when it leaves: an attempt to register that is still under way writes nothing more. */
  #leaving = new AbortController();
  /** The last thing that it writes of its end. Each waits for the one before, also if its caller does not wait. */
  #signedOff: Promise<void> = Promise.resolve();
  #draining = false;
  #forcedDownTold = false;
  #disabledTold = false;
  #foreignToldAt: number | undefined;

  constructor(registry: ServiceRegistry, who: MemberIdentity, options: MembershipOptions) {
    this.#registry = registry;
    this.#who = who;
    this.#options = options;
    this.#leases = new Leases(registry.store, who, options.clock);
    const { reportInterval, serviceDownTime, log } = options;
    this.#downTime = correctedDownTime(serviceDownTime, reportInterval);
    if (this.#downTime !== serviceDownTime) {
      log.warn(
        `service_down_time (${serviceDownTime}) must be greater than report_interval (${reportInterval}): using ${this.#downTime}`,
      );
    }
    this.#heartbeat = new Heartbeat({ ...options, beat: () => this.#beat(), downTime: this.#downTime });
  }

  /** Values for health checks. */
  get heartbeat(): { readonly disconnected: boolean; readonly lateMs: number } {
    return this.#heartbeat;
  }

  trouble(): string | undefined {
    const { why, outageMs } = this.#heartbeat;
    if (why === undefined) return this.#disabledText;
    // To the minute, so that the workers of a service say the same.
    const since = `${new Date(Date.now() - outageMs).toISOString().slice(0, 16)}Z`;
    if (this.#record === undefined) return `it serves, not registered since ${since}: ${why}`;
    const seen = this.isLost() ? ', and other services count this one as down' : '';
    return `its record cannot be written since ${since}${seen}: ${why}`;
  }

  /** Reports whether other services consider this one down: its heartbeat has failed for longer than `service_down_time`. */
  isLost(): boolean {
    return this.#heartbeat.outageMs > this.#downTime * 1000;
  }

  /** The service's record, once registered, as last read by this worker. */
  get record(): ServiceRecord | undefined {
    return this.#record;
  }

  /**
   * Returns the record; if the registry does not respond, the one that a replaced process has left, else null. If it must register, waits for
   * the registry instead, for at most `startWait` seconds.
   */
  async read(signal?: AbortSignal): Promise<ServiceRecord | null> {
    const { host, binary } = this.#who;
    const find = (): Promise<ServiceRecord | null> => this.#registry.store.find(host, binary);
    if (this.#options.mustRegister) return this.#awaited(find, signal);
    const kept = this.#keptRecord;
    const found = await this.#soon(find, signal, kept === null ? FIRST_PATIENCE_MS : PATIENCE_MS);
    return found === undefined ? kept : found;
  }

  /**
   * Creates or updates the record, and returns it. If the registry does not respond, the heartbeat registers as soon as it does, and the
   * result is as that of {@link read}. If it must register, waits for the registry instead.
   */
  async register(signal?: AbortSignal): Promise<ServiceRecord | null> {
    this.#draining = false;
    this.#leaving = new AbortController();
    const register = (): Promise<ServiceRecord> => this.#register();
    const { mustRegister } = this.#options;
    const record = await (mustRegister ? this.#awaited(register, signal) : this.#soon(register, signal));
    if (record !== undefined) return record;
    const kept = this.#keptRecord;
    if (kept !== null) this.#tellDisabled(kept);
    return kept;
  }

  async join(): Promise<void> {
    await this.#soon(() => this.#run());
    this.#heartbeat.start();
  }

  /** Sets the service's state to draining when no worker accepts requests any more. */
  drain(): Promise<void> {
    this.#draining = true;
    return this.#inOrder(() => this.#drain());
  }

  async #drain(): Promise<void> {
    // It registers no more.
    if (this.#record === undefined) await this.#heartbeat.stop();
    await this.#signOff('draining', (id) => this.#registry.store.putWorker(id, { ...this.#worker(), draining: true }));
  }

  leave({ keepsLeases = false } = {}): Promise<void> {
    this.#leaving.abort();
    return this.#inOrder(() => this.#leave(keepsLeases));
  }

  async #leave(keepsLeases: boolean): Promise<void> {
    await this.#heartbeat.stop();
    const release = async (): Promise<void> => {
      if (!keepsLeases) await this.#leases.release();
    };
    // It has left before its tasks had ended. Leases end by themselves, too.
    if (this.#record === undefined) await release().catch(() => undefined);
    await this.#signOff('stopped', async (id) => {
      await release();
      return this.#registry.store.dropWorker(id, this.#who.worker, this.#who.pid);
    });
    this.#record = undefined;
  }

  #inOrder(step: () => Promise<void>): Promise<void> {
    this.#signedOff = this.#signedOff.then(step);
    return this.#signedOff;
  }

  /** Deletes the record. Returns false if it is gone already. */
  async remove(): Promise<boolean> {
    return this.#id !== undefined && (await this.#registry.store.remove(this.#id, this.#who.binary));
  }

  /** Acquires or renews a lease in the name of this process. */
  lease(task: string, seconds: number): Promise<boolean> {
    return this.#leases.take(task, seconds);
  }

  get #disabledText(): string | undefined {
    if (this.#record?.disabled !== true) return undefined;
    const { disabledReason, topic } = this.#record;
    const effect = topic === null ? '' : ', and leaves the calls of its topic to other hosts';
    return `it is disabled by an operator${disabledReason === null ? '' : ` (${disabledReason})`}${effect}`;
  }

  get #keptRecord(): ServiceRecord | null {
    return keptRecord(this.#options.kept, this.#who.host, this.#who.binary) ?? null;
  }

  /** Waits for a registry that is not available, with growing pauses, for at most `startWait` seconds, or until the start is called off. */
  async #awaited<T>(ask: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const { clock, log, startWait, retryInterval, maxRetryInterval } = this.#options;
    const began = clock.now();
    let told = Number.NEGATIVE_INFINITY;
    for (let waitMs = retryInterval * 1000; ; waitMs = Math.min(2 * waitMs, maxRetryInterval * 1000)) {
      try {
        return await this.#asked(ask, Math.max(PATIENCE_MS, startWait * 1000), signal);
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

  /** Returns undefined if the registry is not available, or does not respond soon: the heartbeat then repeats what was asked. */
  async #soon<T>(ask: () => Promise<T>, signal?: AbortSignal, ms = PATIENCE_MS): Promise<T | undefined> {
    if (this.#heartbeat.disconnected) return undefined;
    try {
      return await this.#asked(ask, ms, signal);
    } catch (error) {
      if (!(error instanceof RegistryUnavailable)) throw error;
      this.#heartbeat.beginWithout(error);
      return undefined;
    }
  }

  async #asked<T>(ask: () => Promise<T>, ms: number, signal: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted();
    return await within(ask(), { ms, clock: this.#options.clock, signal, unref: true }, () => {
      signal?.throwIfAborted();
      throw new RegistryUnavailable(new Error(`no response within ${formatDuration(ms / 1000)}`));
    });
  }

  async #register(): Promise<ServiceRecord> {
    const { store } = this.#registry;
    const { host, binary, version } = this.#who;
    const { signal } = this.#leaving;
    await this.#options.left;
    signal.throwIfAborted();
    const existing = await store.find(host, binary);
    await this.#refuse(existing);
    if (existing !== null && existing.version !== version) {
      this.#options.log.info(
        `Updating service version for ${binary} on ${host} from ${existing.version} to ${version}`,
      );
    }
    // If a sibling runs already, the record has its state; only the first worker sets the state of a start.
    const state = existing !== null && (await this.#siblings(existing.id)).length > 0 ? existing.state : 'starting';
    signal.throwIfAborted();
    const record =
      existing === null ? await this.#insert() : await store.update(existing.id, { ...this.#announcement(), state });
    if (record === null) return this.#register();
    await this.#forgetDeadWorkers(record.id);
    signal.throwIfAborted();
    await store.putWorker(record.id, { ...this.#worker(), inFlight: 0, draining: false });
    signal.throwIfAborted();
    this.#isRunning = false;
    this.#know(record);
    this.#id = record.id;
    this.#tellDisabled(record);
    return record;
  }

  /** Registers if that was not possible, and sets the state of a service that has started. */
  async #run(): Promise<void> {
    if (this.#draining) return;
    if (this.#record === undefined) await this.#register();
    if (this.#isRunning) return;
    await this.#write('running');
    this.#isRunning = true;
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
        disabled: false,
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
    if (this.#options.takeover) return;
    const { store } = this.#registry;
    const { host, binary, version, machineId } = this.#who;
    const minimum = await this.#registry.minVersion(binary);
    if (minimum !== undefined && version < minimum) {
      // It would not understand the messages of the others.
      throw new PorticoError('PORTICO_SERVICE_TOO_OLD', {
        message: `${binary} has version ${version}, but every running ${binary} has at least ${minimum}`,
        hint: 'Upgrade it, or start it once with --set servicegroup.takeover=true.',
      });
    }
    if (existing === null || existing.machineId === machineId) return;
    if (!isUp({ ...existing, forcedDown: false }, await store.now())) return;
    throw new PorticoError('PORTICO_HOST_TAKEN', {
      message: `${binary} runs on another machine under the host name ${host}`,
      hint: 'Give this machine a unique name ([DEFAULT] host), or start once with --set servicegroup.takeover=true if the other one is gone.',
    });
  }

  async #beat(): Promise<void> {
    if (this.#isRefused) return;
    try {
      await this.#run();
    } catch (error) {
      if (!REFUSED.has((error as PorticoError).code)) throw error;
      // It began to serve while the registry was away. A start would have been refused.
      this.#isRefused = true;
      this.#options.log.error({ err: error }, 'The service registry is back, and refuses this service');
      this.#options.onVerdict('exit', (error as PorticoError).describe());
      return;
    }
    const record = this.#record;
    if (record === undefined) return;
    const answer = await this.#registry.store.beat({ serviceId: record.id, ...this.#worker() });
    if (answer === null) return this.#gone(record);
    this.#heedForcedDown(record, answer.forcedDown);
    if (answer.disabled !== this.#disabledTold) await this.#disabled(record.id);
    if (answer.instanceId !== this.#who.instanceId) this.#complainOfForeigner();
  }

  async #gone(record: ServiceRecord): Promise<void> {
    const { log } = this.#options;
    const by = await this.#registry.store.deletedBy(record.id);
    const mayRecreate = by === undefined && !this.#draining;
    log.error(
      { hint: mayRecreate ? 'It is created again.' : 'Stop the service, or restart it to have a record again.' },
      `The record of ${record.binary} on ${record.host} was deleted${by === undefined ? '' : ` by ${by}`} while it runs`,
    );
    if (!mayRecreate) {
      this.#record = undefined;
      this.#isRefused = true;
      this.#options.onVerdict('drain', 'its record was deleted');
      return;
    }
    this.#record = undefined;
    await this.#run();
  }

  /** An operator has disabled the service, or enabled it. The heartbeat does not say why. */
  async #disabled(id: number): Promise<void> {
    const { host, binary } = this.#who;
    const record = await this.#registry.store.find(host, binary);
    if (record?.id !== id) return;
    this.#know(record);
    const { disabled, disabledReason } = record;
    const why = disabledReason === null ? '' : `: ${disabledReason}`;
    this.#options.log.info(`An operator ${disabled ? 'disabled' : 'enabled'} this service${why}`);
    this.#tellDisabled(record);
  }

  #tellDisabled({ disabled }: ServiceRecord): void {
    this.#disabledTold = disabled;
    this.#options.onDisabled(disabled);
  }

  #heedForcedDown(record: ServiceRecord, forcedDown: boolean): void {
    if (forcedDown === this.#forcedDownTold) return;
    this.#forcedDownTold = forcedDown;
    this.#know({ ...record, forcedDown });
    if (!forcedDown) return;
    this.#options.log.warn('an operator forced this service down: other services treat it as down');
    if (this.#options.fenceOnForcedDown) this.#options.onVerdict('drain', 'an operator forced it down');
  }

  #know(record: ServiceRecord): void {
    this.#record = record;
    this.#options.kept?.set(RECORD_KEY, record);
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

/** Returns the record that a replaced process of the service has left; undefined if there is none, or of another name. */
export function keptRecord(kept: KeptValues | undefined, host: string, binary: string): ServiceRecord | undefined {
  const record = kept?.get(RECORD_KEY) as ServiceRecord | undefined;
  return record?.host === host && record.binary === binary ? record : undefined;
}
