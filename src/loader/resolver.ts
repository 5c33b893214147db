/**
 * Finds the factory of a reference: in the aliases first, then in modules and packages, from the folder of the file that names it. Tests
 * and applications can replace it.
 */
import { dirname, resolve as resolvePath } from 'node:path';
import { didYouMean, type Origin } from '../errors/index.js';
import { type ExportReference, findPackage, packageNames, searchFolders } from '../modules/index.js';
import type { Awaitable } from '../service/index.js';
import { type Alias, type AliasTable, normalDistribution, tableOf } from './aliases.js';
import { byOption } from './composite/by-option.js';
import { cascade } from './composite/cascade.js';
import { urlmap } from './composite/urlmap.js';
import { versionedUrlmap } from './composite/versioned-urlmap.js';
import { BUILTIN } from './counterparts.js';
import { evaluateExpression, findModule, parseExpression } from './expression.js';
import { parseReference } from './parse-reference.js';
import { PasteError } from './paste-error.js';

/** Entry points of a distribution: group, name, factory. Maps, or plain objects, of which only own properties count. */
export type EntryPoints =
  | ReadonlyMap<string, ReadonlyMap<string, unknown>>
  | Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Finds factories. An error without the given origin is wrapped. */
export interface Resolver {
  /** Returns the value of a factory expression. `kind` is the kind of option before it. The resolver defines the grammar. */
  expression(text: string, kind: 'protocol' | 'call', origin: Origin): Awaitable<unknown>;
  /** Returns the entry points of a distribution, or only those of the name `entry`. Throws `PORTICO_PASTE_NO_PACKAGE`. */
  distribution(name: string, origin: Origin, entry?: string): Awaitable<EntryPoints>;
}

/** An entry point whose factory is resolved when it is used. */
class LazyFactory {
  readonly load: () => Awaitable<unknown>;

  constructor(load: () => Awaitable<unknown>) {
    this.load = load;
  }
}

/** Returns the entry points of one group. */
export function entryPointsOf(groups: EntryPoints, group: string): ReadonlyMap<string, unknown> {
  if (groups instanceof Map)
    return (groups as ReadonlyMap<string, ReadonlyMap<string, unknown>>).get(group) ?? new Map();
  const members = Object.hasOwn(groups, group) ? (groups as Record<string, Record<string, unknown>>)[group] : undefined;
  return members === undefined ? new Map() : new Map(Object.entries(members));
}

/** Returns the factory of an entry point. */
export function factoryOf(entry: unknown): Awaitable<unknown> {
  return entry instanceof LazyFactory ? entry.load() : entry;
}

const PLAIN = ['paste.app_factory', 'paste.filter_factory', 'paste.server_factory'];

/** A reference that is being resolved, and the aliases that led to it. */
interface Lookup {
  /** Place of the first reference of the lookup. */
  readonly origin: Origin;
  /** Folder that modules are relative to. */
  readonly folder: string;
  /** The first name, for messages. */
  readonly written: string;
  /** Names resolved so far, this one included. */
  readonly chain: readonly string[];
}

/** Resolves references through layers of aliases: those given in code, of the current file, of the first file, and built-in ones. */
export class DefaultResolver implements Resolver {
  readonly #tables: (origin: Origin) => readonly AliasTable[];
  readonly #imports: boolean;
  /** Modules that were located, each with the folder that it was named in. */
  readonly #located = new Set<string>();
  /** Packages by distribution and folder: a look for one reads the folders of packages. */
  readonly #announced = new Map<string, Announced | undefined>();

  /**
   * `layers`: the alias tables before the built-in one, for a reference at `origin`. Without `imports`, modules are located but not
   * imported, and {@link Unimported} replaces their exports.
   */
  constructor(layers: (origin: Origin) => readonly AliasTable[], imports: boolean) {
    this.#tables = (origin) => [...layers(origin), BUILTIN_ALIASES];
    this.#imports = imports;
  }

  async expression(text: string, kind: 'protocol' | 'call', origin: Origin): Promise<unknown> {
    return this.#follow(text, kind, { origin, folder: folderOf(origin), written: text, chain: [text] });
  }

