/** The records of services: those of the simulated host, in the store, and those of this deployment, in the registry. */
import type { ServiceView } from 'portico/registry';
import type { ActionRequest } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import { type Cloud, HOST } from '../../cloud.js';
import type { Service } from '../../records.js';
import { type ComputeApi, refuse } from '../api.js';
import { CONDUCTOR_TOPIC, HOST_TOPIC } from '../managers.js';
import { isTrue } from '../schemas.js';

/** A service, and whether it is up. */
export interface KnownService extends Stored<Service> {
  readonly state: 'up' | 'down';
  /** The time of the last heartbeat, in milliseconds since 1970. */
  readonly seenAt: number;
  /** Whether the record is in the registry. */
  readonly isRegistered: boolean;
}

/** Returns all services. 503 if the registry cannot be reached. Not for use in a transaction, because the registry is not in the store. */
export async function knownServices({ cloud, hosts, registry, service: api }: ComputeApi): Promise<KnownService[]> {
  const now = Date.now();
  const views = registry === null ? [] : await listRegistered(registry);
  const registered = views.map((view) => registeredService(cloud, view));
  if (hosts !== null) return registered;
  // The services of the simulated host run in this API's processes, so they have its heartbeat. An API without a record is up, because
  // it responds.
  const own = registered.find(({ binary }) => binary === `portico-${api}`);
  const ofHost = cloud.services.list().map(
    (service): KnownService => ({
      ...service,
      zone: service.binary === 'nova-compute' ? zoneOf(cloud, service.host) : service.zone,
      state: service.forced_down ? 'down' : (own?.state ?? 'up'),
      seenAt: own?.seenAt ?? now,
      isRegistered: false,
    }),
  );
  return [...ofHost, ...registered];
}

async function listRegistered(registry: NonNullable<ComputeApi['registry']>): Promise<ServiceView[]> {
  try {
    return await registry.list();
  } catch (error) {
    if ((error as { readonly code?: unknown } | undefined)?.code === 'PORTICO_REGISTRY_UNAVAILABLE') {
      refuse(503, 'The service registry cannot be reached.');
    }
    throw error;
  }
}

/** nova's names for services with a counterpart in nova, by topic. */
const BINARIES: ReadonlyMap<string | null, string> = new Map([
  [HOST_TOPIC, 'nova-compute'],
  [CONDUCTOR_TOPIC, 'nova-conductor'],
]);

function registeredService(cloud: Cloud, { record, state }: ServiceView): KnownService {
  const isHost = record.topic === HOST_TOPIC;
  return {
    id: record.uuid,
    // Numbers that differ from those of the simulated host's services.
    seq: 1000 + record.id,
    binary: BINARIES.get(record.topic) ?? record.binary,
    host: record.host,
    zone: isHost ? zoneOf(cloud, record.host) : (record.zone ?? 'internal'),
    disabled: record.disabled,
    disabled_reason: record.disabledReason,
    forced_down: record.forcedDown,
    state: state === 'down' ? 'down' : 'up',
    seenAt: (record.lastSeenUp ?? record.createdAt).getTime(),
    isRegistered: true,
  };
}

/** Returns the zone of a host: its aggregate's, else the default zone. */
export function zoneOf(cloud: Cloud, host: string): string {
  const around = cloud.aggregates.list().filter(({ hosts }) => hosts.includes(host));
  return around.map(({ metadata }) => metadata.availability_zone).find(Boolean) ?? HOST.zone;
}

/** Returns the status that an operator has set, which does not say whether the service is up. */
export function statusOf({ disabled }: Service): 'enabled' | 'disabled' {
  return disabled ? 'disabled' : 'enabled';
}

/** The state that an operator sets. */
interface Wanted {
  readonly disabled: boolean;
  readonly disabled_reason?: string | undefined;
  readonly forced_down?: unknown;
}

/**
 * Changes the record, in the registry or in the store, and returns the service after the change. 400 for a service of the simulated host
 * that does not drive it.
 */
export async function changeService(api: ComputeApi, service: KnownService, wanted: Wanted): Promise<KnownService> {
  const { cloud, registry } = api;
  const forcedDown = isTrue(wanted.forced_down ?? service.forced_down);
  const reason = wanted.disabled ? wanted.disabled_reason : undefined;
  if (service.isRegistered) {
    const status = wanted.disabled ? 'disabled' : 'enabled';
    const disabledReason = reason === undefined ? {} : { disabledReason: reason };
    await registry!.update(service.id, { status, forcedDown, ...disabledReason });
  } else if (service.binary === 'nova-compute') {
    const changes = { disabled: wanted.disabled, forced_down: forcedDown, disabled_reason: reason ?? null };
    cloud.write(() => cloud.services.update(service.id, { ...cloud.services.get(service.id)!, ...changes }));
  } else refuse(400, `Updating a ${service.binary} service is not supported.`);
  return (await knownServices(api)).find(({ id }) => id === service.id)!;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Returns the record that the path names: by number or, from 2.53 on, by UUID. 400 if a UUID is required and missing, `noNumber` if a
 * number is; 404 if there is no such record.
 */
export function findById<R extends { readonly seq: number; readonly id: string }>(
  request: ActionRequest,
  records: readonly R[],
  noNumber: number,
): R {
  const id = String(request.params.id);
  const byUuid = request.apiVersion.atLeast('2.53');
  if (byUuid && !UUID.test(id)) refuse(400, `Invalid id ${id}`);
  if (!byUuid && !/^\d+$/.test(id)) refuse(noNumber, `Invalid id ${id}`);
  const found = records.find((record) => id === (byUuid ? record.id : String(record.seq)));
  return found ?? refuse(404, `${id} could not be found.`);
}

/** Returns the id of a record that clients see: the number below 2.53, the UUID from 2.53 on. */
export function idOf({ apiVersion }: ActionRequest, { id, seq }: { readonly id: string; readonly seq: number }) {
  return apiVersion.atLeast('2.53') ? id : seq;
}
