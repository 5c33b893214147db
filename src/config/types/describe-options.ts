/**
 * Declarations as plain data: the basis of samples, manuals and schemas, which can be read back without the code that declared them.
 */
import * as addressTypes from './address-types.js';
import * as collectionTypes from './collection-types.js';
import * as numberTypes from './number-types.js';
import { escapeDollars, mayRefer, type Option, type OptionDeclarations } from './option.js';
import { present } from './present.js';
import * as textTypes from './text-types.js';

/** A group and options that a part of a program declares in it. */
export interface Registration {
  readonly group: string;
  readonly options: OptionDeclarations;
  /** Purpose of the group. */
  readonly help?: string;
}

/** One option as data. */
export interface OptionDescription
  extends Omit<
    Option,
    | 'default'
    | 'referringDefault'
    | 'spec'
    | 'repeatable'
    | 'plain'
    | 'parse'
    | 'parseAll'
    | 'check'
    | 'format'
    | 'warning'
  > {
  readonly name: string;
  /** In the form of a file; absent if there is none. */
  readonly default?: string;
  readonly sampleDefault?: string;
  readonly min?: number;
  readonly max?: number;
  readonly unit?: string;
  readonly choices?: readonly { readonly value: string; readonly help?: string }[];
  readonly pattern?: string;
  readonly removal?: { readonly reason?: string; readonly since?: string };
}

/** One group as data. */
export interface GroupDescription {
  readonly name: string;
  readonly help?: string;
  readonly options: readonly OptionDescription[];
}

/** All groups; `schemaVersion` increases when the shape changes. */
export interface ConfigDescription {
  readonly schemaVersion: 1;
  readonly groups: readonly GroupDescription[];
}

/** Describes declarations. Groups are sorted, `DEFAULT` first; options keep their order, with advanced ones last. */
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
      ...present({ help }),
      options: [...options.values()].toSorted((a, b) => Number(a.advanced) - Number(b.advanced)),
    })),
  };
}

/** Returns declarations from a description: sufficient to validate files without the code that declared the options. */
export function declareDescribed(description: ConfigDescription): Registration[] {
  return description.groups.map(({ name, options }) => ({
    group: name,
    options: Object.fromEntries(options.map((option) => [option.name, declareOne(option)])),
  }));
}

function describeOption(name: string, option: Option): OptionDescription {
  const { type, help, required, secret, mutable, restart, parent, advanced, aliases, deprecated, spec } = option;
  const { min, max, unit = 's', regex, choices } = spec as { [name: string]: unknown };
  const { deprecatedForRemoval, deprecatedReason: reason, deprecatedSince: since, sampleDefault } = spec;
  return present({
    name,
    type,
    help,
    default: sampleDefault === undefined ? defaultInFile(option) : undefined,
    sampleDefault,
    required,
    secret,
    mutable,
    restart,
    parent,
    advanced,
    min: typeof min === 'number' ? min : undefined,
    max: typeof max === 'number' ? max : undefined,
    unit: type === 'duration' ? (unit as string) : undefined,
    choices: choices === undefined ? undefined : describeChoices(choices as textTypes.Choices | readonly number[]),
    pattern: regex instanceof RegExp ? regex.source : undefined,
    aliases,
    deprecated,
    removal: deprecatedForRemoval === true ? present({ reason, since }) : undefined,
  });
}

function defaultInFile(option: Option): string | undefined {
  if (option.referringDefault !== undefined || option.default === undefined) return option.referringDefault;
  const text = option.format(option.default);
  return mayRefer(text) && !option.secret ? escapeDollars(text) : text;
}

function describeChoices(choices: textTypes.Choices | readonly number[]): { value: string; help?: string }[] {
  if (Array.isArray(choices)) return choices.map((value) => ({ value: String(value) }));
  return Object.entries(choices).map(([value, help]) => ({ value, help: String(help) }));
}

/** Functions that declare options, by the names of their types. */
const makers = { ...addressTypes, ...collectionTypes, ...numberTypes, ...textTypes };

function declareOne(described: OptionDescription): Option {
  const { name: _name, type, choices, pattern, sampleDefault: _default, removal: _removal, ...spec } = described;
  const names = choices?.map(({ value }) => value);
  if (type === 'choice') return makers.oneOf(names ?? [], spec as object) as Option;
  const make = (makers as unknown as { [type: string]: (spec: object) => Option })[type] ?? makers.string;
  return (make as (spec: object) => Option)({
    ...spec,
    regex: pattern === undefined ? undefined : new RegExp(pattern),
    choices: type === 'string' ? names : names?.map(Number),
  });
}
