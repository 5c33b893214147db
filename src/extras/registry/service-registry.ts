/** Registry of services: their hosts, whether they are up, and the decisions of operators about them. */
import {
  checkOptions,
  type Liveness,
  type Logger,
  type OperatorChanges,
  PorticoError,
  type RecordChanges,
  type RegistryHooks,
  type ServiceAnnouncement,
  type ServiceMember,
  type ServiceRegistry,
  type ServiceStore,
  type ServiceView,
  type ViewFilter,
  type WorkerRow,
} from 'portico/extension';
import type { ServiceRecord, ServiceState } from 'portico/service';

/** Options of a registry. */
export interface ServiceRegistryOptions extends RegistryHooks {
  /** Log of its store. Default: none. */
  readonly log?: Logger;
}

const NAMES: readonly (keyof ServiceRegistryOptions)[] = ['log', 'onEvent', 'beforeDelete', 'beforeForceUp'];

/** Records in a store, with the rules for them. */
export class StoredRegistry implements ServiceRegistry {
  readonly store: ServiceStore;
  readonly #options: ServiceRegistryOptions;

  constructor(store: ServiceStore, options: ServiceRegistryOptions = {}) {
    checkOptions('PORTICO_INVALID_OPTION', 'a ServiceRegistry', options, NAMES);
    this.store = store;
    this.#options = options;
  }

  async isUp({ host, binary }: ServiceMember): Promise<boolean> {
    const [record, now] = [await this.store.find(host, binary), await this.store.now()];
    return record !== null && isUp(record, now);
  }

  /** Returns the time of a service's last heartbeat; null before its first one, and for an unknown service. */
  async updatedTime(member: ServiceMember): Promise<Date | null> {
    return (await this.store.find(member.host, member.binary))?.lastSeenUp ?? null;
  }

  /** Returns the hosts of a topic whose services are up. */
  async members(topic: string): Promise<string[]> {
    return (await this.#upFor(topic)).map(({ host }) => host);
  }

  /** Returns all matching services with their workers; sorted by host and binary. */
  async list(filter: ViewFilter = {}): Promise<ServiceView[]> {
    const { state, status, ...columns } = filter;
    const [records, now] = [await this.store.list(columns), await this.store.now()];
    const fitting = records.filter(
      (record) =>
        (state === undefined || liveness(record, now) === state) &&
        (status === undefined || (status === 'disabled') === record.disabled),
    );
    return this.#views(fitting, now);
  }

  /** Returns one service. Rejects with `PORTICO_RECORD_NOT_FOUND`. */
  async show(uuid: string): Promise<ServiceView> {
    return this.#view(await this.#get(uuid));
  }

  /**
   * Applies an operator's changes. A reason requires `disabled`, and at least one field must change
   * (`PORTICO_INVALID_CHANGE`); the application may refuse to clear `forcedDown` (`PORTICO_CHANGE_REFUSED`).
   */
  async update(uuid: string, wanted: OperatorChanges): Promise<ServiceView> {
    const record = await this.#get(uuid);
    const changes = recordChanges(record, wanted);
    if (changes.forcedDown === false && record.forcedDown) await this.#ask(this.#options.beforeForceUp, record);
    const updated = await this.store.update(record.id, changes);
    if (updated === null) throw noRecord(uuid);
    await this.#options.onEvent?.({ kind: 'update', record: updated, changes });
    return this.#view(updated);
  }

  /** Deletes a record. A record that is up requires `force` (`PORTICO_SERVICE_UP`); the application may refuse. */
  async delete(uuid: string, options: { readonly force?: boolean; readonly by?: string } = {}): Promise<void> {
    const record = await this.#get(uuid);
    if (options.force !== true && liveness(record, await this.store.now()) === 'up') {
      throw new PorticoError('PORTICO_SERVICE_UP', {
        message: `${record.binary} on ${record.host} is up`,
        hint: 'Stop it first, or delete it with --force.',
      });
    }
    await this.#ask(this.#options.beforeDelete, record);
    await this.store.remove(record.id, options.by ?? 'operator');
    await this.#options.onEvent?.({ kind: 'delete', record });
  }

  /** Creates the record of a service that has none. Rejects with `RecordExists`. */
  async create(
    service: ServiceAnnouncement,
    initial: { readonly disabled: boolean; readonly state: ServiceState },
  ): Promise<ServiceRecord> {
    const record = await this.store.insert(service, initial);
    await this.#options.onEvent?.({ kind: 'create', record });
    return record;
  }

  /** Purges records that were deleted this many days ago. */
  purge(days = 30): Promise<number> {
    return this.store.purge(days * 86_400);
  }

  /**
   * Returns the lowest version among the services of a topic that are up, including disabled ones; undefined if there
   * are none.
   */
  async lowestVersion(topic: string): Promise<number | undefined> {
    return this.store.lowestVersion({ topic }, { up: true });
  }

  /** Returns the lowest version among the services of these binaries; disabled ones count, those forced down do not. */
  async minVersion(...binaries: string[]): Promise<number | undefined> {
    const each = await Promise.all(binaries.map((binary) => this.store.lowestVersion({ binary })));
    const known = each.filter((version) => version !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  async #upFor(topic: string): Promise<ServiceRecord[]> {
    const [records, now] = [await this.store.list({ topic }), await this.store.now()];
    return records.filter((record) => isUp(record, now));
  }

  async #get(uuid: string): Promise<ServiceRecord> {
    const record = await this.store.get(uuid);
    if (record === null) throw noRecord(uuid);
    return record;
  }

  async #view(record: ServiceRecord): Promise<ServiceView> {
    const [view] = await this.#views([record], await this.store.now());
    return view!;
  }

