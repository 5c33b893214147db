/** The one host: its services, its hypervisor and its zone. Administrators only, apart from the zone's name. */
import type { Cloud, Stored } from '../cloud.js';
import { microTime } from '../names.js';
import type { Service } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, reads, refuse, writes } from './call.js';
import { since, until, type View, view } from './fields.js';
import { usage } from './limits.js';
import { page } from './pages.js';
import { flag, isTrue, object, parameters, text } from './parameters.js';

type Numbered = { seq: number; id: string };

/** From 2.53 on the world knows numbers no more. */
const id = [until<Numbered>('2.52', ({ seq }) => seq), since<Numbered>('2.53')];
const state = ({ forced_down }: Service): string => (forced_down ? 'down' : 'up');
const status = ({ disabled }: Service): string => (disabled ? 'disabled' : 'enabled');

/** A host is in the zone of its aggregate. */
export function zoneOf(cloud: Cloud): string {
  const around = cloud.aggregates.list().filter(({ hosts }) => hosts.includes(HOST.name));
  return around.map(({ metadata }) => metadata.availability_zone).find(Boolean) ?? HOST.zone;
}

/** A record by number or, from 2.53 on, by UUID. `otherwise`: what a number that is none is below. */
function byId<R extends Numbered>(call: Call, records: readonly R[], otherwise: number): R {
  const [wanted, uuids] = [call.args.id!, call.within('2.53')];
  const form = uuids ? /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i : /^\d+$/;
  if (!form.test(wanted)) refuse(uuids ? 400 : otherwise, `Invalid id ${wanted}`);
  return (
    records.find((it) => String(uuids ? it.id : it.seq) === wanted) ?? refuse(404, `${wanted} could not be found.`)
  );
}

const serviceView = view<Stored<Service>>('binary host disabled_reason', {
  ...{ id, state, status, forced_down: since('2.11') },
  zone: ({ binary, zone }, { cloud }) => (binary === 'nova-compute' ? zoneOf(cloud) : zone),
  // The services of the sample live in the API's own process: that it answers is their heartbeat.
  updated_at: (_, { now }) => microTime(now),
});

type Asked = {
  host: string;
  binary: string;
  status?: string;
  disabled_reason?: string;
  forced_down?: boolean | string;
};
const changes = { 'disabled_reason?': text(), 'forced_down?': flag };
const administered = { admin: 'os-services:update' };
const byName = { ...administered, to: '2.52', body: { '2.1': object({ host: text(), binary: text(), ...changes }) } };
const newStatus = { enum: ['enabled', 'disabled'] };
const byUuid = { ...administered, from: '2.53', body: { '2.53': object({ 'status?': newStatus, ...changes }) } };

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
  readonly index = reads({ admin: 'os-services:list', query: { '2.1': parameters('host binary') } }, (call) => {
    const wanted = (name: 'host' | 'binary') => (it: Service) => it[name] === (call.query(name) || it[name]);
    const found = call.cloud.services.list().filter(wanted('host')).filter(wanted('binary'));
    return { services: found.map((service) => serviceView(service, call)) };
  });

  /** Below 2.53 the path says what is done, from there to which service. */
  readonly update = [
    writes<Asked>(byName, (call) => {
      const [{ host, binary, disabled_reason }, verb] = [call.body, call.args.id!];
      if (!['enable', 'disable', 'disable-log-reason'].includes(verb)) refuse(404, 'Unknown action');
      const service = call.cloud.services.list().find((it) => it.host === host && it.binary === binary);
      const changed = change(call, service ?? refuse(404, `There is no ${binary} on host ${host}.`), verb !== 'enable');
      const reason = changed.disabled && disabled_reason ? { disabled_reason } : {};
      return { service: { host, binary, status: status(changed), ...reason } };
    }),
    writes<Asked>(byUuid, (call) => {
      const service = byId(call, call.cloud.services.list(), 400);
      return {
        service: serviceView(change(call, service, (call.body.status ?? status(service)) === 'disabled'), call),
      };
    }),
  ];
}

