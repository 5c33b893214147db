/** What a project may use, and what it uses. */
import { members, view } from 'portico/routing';
import type { Flavor } from '../records.js';
import { allow, type Call, reads } from './call.js';
import { settled } from './server-states.js';

/** What the servers of a project use of the host; without a project, all servers. */
export function usage({ cloud, now }: Call, projectId?: string) {
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

const limitsView = view<object, Call>(
  `maxTotalInstances=quotaInstances maxTotalCores=quotaCores maxTotalRAMSize=quotaRam maxTotalKeypairs=quotaKeyPairs
   maxServerGroups=quotaServerGroups maxServerGroupMembers=10 maxServerMeta=128
   totalInstancesUsed=instances totalCoresUsed=cores totalRAMUsed=ram totalServerGroupsUsed=groups
   -2.35 maxSecurityGroups=-1 maxSecurityGroupRules=-1 maxTotalFloatingIps=-1
   -2.35 totalFloatingIpsUsed=0 totalSecurityGroupsUsed=0
   -2.38 maxImageMeta=128
   -2.56 maxPersonality=5 maxPersonalitySize=10240`,
  (_used, { settings }) => settings,
);

export class Limits {
  readonly index = reads({ query: { '2.1': members('reserved tenant_id') } }, (call) => {
    const project = call.queryValue('tenant_id') ?? call.who.projectId;
    if (project !== call.who.projectId) allow(call, 'limits:other_project');
    const used = { ...usage(call, project), groups: call.cloud.groups.list(project).length };
    return { limits: { rate: [], absolute: limitsView(used, call) } };
  });
}
