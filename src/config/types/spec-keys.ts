/**
 * What a declaration of each type may say: so that a slip of the pen in one is no silence.
 */
import type { Option, OptionSpec } from './option.js';

/** Of every type. */
const SHARED: Readonly<Record<keyof OptionSpec | 'default', true>> = {
  default: true,
  help: true,
  required: true,
  secret: true,
  mutable: true,
  restart: true,
  parent: true,
  advanced: true,
  sampleDefault: true,
  aliases: true,
  deprecated: true,
  deprecatedForRemoval: true,
  deprecatedReason: true,
  deprecatedSince: true,
  metavar: true,
  cli: true,
  short: true,
};

const BOUNDS = ['min', 'max'];

/** Of the types there are here; what types of others know is their own affair. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  string: ['choices', 'regex', 'ignoreCase', 'maxLength'],
  choice: ['choices', 'ignoreCase'],
  boolean: [],
  integer: [...BOUNDS, 'choices'],
  float: [...BOUNDS, 'choices'],
  port: [...BOUNDS, 'choices'],
  range: BOUNDS,
  bytes: BOUNDS,
  duration: [...BOUNDS, 'unit'],
  uri: ['schemes', 'maxLength'],
  path: ['mustExist', 'kind', 'mode'],
  regexp: ['flags'],
  module: [],
  ip: ['version'],
  cidr: ['version'],
  host: [],
  hostport: [],
  listen: [],
  list: ['item', 'bounds', 'minLength', 'unique'],
  multi: ['item', 'bounds', 'minLength', 'unique'],
  dict: ['value', 'separator', 'bounds', 'minLength'],
};

/** The names a declaration may have; undefined for a type that is not one of these. */
export function specKeys({ type }: Option): readonly string[] | undefined {
  const own = Object.hasOwn(OWN, type) ? OWN[type] : undefined;
  return own === undefined ? undefined : [...Object.keys(SHARED), ...own];
}
