/**
 * The owner of a name is the code that declares it. A process knows the names of all shipped code from a table that the build has made, and
 * those of the modules that it has loaded. `[DEFAULT] other_names` gives names to other applications: `vnc`, `cache.*`, `DEFAULT.my_ip`; `*` is
 * any text.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Diagnostic, type Location, locationText, nearestNames, PorticoError } from '../../errors/index.js';
import { OS_PREFIX, ownFile } from '../../process/index.js';
import type { Sources, State } from '../state.js';
import { loadedGroups, locationOfDeclaration, type OwnedGroup } from '../types/define-options.js';
import { type Elsewhere, elsewhereOf, entryOf, type Option, writtenElsewhere } from '../types/option.js';
import { DeclaredGroups } from './declared-groups.js';
import type { Generation } from './generation.js';
import { locationOfItem } from './option-issues.js';
import { variableName } from './written.js';

/** A part of an extension: a function that imports it, or an object of such functions by name. */
export type PartKind = 'function' | 'object';

/** The groups of a shipped extension, the parts that it provides, and its aliases of factories. `module`: its file. */
interface ShippedExtension {
  readonly module: string;
  readonly groups: readonly string[];
  readonly provides: Readonly<Record<string, PartKind>>;
  readonly aliases: Readonly<Record<string, string>>;
}

/** Functions that import the options of groups. */
type OptionImports = Readonly<Record<string, () => Promise<unknown>>>;

/** The names of all shipped code, whether it is loaded or not. Their values are checked by the code that declares them. */
interface Table {
  /** Each section with the names of options in it, under any of their spellings, true for a secret; `<name>` stands for any. */
  readonly sections: Readonly<Record<string, Readonly<Record<string, boolean>>>>;
  /** Each group whose values any process checks, with the module of the core that declares it. */
  readonly owners: Readonly<Record<string, string>>;
  /** The same of each shipped extension, by its name, whose list may lack it. */
  readonly extensions: Readonly<Record<string, ShippedExtension & { readonly sections: Table['sections'] }>>;
  /** Commands of the core. */
  readonly commands: readonly string[];
  /** Groups with all names of their options, in the order in which the build has loaded them. Only hints need them. */
  readonly groups: readonly (OwnedGroup & { readonly elsewhere?: Elsewhere })[];
}

const TABLE = ownFile('shipped-names.json');
let shipped: Table | undefined;

/** Reads the table, once. Throws `PORTICO_PACKAGE_INCOMPLETE` without it: every name of code that is not loaded would be refused. */
function table(): Table {
  shipped ??= readTable();
  return shipped;
}

function readTable(): Table {
  try {
    const read = JSON.parse(readFileSync(TABLE, 'utf8')) as Table;
    for (const { options, elsewhere } of read.groups) if (elsewhere) writtenElsewhere(options, elsewhere);
    return read;
  } catch (cause) {
    throw new PorticoError('PORTICO_PACKAGE_INCOMPLETE', {
      message: `this installation of Portico is incomplete: cannot read ${fileURLToPath(TABLE)}`,
      hint: 'Install the package again.',
      cause,
    });
  }
}

/**
 * Returns the table, as text, of the groups that are loaded now: the build has loaded all that is shipped. `extensions`: those of each
 * shipped extension; `owners`: directories whose `internal.js` declares options that any process checks; `commands`: those of the core.
 */
export function writeTable(
  extensions: ReadonlyMap<string, ShippedExtension>,
  owners: readonly string[],
  commands: readonly string[],
): string {
  const groups = loadedGroups();
  const ofExtensions = new Set([...extensions.values()].flatMap(({ groups }) => groups));
  const declaredIn = groups.flatMap(({ group, options }) => {
    const [directory = ''] = locationOfDeclaration(options).slice(ownFile('.').href.length).split('/');
    return owners.includes(directory) ? [[group, `${directory}/internal.js`] as const] : [];
  });
  const sections = sectionsOf(groups.filter(({ group }) => !ofExtensions.has(group)));
  const ofEach = [...extensions].map(([name, own]) => {
    return [name, { ...own, sections: sectionsOf(groups.filter(({ group }) => own.groups.includes(group))) }] as const;
  });
  const rows = groups.map(({ group, options }) => {
    const named = Object.entries(options).map(([opt, { aliases, deprecated, secret }]) => [
      opt,
      { aliases, deprecated, secret },
    ]);
    return { group, options: Object.fromEntries(named), elsewhere: elsewhereOf(options) };
  });
  const table = {
    sections,
    owners: Object.fromEntries(declaredIn),
    extensions: Object.fromEntries(ofEach),
    commands,
    groups: rows,
  };
  return `${JSON.stringify(table)}\n`;
}

