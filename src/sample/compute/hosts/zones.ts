/** Availability zones: that of the one host, and that of the services without one. */
import { isoMicros } from 'portico/openstack';
import type { ActionRequest } from 'portico/routing';
import { HOST } from '../../seed.js';
import { type ComputeApi, requireAdmin } from '../api.js';
import { type KnownService, knownServices, zoneOf } from './service-records.js';

const zoneState = { available: true };

export class Zones {
  readonly #api: ComputeApi;

  constructor(api: ComputeApi) {
    this.#api = api;
  }

  index() {
    const { cloud } = this.#api;
    return { availabilityZoneInfo: [{ zoneName: cloud.read(() => zoneOf(cloud)), zoneState, hosts: null }] };
  }

  /** With the services of each. Administrators only. */
  async detail(request: ActionRequest) {
    requireAdmin(request, 'os-availability-zone:detail');
    const services = await knownServices(this.#api);
    const enabled = services.filter(({ disabled, isRegistered }) => !disabled && !isRegistered);
    const zoneNames = [...new Set(enabled.map(({ zone }) => zone))];
    return {
      availabilityZoneInfo: zoneNames.map((zoneName) => ({
        zoneName,
        zoneState,
        hosts: { [HOST.name]: servicesView(enabled.filter(({ zone }) => zone === zoneName)) },
      })),
    };
  }
}

function servicesView(services: readonly KnownService[]): object {
  const entries = services.map(({ binary, state, seenAt }) => {
    return [binary, { available: state === 'up', active: true, updated_at: isoMicros(seenAt) }] as const;
  });
  return Object.fromEntries(entries);
}
