/** Hypervisors: one for each host. Administrators only. */
import { collectionPage } from 'portico/openstack';
import { type ActionRequest, action } from 'portico/routing';
import { type Cloud, HOST } from '../../cloud.js';
import { Controller, refuse, requireAdmin } from '../api.js';
import { usageOf } from '../project-quotas.js';
import { query, strict } from '../schemas.js';
import { type ComputeHost, hostsOf } from './compute-hosts.js';
import { findById, idOf, knownServices, statusOf } from './service-records.js';

const patternQuery = query('limit', 'marker', 'hypervisor_hostname_pattern', 'with_servers');
const listQuery = { '2.33': query('limit', 'marker'), '2.53': strict(patternQuery) } as const;

export class Hypervisors extends Controller {
  readonly index = action({ query: listQuery }, async (request) => {
    requireAdmin(request, 'os-hypervisors:list');
    const hypervisors = hostsOf(await knownServices(this.api));
    return this.#list(request, hypervisors, (hypervisor) => briefView(request, hypervisor));
  });

  readonly detail = action({ query: listQuery }, async (request) => {
    requireAdmin(request, 'os-hypervisors:list-detail');
    const hypervisors = hostsOf(await knownServices(this.api));
    return this.cloud.read(() => this.#list(request, hypervisors, (it) => hypervisorView(this.cloud, request, it)));
  });

  async show(request: ActionRequest) {
    requireAdmin(request, 'os-hypervisors:show');
    const hypervisor = findById(request, hostsOf(await knownServices(this.api)), 404);
    return this.cloud.read(() => ({ hypervisor: hypervisorView(this.cloud, request, hypervisor) }));
  }

  /** Lists the hypervisors whose names contain the text in the path. From 2.53 on, a parameter of the list replaces it. */
  readonly search = action({ versions: ['2.1', '2.52'] }, async (request, { id }) => {
    requireAdmin(request, 'os-hypervisors:search');
    const found = hostsOf(await knownServices(this.api)).filter(({ name }) => name.includes(String(id)));
    if (found.length === 0) refuse(404, `No hypervisor matching '${String(id)}' could be found.`);
    return { hypervisors: found.map((hypervisor) => briefView(request, hypervisor)) };
  });

  async uptime(request: ActionRequest) {
    requireAdmin(request, 'os-hypervisors:uptime');
    findById(request, hostsOf(await knownServices(this.api)), 404);
    refuse(501, 'The requested functionality is not supported.');
  }

  async statistics(request: ActionRequest) {
    requireAdmin(request, 'os-hypervisors:statistics');
    const count = hostsOf(await knownServices(this.api)).length;
    return this.cloud.read(() => ({ hypervisor_statistics: { count, ...statistics(this.cloud, count) } }));
  }

  /** Lists hypervisors: in pages from 2.33 on, but without pages for the pattern that 2.53 added. */
  #list(
    request: ActionRequest,
    hypervisors: readonly ComputeHost[],
    show: (hypervisor: ComputeHost) => object,
  ): object {
    const { apiVersion } = request;
    const byUuid = apiVersion.atLeast('2.53');
    const pattern = byUuid ? request.queryValue('hypervisor_hostname_pattern') : undefined;
    if (apiVersion.atLeast('2.33') && pattern === undefined) {
      const { maxLimit } = this.settings;
      return collectionPage(request, 'hypervisors', hypervisors, { show, marker: byUuid ? 'id' : 'seq', maxLimit });
    }
    const found = hypervisors.filter(({ name }) => name.includes(pattern ?? ''));
    if (found.length === 0) refuse(404, `No hypervisor matching '${pattern}' was found.`);
    return { hypervisors: found.map(show) };
  }
}

/** Returns the resources of `count` hosts, and their use by the servers of one host or of all. */
function statistics(cloud: Cloud, count: number, host?: string) {
  const [vcpus, memory_mb, local_gb] = [HOST.vcpus * count, HOST.memory_mb * count, HOST.local_gb * count];
  const servers = cloud.servers.list().filter((server) => host === undefined || server.host === host);
  const { instances, cores, ram, disk } = usageOf(servers);
  return {
    vcpus,
    memory_mb,
    local_gb,
    vcpus_used: cores,
    memory_mb_used: ram,
    local_gb_used: disk,
    running_vms: instances,
    free_ram_mb: memory_mb - ram,
    free_disk_gb: local_gb - disk,
    disk_available_least: local_gb - disk,
    current_workload: 0,
  };
}

function briefView(request: ActionRequest, hypervisor: ComputeHost) {
  const { state } = hypervisor.service;
  const status = statusOf(hypervisor.service);
  return { hypervisor_hostname: hypervisor.name, state, status, id: idOf(request, hypervisor) };
}

const CPU = { arch: 'x86_64', model: 'sample', vendor: 'Portico', features: [], topology: { cores: HOST.vcpus } };

function hypervisorView(cloud: Cloud, request: ActionRequest, hypervisor: ComputeHost): object {
  const { name, service } = hypervisor;
  return {
    ...briefView(request, hypervisor),
    ...statistics(cloud, 1, name),
    hypervisor_type: 'sample',
    hypervisor_version: 1000,
    host_ip: '127.0.0.1',
    service: { host: service.host, disabled_reason: service.disabled_reason, id: idOf(request, service) },
    // Below 2.28, a string that contains JSON.
    cpu_info: request.apiVersion.atLeast('2.28') ? CPU : JSON.stringify(CPU),
  };
}
