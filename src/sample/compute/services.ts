/** The services of the one host, and its zone. Administrators only, apart from the zone's name. */
import type { Cloud, Stored } from '../cloud.js';
import { microTime } from '../names.js';
import type { Service } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, reads, refuse, writes } from './call.js';
import { view } from './fields.js';
import { each, flag, isTrue, object, text } from './parameters.js';

/** A host is in the zone of its aggregate. */
export function zoneOf(cloud: Cloud): string {
  const around = cloud.aggregates.list().filter(({ hosts }) => hosts.includes(HOST.name));
  return around.map(({ metadata }) => metadata.availability_zone).find(Boolean) ?? HOST.zone;
}

/** A record by number or, from 2.53 on, by UUID. `otherwise`: what a number that is none is below. */
export function byId<R extends { seq: number; id: string }>(call: Call, records: readonly R[], otherwise: number): R {
  const [wanted, uuids] = [call.args.id!, call.within('2.53')];
  const form = uuids ? /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i : /^\d+$/;
  if (!form.test(wanted)) refuse(uuids ? 400 : otherwise, `Invalid id ${wanted}`);
  return (
    records.find((it) => String(uuids ? it.id : it.seq) === wanted) ?? refuse(404, `${wanted} could not be found.`)
  );
}

const status = ({ disabled }: Service): string => (disabled ? 'disabled' : 'enabled');
export const states = (service: Service) => ({ state: service.forced_down ? 'down' : 'up', status: status(service) });

const serviceView = view(
  'binary host zone status state updated_at disabled_reason \n -2.52 id=seq \n 2.11+ forced_down \n 2.53+ id',
  (service: Stored<Service>, { cloud, now }) => {
    const zone = service.binary === 'nova-compute' ? zoneOf(cloud) : service.zone;
    // The services of the sample live in the API's own process: that it answers is their heartbeat.
    return { ...states(service), zone, updated_at: microTime(now) };
  },
);

type Asked = {
  host: string;
  binary: string;
  status?: string;
  disabled_reason?: string;
  forced_down?: boolean | string;
};
const changes = { 'disabled_reason?': text(), 'forced_down?': flag };
const byName = { to: '2.52', body: { '2.1': object({ ...each('host binary', text()), ...changes }) } };
const byUuid = { body: { '2.53': object({ 'status?': { enum: ['enabled', 'disabled'] }, ...changes }) } };
const administered = { admin: 'os-services:update' };

function change(call: Call<Asked>, service: Stored<Service>, disabled: boolean): Stored<Service> {
  const { disabled_reason, forced_down = service.forced_down } = call.body;
  if (service.binary !== 'nova-compute') refuse(400, `Updating a ${service.binary} service is not supported.`);
  const changed = {
    disabled,
    disabled_reason: (disabled && disabled_reason) || null,
    forced_down: isTrue(forced_down),
  };
  return call.cloud.services.update(service.id, { ...service, ...changed });
}

export class Services {
  readonly index = reads({ admin: 'os-services:list', query: { '2.1': each('host binary') } }, (call) => {
    const wanted = (name: 'host' | 'binary') => (it: Service) => it[name] === (call.query(name) || it[name]);
    const found = call.cloud.services.list().filter(wanted('host')).filter(wanted('binary'));
    return { services: found.map((service) => serviceView(service, call)) };
  });
  /** Below 2.53 the path says what is done, from there to which service. */
  readonly update = [
    writes<Asked>({ ...administered, ...byName }, (call) => {
      const [{ host, binary, disabled_reason }, verb] = [call.body, call.args.id!];
      if (!['enable', 'disable', 'disable-log-reason'].includes(verb)) refuse(404, 'Unknown action');
      const service = call.cloud.services.list().find((it) => it.host === host && it.binary === binary);
      const changed = change(call, service ?? refuse(404, `There is no ${binary} on host ${host}.`), verb !== 'enable');
      return { service: { host, binary, status: status(changed), ...(changed.disabled && { disabled_reason }) } };
    }),
    writes<Asked>({ ...administered, ...byUuid }, (call) => {
      const service = byId(call, call.cloud.services.list(), 400);
      const disabled = (call.body.status ?? status(service)) === 'disabled';
      return { service: serviceView(change(call, service, disabled), call) };
    }),
  ];
}

export class Zones {
  readonly index = reads({}, ({ cloud }) => {
    return { availabilityZoneInfo: [{ zoneName: zoneOf(cloud), zoneState: { available: true }, hosts: null }] };
  });
  readonly detail = reads({ admin: 'os-availability-zone:detail' }, (call) => {
    const services = call.cloud.services.list().filter(({ disabled }) => !disabled);
    const shown = services.map((service) => serviceView(service, call));
    const availabilityZoneInfo = [...new Set(shown.map(({ zone }) => zone))].map((zoneName) => {
      const here = shown.filter(({ zone }) => zone === zoneName);
      const up = here.map((it) => [
        it.binary,
        { available: it.state === 'up', active: true, updated_at: it.updated_at },
      ]);
      return { zoneName, zoneState: { available: true }, hosts: { [HOST.name]: Object.fromEntries(up) as object } };
    });
    return { availabilityZoneInfo };
  });
}