/** What the host has and what of it is used. */
function statistics(call: Call) {
  const { instances, cores, ram, disk } = usage(call);
  return {
    ...{ vcpus: HOST.vcpus, memory_mb: HOST.memoryMb, local_gb: HOST.localGb, current_workload: 0 },
    ...{ vcpus_used: cores, memory_mb_used: ram, local_gb_used: disk, running_vms: instances },
    ...{
      free_ram_mb: HOST.memoryMb - ram,
      free_disk_gb: HOST.localGb - disk,
      disk_available_least: HOST.localGb - disk,
    },
  };
}

/** The hypervisor, as long as there is a service for it. */
function hypervisors(call: Call) {
  const services = call.cloud.services.list().filter(({ binary }) => binary === 'nova-compute');
  const fixed = {
    hypervisor_hostname: HOST.name,
    hypervisor_type: 'sample',
    hypervisor_version: 1000,
    host_ip: '127.0.0.1',
  };
  return services.map((service) => ({ seq: 1, id: HOST.uuid, service, ...fixed, ...statistics(call) }));
}

type H = ReturnType<typeof hypervisors>[number];
const NUMBERS =
  'vcpus memory_mb local_gb vcpus_used memory_mb_used local_gb_used free_ram_mb free_disk_gb current_workload ' +
  'running_vms disk_available_least';
const CPU_INFO = { arch: 'x86_64', model: 'sample', vendor: 'Portico', features: [], topology: { cores: HOST.vcpus } };
const brief = { id, state: ({ service }: H) => state(service), status: ({ service }: H) => status(service) };
const briefView = view<H>('hypervisor_hostname', brief);
const serviceOf = view<Stored<Service>>('host disabled_reason', { id });
const wholeView = view<H>(`hypervisor_hostname hypervisor_type hypervisor_version host_ip ${NUMBERS}`, {
  ...{ ...brief, service: ({ service }, call) => serviceOf(service, call) },
  cpu_info: [until('2.27', () => JSON.stringify(CPU_INFO)), since('2.28', () => CPU_INFO)],
});

function listed(call: Call, show: View<H>): object {
  const [all, uuids] = [hypervisors(call), call.within('2.53')];
  const pattern = uuids ? call.query('hypervisor_hostname_pattern') : undefined;
  if (pattern !== undefined && !HOST.name.includes(pattern))
    refuse(404, `No hypervisor matching '${pattern}' was found.`);
  if (call.within('2.33') && pattern === undefined)
    return page(call, 'hypervisors', all, show, (it) => String(uuids ? it.id : it.seq));
  return { hypervisors: all.map((it) => show(it, call)) };
}

const from233 = parameters('limit marker');
const query = { '2.33': from233, '2.53': { ...from233, ...parameters('hypervisor_hostname_pattern with_servers') } };
const as = (verb: string) => ({ admin: `os-hypervisors:${verb}` });

export class Hypervisors {
  readonly index = reads({ ...as('list'), query, strictFrom: '2.53' }, (call) => listed(call, briefView));
  readonly detail = reads({ ...as('list-detail'), query, strictFrom: '2.53' }, (call) => listed(call, wholeView));
  readonly show = reads(as('show'), (call) => ({ hypervisor: wholeView(byId(call, hypervisors(call), 404), call) }));
  readonly uptime = reads(as('uptime'), (call) => {
    byId(call, hypervisors(call), 404);
    refuse(501, 'The requested functionality is not supported.');
  });
  readonly statistics = reads(as('statistics'), (call) => {
    return { hypervisor_statistics: { count: hypervisors(call).length, ...statistics(call) } };
  });
}

export class Zones {
  readonly index = reads({}, ({ cloud }) => {
    return { availabilityZoneInfo: [{ zoneName: zoneOf(cloud), zoneState: { available: true }, hosts: null }] };
  });
  readonly detail = reads({ admin: 'os-availability-zone:detail' }, (call) => {
    const services = call.cloud.services.list().filter(({ disabled }) => !disabled);
    const zone = (service: Stored<Service>) => serviceView(service, call).zone as string;
    const availabilityZoneInfo = [...new Set(services.map(zone))].map((zoneName) => {
      const here = services.filter((service) => zone(service) === zoneName);
      const up = here.map((it) => [
        it.binary,
        { available: !it.forced_down, active: true, updated_at: microTime(call.now) },
      ]);
      return { zoneName, zoneState: { available: true }, hosts: { [HOST.name]: Object.fromEntries(up) as object } };
    });
    return { availabilityZoneInfo };
  });
}
