/** The limits of a project, and its use of them. */
import { type ActionRequest, action } from 'portico/routing';
import { Controller, callerOf, projectOf, requireAdmin } from './api.js';
import { projectUsage, quotasOf } from './project-quotas.js';
import { type Quotas, query, queryByVersion } from './schemas.js';

export class Limits extends Controller {
  readonly index = action({ query: queryByVersion(query('reserved', 'tenant_id')) }, (request) => {
    const project = request.queryValue('tenant_id') ?? projectOf(request, 'limits');
    if (project !== callerOf(request).projectId) requireAdmin(request, 'limits:other_project');
    return this.cloud.read(() => {
      const used = projectUsage(this.cloud, project);
      const quotas = quotasOf(this.cloud, project);
      return { limits: { rate: [], absolute: limitsView(request, quotas, used) } };
    });
  });
}

function limitsView({ apiVersion }: ActionRequest, quotas: Quotas, used: Partial<Quotas>) {
  return {
    maxTotalInstances: quotas.instances,
    maxTotalCores: quotas.cores,
    maxTotalRAMSize: quotas.ram,
    maxTotalKeypairs: quotas.key_pairs,
    maxServerGroups: quotas.server_groups,
    maxServerGroupMembers: quotas.server_group_members,
    maxServerMeta: quotas.metadata_items,
    totalInstancesUsed: used.instances,
    totalCoresUsed: used.cores,
    totalRAMUsed: used.ram,
    totalServerGroupsUsed: used.server_groups,
    ...(apiVersion.atMost('2.35') && {
      maxSecurityGroups: quotas.security_groups,
      maxSecurityGroupRules: quotas.security_group_rules,
      maxTotalFloatingIps: quotas.floating_ips,
      totalFloatingIpsUsed: 0,
      totalSecurityGroupsUsed: 0,
    }),
    ...(apiVersion.atMost('2.38') && { maxImageMeta: quotas.metadata_items }),
    ...(apiVersion.atMost('2.56') && {
      maxPersonality: quotas.injected_files,
      maxPersonalitySize: quotas.injected_file_content_bytes,
    }),
  };
}
