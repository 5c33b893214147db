/** The hypervisor of the one host. Administrators only. */
import { members, type View, view } from 'portico/routing';
import { HOST } from '../seed.js';
import { type Call, page, refuse } from './call.js';
import { usage } from './limits.js';
import { byId, type Known, readsServices, states } from './service-records.js';

/** What the host has and what of it is used. */
function statistics(call: Call) {
  const [{ vcpus, memory_mb, local_gb }, { instances, cores, ram, disk }] = [HOST, usage(call)];
  const used = { vcpus_used: cores, memory_mb_used: ram, local_gb_used: disk, running_vms: instances };
  const free = { free_ram_mb: memory_mb - ram, free_disk_gb: local_gb - disk, disk_available_least: local_gb - disk };
  return { vcpus, memory_mb, local_gb, ...used, ...free, current_workload: 0 };
}

/** The hypervisor, as long as there is a service for it. */
function hypervisorsOf(services: readonly Known[]) {
  const driving = services.filter(({ binary }) => binary === 'nova-compute');
  return driving.map((service) => ({ seq: 1, id: HOST.uuid, service }));
}

type Hypervisor = ReturnType<typeof hypervisorsOf>[number];
const BRIEF = `hypervisor_hostname="${HOST.name}" state status \n -2.52 id=seq \n 2.53+ id \n`;
const cpu = { arch: 'x86_64', model: 'sample', vendor: 'Portico', features: [], topology: { cores: HOST.vcpus } };
const serviceView = view<Known>('host disabled_reason \n -2.52 id=seq \n 2.53+ id');
const briefView = view(BRIEF, ({ service }: Hypervisor) => states(service));
const hypervisorView = view(
  `${BRIEF} hypervisor_type="sample" hypervisor_version=1000 host_ip="127.0.0.1" service running_vms current_workload
   vcpus memory_mb local_gb vcpus_used memory_mb_used local_gb_used free_ram_mb free_disk_gb disk_available_least
   -2.27 cpu_info=cpuText
   2.28+ cpu_info=cpu`,
  ({ service }: Hypervisor, call: Call) => {
    const shown = { service: serviceView(service, call), cpu, cpuText: JSON.stringify(cpu) };
    return { ...states(service), ...statistics(call), ...shown };
  },
);

function listed(call: Call, services: readonly Known[], show: View<Hypervisor, Call>): object {
  const [all, uuids] = [hypervisorsOf(services), call.apiVersion.atLeast('2.53')];
  const pattern = uuids ? call.queryValue('hypervisor_hostname_pattern') : undefined;
  const paged = call.apiVersion.atLeast('2.33') && pattern === undefined;
  if (paged) return page(call, 'hypervisors', all, show, uuids ? 'id' : 'seq');
  if (!HOST.name.includes(pattern ?? '')) refuse(404, `No hypervisor matching '${pattern}' was found.`);
  return { hypervisors: all.map((it) => show(it, call)) };
}

const query = { '2.33': members('limit marker'), '2.53': members('hypervisor_hostname_pattern with_servers') };
const policy = (verb: string) => ({ policy: `os-hypervisors:${verb}` });

export class Hypervisors {
  readonly index = readsServices({ ...policy('list'), query, strictFrom: '2.53' }, (call, services) => {
    return listed(call, services, briefView);
  });
  readonly detail = readsServices({ ...policy('list-detail'), query, strictFrom: '2.53' }, (call, services) => {
    return listed(call, services, hypervisorView);
  });
  readonly show = readsServices(policy('show'), (call, services) => {
    return { hypervisor: hypervisorView(byId(call, hypervisorsOf(services), 404), call) };
  });
  readonly uptime = readsServices(policy('uptime'), (call, services) => {
    byId(call, hypervisorsOf(services), 404);
    refuse(501, 'The requested functionality is not supported.');
  });
  readonly statistics = readsServices(policy('statistics'), (call, services) => {
    return { hypervisor_statistics: { count: hypervisorsOf(services).length, ...statistics(call) } };
  });
}
