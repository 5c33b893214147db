/** The schemas of quota requests. */
import { closed, flag } from './schemas.js';

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
export const quotasOfFiles = {
  injected_files: quota,
  injected_file_content_bytes: quota,
  injected_file_path_bytes: quota,
} as const;
/** Quotas in versions below 2.36; of classes, below 2.50. */
export const quotasOfNetworks = {
  fixed_ips: quota,
  floating_ips: quota,
  security_groups: quota,
  security_group_rules: quota,
} as const;

const set = { ...closed, required: [] } as const;
const quotaSet = { ...closed, required: ['quota_set'] } as const;
export const projectChange = {
  '2.1': {
    ...quotaSet,
    properties: {
      quota_set: { ...set, properties: { ...lastingQuotas, ...quotasOfFiles, ...quotasOfNetworks, force: flag } },
    },
  },
  '2.36': {
    ...quotaSet,
    properties: { quota_set: { ...set, properties: { ...lastingQuotas, ...quotasOfFiles, force: flag } } },
  },
  '2.57': { ...quotaSet, properties: { quota_set: { ...set, properties: { ...lastingQuotas, force: flag } } } },
} as const;
const quotaClassSet = { ...closed, required: ['quota_class_set'] } as const;
export const classChange = {
  '2.1': {
    ...quotaClassSet,
    properties: {
      quota_class_set: { ...set, properties: { ...lastingQuotas, ...quotasOfFiles, ...quotasOfNetworks } },
    },
  },
  '2.50': {
    ...quotaClassSet,
    properties: { quota_class_set: { ...set, properties: { ...lastingQuotas, ...quotasOfFiles } } },
  },
  '2.57': { ...quotaClassSet, properties: { quota_class_set: { ...set, properties: lastingQuotas } } },
} as const;
