/** The hypervisor of the one host. Administrators only. */
import type { Stored } from '../cloud.js';
import type { Service } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, reads, refuse } from './call.js';
import { type View, view } from './fields.js';
import { usage } from './limits.js';
import { page } from './pages.js';
import { each } from './parameters.js';
import { byId, states } from './services.js';

/** What the host has and what of it is used. */
function statistics(call: Call) {
  const { instances, cores, ram, disk } = usage(call);
  const used = { vcpus_used: cores, memory_mb_used: ram, local_gb_used: disk, running_vms: instances };
  const free = { free_ram_mb: HOST.memory_mb - ram, free_disk_gb: HOST.local_gb - disk };
  const { vcpus, memory_mb, local_gb } = HOST;
  return { vcpus, memory_mb, local_gb, ...used, ...free, disk_available_least: free.free_disk_gb, current_workload: 0 };
}

/** The hypervisor, as long as there is a service for it. */
function hypervisors({ cloud }: Call) {
  const services = cloud.services.list().filter(({ binary }) => binary === 'nova-compute');
  return services.map((service) => ({ seq: 1, id: HOST.uuid, service }));
}

type Hypervisor = ReturnType<typeof hypervisors>[number];
const BRIEF = 'hypervisor_hostname state status \n -2.52 id=seq \n 2.53+ id \n';
const NUMBERS =
  'vcpus memory_mb local_gb vcpus_used memory_mb_used local_gb_used free_ram_mb free_disk_gb current_workload ' +
  'running_vms disk_available_least';
const cpu = { arch: 'x86_64', model: 'sample', vendor: 'Portico', features: [], topology: { cores: HOST.vcpus } };
const fixed = {
  hypervisor_hostname: HOST.name,
  hypervisor_type: 'sample',
  hypervisor_version: 1000,
  host_ip: '127.0.0.1',
};
const serviceOf = view<Stored<Service>>('host disabled_reason \n -2.52 id=seq \n 2.53+ id');
const briefView = view(BRIEF, ({ service }: Hypervisor) => ({ ...fixed, ...states(service) }));
const wholeView = view(
  `${BRIEF} hypervisor_type hypervisor_version host_ip service ${NUMBERS} \n -2.27 cpu_info=cpuText \n 2.28+ cpu_info=cpu`,
  ({ service }: Hypervisor, call) => {
    const numbers = { ...statistics(call), cpu, cpuText: JSON.stringify(cpu) };
    return { ...fixed, ...states(service), ...numbers, service: serviceOf(service, call) };
  },
);

function listed(call: Call, show: View<Hypervisor>): object {
  const [all, uuids] = [hypervisors(call), call.within('2.53')];
  const pattern = uuids ? call.query('hypervisor_hostname_pattern') : undefined;
  if (pattern !== undefined && !HOST.name.includes(pattern))
    refuse(404, `No hypervisor matching '${pattern}' was found.`);
  const paged = call.within('2.33') && pattern === undefined;
  return paged
    ? page(call, 'hypervisors', all, show, uuids ? 'id' : 'seq')
    : { hypervisors: all.map((it) => show(it, call)) };
}

const query = { '2.33': each('limit marker'), '2.53': each('limit marker hypervisor_hostname_pattern with_servers') };
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
