/**
 * The default resolver: aliases first, then modules and packages, seen from the folder of the file that names them.
 */
import { dirname, resolve as resolvePath } from 'node:path';
import { didYouMean, type Origin } from '../errors/index.js';
import { type ExportReference, findPackage, packageNames, searchFolders } from '../modules/index.js';
import { type Alias, AliasTable, normalDistribution } from './aliases.js';
import { BUILTIN_ALIASES } from './builtin-aliases.js';
import { byOption } from './composite/by-option.js';
import { cascade } from './composite/cascade.js';
import { urlmap } from './composite/urlmap.js';
import { versionedUrlmap } from './composite/versioned-urlmap.js';
import { evaluateExpression, findModule, parseExpression } from './expression.js';
import { type PasteError, refuse } from './paste-error.js';
import { parseReference } from './reference.js';
import { type EntryPoints, entryPointsOf, factoryOf, LazyFactory, type Resolver } from './resolver.js';

const PLAIN = ['paste.app_factory', 'paste.filter_factory', 'paste.server_factory'];

/** Resolves through `layers` of aliases: those of the program, of the file at hand, of the first file, built-in ones. */
export class DefaultResolver implements Resolver {
  readonly #layers: (origin: Origin) => readonly AliasTable[];
  readonly #builtin = builtin();

  readonly #imports: boolean;
  /** What an expression of a file led to: large files have few factories, and many sections that name them. */
  readonly #known = new Map<string, unknown>();

  /**
   * `layers`: the tables to ask before the built-in one, for a reference that stands at `origin`. Without `imports`
   * modules are only looked for, and {@link Unimported} stands for what they export.
   */
  constructor(layers: (origin: Origin) => readonly AliasTable[], imports: boolean) {
    this.#layers = layers;
    this.#imports = imports;
  }

  async expression(text: string, kind: 'protocol' | 'call', origin: Origin): Promise<unknown> {
    const key = `${kind} ${text} ${origin.file}`;
    if (this.#known.has(key)) return this.#known.get(key);
    const value = await this.#follow(text, kind, origin, folderOf(origin), text, [text]);
    if (this.#imports) this.#known.set(key, value);
    return value;
  }

  async distribution(name: string, origin: Origin): Promise<EntryPoints> {
    const folder = folderOf(origin);
    const groups = new Map<string, Map<string, unknown>>();
    const announced = announcedBy(name, folder);
    const put = (group: string, entry: string, load: () => unknown) => {
      const names = groups.get(group) ?? new Map<string, unknown>();
      groups.set(group, names.set(entry, new LazyFactory(load)));
    };
    for (const [group, entries] of announced?.groups ?? []) {
      for (const [entry, target] of entries) {
        put(group, entry, () => this.#follow(target, 'protocol', origin, announced!.folder, target, [target]));
      }
    }
    let known = announced !== undefined;
    for (const layer of [...this.#tables(origin)].reverse()) {
      const entries = layer.entryPoints(name);
      known ||= entries.size > 0;
      for (const [entry, aliases] of entries) {
        for (const names of groups.values()) names.delete(entry);
        for (const alias of aliases) {
          const written = `egg:${name}#${entry}`;
          const load = () =>
            this.#follow(alias.target, 'protocol', origin, aliasFolder(alias, origin), written, [
              written,
              alias.target,
            ]);
          for (const group of alias.protocol === undefined ? PLAIN : [alias.protocol]) put(group, entry, load);
        }
      }
    }
    if (!known) {
      const aliased = this.#tables(origin).flatMap((table) => table.distributions);
      throw noPackage(name, [...aliased, ...packageNames([folder])], origin);
    }
    return groups;
  }

  #tables(origin: Origin): readonly AliasTable[] {
    return [...this.#layers(origin), this.#builtin];
  }

  async #follow(
    text: string,
    kind: 'protocol' | 'call',
    origin: Origin,
    folder: string,
    written: string,
    way: readonly string[],
  ): Promise<unknown> {
    for (const table of this.#tables(origin)) {
      const alias = table.expression(text);
      if (alias === undefined) continue;
      if (way.includes(alias.target)) {
        throw refuse('cycle', {
          message: `the aliases go round in a circle: ${[...way, alias.target].join(' → ')}.`,
          origin,
        });
      }
      return this.#follow(alias.target, 'protocol', origin, aliasFolder(alias, origin), written, [
        ...way,
        alias.target,
      ]);
    }
    const reference = parseReference(text);
    if (reference.form === 'egg') return this.#entryPoint(reference.distribution, reference.name, text, origin, way);
    const expression = reference.form === 'call' ? reference.expression : text;
    if (reference.form === 'call' && way.length > 1)
      return this.#follow(expression, 'call', origin, folder, written, [...way, expression]);
    checkCall(expression, kind, origin);
    const parsed = parseExpression(expression);
    if (parsed === undefined) throw badExpression(expression, origin);
    if (this.#imports) return evaluateExpression(parsed, folder, written, origin);
    findModule(parsed.module, folder, written, origin);
    const own = parsed.module === 'portico/loader' ? COMPOSITES.get(parsed.name ?? '') : undefined;
    return own ?? new Unimported(parsed);
  }

