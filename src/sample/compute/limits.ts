/** The limits of a project, and its use of them. */
import { type ActionRequest, action } from 'portico/routing';
import type { Quotas } from '../records.js';
import { Controller, callerOf, projectOf, requireAdmin } from './api.js';
import { projectUsage, quotasOf } from './project-quotas.js';
import { anyText } from './schemas.js';

const query = { type: 'object', properties: { reserved: anyText, tenant_id: anyText } } as const;

export class Limits extends Controller {
  readonly index = action({ query: { '2.1': query, '2.75': { ...query, additionalProperties: false } } }, (request) => {
    const project = request.queryValue('tenant_id') ?? projectOf(request, 'limits');
    if (project !== callerOf(request).projectId) requireAdmin(request, 'limits:other_project');
    return this.cloud.read(() => {
      const used = projectUsage(this.cloud, project);
      const quotas = quotasOf(this.cloud, this.settings, project);
      return { limits: { rate: [], absolute: limitsView(request, quotas, used) } };
    });
  });
}

function limitsView({ apiVersion }: ActionRequest, quotas: Quotas, used: Partial<Quotas>): object {
  const limits: Record<string, number | undefined> = {
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
  };
  if (apiVersion.atMost('2.35')) {
    limits.maxSecurityGroups = quotas.security_groups;
    limits.maxSecurityGroupRules = quotas.security_group_rules;
    limits.maxTotalFloatingIps = quotas.floating_ips;
    limits.totalFloatingIpsUsed = 0;
    limits.totalSecurityGroupsUsed = 0;
  }
  if (apiVersion.atMost('2.38')) limits.maxImageMeta = quotas.metadata_items;
  if (apiVersion.atMost('2.56')) {
    limits.maxPersonality = quotas.injected_files;
    limits.maxPersonalitySize = quotas.injected_file_content_bytes;
  }
  return limits;
}