/** Returns the names of groups by section: their own, and those of their options' other names. */
function sectionsOf(groups: readonly OwnedGroup[]): Table['sections'] {
  // Each template has a section with its own name: `[api:<name>]`.
  const names = namesOf(groups, { files: [], arguments: groups.map(({ group }) => ({ group, opt: '<name>' })) });
  const known = groups.flatMap(({ group, options }) => [group, elsewhereOf(options)?.section ?? group]);
  const spelled = names.all().flatMap(({ spellings }) => spellings.map(({ group }) => group));
  const sections = [...new Set([...known, ...spelled])].map((section) => {
    const secrets = names.spelledIn(section).map((opt) => [opt, names.find(section, opt)?.option.secret]);
    return [section, Object.fromEntries(secrets)];
  });
  return Object.fromEntries(sections);
}

/** Returns the names of the extensions that Portico ships. */
export function shippedNames(): readonly string[] {
  return Object.keys(table().extensions);
}

export function isShippedExtension(name: string): boolean {
  return Object.hasOwn(table().extensions, name);
}

/** Returns the URL of the module of a shipped extension. */
export function shippedUrl(name: string): string {
  return ownFile(table().extensions[name]!.module).href;
}

/** Returns the extensions of an application: those that Portico ships, but for `-<name>` in `[DEFAULT] extensions`, then the others there. */
export function extensionNames(generation: Generation): readonly string[] {
  const option = generation.groups.option('DEFAULT', 'extensions');
  const written = ((option && generation.resolve(option).value) ?? []) as readonly string[];
  const shipped = shippedNames();
  if (written.length === 0) return shipped;
  const others = written.filter((name) => !name.startsWith('-') && !shipped.includes(name));
  return [...shipped.filter((name) => !written.includes(`-${name}`)), ...others];
}

/**
 * Returns the extensions whose names have owners: those of an application, and those of a changed list, which waits for a restart: the sections that
 * were written with it are no errors.
 */
export function owningExtensions(generation: Generation): readonly string[] {
  return [...new Set([...extensionNames(generation), ...extensionNames(generation.asWritten())])];
}

/** Returns the aliases of factories of a shipped extension. */
export function shippedAliases(name: string): Readonly<Record<string, string>> {
  return table().extensions[name]?.aliases ?? {};
}

/** Returns the groups of shipped extensions that the list lacks, each with its extension. Most applications have them all. */
export function absentGroups(generation: Generation): ReadonlyMap<string, string> {
  const names = new Set(owningExtensions(generation));
  const absent = shippedNames().filter((name) => !names.has(name));
  return new Map(
    absent.flatMap((name) => (table().extensions[name]?.groups ?? []).map((group) => [group, name] as const)),
  );
}

/** Reports whether a file, an argument, a variable or code sets an option of a group: an empty section sets none. */
export function setsOptionOf({ sources, pinned, overrides, defaults }: State, group: string): boolean {
  const { files, arguments: said, environment, envPrefix } = sources;
  const variables = [envPrefix, OS_PREFIX].map((prefix) => variableName(prefix, group, ''));
  return (
    files.some(({ entries }) => entries.some(({ section }) => section === group)) ||
    said.some((each) => each.group === group) ||
    Object.keys(environment).some((name) => variables.some((start) => name.startsWith(start))) ||
    [...Object.keys(pinned), ...overrides.keys(), ...defaults.keys()].some((key) => key.startsWith(`${group}.`))
  );
}

/**
 * Imports the shipped code that owns a group with values and that nothing has loaded, so that these are checked. Filters are not
 * imported: a pipeline that has one checks its options.
 */
