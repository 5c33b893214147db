/** What a project may use, and what it uses. */
import type { Flavor } from '../records.js';
import { allow, type Call, reads } from './call.js';
import { view } from './fields.js';
import { each } from './parameters.js';
import { settled } from './server-states.js';

/** What the servers of a project use of the host; without a project, all servers. */
export function usage(
  { cloud, now }: Call,
  projectId?: string,
): Record<'instances' | 'cores' | 'ram' | 'disk', number> {
  const flavors = cloud.servers.list(projectId).flatMap((server) => settled(server, now)?.flavor ?? []);
  const sum = (member: 'vcpus' | 'ram' | 'disk') => flavors.reduce((total, flavor) => total + flavor[member], 0);
  return { instances: flavors.length, cores: sum('vcpus'), ram: sum('ram'), disk: sum('disk') };
}

/** How many more servers of a flavor the project may have. */
export function roomFor(call: Call, flavor: Flavor): number {
  const { instances, cores, ram } = usage(call, call.who.projectId);
  const { quotaInstances, quotaCores, quotaRam } = call.settings;
  const room = [quotaInstances - instances, (quotaCores - cores) / flavor.vcpus, (quotaRam - ram) / flavor.ram];
  return Math.floor(Math.min(...room));
}

const limitsView = view(
  `maxTotalInstances=quotaInstances maxTotalCores=quotaCores maxTotalRAMSize=quotaRam maxTotalKeypairs=quotaKeyPairs
   maxServerGroups=quotaServerGroups maxServerGroupMembers=ten maxServerMeta=metaItems
   totalInstancesUsed=instances totalCoresUsed=cores totalRAMUsed=ram totalServerGroupsUsed=groups
   -2.35 maxSecurityGroups=unlimited maxSecurityGroupRules=unlimited maxTotalFloatingIps=unlimited
   -2.35 totalFloatingIpsUsed=none totalSecurityGroupsUsed=none
   -2.38 maxImageMeta=metaItems
   -2.56 maxPersonality=five maxPersonalitySize=tenKibibytes`,
  (used: object, { settings }) => {
    return { ...used, ...settings, ten: 10, metaItems: 128, unlimited: -1, none: 0, five: 5, tenKibibytes: 10_240 };
  },
);

export class Limits {
  readonly index = reads({ query: { '2.1': each('reserved tenant_id') } }, (call) => {
    const project = call.query('tenant_id') ?? call.who.projectId;
    if (project !== call.who.projectId) allow(call, 'limits:other_project');
    const used = { ...usage(call, project), groups: call.cloud.groups.list(project).length };
    return { limits: { rate: [], absolute: limitsView(used, call) } };
  });
}
