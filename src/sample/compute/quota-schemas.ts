/** The schemas of quota requests. */
import { closed, each, flag } from './schemas.js';

/** A number or its digits; -1: no limit. */
const quota = {
  type: ['integer', 'string'],
  minimum: -1,
  maximum: 2_147_483_647,
  pattern: '^(-1|[0-9]{1,9})$',
} as const;
/** Quotas in all versions. */
export const lastingQuotas = {
  instances: quota,
  cores: quota,
  ram: quota,
  metadata_items: quota,
  key_pairs: quota,
  server_groups: quota,
  server_group_members: quota,
} as const;
/** Quotas in versions below 2.57. */
export const quotasOfFiles = each(quota, 'injected_files', 'injected_file_content_bytes', 'injected_file_path_bytes');
/** Quotas in versions below 2.36; of classes, below 2.50. */
export const quotasOfNetworks = each(quota, 'fixed_ips', 'floating_ips', 'security_groups', 'security_group_rules');

/** Limits of a project, with nova's names, `ram` in MiB; -1: no limit. */
export type Quotas = Record<keyof typeof inFirstVersion, number>;

const inFirstVersion = { ...lastingQuotas, ...quotasOfFiles, ...quotasOfNetworks } as const;
const withFiles = { ...lastingQuotas, ...quotasOfFiles } as const;

export const projectChange = {
  '2.1': closed({ quota_set: closed({ ...inFirstVersion, force: flag }) }, 'quota_set'),
  '2.36': closed({ quota_set: closed({ ...withFiles, force: flag }) }, 'quota_set'),
  '2.57': closed({ quota_set: closed({ ...lastingQuotas, force: flag }) }, 'quota_set'),
} as const;
export const classChange = {
  '2.1': closed({ quota_class_set: closed(inFirstVersion) }, 'quota_class_set'),
  '2.50': closed({ quota_class_set: closed(withFiles) }, 'quota_class_set'),
  '2.57': closed({ quota_class_set: closed(lastingQuotas) }, 'quota_class_set'),
} as const;
