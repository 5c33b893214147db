/** Services: administrators list, enable and disable them. Also the availability zones of services. */
import { isoMicros } from 'portico/openstack';
import { type ActionRequest, action } from 'portico/routing';
import { Controller, refuse, requireAdmin } from '../api.js';
import { closed, flag, query, queryByVersion, text } from '../schemas.js';
import { placesOf } from './compute-hosts.js';
import { changeService, findById, idOf, type KnownService, knownServices, statusOf } from './service-records.js';

const changes = { disabled_reason: text, forced_down: flag } as const;
const changeByName = closed({ host: text, binary: text, ...changes }, 'host', 'binary');
const changeByUuid = closed({ status: { enum: ['enabled', 'disabled'] }, ...changes });

/** The actions in the path below 2.53: the microversion that added each, and the body member that it needs. */
const VERBS = new Map<string, { since: string; needed: 'binary' | 'disabled_reason' | 'forced_down' }>([
  ['enable', { since: '2.1', needed: 'binary' }],
  ['disable', { since: '2.1', needed: 'binary' }],
  ['disable-log-reason', { since: '2.1', needed: 'disabled_reason' }],
  ['force-down', { since: '2.11', needed: 'forced_down' }],
]);

export class Services extends Controller {
  readonly index = action({ query: queryByVersion(query('host', 'binary')) }, async (request) => {
    requireAdmin(request, 'os-services:list');
    const [host, binary] = [request.queryValue('host'), request.queryValue('binary')];
    const services = (await knownServices(this.api))
      .filter((service) => !host || service.host === host)
      .filter((service) => !binary || service.binary === binary);
    return { services: services.map((service) => serviceView(request, service)) };
  });

  /** Below 2.53 the path names the action, from 2.53 on the service. */
  readonly update = [
    action({ versions: ['2.1', '2.52'], body: changeByName }, async (request, { id }) => {
      requireAdmin(request, 'os-services:update');
      const { host, binary, disabled_reason, forced_down } = request.body;
      const verb = VERBS.get(String(id)) ?? refuse(404, 'Unknown action');
      if (!request.apiVersion.atLeast(verb.since)) refuse(404, 'Unknown action');
      if (request.body[verb.needed] === undefined) refuse(400, `Missing ${verb.needed} field`);
      const services = await knownServices(this.api);
      const service = services.find((it) => it.host === host && it.binary === binary);
      if (service === undefined) refuse(404, `There is no ${binary} on host ${host}.`);
      const isForcing = id === 'force-down';
      const disabled = isForcing ? service.disabled : id !== 'enable';
      const changed = await changeService(this.api, service, { disabled, disabled_reason, forced_down });
      if (isForcing) return { service: { host, binary, forced_down: changed.forced_down } };
      const status = statusOf(changed);
      return { service: changed.disabled ? { host, binary, status, disabled_reason } : { host, binary, status } };
    }),
    action({ versions: ['2.53'], body: changeByUuid }, async (request) => {
      requireAdmin(request, 'os-services:update');
      const { status, ...more } = request.body;
      const service = findById(request, await knownServices(this.api), 400);
      const disabled = (status ?? statusOf(service)) === 'disabled';
      return { service: serviceView(request, await changeService(this.api, service, { disabled, ...more })) };
    }),
  ];
}

function serviceView(request: ActionRequest, service: KnownService) {
  const { binary, host, zone, state, disabled_reason, forced_down } = service;
  const [id, status, updated_at] = [idOf(request, service), statusOf(service), isoMicros(service.seenAt)];
  const view = { id, binary, host, zone, status, state, updated_at, disabled_reason };
  return { ...view, ...(request.apiVersion.atLeast('2.11') && { forced_down }) };
}

const zoneState = { available: true };

/** Availability zones. The list has the zones of hosts that accept new servers; the details have those of all enabled nova services. */
export class Zones extends Controller {
  async index() {
    const zoneNames = [...new Set((await placesOf(this.api)).map(({ zone }) => zone))];
    return { availabilityZoneInfo: zoneNames.map((zoneName) => ({ zoneName, zoneState, hosts: null })) };
  }

  /** Adds the services of each zone. Administrators only. */
  async detail(request: ActionRequest) {
    requireAdmin(request, 'os-availability-zone:detail');
    const services = await knownServices(this.api);
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

/** Returns the hosts by name, each with its services by name. */
function hostsView(services: readonly KnownService[]): object {
  const hosts: Record<string, Record<string, object>> = {};
  for (const { host, binary, state, seenAt } of services) {
    const service = { available: state === 'up', active: true, updated_at: isoMicros(seenAt) };
    hosts[host] = { ...hosts[host], [binary]: service };
  }
  return hosts;
}
