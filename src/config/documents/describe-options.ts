/**
 * Declarations as plain data: what samples, manuals and schemas are made of, and what can be read back without the
 * code that declared them.
 */
import { cidr, host, hostport, ip, listen } from '../types/address-types.js';
import { dict, list, multi } from '../types/collection-types.js';
import { boolean, bytes, duration, float, integer, port, range } from '../types/number-types.js';
import type { Option, OptionDeclarations } from '../types/option.js';
import { type Choices, module, oneOf, path, regexp, string, uri } from '../types/text-types.js';

/** A group and the options some part of a program declares in it. */
export interface Registration {
  readonly group: string;
  readonly options: OptionDeclarations;
  /** What the group is for. */
  readonly help?: string;
}

/** One option as data. */
export interface OptionDescription {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** As one would write it in a file; absent where there is none. */
  readonly default?: string;
  readonly sampleDefault?: string;
  readonly required: boolean;
  readonly secret: boolean;
  readonly mutable: boolean;
  readonly restart: boolean;
  readonly parent: boolean;
  readonly advanced: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly unit?: string;
  readonly choices?: readonly { readonly value: string; readonly help?: string }[];
  readonly pattern?: string;
  /** Other names that mean the same, and older ones. */
  readonly aliases: readonly string[];
  readonly deprecated: readonly string[];
  readonly removal?: { readonly reason?: string; readonly since?: string };
}

/** One group as data. */
export interface GroupDescription {
  readonly name: string;
  readonly help?: string;
  readonly options: readonly OptionDescription[];
}

/** All groups; `schemaVersion` grows when the shape changes. */
export interface ConfigDescription {
  readonly schemaVersion: 1;
  readonly groups: readonly GroupDescription[];
}

/** Describes declarations. Groups are sorted, `DEFAULT` first; options stay in order, advanced ones come last. */
export function describeOptions(registrations: Iterable<Registration>): ConfigDescription {
  const groups = new Map<string, { help?: string; options: Map<string, OptionDescription> }>();
  for (const { group, options, help } of registrations) {
    const known = groups.get(group) ?? { options: new Map<string, OptionDescription>() };
    if (help !== undefined) known.help = help;
    for (const [name, option] of Object.entries(options)) known.options.set(name, describeOption(name, option));
    groups.set(group, known);
  }
  const order = (name: string) => (name === 'DEFAULT' ? '' : name);
  const sorted = [...groups].toSorted(([a], [b]) => (order(a) < order(b) ? -1 : 1));
  return {
    schemaVersion: 1,
    groups: sorted.map(([name, { help, options }]) => ({
      name,
      ...(help === undefined ? {} : { help }),
      options: [...options.values()].toSorted((a, b) => Number(a.advanced) - Number(b.advanced)),
    })),
  };
}

/** Declarations from a description: enough to validate files without the code that declared the options. */
export function declareDescribed(description: ConfigDescription): Registration[] {
  return description.groups.map(({ name, options }) => ({
    group: name,
    options: Object.fromEntries(options.map((option) => [option.name, declareOne(option)])),
  }));
}

function describeOption(name: string, option: Option): OptionDescription {
  const { spec } = option;
  const { min, max, unit, regex, choices } = spec as { [name: string]: unknown };
  const { deprecatedForRemoval, deprecatedReason, deprecatedSince, sampleDefault } = spec;
  const removal = {
    ...(deprecatedReason === undefined ? {} : { reason: deprecatedReason }),
    ...(deprecatedSince === undefined ? {} : { since: deprecatedSince }),
  };
  return {
    name,
    type: option.type,
    help: option.help,
    ...(option.default === undefined || sampleDefault !== undefined ? {} : { default: option.format(option.default) }),
    ...(sampleDefault === undefined ? {} : { sampleDefault }),
    required: option.required,
    secret: option.secret,
    mutable: option.mutable,
    restart: option.restart,
    parent: option.parent,
    advanced: option.advanced,
    ...(typeof min === 'number' ? { min } : {}),
    ...(typeof max === 'number' ? { max } : {}),
    ...(option.type === 'duration' ? { unit: typeof unit === 'string' ? unit : 's' } : {}),
    ...(choices === undefined ? {} : { choices: describeChoices(choices as Choices | readonly number[]) }),
    ...(regex instanceof RegExp ? { pattern: regex.source } : {}),
    aliases: option.aliases,
    deprecated: option.deprecated,
    ...(deprecatedForRemoval === true ? { removal } : {}),
  };
}

function describeChoices(choices: Choices | readonly number[]): { value: string; help?: string }[] {
  if (Array.isArray(choices)) return choices.map((value) => ({ value: String(value) }));
  return Object.entries(choices).map(([value, help]) => ({ value, help: String(help) }));
}

const makers = {
  boolean,
  bytes,
  cidr,
  dict,
  duration,
  float,
  host,
  hostport,
  integer,
  ip,
  list,
  listen,
  module,
  multi,
  path,
  port,
  range,
  regexp,
  string,
  uri,
};

function declareOne(described: OptionDescription): Option {
  const { type, choices, pattern, help, required, secret, mutable, restart, parent } = described;
  const { advanced, min, max, aliases, deprecated } = described;
  const shared = { help, required, secret, mutable, restart, parent, advanced, aliases, deprecated };
  const withDefault = described.default === undefined ? {} : { default: described.default };
  const names = choices?.map(({ value }) => value) ?? [];
  if (type === 'choice') return oneOf(names, { ...shared, ...withDefault } as Parameters<typeof oneOf>[1]) as Option;
  const make = (makers as unknown as { [type: string]: (spec: object) => Option })[type] ?? makers.string;
  return (make as (spec: object) => Option)({
    ...shared,
    ...withDefault,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(described.unit === undefined ? {} : { unit: described.unit }),
    ...(pattern === undefined ? {} : { regex: new RegExp(pattern) }),
    ...(names.length === 0 ? {} : { choices: type === 'string' ? names : names.map(Number) }),
  });
}
