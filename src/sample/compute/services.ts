/** The services of the one host, and its zone. Administrators only, apart from the zone's name. */
import { flag, isTrue, members, object, text, view } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../cloud.js';
import { microTime } from '../names.js';
import type { Service } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, reads, refuse, writes } from './call.js';

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

const status = ({ disabled }: Service): string => (disabled ? 'disabled' : 'enabled');
export const states = (service: Service) => ({ state: service.forced_down ? 'down' : 'up', status: status(service) });

const serviceView = view(
  'binary host zone status state updated_at disabled_reason \n -2.52 id=seq \n 2.11+ forced_down \n 2.53+ id',
  (service: Stored<Service>, { cloud, now }: Call) => {
    const zone = service.binary === 'nova-compute' ? zoneOf(cloud) : service.zone;
    // The services of the sample live in the API's own process: that it answers is their heartbeat.
    return { ...states(service), zone, updated_at: microTime(now) };
  },
);

type Asked = Record<'host' | 'binary', string> &
  Partial<Record<'status' | 'disabled_reason', string>> & { forced_down?: boolean | string };
const changes = { 'disabled_reason?': text(), 'forced_down?': flag };
const byName = object({ ...members('host binary', text()), ...changes });
const byUuid = object({ 'status?': { enum: ['enabled', 'disabled'] }, ...changes });
const admin = 'os-services:update';

function change(call: Call<Asked>, service: Stored<Service>, disabled: boolean): Stored<Service> {
  if (service.binary !== 'nova-compute') refuse(400, `Updating a ${service.binary} service is not supported.`);
  const forced_down = isTrue(call.body.forced_down ?? service.forced_down);
  const disabled_reason = (disabled && call.body.disabled_reason) || null;
  return call.cloud.services.update(service.id, { ...service, disabled, forced_down, disabled_reason });
}

export class Services {
  readonly index = reads({ admin: 'os-services:list', query: { '2.1': members('host binary') } }, (call) => {
    const wanted = (name: 'host' | 'binary') => (it: Service) => it[name] === (call.queryValue(name) || it[name]);
    const found = call.cloud.services.list().filter(wanted('host')).filter(wanted('binary'));
    return { services: found.map((service) => serviceView(service, call)) };
  });
  /** Below 2.53 the path says what is done, from there to which service. */
  readonly update = [
    writes<Asked>({ admin, versions: ['2.1', '2.52'], body: byName }, (call) => {
      const [{ host, binary, disabled_reason }, verb] = [call.body, call.params.id!];
      if (!['enable', 'disable', 'disable-log-reason'].includes(verb)) refuse(404, 'Unknown action');
      const service = call.cloud.services.list().find((it) => it.host === host && it.binary === binary);
      const changed = change(call, service ?? refuse(404, `There is no ${binary} on host ${host}.`), verb !== 'enable');
      return { service: { host, binary, status: status(changed), ...(changed.disabled && { disabled_reason }) } };
    }),
    writes<Asked>({ admin, versions: ['2.53'], body: byUuid }, (call) => {
      const service = byId(call, call.cloud.services.list(), 400);
      const disabled = (call.body.status ?? status(service)) === 'disabled';
      return { service: serviceView(change(call, service, disabled), call) };
    }),
  ];
}

const zoneState = { available: true };

export class Zones {
  readonly index = reads({}, ({ cloud }) => {
    return { availabilityZoneInfo: [{ zoneName: zoneOf(cloud), zoneState, hosts: null }] };
  });
  readonly detail = reads({ admin: 'os-availability-zone:detail' }, (call) => {
    const services = call.cloud.services.list().filter(({ disabled }) => !disabled);
    const shown = services.map((service) => serviceView(service, call));
    const zones = [...new Set(shown.map(({ zone }) => zone))];
    const binaries = (zone: unknown) => {
      const up = shown
        .filter((it) => it.zone === zone)
        .map(({ binary, state, updated_at }) => {
          return [binary, { available: state === 'up', active: true, updated_at }];
        });
      return Object.fromEntries(up) as object;
    };
    return {
      availabilityZoneInfo: zones.map((zone) => ({
        zoneName: zone,
        zoneState,
        hosts: { [HOST.name]: binaries(zone) },
      })),
    };
  });
}
