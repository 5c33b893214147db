/**
 * The owner of a name is the code that declares it. A process knows the names of all shipped code from a table that the build has made, and
 * those of the modules that it has loaded.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PorticoError } from '../../errors/index.js';
import { sectionKey } from '../../ini/index.js';
import { ownFile } from '../../process/index.js';
import type { Sources } from '../state.js';
import { loadedGroups, type OwnedGroup } from '../types/define-options.js';
import {
  type Elsewhere,
  elsewhereOf,
  type Option,
  type OptionDeclarations,
  writtenElsewhere,
} from '../types/option.js';
import { DeclaredGroups } from './declared-groups.js';

/** A line of the table: a group, the other names of its options, how other programs write them, and the directory whose code declares it. */
type Row = readonly [
  group: string,
  options: Readonly<Record<string, Names>>,
  elsewhere: Elsewhere | null,
  directory: string | null,
];
type Names = Partial<Pick<Option, 'aliases' | 'deprecated' | 'secret'>>;

const TABLE = ownFile('shipped-names.json');
let rows: readonly Row[] | undefined;

/**
 * Returns the names of all shipped code, whether it is loaded or not. Their values are checked by the code that declares them. Throws
 * `PORTICO_PACKAGE_INCOMPLETE` without the table: every name of code that is not loaded would be refused.
 */
function table(): readonly Row[] {
  rows ??= readTable();
  return rows;
}

/**
 * Imports the shipped code that owns a written section and that nothing has loaded, so that the values there are checked. Filters are not
 * imported: a pipeline that has one checks its options.
 */
export async function loadOwners(declared: DeclaredGroups, sections: readonly string[]): Promise<void> {
  const loaded = new Set(['DEFAULT', ...loadedGroups().map(({ group }) => group)]);
  const open = sections.filter((section) => !loaded.has(section) && !declared.hasSection(section));
  if (open.length === 0) return;
  const directories = new Set(table().flatMap(([group, , , directory]) => (open.includes(group) && directory) || []));
  for (const directory of directories) await import(ownFile(`${directory}/internal.js`).href);
}

/**
 * Imports the shipped code that owns a group, and returns what it provides to the core: a registry for `servicegroup`, remote calls for
 * `rpc`. So the core knows their contracts, and not their code.
 */
export async function importOwner<T>(group: string): Promise<T> {
  const directory = table().find(([name, , , owner]) => name === group && owner !== null)?.[3];
  const { provided } = (await import(ownFile(`${directory}/provided.js`).href)) as { readonly provided: T };
  return provided;
}

function readTable(): readonly Row[] {
  try {
    return JSON.parse(readFileSync(TABLE, 'utf8')) as Row[];
  } catch (cause) {
    throw new PorticoError('PORTICO_PACKAGE_INCOMPLETE', {
      message: `this installation of Portico is incomplete: cannot read ${fileURLToPath(TABLE)}`,
      hint: 'Install the package again.',
      cause,
    });
  }
}

function asGroup([group, names, elsewhere]: Row): OwnedGroup {
  const named = ({ aliases = [], deprecated = [], secret = false }: Names) => ({ aliases, deprecated, secret });
  const options = Object.fromEntries(
    Object.entries(names).map(([opt, each]) => [opt, named(each)]),
  ) as unknown as OptionDeclarations;
  return { group, options: elsewhere === null ? options : writtenElsewhere(options, elsewhere) };
}

/**
 * Returns the table, as text, of the groups that are loaded now: the build has loaded all that is shipped. `directories`: that of each group
 * whose values any process checks.
 */
export function writeTable(directories: ReadonlyMap<string, string>): string {
  const row = ({ group, options }: OwnedGroup): Row => {
    const names = Object.entries(options).map(([opt, { aliases, deprecated, secret }]): [string, Names] => {
      const some = { ...(aliases.length > 0 && { aliases }), ...(deprecated.length > 0 && { deprecated }) };
      return [opt, secret ? { ...some, secret } : some];
    });
    return [group, Object.fromEntries(names), elsewhereOf(options) ?? null, directories.get(group) ?? null];
  };
  return `[\n${loadedGroups()
    .map((each) => JSON.stringify(row(each)))
    .join(',\n')}\n]\n`;
}

/** Returns all names that have an owner: shipped, loaded, or declared in this configuration. */
export function ownedNames(declared: DeclaredGroups, sources: Sources): DeclaredGroups {
  return withNames(new DeclaredGroups(true).add(declared), [...loadedGroups(), ...table().map(asGroup)], sources);
}

/** Returns the names that shipped and loaded code owns in these sections: a few of all, for a configuration without an unknown name. */
export function ownedIn(sections: ReadonlySet<string>, sources: Sources): DeclaredGroups {
  const rows = table().filter(([group, names, elsewhere]) => concerns(sections, group, names, elsewhere));
  const groups = loadedGroups().filter(({ group, options }) =>
    concerns(sections, group, options, elsewhereOf(options)),
  );
  return withNames(new DeclaredGroups(true), [...groups, ...rows.map(asGroup)], sources);
}

function withNames(names: DeclaredGroups, groups: readonly OwnedGroup[], sources: Sources): DeclaredGroups {
  for (const { group, options, sectional } of groups) names.declare(group, options, sectional);
  names.instantiate(sources);
  return names;
}

/** Reports whether a group has names in one of these sections: it is one, is a template of one, or has options with other names there. */
function concerns(
  sections: ReadonlySet<string>,
  group: string,
  options: Readonly<Record<string, Names>>,
  elsewhere: Elsewhere | null | undefined,
): boolean {
  const names = [`${group}.`, `${elsewhere?.section ?? group}.`];
  for (const opt in options) names.push(...(options[opt]!.aliases ?? []), ...(options[opt]!.deprecated ?? []));
  for (const name of names) {
    const section = name.slice(0, Math.max(0, name.lastIndexOf('.')));
    const open = section.indexOf('<name>');
    const key = section === '' ? section : sectionKey(open < 0 ? section : section.slice(0, open));
    if (sections.has(key)) return true;
    if (open >= 0) for (const each of sections) if (each.startsWith(key)) return true;
  }
  return false;
}