  async #entryPoint(
    name: string,
    entry: string,
    text: string,
    origin: Origin,
    way: readonly string[],
  ): Promise<unknown> {
    if (way.indexOf(text) < way.length - 1) {
      throw refuse('cycle', { message: `the aliases go round in a circle: ${way.join(' → ')}.`, origin });
    }
    const groups = await this.distribution(name, origin);
    const found = [...(groups as ReadonlyMap<string, unknown>).keys()]
      .map((group) => entryPointsOf(groups, group).get(entry))
      .find((candidate) => candidate !== undefined);
    if (found === undefined) {
      throw refuse('no-entry-point', {
        message: `the distribution "${name}" has no entry point ${JSON.stringify(entry)}.`,
        origin,
      });
    }
    return factoryOf(found);
  }
}

/** The Loader's own composites: what they make of a file can be told without importing anything. */
const COMPOSITES: ReadonlyMap<string, unknown> = new Map(
  Object.entries({ urlmap, versionedUrlmap, cascade, byOption }),
);

/** Stands for an export whose module was not imported. */
export class Unimported {
  readonly expression: ExportReference;

  constructor(expression: ExportReference) {
    this.expression = expression;
  }
}

function builtin(): AliasTable {
  const table = new AliasTable();
  for (const [from, target, protocol] of BUILTIN_ALIASES) {
    table.add(from, { target, ...(protocol === undefined ? {} : { protocol }) });
  }
  return table;
}

function folderOf(origin: Origin): string {
  return dirname(resolvePath(origin.file));
}

function aliasFolder(alias: Alias, origin: Origin): string {
  return folderOf(alias.origin ?? origin);
}

/** `call:` needs a colon, unless what follows is a path whose default export is meant. */
function checkCall(expression: string, kind: 'protocol' | 'call', origin: Origin): void {
  if (kind === 'protocol' || /[:#/]/.test(expression)) return;
  throw refuse('bad-call-spec', {
    message: `${JSON.stringify(expression)} after "call:" is not of the form module:function.`,
    hint: 'Write call:package/path:export or call:./file.js:export.',
    origin,
  });
}

function badExpression(expression: string, origin: Origin): PasteError {
  const comment = /\s[#;]/.test(expression);
  return refuse('bad-factory-expression', {
    message: `${JSON.stringify(expression)} is not a factory expression.`,
    hint: comment
      ? 'A comment must be a line of its own; after text, "#" and ";" belong to the value.'
      : 'Write package/path:export, ./file.js:export, or without ":export" for the default export.',
    origin,
  });
}

function noPackage(name: string, known: readonly string[], origin: Origin): PasteError {
  return refuse('no-package', {
    message: `no package is called ${JSON.stringify(name)}, and no alias stands for it.`,
    hint: didYouMean(name, known),
    origin,
  });
}

/** Announced factories: group, entry point, expression relative to the package's folder. */
interface Announced {
  readonly folder: string;
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** The package a distribution name means, seen from a folder: exactly that name, else one equal but for spelling. */
function announcedBy(distribution: string, from: string): Announced | undefined {
  if (!/^(@[\w.-]+\/)?[\w.-]+$/.test(distribution) || /^\.+$/.test(distribution)) return undefined;
  const found = findPackage(distribution, from) ?? findPackage(spelt(distribution, from) ?? '', from);
  if (found === undefined || found.manifest.name === undefined) return undefined;
  const groups = new Map<string, Map<string, string>>();
  for (const [group, entries] of Object.entries((found.manifest.portico ?? {}) as object)) {
    const names = Object.entries((entries ?? {}) as object).filter(([, target]) => typeof target === 'string');
    groups.set(group, new Map(names as [string, string][]));
  }
  return { folder: found.folder, groups };
}

function spelt(distribution: string, from: string): string | undefined {
  const wanted = normalDistribution(distribution);
  return packageNames(searchFolders(from)).find((name) => normalDistribution(name) === wanted);
}
