/**
 * Extensions of an application: the objects that `[DEFAULT] extensions` names. Shipped ones are imported when something of them is needed;
 * others at once, because only their objects know which options they have.
 */
import { dirname } from 'node:path';
import { type Diagnostic, errorText, inOrder, isObject, nearestOrAll, whatItIs } from '../errors/index.js';
import { importFailure } from '../modules/index.js';
import { type ExtensionObject, known, load, partsOf, Refused } from './extension-objects.js';
import type { State } from './state.js';
import { checkDeclarations, owns } from './types/define-options.js';
import type { OptionDeclarations } from './types/option.js';
import type { DeclaredGroups } from './values/declared-groups.js';
import { Generation } from './values/generation.js';
import { locationOfItem, type OptionLocations, refuseErrors, refuseOption } from './values/option-issues.js';
import {
  extensionNames,
  isShippedExtension,
  owningExtensions,
  setsOptionOf,
  shippedAliases,
  shippedGroups,
  shippedNames,
  shippedParts,
} from './values/owners.js';
import type { Resolved } from './values/written.js';

const CODE = 'PORTICO_EXTENSION';

/** Returns `[DEFAULT] extensions`. */
function listed(generation: Generation): Resolved {
  return generation.resolve(generation.groups.option('DEFAULT', 'extensions')!);
}

/** Returns the folder from which the names of others are resolved: that of the file with the list, else of the first file. */
function folderOf(generation: Generation): string {
  const file = listed(generation).location.origin?.file ?? generation.state.paths.files[0]?.path;
  return file === undefined ? '.' : dirname(file);
}

/**
 * Imports the extensions that Portico does not ship, and declares their options. Returns the state with an error for each entry that is not
 * an extension. Never rejects. Most applications have none and import nothing here.
 */
export async function readExtensions(state: State, groups: DeclaredGroups): Promise<State> {
  const generation = new Generation(state, groups);
  await readWaiting(generation);
  const written = (listed(generation).value ?? []) as readonly string[];
  if (written.length === 0) return state;
  const issues: Diagnostic[] = [];
  const refuse = (item: string, message: string, hint?: string): void => {
    issues.push(refusedEntry(generation, item, { message, hint }));
  };
  const owners = new Map<string, string>();
  for (const name of new Set(written.filter((each, at) => written.indexOf(each) < at)))
    refuse(name, `${name} is in the list twice`, 'remove one of them');
  for (const name of written) {
    if (!name.startsWith('-') || isShippedExtension(name.slice(1))) continue;
    refuse(name, `Portico has no extension ${name.slice(1)} to leave out`, nearestOrAll(name.slice(1), shippedNames()));
  }
  for (const name of new Set(extensionNames(generation))) {
    try {
      const object = await load(name, folderOf(generation));
      for (const part of partsOf(object)) {
        if (!isShippedExtension(name) && part.isCore?.() === true)
          throw new Refused(`${name} has ${part.what}, which Portico has`, 'give it another name');
        const other = owners.get(part.key);
        if (other !== undefined) {
          const leftOut = isShippedExtension(other)
            ? `add -${other} to the list, or remove ${name}`
            : 'remove one of both from the list';
          throw new Refused(`${name} has ${part.what}, which ${other} has too`, leftOut);
        }
        owners.set(part.key, name);
      }
      if (!isShippedExtension(name)) await declareOptions(name, object);
    } catch (error) {
      const { message, hint } = error instanceof Refused ? error : new Refused(await importFailure(error, name));
      refuse(name, message, hint);
    }
  }
  return issues.length === 0 ? state : { ...state, issues: [...state.issues, ...issues] };
}

/** Returns the error of an entry of the list, with its location. */
function refusedEntry(generation: Generation, item: string, said: Pick<Diagnostic, 'message' | 'hint'>): Diagnostic {
  const location = locationOfItem(listed(generation), item);
  return { severity: 'error', code: CODE, section: 'DEFAULT', option: 'extensions', location, ...said };
}

/**
 * Declares the options of extensions that take effect after a restart, because a worker already gets the sections that were written for
 * them. Errors are ignored here: the reload has reported them.
 */
async function readWaiting(generation: Generation): Promise<void> {
  // Most configurations wait for nothing.
  if (generation.asWritten() === generation) return;
  const inUse = new Set(extensionNames(generation));
  for (const name of owningExtensions(generation)) {
    if (inUse.has(name) || isShippedExtension(name)) continue;
    await load(name, folderOf(generation.asWritten()))
      .then((object) => declareOptions(name, object))
      .catch(() => undefined);
  }
}

async function declareOptions(name: string, { options = {} }: ExtensionObject): Promise<void> {
  for (const [group, declare] of Object.entries(options)) owns(group, await declared(name, group, declare));
}

/** Returns the options of a group. Rejects with {@link Refused}: any failure of an extension's module is reported, and must not end the process. */
async function declared(
  name: string,
  group: string,
  declare: () => Promise<OptionDeclarations>,
): Promise<OptionDeclarations> {
  let given: unknown;
  try {
    given = await declare();
  } catch (error) {
    throw new Refused(`${name}: the options of [${group}] cannot be read: ${await importFailure(error, name)}`);
  }
  if (!isObject(given))
    throw new Refused(
      `${name}: the options of [${group}] are ${whatItIs(given)}, not the declarations of options`,
      DECLARE,
    );
  try {
    checkDeclarations(given);
  } catch (error) {
    throw new Refused(`${name}: the options of [${group}] cannot be read: ${errorText(error)}`, DECLARE);
  }
  return given as OptionDeclarations;
}

