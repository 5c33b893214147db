/** Hosts: nova's predecessor of hypervisors and services, removed in 2.43. Administrators only. */
import { type ActionRequest, action } from 'portico/routing';
import { HOST } from '../../cloud.js';
import { Controller, refuse, requireAdmin } from '../api.js';
import { usageOf } from '../project-quotas.js';
import { closed, query } from '../schemas.js';
import { hostsOf } from './compute-hosts.js';
import { changeService, type KnownService, knownServices } from './service-records.js';

const versions = ['2.1', '2.42'] as const;
const word = { enum: ['enable', 'disable', 'Enable', 'Disable', 'ENABLE', 'DISABLE'] } as const;
const body = { ...closed({ status: word, maintenance_mode: word }), minProperties: 1 } as const;

export class Hosts extends Controller {
  readonly index = action({ versions, query: query('zone') }, async (request) => {
    requireAdmin(request, 'os-hosts:list');
    const wanted = request.queryValue('zone');
    const enabled = (await knownServices(this.api)).filter(({ disabled }) => !disabled);
    const services = enabled.filter(({ zone }) => !wanted || zone === wanted);
    return {
      hosts: services.map(({ host, binary, zone }) => ({
        host_name: host,
        service: binary.replace(/^nova-/, ''),
        zone,
      })),
    };
  });

  /** Shows the host's resources, their use, and the use by each project. */
  readonly show = action({ versions }, async (request, { id }) => {
    requireAdmin(request, 'os-hosts:show');
    const { host } = await this.#find(request);
    return this.cloud.read(() => {
      const servers = this.cloud.servers.list().filter((server) => server.host === host);
      const used = usageOf(servers);
      const row = (project: string, cpu: number, memory_mb: number, disk_gb: number) => ({
        resource: { host: String(id), project, cpu, memory_mb, disk_gb },
      });
      const rowOf = (project: string, { cores, ram, disk } = used) => row(project, cores, ram, disk);
      const projects = [...new Set(servers.map(({ project_id }) => project_id))];
      return {
        host: [
          row('(total)', HOST.vcpus, HOST.memory_mb, HOST.local_gb),
          rowOf('(used_now)'),
          rowOf('(used_max)'),
          ...projects.map((project) => rowOf(project, usageOf(servers.filter((it) => it.project_id === project)))),
        ],
      };
    });
  });

  readonly update = action({ versions, body }, async (request, { id }) => {
    requireAdmin(request, 'os-hosts:update');
    const { status, maintenance_mode } = request.body;
    if (maintenance_mode !== undefined) refuse(501, 'The requested functionality is not supported.');
    const disabled = status?.toLowerCase() === 'disable';
    await changeService(this.api, await this.#find(request), { disabled });
    return { host: id, status: disabled ? 'disabled' : 'enabled' };
  });

  /** Returns the service of the host in the path. 404 if there is none. */
  async #find({ params }: ActionRequest): Promise<KnownService> {
    const found = hostsOf(await knownServices(this.api)).find(({ name }) => name === params.id);
    return found?.service ?? refuse(404, `Compute host ${String(params.id)} could not be found.`);
  }
}
