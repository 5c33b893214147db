/** Declarations as plain data: the basis of samples, manuals and schemas. */
import { escapeDollars, mayRefer, type Option, type OptionDeclarations } from './option.js';
import type { Choices } from './text-types.js';

/** A group and options that a part of an application declares in it. */
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
  /** Members of the declaration that change how a value is read, such as the `separator` of a dictionary. */
  readonly reading?: Readonly<Record<string, unknown>>;
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

function describeOption(name: string, option: Option): OptionDescription {
  const { type, help, required, secret, restart, advanced, aliases, deprecated, spec } = option;
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
    restart,
    advanced,
    min: typeof min === 'number' ? min : undefined,
    max: typeof max === 'number' ? max : undefined,
    unit: type === 'duration' ? (unit as string) : undefined,
    choices: choices === undefined ? undefined : describeChoices(choices as Choices | readonly number[]),
    pattern: regex instanceof RegExp ? regex.source : undefined,
    reading: readingOf(spec),
    aliases,
    deprecated,
    removal: deprecatedForRemoval === true ? present({ reason, since }) : undefined,
  });
}

const READING = ['bounds', 'canBeEmpty', 'flags', 'ignoreCase', 'schemes', 'separator'];

function readingOf(spec: Option['spec']): Record<string, unknown> | undefined {
  const found = READING.filter((name) => spec[name] !== undefined).map((name) => [name, spec[name]]);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

function defaultInFile(option: Option): string | undefined {
  if (option.referringDefault !== undefined || option.default === undefined) return option.referringDefault;
  const text = option.format(option.default);
  return mayRefer(text) && !option.secret ? escapeDollars(text) : text;
}

function describeChoices(choices: Choices | readonly number[]): { value: string; help?: string }[] {
  if (Array.isArray(choices)) return choices.map((value) => ({ value: String(value) }));
  return Object.entries(choices).map(([value, help]) => ({ value, help: String(help) }));
}

// Objects without members that are undefined, for types that distinguish them from absent ones.

/** Returns the object without members that are undefined. */
export function present<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as ReturnType<typeof present<T>>;
}