const DECLARE = 'Return what defineOptions returns: the export of a module, and not the module.';

/** The extensions that somebody asks for. */
export interface Wanted {
  /** Only those with an option that a source or code sets. */
  readonly configured?: boolean;
  /** Only those that provide this part. */
  readonly providing?: string;
}

/** Returns the errors of the list that {@link readExtensions} has found: not all extensions are known then. */
function listErrors({ state }: Generation): readonly Diagnostic[] {
  return state.issues.filter(({ code }) => code === CODE);
}

/** Returns the objects in the list. Rejects with a `ConfigError` if it has errors. */
export async function loadExtensions(
  generation: Generation,
  { configured = false, providing }: Wanted = {},
): Promise<readonly ExtensionObject[]> {
  refuseErrors(listErrors(generation));
  const folder = folderOf(generation);
  const wrong: Diagnostic[] = [];
  const isAsked = (groups: readonly string[], parts: readonly string[]): boolean =>
    (!configured || groups.some((group) => setsOptionOf(generation.state, group))) &&
    (providing === undefined || parts.includes(providing));
  const found = extensionNames(generation).map(async (name) => {
    // The table knows the groups and parts of shipped ones without an import.
    if (isShippedExtension(name) && !isAsked(shippedGroups(name), shippedParts(name))) return [];
    try {
      const isRead = known([name], folder).length > 0;
      const object = await load(name, folder);
      if (!isRead && !isShippedExtension(name)) await declareOptions(name, object);
      return isAsked(Object.keys(object.options ?? {}), Object.keys(object.provides ?? {})) ? [object] : [];
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      wrong.push(refusedEntry(generation, name, { message: error.message, hint: error.hint }));
      return [];
    }
  });
  const objects = (await Promise.all(found)).flat();
  refuseErrors(inOrder(wrong));
  return objects;
}

/** Returns all that Portico ships. */
export async function shippedExtensions(): Promise<readonly ExtensionObject[]> {
  return Promise.all(shippedNames().map((name) => load(name, '.')));
}

/** Extensions of an application that are known without an import. */
export interface KnownExtensions {
  /** Imported extensions: once the configuration is loaded, all that Portico does not ship. Undefined if the list has an error, or nobody has imported all of them. */
  readonly loaded: readonly ExtensionObject[] | undefined;
  /** Those of `loaded` that Portico does not ship; none if that is undefined. */
  readonly others: readonly ExtensionObject[];
  /** The aliases of factories that they and the shipped ones have. */
  readonly aliases: Readonly<Record<string, string>>;
  /** References to factories of shipped extensions that the list leaves out, each with the name of its extension: aliases, and the modules. */
  readonly leftOut: Readonly<Record<string, string>>;
}

/** Returns the extensions of an application as far as they are known; those of a list with an error are not. */
export function knownExtensions(generation: Generation): KnownExtensions {
  const names = extensionNames(generation);
  const isWhole = listErrors(generation).length === 0 && notImported(generation).length === 0;
  const loaded = isWhole ? known(names, folderOf(generation)) : undefined;
  return {
    loaded,
    get others() {
      const folder = folderOf(generation);
      return loaded === undefined
        ? []
        : known(
            names.filter((name) => !isShippedExtension(name)),
            folder,
          );
    },
    get aliases() {
      const all = [...names.map(shippedAliases), ...(loaded ?? []).map(({ aliases }) => aliases)];
      return Object.assign({}, ...all) as Readonly<Record<string, string>>;
    },
    get leftOut() {
      const absent = shippedNames().filter((name) => !names.includes(name));
      const all = absent.flatMap((name) => [name, ...Object.keys(shippedAliases(name))].map((from) => [from, name]));
      return Object.fromEntries(all) as Readonly<Record<string, string>>;
    },
  };
}

/** Returns the error of a list whose extensions nobody has imported, such as that of a text: their options and parts are not known. */
export function notImported(generation: Generation): readonly Diagnostic[] {
  if (listErrors(generation).length > 0) return [];
  const folder = folderOf(generation);
  const isMissing = (name: string): boolean => !isShippedExtension(name) && known([name], folder).length === 0;
  const missing = extensionNames(generation).filter(isMissing);
  const message = 'its extensions are not imported, so their options and parts are not known';
  const hint = 'import them first: await extensionsOf(config)';
  return missing.slice(0, 1).map((name) => refusedEntry(generation, name, { message, hint }));
}

/** Refuses a configuration whose list leaves out the shipped extension that provides a part. */
export function missingExtension(config: OptionLocations, part: string, what: string): never {
  const name = shippedNames().find((each) => shippedParts(each).includes(part))!;
  return refuseOption(config, {
    code: CODE,
    group: 'DEFAULT',
    opt: 'extensions',
    item: `-${name}`,
    message: `the list leaves out ${name}, which provides ${what}`,
    hint: `remove -${name}`,
  });
}
