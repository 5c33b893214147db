/** Objects of extensions: imported by their name, once, and checked. */
import { join } from 'node:path';
import { didYouMean, isObject, nearestNames, nearestOrAll, shownPath, whatItIs } from '../errors/index.js';
import {
  announcedExtension,
  findPackage,
  importFailure,
  isFileSpecifier,
  ModuleMissing,
  moduleUrl,
  packageNames,
  searchFolders,
} from '../modules/index.js';
import type { OptionDeclarations } from './types/option.js';
import {
  isCoreCommand,
  isCoreGroup,
  isShippedExtension,
  knownParts,
  shippedNames,
  shippedUrl,
} from './values/owners.js';

/** An extension, as far as a configuration knows it: `src/service/extension.ts` has the published type. */
export interface ExtensionObject {
  readonly name: string;
  readonly options?: Readonly<Record<string, () => Promise<OptionDeclarations>>>;
  readonly aliases?: Readonly<Record<string, string>>;
  readonly provides?: object;
}

/** Members that hold functions by name, and the words for one of them. */
const TABLES = { options: 'option group', commands: 'command', provides: 'part' } as const;
/** Names in the core that no extension may have. */
const CORE: { readonly [T in keyof typeof TABLES]?: (name: string) => boolean } = {
  options: isCoreGroup,
  commands: isCoreCommand,
};
const KNOWN = ['name', 'status', 'aliases', ...Object.keys(TABLES)];

/** Objects by their location: the name of a shipped one, else folder and name. */
const objects = new Map<string, ExtensionObject>();

/** An extension that is none, with the words for it. */
export class Refused extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Returns the objects that are imported, by {@link load}, of these names. */
export function known(names: readonly string[], folder: string): readonly ExtensionObject[] {
  return names.flatMap((name) => objects.get(keyOf(name, folder)) ?? []);
}

function keyOf(name: string, folder: string): string {
  return isShippedExtension(name) ? name : `${folder}\0${name}`;
}

/** Imports the extension of a name, once for each process and location. Rejects with {@link Refused} if it is none. */
export async function load(name: string, folder: string): Promise<ExtensionObject> {
  const key = keyOf(name, folder);
  const known = objects.get(key);
  if (known !== undefined) return known;
  const found = await importObject(name, isShippedExtension(name) ? shippedUrl(name) : urlOf(name, folder));
  objects.set(key, found);
  return found;
}

async function importObject(name: string, url: string): Promise<ExtensionObject> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await import(url)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new Refused(`${name} cannot be loaded: ${await importFailure(error, url)}`);
  }
  const object = module.extension ?? module.default;
  // The table of names, with which others are checked, is made of the shipped ones.
  if (!isShippedExtension(name)) checkObject(name, object);
  return object as ExtensionObject;
}

/** Returns the URL of a file, or of the module that a package announces: `"portico": { "extension": "./extension.js" }`. */
function urlOf(name: string, folder: string): string {
  try {
    if (isFileSpecifier(name)) return moduleUrl(name, folder);
    const found = findPackage(name, folder);
    if (found !== undefined) {
      const url = announcedExtension(found);
      if (url !== undefined) return url;
      const file = shownPath(join(found.folder, 'package.json'));
      throw new Refused(
        `${name} is no extension: ${file} names none`,
        'An extension announces its module there: "portico": { "extension": "./extension.js" }.',
      );
    }
  } catch (error) {
    if (!(error instanceof ModuleMissing)) throw error;
    throw new Refused(error.message, nearestOrAll(name, error.known));
  }
  const candidates = [...shippedNames(), ...packageNames(searchFolders(folder))];
  const [near] = nearestNames(name, new Set(candidates));
  throw new Refused(
    `there is no extension ${name}: no package of that name is in node_modules of ${searchFolders(folder).join(', ')}, or above`,
    near === undefined
      ? `npm install ${name}, or remove it; Portico has ${shippedNames().join(', ')}`
      : `did you mean ${near}?`,
  );
}

function checkObject(name: string, object: unknown): asserts object is ExtensionObject {
  const given = object as Readonly<Record<string, unknown>> | null | undefined;
  if (typeof given !== 'object' || given === null || typeof given.name !== 'string') {
    throw new Refused(
      `${name} is no extension: its module exports ${object === undefined ? 'no "extension"' : `${whatItIs(object)} as "extension"`}`,
      "Export an object: export const extension = { name: 'my-extension', … }.",
    );
  }
  const unknown = Object.keys(given).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) {
    throw new Refused(
      `${name}: an extension has no member "${unknown}"`,
      didYouMean(unknown, KNOWN) ?? `Members: ${KNOWN.join(', ')}.`,
    );
  }
  for (const [table, word] of Object.entries(TABLES)) {
    for (const [each, value] of Object.entries(objectOf(name, table, given[table] ?? {}))) {
      if (table === 'provides') checkPart(name, each, value);
      else checkFunction(name, `the ${word} ${each}`, value);
    }
  }
  if (given.status !== undefined) checkFunction(name, 'the status', given.status);
  for (const [from, to] of Object.entries(objectOf(name, 'aliases', given.aliases ?? {}))) {
    if (typeof to === 'string') continue;
    throw new Refused(
      `${name}: the alias ${from} is ${whatItIs(to)}, not a text`,
      `Write "${from}": "package:export".`,
    );
  }
}

/** Checks a part that somebody asks for: one that nobody asks for would have no effect. */
function checkPart(name: string, part: string, value: unknown): void {
  const parts = knownParts();
  if (!Object.hasOwn(parts, part)) {
    const known = Object.keys(parts);
    throw new Refused(`${name}: "provides" has no member "${part}"`, nearestOrAll(part, known, 'Members'));
  }
  if (parts[part] === 'function') {
    checkFunction(name, `the part ${part}`, value);
    return;
  }
  for (const [each, inner] of Object.entries(objectOf(name, part, value)))
    checkFunction(name, `${each} of ${part}`, inner);
}

function checkFunction(name: string, what: string, value: unknown): void {
  if (typeof value === 'function') return;
  throw new Refused(`${name}: ${what} is ${whatItIs(value)}, not a function`, 'Write a function that imports it.');
}

function objectOf(name: string, member: string, value: unknown): Readonly<Record<string, unknown>> {
  if (isObject(value)) return value;
  throw new Refused(`${name}: "${member}" is ${whatItIs(value)}, not an object`, 'Write its functions by name.');
}

/** A thing that only one extension of an application may provide, and not the core. */
export interface Part {
  readonly key: string;
  readonly what: string;
  /** Reports whether the core has it. */
  readonly isCore?: () => boolean;
}

/** Returns these things of an extension. */
export function* partsOf(object: ExtensionObject): Generator<Part> {
  yield { key: `name ${object.name}`, what: `the name "${object.name}"` };
  for (const from of Object.keys(object.aliases ?? {})) yield { key: `alias ${from}`, what: `the alias ${from}` };
  for (const [table, word] of Object.entries(TABLES)) {
    const members = (object as unknown as Record<string, Readonly<Record<string, unknown>> | undefined>)[table] ?? {};
    for (const [name, value] of Object.entries(members)) {
      const shown = table === 'options' ? `[${name}]` : name;
      const isCore = CORE[table as keyof typeof TABLES];
      if (typeof value === 'function')
        yield { key: `${table} ${name}`, what: `the ${word} ${shown}`, isCore: () => isCore?.(name) === true };
      else
        for (const inner of Object.keys(value as object))
          yield { key: `${table} ${name} ${inner}`, what: `${inner} of ${name}` };
    }
  }
}
