/** The quotas of projects, and their use. */
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../cloud.js';
import type { Flavor, Server } from '../records.js';
import type { ComputeApi } from './api.js';
import type { Quotas } from './schemas.js';
import { existing } from './servers/transitions.js';

/** Returns the quotas of a project: those set for it, else those of the class `default`, else {@link QUOTAS}. -1: no limit. */
export function quotasOf(cloud: Cloud, projectId: string | null): Quotas {
  const own = projectId === null ? undefined : cloud.quotas.get(projectId)?.limits;
  return { ...defaultQuotas(cloud), ...own };
}

/** Returns the quotas of projects for which an operator has set none. */
export function defaultQuotas(cloud: Cloud): Quotas {
  return { ...QUOTAS, ...cloud.quotaClasses.get('default')?.limits };
}

/** The quotas of a project without others; some are for resources that the sample does not have. */
export const QUOTAS: Quotas = {
  instances: 10,
  cores: 20,
  ram: 51_200,
  metadata_items: 128,
  key_pairs: 100,
  server_groups: 10,
  server_group_members: 10,
  injected_files: 5,
  injected_file_content_bytes: 10_240,
  injected_file_path_bytes: 255,
  fixed_ips: -1,
  floating_ips: -1,
  security_groups: -1,
  security_group_rules: -1,
};

/** Reports whether a count exceeds a quota. A negative quota is no limit. */
export function exceeds(count: number, quota: number): boolean {
  return quota >= 0 && count > quota;
}

/** The number of servers and the resources that they use: CPUs, memory in MiB, disk in GiB. */
export interface Usage {
  instances: number;
  cores: number;
  ram: number;
  disk: number;
}

/** Returns the use by these servers, without deleted ones. */
export function usageOf(servers: readonly Stored<Server>[]): Usage {
  const usage: Usage = { instances: 0, cores: 0, ram: 0, disk: 0 };
  for (const { flavor } of existing(servers)) {
    usage.instances += 1;
    usage.cores += flavor.vcpus;
    usage.ram += flavor.ram;
    usage.disk += flavor.disk;
  }
  return usage;
}

/** Returns a project's use of its quotas. Quotas that are missing here are not counted by project. */
export function projectUsage(cloud: Cloud, projectId: string): Partial<Quotas> {
  const { instances, cores, ram } = usageOf(cloud.servers.listOf(projectId));
  return { instances, cores, ram, server_groups: cloud.groups.listOf(projectId).length };
}

/** Returns how many more servers of a flavor the project may have; `Infinity` if there is no limit. */
export function roomFor({ cloud }: ComputeApi, projectId: string, flavor: Flavor): number {
  const { instances, cores, ram } = usageOf(cloud.servers.listOf(projectId));
  const quotas = quotasOf(cloud, projectId);
  const left = (quota: number, used: number): number => (quota < 0 ? Number.POSITIVE_INFINITY : quota - used);
  return Math.floor(
    Math.min(
      left(quotas.instances, instances),
      left(quotas.cores, cores) / flavor.vcpus,
      left(quotas.ram, ram) / flavor.ram,
    ),
  );
}
