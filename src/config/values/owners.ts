/**
 * The owner of a name is the code that declares it. A process knows the names of all shipped code from a table that the build has made, and
 * those of the modules that it has loaded.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PorticoError } from '../../errors/index.js';
import { ownFile } from '../../process/index.js';
import type { Sources } from '../state.js';
import { loadedGroups, type OwnedGroup } from '../types/define-options.js';
import { type Elsewhere, elsewhereOf, writtenElsewhere } from '../types/elsewhere.js';
import type { Option, OptionDeclarations } from '../types/option.js';
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
let shipped: readonly OwnedGroup[] | undefined;

/**
 * Returns the names of all shipped code, whether it is loaded or not. Their values are checked by the code that declares them. Throws
 * `PORTICO_PACKAGE_INCOMPLETE` without the table: every name of code that is not loaded would be refused.
 */
function shippedGroups(): readonly OwnedGroup[] {
  shipped ??= table().map(asGroup);
  return shipped;
}

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
  const names = new DeclaredGroups(true).add(declared);
  for (const { group, options, sectional } of [...loadedGroups(), ...shippedGroups()])
    names.declare(group, options, sectional);
  names.instantiate(sources);
  return names;
}
