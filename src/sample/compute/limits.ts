/** What a project may use, and what it uses. */
import { type ActionRequest, action } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Settings } from '../cloud.js';
import type { Flavor, Server } from '../records.js';
import { type ComputeApi, Controller, callerOf, projectOf, requireAdmin } from './api.js';
import { anyText } from './schemas.js';
import { settled } from './servers/transitions.js';

const query = { type: 'object', properties: { reserved: anyText, tenant_id: anyText } } as const;

export class Limits extends Controller {
  readonly index = action({ query: { '2.1': query, '2.75': { ...query, additionalProperties: false } } }, (request) => {
    const project = request.queryValue('tenant_id') ?? projectOf(request, 'limits');
    if (project !== callerOf(request).projectId) requireAdmin(request, 'limits:other_project');
    return this.cloud.read(() => {
      const used = usageOf(this.cloud.servers.listOf(project));
      const serverGroups = this.cloud.groups.listOf(project).length;
      return { limits: { rate: [], absolute: limitsView(request, this.settings, { ...used, serverGroups }) } };
    });
  });
}

/** What servers use of hosts. */
interface Usage {
  instances: number;
  cores: number;
  ram: number;
  disk: number;
}

/** What the servers use, those that are gone left out. */
export function usageOf(servers: readonly Stored<Server>[]): Usage {
  const now = Date.now();
  const usage: Usage = { instances: 0, cores: 0, ram: 0, disk: 0 };
  for (const server of servers) {
    if (settled(server, now) === undefined) continue;
    usage.instances += 1;
    usage.cores += server.flavor.vcpus;
    usage.ram += server.flavor.ram;
    usage.disk += server.flavor.disk;
  }
  return usage;
}

/** How many more servers of a flavor the project may have. */
export function roomFor({ cloud, settings }: ComputeApi, project: string, flavor: Flavor): number {
  const { instances, cores, ram } = usageOf(cloud.servers.listOf(project));
  return Math.floor(
    Math.min(
      settings.quotaInstances - instances,
      (settings.quotaCores - cores) / flavor.vcpus,
      (settings.quotaRam - ram) / flavor.ram,
    ),
  );
}

function limitsView({ apiVersion }: ActionRequest, settings: Settings, used: Usage & { serverGroups: number }): object {
  const limits: Record<string, number> = {
    maxTotalInstances: settings.quotaInstances,
    maxTotalCores: settings.quotaCores,
    maxTotalRAMSize: settings.quotaRam,
    maxTotalKeypairs: settings.quotaKeyPairs,
    maxServerGroups: settings.quotaServerGroups,
    maxServerGroupMembers: 10,
    maxServerMeta: 128,
    totalInstancesUsed: used.instances,
    totalCoresUsed: used.cores,
    totalRAMUsed: used.ram,
    totalServerGroupsUsed: used.serverGroups,
  };
  if (apiVersion.atMost('2.35')) {
    limits.maxSecurityGroups = -1;
    limits.maxSecurityGroupRules = -1;
    limits.maxTotalFloatingIps = -1;
    limits.totalFloatingIpsUsed = 0;
    limits.totalSecurityGroupsUsed = 0;
  }
  if (apiVersion.atMost('2.38')) limits.maxImageMeta = 128;
  if (apiVersion.atMost('2.56')) {
    limits.maxPersonality = 5;
    limits.maxPersonalitySize = 10_240;
  }
  return limits;
}
