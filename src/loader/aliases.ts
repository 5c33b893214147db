/**
 * Aliases: replacements in Portico for references written for Python. They come from code and from files; for OpenStack's
 * services they are built in (`counterparts.ts`).
 */
import type { Conf } from '../app/index.js';
import type { Origin } from '../errors/index.js';
import { wordsOf } from '../ini/index.js';
import type { AliasRow } from './counterparts.js';
import { normalExpression, parseExpression } from './expression.js';
import { parseReference } from './parse-reference.js';
import { PasteError } from './paste-error.js';
import { originOf, type Source } from './source.js';

/** The target of an alias. */
export interface Alias {
  /** A factory expression of Node, or another reference with an alias. */
  readonly target: string;
  /** For `egg:`: the group of the entry point; without one, the plain factory of each kind. */
  readonly protocol?: string | undefined;
  /** The loss with the target in place of the function, as a clause; undefined: none that a client would notice. */
  readonly lost?: string | undefined;
  /** The extension of the factory, if `[DEFAULT] extensions` leaves it out: the reference is an error. */
  readonly leftOut?: string;
  /** Its location, if it is in a file: relative targets are relative to that file's folder. */
  readonly origin?: Origin;
}

/** One layer of aliases. */
export class AliasTable {
  readonly #expressions = new Map<string, Alias>();
  readonly #entryPoints = new Map<string, Map<string, Alias[]>>();
  readonly #spelt = new Set<string>();

  /** The distributions with aliases, as written. */
  get distributions(): string[] {
    return [...this.#spelt];
  }

  add(from: string, alias: Alias): void {
    const reference = parseReference(from);
    if (reference.form === 'egg') {
      const distribution = normalDistribution(reference.distribution);
      this.#spelt.add(reference.distribution);
      const names = this.#entryPoints.get(distribution) ?? new Map<string, Alias[]>();
      this.#entryPoints.set(distribution, names);
      names.set(reference.name, [...(names.get(reference.name) ?? []), alias]);
    } else {
      this.#expressions.set(normalExpression(reference.form === 'call' ? reference.expression : from), alias);
    }
  }

  /** Returns the alias of an expression: its own, or its module's with the same attribute. */
  expression(text: string): Alias | undefined {
    const whole = this.#expressions.get(normalExpression(text));
    if (whole !== undefined) return whole;
    const parsed = parseExpression(text);
    const module = parsed?.name === undefined ? undefined : this.#expressions.get(parsed.module);
    return module === undefined ? undefined : { ...module, target: `${module.target}:${parsed!.name}` };
  }

  /** Returns the alias of a reference; of an entry point, that of the protocol. */
  find(text: string, protocol: string | null): Alias | undefined {
    const reference = parseReference(text);
    if (reference.form !== 'egg') return this.expression(reference.form === 'call' ? reference.expression : text);
    const all = this.entryPoints(reference.distribution).get(reference.name) ?? [];
    return all.find((each) => (each.protocol ?? protocol) === protocol);
  }

  /** Returns the aliased entry points of a distribution, by name. */
  entryPoints(distribution: string): ReadonlyMap<string, readonly Alias[]> {
    return this.#entryPoints.get(normalDistribution(distribution)) ?? new Map();
  }
}

/** Normalises a distribution name: case is ignored, and runs of `-`, `_` and `.` are equal. */
export function normalDistribution(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

type Entries = Readonly<Record<string, string>>;

/** Returns the aliases that a caller passes: `from` to `to [protocol]`. */
export function aliasesOf(entries: Entries): AliasTable {
  return tableOf(
    Object.entries(entries).map(([from, value]) => {
      const [target = '', protocol] = wordsOf(value).map(({ text }) => text);
      return [from, target, protocol];
    }),
  );
}

/** Returns the aliases of extensions, and refusals of references to those that are left out and that no other one replaces. */
export function extensionAliases({ aliases, leftOut }: Readonly<Record<'aliases' | 'leftOut', Entries>>): AliasTable {
  const table = aliasesOf(aliases);
  for (const [from, extension] of Object.entries(leftOut))
    if (!Object.hasOwn(aliases, from)) table.add(from, { target: from, leftOut: extension });
  return table;
}

/** Returns a table of these rows. */
export function tableOf(rows: readonly AliasRow[]): AliasTable {
  const table = new AliasTable();
  for (const [from, target, protocol, lost] of rows) table.add(from, { target, protocol, lost });
  return table;
}

/**
 * Returns the aliases of a file. The options of `[portico:aliases]` are arbitrary labels, their values are lines of two or three words:
 * from, to and, for `egg:`, the protocol. PasteDeploy ignores the section, so one file can serve both. An invalid line is passed to
 * `error` and omitted. Values are read with `runTime` alone, so a file's aliases are the same in all files that include it.
 */
export function fileAliases(opened: Source, runTime: Conf, report: (error: unknown) => void): AliasTable {
  const known = OF_FILES.get(opened);
  if (known !== undefined) return known;
  const source = opened.with(runTime);
  const table = new AliasTable();
  const section = source.document.sections.get('portico:aliases');
  for (const option of section?.options.values() ?? []) {
    const setting = source.read(section!, option);
    let start = 0;
    for (const line of setting.value.split('\n')) {
      const words = wordsOf(line);
      const [from, target, protocol] = words.map(({ text }) => text);
      const origin = () => originOf(setting, start + (words[0]?.start ?? 0)).origin;
      const egg = from !== undefined && parseReference(from).form === 'egg';
      if (words.length === 2 || (words.length === 3 && egg)) {
        table.add(from!, { target: target!, origin: origin(), protocol });
      } else if (words.length > 0) {
        report(
          new PasteError('PORTICO_PASTE_BAD_ALIAS', {
            message: `an alias has two words, from and to, and a protocol after "egg:"; ${JSON.stringify(line)} has ${words.length}.`,
            hint: 'Write one alias per line: egg:Paste#urlmap portico/loader:urlmap paste.composite_factory.',
            origin: origin(),
          }),
        );
      }
      start += line.length + 1;
    }
  }
  OF_FILES.set(opened, table);
  return table;
}

const OF_FILES = new WeakMap<Source, AliasTable>();