  async distribution(name: string, origin: Origin, only?: string): Promise<EntryPoints> {
    const groups = new Map<string, Map<string, unknown>>();
    const put = (group: string, entry: string, load: () => unknown) => {
      const names = groups.get(group) ?? new Map<string, unknown>();
      groups.set(group, names.set(entry, new LazyFactory(load)));
    };
    const tables = this.#tables(origin);
    const aliased = tables.toReversed().flatMap((table) => [...table.entryPoints(name)]);
    // An alias replaces what a package announces: a look for one reads a hundred folders.
    const announced = aliased.some(([entry]) => entry === only) ? undefined : this.#announcedBy(name, origin);
    for (const { group, entry, target } of announced?.factories ?? []) {
      const at = { origin, folder: announced!.folder, written: target, chain: [target] };
      put(group, entry, () => this.#follow(target, 'protocol', at));
    }
    // An earlier table replaces entries of the same name in later ones.
    for (const [entry, aliases] of aliased) {
      for (const names of groups.values()) names.delete(entry);
      const written = `egg:${name}#${entry}`;
      for (const alias of aliases) {
        const load = () => this.#alias(alias, { origin, folder: folderOf(origin), written, chain: [written] });
        for (const group of alias.protocol === undefined ? PLAIN : [alias.protocol]) put(group, entry, load);
      }
    }
    if (announced === undefined && groups.size === 0) {
      throw noPackage(
        name,
        [...tables.flatMap(({ distributions }) => distributions), ...packageNames([folderOf(origin)])],
        origin,
      );
    }
    return groups;
  }

  /** Returns the end of the aliases of a reference, with what is lost on the way; undefined for one without an alias. */
  aliasOf(reference: string, protocol: string | null, origin: Origin): Alias | undefined {
    const tables = this.#tables(origin);
    const met = new Set<string>();
    let found: Alias | undefined;
    for (let text = reference; !met.has(text); text = found.target) {
      met.add(text);
      const alias = tables.map((table) => table.find(text, protocol)).find((each) => each !== undefined);
      if (alias === undefined) break;
      found = { ...alias, lost: found?.lost ?? alias.lost };
    }
    return found;
  }

  /** Reports whether a package of that name is installed, with or without entry points. */
  isInstalled(distribution: string, origin: Origin): boolean {
    return this.#announcedBy(distribution, origin) !== undefined;
  }

  #announcedBy(distribution: string, origin: Origin): Announced | undefined {
    const folder = folderOf(origin);
    const key = `${distribution} ${folder}`;
    if (!this.#announced.has(key)) this.#announced.set(key, announcedBy(distribution, folder));
    return this.#announced.get(key);
  }

  async #follow(text: string, kind: 'protocol' | 'call', at: Lookup): Promise<unknown> {
    const { origin, folder, written, chain } = at;
    for (const table of this.#tables(origin)) {
      const alias = table.expression(text);
      if (alias !== undefined) return this.#alias(alias, at);
    }
    const reference = parseReference(text);
    if (reference.form === 'egg') return this.#entryPoint(reference.distribution, reference.name, text, at);
    if (reference.form === 'call' && chain.length > 1) {
      return this.#follow(reference.expression, 'call', { ...at, chain: [...chain, reference.expression] });
    }
    const expression = reference.form === 'call' ? reference.expression : text;
    checkCall(expression, kind, origin);
    const parsed = parseExpression(expression);
    if (parsed === undefined) throw badExpression(expression, origin);
    if (this.#imports) return evaluateExpression(parsed, folder, written, origin);
    const named = `${folder} ${parsed.module}`;
    if (!this.#located.has(named)) findModule(parsed.module, folder, written, origin);
    this.#located.add(named);
    const own = parsed.module === 'portico/loader' ? COMPOSITES.get(parsed.name ?? '') : undefined;
    return own ?? new Unimported(parsed);
  }

  async #alias({ target, origin: stands, leftOut }: Alias, at: Lookup): Promise<unknown> {
    if (leftOut !== undefined) throw ofLeftOut(at.written, leftOut, at.origin);
    const chain = [...at.chain, target];
    if (at.chain.includes(target)) throw circle(chain, at.origin);
    return this.#follow(target, 'protocol', { ...at, folder: folderOf(stands ?? at.origin), chain });
  }

  async #entryPoint(name: string, entry: string, text: string, { origin, chain }: Lookup): Promise<unknown> {
    if (chain.indexOf(text) < chain.length - 1) throw circle(chain, origin);
    const groups = (await this.distribution(name, origin, entry)) as ReadonlyMap<string, ReadonlyMap<string, unknown>>;
    const found = [...groups.values()].map((names) => names.get(entry)).find((factory) => factory !== undefined);
    if (found !== undefined) return factoryOf(found);
    const message = `the distribution "${name}" has no entry point ${JSON.stringify(entry)}.`;
    throw new PasteError('PORTICO_PASTE_NO_ENTRY_POINT', { message, origin });
  }
}