export async function loadOwners(declared: DeclaredGroups, generation: Generation): Promise<void> {
  const { state } = generation;
  const loaded = new Set(['DEFAULT', ...loadedGroups().map(({ group }) => group)]);
  // A section in which others have names is not theirs: `[servicegroup] report_interval` is an option of `[DEFAULT]`.
  const isOpen = (group: string): boolean => !loaded.has(group) && declared.groupOf(group) === undefined;
  const { sources, pinned, overrides, defaults } = state;
  const sections = sources.files.flatMap((file) => file.entries.map(({ section }) => section));
  const others = Object.keys({ ...sources.environment, ...pinned }).length + overrides.size + defaults.size;
  // Most configurations: all sections are those of loaded code, and the table, which takes 2 ms, is not read.
  if (others + sources.arguments.length === 0 && !sections.some(isOpen)) return;
  const modules = new Set<string>();
  for (const [group, module] of Object.entries(table().owners))
    if (isOpen(group) && setsOptionOf(state, group)) modules.add(ownFile(module).href);
  for (const module of modules) await import(module);
  for (const name of owningExtensions(generation)) {
    const written = shippedGroups(name).filter((group) => isOpen(group) && setsOptionOf(state, group));
    if (written.length === 0) continue;
    const { extension } = (await import(shippedUrl(name))) as { extension: { options?: OptionImports } };
    const { options = {} } = extension;
    for (const group of written) await options[group]?.();
  }
}

/** Reports whether the core has a command of this name. */
export function isCoreCommand(name: string): boolean {
  return table().commands.includes(name);
}

/** Reports whether the core, and no shipped extension, has options in this group. */
export function isCoreGroup(name: string): boolean {
  const { groups, extensions } = table();
  return (
    groups.some(({ group }) => group === name) && !Object.values(extensions).some((each) => each.groups.includes(name))
  );
}

/** Returns the option groups of a shipped extension. */
export function shippedGroups(extension: string): readonly string[] {
  return table().extensions[extension]?.groups ?? [];
}

/** Returns the parts that a shipped extension provides. */
export function shippedParts(extension: string): readonly string[] {
  return Object.keys(table().extensions[extension]?.provides ?? {});
}

/** Returns all parts that somebody asks for: those that shipped extensions provide. */
export function knownParts(): Readonly<Record<string, PartKind>> {
  return Object.assign({}, ...Object.values(table().extensions).map(({ provides }) => provides));
}

/** Reports whether a shipped extension has an option of that name. */
export function isShippedName(extension: string, section: string, opt: string): boolean {
  return entryOf(table().extensions[extension]?.sections[section], opt) !== undefined;
}

/** Reports whether shipped code has options in a section. */
export function isShipped(section: string): boolean {
  return shippedIn(section) !== undefined;
}

/** Returns the names that shipped code has in a section, without that of absent extensions. */
function shippedIn(section: string, absent: ReadonlySet<string> = new Set()): Table['sections'][string] | undefined {
  const { sections, extensions } = table();
  const present = Object.entries(extensions).filter(([name]) => !absent.has(name));
  // `[cors.web]` and `[api:shop]` are sections of a template.
  const template = section.replace(/(?<=^[^.:]+[.:]).+/s, '<name>');
  const found = [sections, ...present.map(([, each]) => each.sections)]
    .map((each) => entryOf(each, section) ?? entryOf(each, template))
    .filter((names) => names !== undefined);
  return found.length === 0 ? undefined : Object.assign({}, ...found);
}

/** Names by their owners. */
export interface Owned {
  find(group: string, opt: string): { readonly option: Pick<Option, 'secret'> } | undefined;
  hasSection(section: string): boolean;
}

/** Returns the owners of names: this configuration has declared them, or shipped or loaded code owns them. `all`: for hints. */
export function ownersOf(
  declared: DeclaredGroups,
  sources: Sources,
  absent: ReadonlyMap<string, string> = new Map(),
): Owned & { readonly all: () => DeclaredGroups } {
  const lacking = new Set(absent.values());
  const isPresent = ({ group }: OwnedGroup): boolean => !absent.has(group);
  let loaded: DeclaredGroups | undefined;
  let every: DeclaredGroups | undefined;
  const ofLoaded = (): DeclaredGroups => {
    loaded ??= namesOf(loadedGroups().filter(isPresent), sources);
    return loaded;
  };
  const all = (): DeclaredGroups => {
    const groups = [...loadedGroups(), ...table().groups].filter(isPresent);
    every ??= namesOf(groups, sources, new DeclaredGroups(true).add(declared));
    return every;
  };
  return {
    find: (group, opt) => {
      const known = shippedIn(group, lacking);
      const secret = entryOf(known, opt) ?? entryOf(known, '<name>');
      return declared.find(group, opt) ?? (secret === undefined ? all().find(group, opt) : { option: { secret } });
    },
    hasSection: (section) =>
      declared.hasSection(section) || shippedIn(section, lacking) !== undefined || ofLoaded().hasSection(section),
    all,
  };
}

