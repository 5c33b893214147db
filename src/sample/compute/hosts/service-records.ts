/** Records of services: those of the simulated host, which the cloud keeps, and those of this deployment. */
import { RegistryUnavailable, type ServiceView } from 'portico/registry';
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
  /** The last heartbeat, in milliseconds. */
  readonly seenAt: number;
  /** Its record is the registry's. */
  readonly isRegistered: boolean;
}

/** All services. Not for use within a transaction: the registry is no part of the store. */
export async function knownServices({ cloud, hosts, registry, service: api }: ComputeApi): Promise<KnownService[]> {
  const now = Date.now();
  const views = registry === null ? [] : await listRegistered(registry);
  const registered = views.map((view) => registeredService(cloud, view));
  if (hosts !== null) return registered;
  // The services of the host live in the processes of this API: its heartbeat is theirs. Without one, it is up, for it
  // answers.
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
    if (error instanceof RegistryUnavailable) refuse(503, 'The service registry cannot be reached.');
    throw error;
  }
}

/** Those that have a part of nova's are called as nova calls them. */
const BINARIES: ReadonlyMap<string | null, string> = new Map([
  [HOST_TOPIC, 'nova-compute'],
  [CONDUCTOR_TOPIC, 'nova-conductor'],
]);

function registeredService(cloud: Cloud, { record, state }: ServiceView): KnownService {
  const isHost = record.topic === HOST_TOPIC;
  return {
    id: record.uuid,
    // Numbers that no service of the host has.
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

/** The zone of a host: that of its aggregate. */
export function zoneOf(cloud: Cloud, host: string): string {
  const around = cloud.aggregates.list().filter(({ hosts }) => hosts.includes(host));
  return around.map(({ metadata }) => metadata.availability_zone).find(Boolean) ?? HOST.zone;
}

/** `enabled` or `disabled`: what an operator says, not whether it is up. */
export function statusOf({ disabled }: Service): 'enabled' | 'disabled' {
  return disabled ? 'disabled' : 'enabled';
}

/** An operator's wish for a service. */
interface Wanted {
  readonly disabled: boolean;
  readonly disabled_reason?: string | undefined;
  readonly forced_down?: unknown;
}

/** Changes the record where it is kept. The service as it is then. */
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
 * The record that the path names: by its number or, from 2.53 on, by its UUID. Anything but a UUID is 400; anything but a number
 * has the status `noNumber`.
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