/** The built-in aliases. An entry point may occur twice: as an app and as a filter. */
const BUILTIN_ALIASES = tableOf(BUILTIN);

/** The Loader's own composites, which can be inspected without importing anything. */
const COMPOSITES: ReadonlyMap<string, unknown> = new Map(
  Object.entries({ urlmap, versionedUrlmap, cascade, byOption }),
);

/** Placeholder for an export whose module was not imported. */
export class Unimported {
  readonly expression: ExportReference;

  constructor(expression: ExportReference) {
    this.expression = expression;
  }
}

function folderOf(origin: Origin): string {
  return dirname(resolvePath(origin.file));
}

function circle(chain: readonly string[], origin: Origin): PasteError {
  return new PasteError('PORTICO_PASTE_CYCLE', {
    message: `the aliases form a cycle: ${chain.join(' → ')}.`,
    origin,
  });
}

/** `call:` needs a colon, unless the text after it is a path, which means its default export. */
function checkCall(expression: string, kind: 'protocol' | 'call', origin: Origin): void {
  if (kind === 'protocol' || /[:#/]/.test(expression)) return;
  throw new PasteError('PORTICO_PASTE_BAD_CALL_SPEC', {
    message: `${JSON.stringify(expression)} after "call:" is not of the form module:function.`,
    hint: 'Write call:package/path:export or call:./file.js:export.',
    origin,
  });
}

function badExpression(expression: string, origin: Origin): PasteError {
  const comment = /\s[#;]/.test(expression);
  return new PasteError('PORTICO_PASTE_BAD_FACTORY_EXPRESSION', {
    message: `${JSON.stringify(expression)} is not a factory expression.`,
    hint: comment
      ? 'Write a comment on a separate line; after text, "#" and ";" belong to the value.'
      : 'Write package/path:export, ./file.js:export, or without ":export" for the default export.',
    origin,
  });
}

function ofLeftOut(written: string, extension: string, origin: Origin): PasteError {
  return new PasteError('PORTICO_EXTENSION', {
    message: `${written} belongs to ${extension}, which [DEFAULT] extensions leaves out.`,
    hint: `Remove -${extension} from [DEFAULT] extensions.`,
    origin,
  });
}

function noPackage(name: string, known: readonly string[], origin: Origin): PasteError {
  return new PasteError('PORTICO_PASTE_NO_PACKAGE', {
    message: `no package is called ${JSON.stringify(name)}, and there is no alias for it.`,
    hint: didYouMean(name, known),
    origin,
  });
}

/** Factories that a package announces in its `package.json`, under `portico`, in PasteDeploy's groups. */
interface Announced {
  /** Folder that the expressions are relative to. */
  readonly folder: string;
  readonly factories: readonly { readonly group: string; readonly entry: string; readonly target: string }[];
}

/** Returns the package of a distribution, seen from a folder: one of exactly that name, else one whose name differs only in spelling. */
function announcedBy(distribution: string, from: string): Announced | undefined {
  if (!/^(@[\w.-]+\/)?[\w.-]+$/.test(distribution) || /^\.+$/.test(distribution)) return undefined;
  const found = findPackage(distribution, from) ?? findPackage(spelt(distribution, from) ?? '', from);
  if (found === undefined || found.manifest.name === undefined) return undefined;
  const groups = Object.entries((found.manifest.portico ?? {}) as Record<string, object | null>);
  const factories = groups.flatMap(([group, entries]) =>
    Object.entries(entries ?? {}).flatMap(([entry, target]) =>
      typeof target === 'string' ? [{ group, entry, target }] : [],
    ),
  );
  return { folder: found.folder, factories };
}

function spelt(distribution: string, from: string): string | undefined {
  const wanted = normalDistribution(distribution);
  return packageNames(searchFolders(from)).find((name) => normalDistribution(name) === wanted);
}
