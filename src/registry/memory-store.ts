/**
 * Service records in this process: for tests and for programs that are one process.
 */
import { randomUUID } from 'node:crypto';
import type { ServiceRecord, ServiceState } from '../service/index.js';
import {
  type Beat,
  type BeatAnswer,
  type RecordChanges,
  RecordExists,
  type RecordFilter,
  type ServiceAnnouncement,
  type ServiceStore,
  type WorkerRow,
} from './service-store.js';

type Stored = { -readonly [K in keyof ServiceRecord]: ServiceRecord[K] } & { deletedBy?: string };

/** Workers seen within a day are never forgotten: they may be running. */
const DAY_MS = 86_400_000;

/** Records that end with the process. */
export class MemoryStore implements ServiceStore {
  readonly #now: () => number;
  /** Those that were deleted too, until they are purged. */
  #records: readonly Stored[] = [];
  #workers: readonly WorkerRow[] = [];
  readonly #leases = new Map<string, { owner: string; until: number }>();
  #lastId = 0;

  /** `now`: milliseconds since 1970; default `Date.now`. */
  constructor(options: { readonly now?: () => number } = {}) {
    this.#now = options.now ?? Date.now;
  }

  async now(): Promise<Date> {
    return new Date(this.#now());
  }

  async find(host: string, binary: string): Promise<ServiceRecord | null> {
    return copied(this.#alive.find((record) => record.host === host && record.binary === binary));
  }

  async get(uuid: string): Promise<ServiceRecord | null> {
    return copied(this.#alive.find((record) => record.uuid === uuid));
  }

  async list(filter: RecordFilter = {}): Promise<ServiceRecord[]> {
    const wanted = Object.entries(filter) as [keyof RecordFilter, string][];
    return this.#alive
      .filter((record) => wanted.every(([key, value]) => record[key] === value))
      .sort((a, b) => compare(a.host, b.host) || compare(a.binary, b.binary))
      .map((record) => ({ ...record }));
  }

  async insert(
    service: ServiceAnnouncement,
    initial: { disabled: boolean; state: ServiceState },
  ): Promise<ServiceRecord> {
    for (const { host, binary, topic } of this.#alive) {
      if (host !== service.host) continue;
      if (binary === service.binary) throw new RecordExists(host, binary);
      if (topic !== null && topic === service.topic) throw new RecordExists(host, `topic ${topic}`);
    }
    const record: Stored = {
      ...service,
      ...initial,
      id: ++this.#lastId,
      uuid: randomUUID(),
      reportCount: 0,
      lastSeenUp: null,
      disabledReason: null,
      forcedDown: false,
      createdAt: new Date(this.#now()),
      updatedAt: null,
      deletedAt: null,
    };
    this.#records = [...this.#records, record];
    return { ...record };
  }

  async update(id: number, changes: RecordChanges): Promise<ServiceRecord | null> {
    const record = this.#one(id);
    if (record !== undefined) Object.assign(record, changes, { updatedAt: new Date(this.#now()) });
    return copied(record);
  }

  async beat({ serviceId, ...worker }: Beat): Promise<BeatAnswer | null> {
    const record = this.#one(serviceId);
    if (record === undefined) return null;
    record.reportCount++;
    record.lastSeenUp = new Date(this.#now());
    const own = this.#workers.find((row) => isRowOf(row, serviceId, worker.worker, worker.pid));
    await this.putWorker(serviceId, { ...worker, draining: own?.draining ?? false });
    const { reportCount, disabled, forcedDown, instanceId } = record;
    return { reportCount, disabled, forcedDown, instanceId };
  }

  async remove(id: number, by: string): Promise<boolean> {
    const record = this.#one(id);
    if (record === undefined) return false;
    record.deletedAt = new Date(this.#now());
    record.deletedBy = by;
    return true;
  }

  async deletedBy(id: number): Promise<string | undefined> {
    return this.#records.find((record) => record.id === id)?.deletedBy;
  }

  async workers(...serviceIds: readonly number[]): Promise<WorkerRow[]> {
    return this.#workers
      .filter(({ serviceId }) => serviceIds.includes(serviceId))
      .sort((a, b) => a.serviceId - b.serviceId || a.worker - b.worker || a.pid - b.pid);
  }

  async putWorker(serviceId: number, worker: Omit<WorkerRow, 'serviceId' | 'lastSeenUp'>): Promise<void> {
    await this.dropWorker(serviceId, worker.worker, worker.pid);
    this.#workers = [...this.#workers, { ...worker, serviceId, lastSeenUp: new Date(this.#now()) }];
  }

  async dropWorker(serviceId: number, worker: number, pid: number): Promise<void> {
    this.#workers = this.#workers.filter((row) => !isRowOf(row, serviceId, worker, pid));
  }

  async purge(olderThanSeconds: number): Promise<number> {
    const before = this.#now() - olderThanSeconds * 1000;
    const kept = this.#records.filter(({ deletedAt }) => deletedAt === null || deletedAt.getTime() > before);
    const purged = this.#records.length - kept.length;
    this.#records = kept;
    const unseen = Math.min(before, this.#now() - DAY_MS);
    this.#workers = this.#workers.filter(
      ({ serviceId, lastSeenUp }) => kept.some(({ id }) => id === serviceId) && lastSeenUp.getTime() > unseen,
    );
    return purged;
  }

  async lease(task: string, owner: string, seconds: number): Promise<boolean> {
    const held = this.#leases.get(task);
    if (held !== undefined && held.owner !== owner && held.until > this.#now()) return false;
    this.#leases.set(task, { owner, until: this.#now() + seconds * 1000 });
    return true;
  }

  async close(): Promise<void> {}

  get #alive(): readonly Stored[] {
    return this.#records.filter(({ deletedAt }) => deletedAt === null);
  }

  #one(id: number): Stored | undefined {
    return this.#alive.find((record) => record.id === id);
  }
}

function isRowOf(row: WorkerRow, serviceId: number, worker: number, pid: number): boolean {
  return row.serviceId === serviceId && row.worker === worker && row.pid === pid;
}

function copied(record: Stored | undefined): ServiceRecord | null {
  return record === undefined ? null : { ...record };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