  async #views(records: readonly ServiceRecord[], now: Date): Promise<ServiceView[]> {
    const rows = new Map<number, WorkerRow[]>(records.map(({ id }) => [id, []]));
    for (const row of await this.store.workers(...rows.keys())) rows.get(row.serviceId)!.push(row);
    return records.map((record) => {
      const workers = rows.get(record.id)!.map((row) => ({
        ...row,
        up: isUp({ ...record, forcedDown: false, state: 'running', lastSeenUp: row.lastSeenUp }, now),
      }));
      return { record, state: liveness(record, now), workers: withoutLeftOver(workers) };
    });
  }

  async #ask(hook: ((record: ServiceRecord) => unknown) | undefined, record: ServiceRecord): Promise<void> {
    try {
      await hook?.(record);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new PorticoError('PORTICO_CHANGE_REFUSED', { message, cause });
    }
  }
}

function noRecord(uuid: string): PorticoError {
  return new PorticoError('PORTICO_RECORD_NOT_FOUND', { message: `the registry has no service ${uuid}` });
}

function recordChanges(record: ServiceRecord, { status, disabledReason, forcedDown }: OperatorChanges): RecordChanges {
  const refuse = (message: string): never => {
    throw new PorticoError('PORTICO_INVALID_CHANGE', { message });
  };
  if (disabledReason !== undefined && status === 'enabled') refuse('an enabled service has no disabled_reason');
  if (disabledReason !== undefined && status === undefined && !record.disabled) {
    refuse('disabled_reason requires the status disabled');
  }
  const changes: RecordChanges = {
    ...(status !== undefined && { disabled: status === 'disabled' }),
    ...(status === 'enabled' && { disabledReason: null }),
    ...(disabledReason !== undefined && { disabledReason }),
    ...(forcedDown !== undefined && { forcedDown }),
  };
  if (Object.keys(changes).length === 0) refuse('nothing to change: pass status, disabled_reason or forced_down');
  return changes;
}

// Whether a service is up.

type HeartbeatFields = Pick<
  ServiceRecord,
  'forcedDown' | 'state' | 'reportInterval' | 'lastSeenUp' | 'createdAt' | 'downTime'
>;

/**
 * Returns whether a service is up at `now` by the registry's clock. A forced state and a sign-off apply at once;
 * otherwise the last heartbeat, or the creation of the record, must be at most `downTime` away, in either direction.
 */
export function liveness(record: HeartbeatFields, now: Date): Liveness {
  if (record.forcedDown || record.state === 'stopped') return 'down';
  if (record.reportInterval === 0) return 'unknown';
  return Math.abs(heartbeatAge(record, now)) <= record.downTime * 1000 ? 'up' : 'down';
}

/** Reports whether a service is not down. */
export function isUp(record: HeartbeatFields, now: Date): boolean {
  return liveness(record, now) !== 'down';
}

/**
 * Returns the seconds after which a service with this `reportInterval` counts as down: at least one heartbeat may be
 * missed.
 */
export function correctedDownTime(downTime: number, reportInterval: number): number {
  return downTime <= reportInterval ? Math.floor(reportInterval * 2.5) : downTime;
}

function heartbeatAge(record: HeartbeatFields, now: Date): number {
  return now.getTime() - (record.lastSeenUp ?? record.createdAt).getTime();
}

/**
 * Returns the workers without those that a killed process has left: their rows stay for a day, and one without heartbeats is down. A worker
 * that is down beside others of the same process, or beside none that is up, is kept.
 */
export function withoutLeftOver<T extends Pick<ServiceView['workers'][number], 'instanceId' | 'up'>>(
  workers: readonly T[],
): readonly T[] {
  const serving = new Set(workers.filter(({ up }) => up).map(({ instanceId }) => instanceId));
  return serving.size === 0 ? workers : workers.filter(({ instanceId }) => serving.has(instanceId));
}
