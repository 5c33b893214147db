/** JSON Schemas that several bodies and queries share; the last ones are of quotas. */

/** An object with no members but these. `required`: those that it must have. */
export function closed<const P extends object, const R extends readonly (keyof P)[]>(properties: P, ...required: R) {
  return { type: 'object', additionalProperties: false, required, properties } as const;
}

/** Properties that have the same schema. */
export function each<const S, const N extends string>(schema: S, ...names: readonly N[]): Readonly<Record<N, S>> {
  return Object.fromEntries(names.map((name) => [name, schema])) as Readonly<Record<N, S>>;
}

/** A query whose parameters are text. Others are ignored. */
export function query<const N extends string>(...names: readonly N[]) {
  return { type: 'object', properties: each(anyText, ...names) } as const;
}

/** The same query, by version: from 2.75 on, other parameters are refused. */
export function queryByVersion<const Q extends object>(query: Q) {
  return { '2.1': query, '2.75': strict(query) } as const;
}

/** The same query. Other parameters are refused. */
export function strict<const Q extends object>(query: Q) {
  return { ...query, additionalProperties: false } as const;
}

/** Any string. */
export const anyText = { type: 'string' } as const;

/** A string of 1 to 255 characters. */
export const text = { type: 'string', minLength: 1, maxLength: 255 } as const;

/** A string without control characters, and without white space at either end. */
export const name = { ...text, pattern: '^(?!\\s)[^\\u0000-\\u001f\\u007f]*(?<!\\s)$' } as const;

/** A string without control characters, or null. */
export const description = {
  anyOf: [{ type: 'string', minLength: 0, maxLength: 255, pattern: '^[^\\u0000-\\u001f\\u007f]*$' }, { type: 'null' }],
} as const;

/** Data for the first boot of a server, in base64. */
export const userData = { type: 'string', format: 'base64', maxLength: 65_535 } as const;

/** A tag of a server, without commas and slashes. */
export const tag = { type: 'string', minLength: 1, maxLength: 60, pattern: '^[^,/]+$' } as const;

/** A whole number or its digits. `Number` reads both. */
export const wholeNumber = {
  type: ['integer', 'string'],
  minimum: 0,
  maximum: 2_147_483_647,
  pattern: '^[0-9]{1,9}$',
} as const;

/** A whole number above zero, or its digits. */
export const positiveNumber = { ...wholeNumber, minimum: 1, pattern: '^0*[1-9][0-9]{0,8}$' } as const;

const YES = ['true', 'True', 'TRUE', '1', 'on', 'On', 'ON', 'yes', 'Yes', 'YES'] as const;
const NO = ['false', 'False', 'FALSE', '0', 'off', 'Off', 'OFF', 'no', 'No', 'NO'] as const;

/** A boolean, or a word for one. {@link isTrue} reads both. */
export const flag = { enum: [true, ...YES, false, ...NO] } as const;

/** Reports whether a value that matches {@link flag} means true. */
export function isTrue(value: unknown): boolean {
  return value === true || (YES as readonly unknown[]).includes(value);
}

const METADATA_KEY = '^[a-zA-Z0-9\\-_:. ]{1,255}$';

/** Keys with values of these types, which have at most 255 characters. */
export function metadataOf<const T extends string>(...type: readonly T[]) {
  const value = { type, maxLength: 255 } as const;
  return { type: 'object', additionalProperties: false, patternProperties: { [METADATA_KEY]: value } } as const;
}

/** Keys with strings as values. */
export const metadata = metadataOf('string');

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
