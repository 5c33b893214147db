/** What is known of services: those of the one host, whose records the cloud keeps, and those of this deployment. */

import { isoMicros } from 'portico/openstack';
import { RegistryUnavailable, type ServiceView } from 'portico/registry';
import { view } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../cloud.js';
import type { Service } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, declared, refuse } from './call.js';

/** A service with its life; `registered`: its record is the registry's. */
export type Known = Stored<Service> & { readonly state: string; readonly seenAt: number; readonly registered: boolean };

/** A host is in the zone of its aggregate. */
export function zoneOf(cloud: Cloud): string {
  const around = cloud.aggregates.list().filter(({ hosts }) => hosts.includes(HOST.name));
  return around.map(({ metadata }) => metadata.availability_zone).find(Boolean) ?? HOST.zone;
}

/** A record by number or, from 2.53 on, by UUID. `otherwise`: what a number that is none is below. */
export function byId<R extends { seq: number; id: string }>(call: Call, records: readonly R[], otherwise: number): R {
  const [wanted, uuids] = [call.params.id!, call.apiVersion.atLeast('2.53')];
  const form = uuids ? /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i : /^\d+$/;
  if (!form.test(wanted)) refuse(uuids ? 400 : otherwise, `Invalid id ${wanted}`);
  const found = records.find((it) => String(uuids ? it.id : it.seq) === wanted);
  return found ?? refuse(404, `${wanted} could not be found.`);
}

export const status = ({ disabled }: Service): string => (disabled ? 'disabled' : 'enabled');
export const states = (service: Known) => ({ state: service.state, status: status(service) });
export const serviceView = view(
  'binary host zone status state updated_at disabled_reason \n -2.52 id=seq \n 2.11+ forced_down \n 2.53+ id',
  (service: Known) => ({ ...states(service), updated_at: isoMicros(service.seenAt) }),
);

/** All services. The registry is asked outside of transactions, because it is no part of the store. */
export async function servicesOf(call: Call): Promise<Known[]> {
  try {
    return known(call, (await call.registry?.list()) ?? []);
  } catch (error) {
    if (error instanceof RegistryUnavailable) refuse(503, 'The service registry cannot be reached.');
    throw error;
  }
}

/** An action that looks at services. */
export function readsServices(
  options: Parameters<typeof declared>[0],
  handler: (call: Call, services: readonly Known[]) => unknown,
) {
  return declared(options, async (call) => {
    const services = await servicesOf(call);
    return call.cloud.read(() => handler(call, services));
  });
}

function known({ cloud, service: api, now }: Call, views: readonly ServiceView[]): Known[] {
  const deployed = views.map(({ record, state }) => {
    const { id, uuid, binary, host, disabled, disabledReason: disabled_reason, forcedDown: forced_down } = record;
    const life = {
      state: state === 'down' ? 'down' : 'up',
      seenAt: (record.lastSeenUp ?? record.createdAt).getTime(),
      registered: true,
    };
    const zone = record.zone ?? 'internal';
    return { id: uuid, seq: 1000 + id, binary, host, zone, disabled, disabled_reason, forced_down, ...life };
  });
  // Those of the host live in the processes of this API: its heartbeat is theirs or, without one, that it answers.
  const { state, seenAt } = deployed.find(({ binary }) => binary.endsWith(`-${api}`)) ?? { state: 'up', seenAt: now };
  const ofHost = cloud.services.list().map((service) => ({
    ...service,
    zone: service.binary === 'nova-compute' ? zoneOf(cloud) : service.zone,
    state: service.forced_down ? 'down' : state,
    seenAt,
    registered: false,
  }));
  return [...ofHost, ...deployed];
}
