/** Availability zones: those of the hosts, and that of the services without one. */
import { isoMicros } from 'portico/openstack';
import type { ActionRequest } from 'portico/routing';
import { type ComputeApi, requireAdmin } from '../api.js';
import { placesOf } from './compute-hosts.js';
import { type KnownService, knownServices } from './service-records.js';

const zoneState = { available: true };

export class Zones {
  readonly #api: ComputeApi;

  constructor(api: ComputeApi) {
    this.#api = api;
  }

  async index() {
    const zoneNames = [...new Set((await placesOf(this.#api)).map(({ zone }) => zone))];
    return { availabilityZoneInfo: zoneNames.map((zoneName) => ({ zoneName, zoneState, hosts: null })) };
  }

  /** With the services of each. Administrators only. */
  async detail(request: ActionRequest) {
    requireAdmin(request, 'os-availability-zone:detail');
    const services = await knownServices(this.#api);
    const enabled = services.filter(({ disabled, binary }) => !disabled && binary.startsWith('nova-'));
    const zoneNames = [...new Set(enabled.map(({ zone }) => zone))];
    return {
      availabilityZoneInfo: zoneNames.map((zoneName) => ({
        zoneName,
        zoneState,
        hosts: hostsView(enabled.filter(({ zone }) => zone === zoneName)),
      })),
    };
  }
}

function hostsView(services: readonly KnownService[]): object {
  const names = new Set(services.map(({ host }) => host));
  return Object.fromEntries(
    [...names].map((name) => [name, servicesView(services.filter(({ host }) => host === name))] as const),
  );
}

function servicesView(services: readonly KnownService[]): object {
  const entries = services.map(({ binary, state, seenAt }) => {
    return [binary, { available: state === 'up', active: true, updated_at: isoMicros(seenAt) }] as const;
  });
  return Object.fromEntries(entries);
}
