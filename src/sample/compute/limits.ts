/** What a project may use, and what it uses. */

import { allow, type Call, reads } from './call.js';
import { until, view } from './fields.js';
import { parameters } from './parameters.js';
import { settled } from './server-states.js';

/** What the servers of a project use of the host; without a project, all servers. */
export function usage(
  { cloud, now }: Call,
  projectId?: string,
): Record<'instances' | 'cores' | 'ram' | 'disk', number> {
  const flavors = cloud.servers.list(projectId).flatMap((server) => settled(server, now)?.flavor ?? []);
  const sum = (member: 'vcpus' | 'ram' | 'disk'): number =>
    flavors.reduce((total, flavor) => total + flavor[member], 0);
  return { instances: flavors.length, cores: sum('vcpus'), ram: sum('ram'), disk: sum('disk') };
}

const absoluteView = view<ReturnType<typeof usage> & { groups: number }>('', {
  maxTotalInstances: (_, { settings }) => settings.quotaInstances,
  maxTotalCores: (_, { settings }) => settings.quotaCores,
  maxTotalRAMSize: (_, { settings }) => settings.quotaRam,
  maxTotalKeypairs: (_, { settings }) => settings.quotaKeyPairs,
  maxServerGroups: (_, { settings }) => settings.quotaServerGroups,
  ...{ maxServerGroupMembers: () => 10, maxServerMeta: () => 128 },
  totalInstancesUsed: ({ instances }) => instances,
  totalCoresUsed: ({ cores }) => cores,
  totalRAMUsed: ({ ram }) => ram,
  totalServerGroupsUsed: ({ groups }) => groups,
  ...{ maxSecurityGroups: until('2.35', () => -1), maxSecurityGroupRules: until('2.35', () => -1) },
  ...{ maxTotalFloatingIps: until('2.35', () => -1), totalFloatingIpsUsed: until('2.35', () => 0) },
  ...{ totalSecurityGroupsUsed: until('2.35', () => 0), maxImageMeta: until('2.38', () => 128) },
  ...{ maxPersonality: until('2.56', () => 5), maxPersonalitySize: until('2.56', () => 10_240) },
});

export class Limits {
  readonly index = reads({ query: { '2.1': parameters('reserved tenant_id') } }, (call) => {
    const project = call.query('tenant_id') ?? call.who.projectId;
    if (call.query('tenant_id') !== undefined) allow(call, 'limits:other_project');
    const used = { ...usage(call, project), groups: call.cloud.groups.list(project).length };
    return { limits: { rate: [], absolute: absoluteView(used, call) } };
  });
}