function namesOf(
  groups: readonly OwnedGroup[],
  sources: Parameters<DeclaredGroups['instantiate']>[0],
  names: DeclaredGroups = new DeclaredGroups(true),
): DeclaredGroups {
  for (const { group, options, sectional } of groups) names.declare(group, options, sectional);
  names.instantiate(sources);
  return names;
}

/** A name as written: of an option, or without `opt` of a section. */
export interface Name {
  readonly group: string;
  readonly opt?: string | undefined;
}

/** Recognizes names. */
export type NameTest = (name: Name) => boolean;

/** Returns the patterns that the operator has written. */
export function otherNames(generation: Generation): readonly string[] {
  return (listed(generation).value ?? []) as readonly string[];
}

/** Returns the lines of the patterns for a message, or another place of theirs: `line 4 of portico.ini`; undefined if there are none. */
export function locationOfOtherNames(generation: Generation): string | undefined {
  const { location, written } = listed(generation);
  const { origin } = location;
  if (origin === undefined) return locationText(location) || undefined;
  const last = written.at(-1)?.entry?.pieces.at(-1)?.origin.line ?? origin.line;
  return `${last > origin.line ? `lines ${origin.line} to ${last}` : `line ${origin.line}`} of ${origin.file}`;
}

/** Returns a function that recognizes names of other applications: those of the patterns, and `x-…`. */
export function ofOtherPrograms(generation: Generation): NameTest {
  return matching(['x-*', ...otherNames(generation)]);
}

/**
 * Returns warnings about the patterns of `other_names`: one with `*` that covers names with an owner, because it would hide a misspelt one;
 * the whole name of an option with an owner, because its value in a file is not read; and one that matches nothing. `*` alone is meant to
 * cover everything.
 */
export function oddPatterns(
  generation: Generation,
  written: readonly (Name & { readonly location?: Location })[],
  owned: Owned,
): Diagnostic[] {
  const found = (pattern: string, message: string, hint: string): Diagnostic => ({
    severity: 'warning',
    code: 'PORTICO_CONFIG_OTHER_NAMES',
    section: 'DEFAULT',
    option: 'other_names',
    location: locationOfItem(listed(generation), pattern),
    message,
    hint,
  });
  return otherNames(generation).flatMap((pattern) => {
    if (pattern === '*') return [];
    const isMatched = matching([pattern]);
    const matched = written.filter(isMatched);
    if (matched.length === 0) {
      const [near] = nearestNames(pattern, new Set(written.flatMap(({ group, opt }) => [group, `${group}.${opt}`])));
      const hint = near === undefined ? 'remove it' : `did you mean ${near}?`;
      return [found(pattern, `${pattern} matches no section, option or variable`, hint)];
    }
    const covered: string[] = [];
    const unread: string[] = [];
    for (const { group, opt, location } of matched) {
      // An API or service of that name may be another application's.
      const isOpen = group.includes(':');
      if (isMatched({ group })) {
        if (!isOpen && (group === 'DEFAULT' || owned.hasSection(group))) covered.push(`[${group}]`);
      } else if (owned.find(group, opt!) === undefined) continue;
      else if (!pattern.includes('*')) {
        const { file, line } = location?.origin ?? {};
        if (file !== undefined) unread.push(`${file}:${line}`);
      } else if (!isOpen) covered.push(`[${group}] ${opt}`);
    }
    if (unread.length > 0) {
      const message = `${pattern} is an option of this application too, and is not read here: ${unread.join(', ')}`;
      return [found(pattern, message, 'remove it from other_names if the value is meant for this application')];
    }
    if (covered.length === 0) return [];
    const [first, ...more] = new Set(covered);
    const shown = more.length === 0 ? first : `${first} and ${more.length} more`;
    const message = `${pattern} covers ${shown}, which this application reads: unknown options there are not reported`;
    return [found(pattern, message, 'write the names of the other applications, such as DEFAULT.my_ip')];
  });
}

function listed(generation: Generation) {
  return generation.resolve(generation.groups.option('DEFAULT', 'other_names')!);
}

/** Returns a test for whole names that one of the patterns gives. */
function matching(patterns: readonly string[]): NameTest {
  const quoted = patterns.map((each) => each.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*'));
  const any = new RegExp(`^(?:${quoted.join('|')})$`, 'i');
  return ({ group, opt }) => any.test(group) || (opt !== undefined && any.test(`${group}.${opt}`));
}
