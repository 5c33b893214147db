/** A paste file in one load: its defaults, the values handed in, and the settings of its sections. */
import { dirname } from 'node:path';
import { isSecret } from '../config/internal.js';
import { didYouMean, type Origin } from '../errors/index.js';
import {
  originAt,
  originWithin,
  type PasteDocument,
  type PasteOption,
  type PasteSection,
  strip,
} from '../ini/index.js';
import { excerpt } from '../text/index.js';
import type { Usage } from './document.js';
import { firstNames, PasteError, PasteLimit, type PasteReference } from './paste-error.js';

/** One value of a section: the text, and its option. */
export interface Setting {
  readonly value: string;
  readonly option: PasteOption;
  /** The file and section whose names the value was interpolated with; undefined if the value is used as written. */
  readonly scope?: { readonly source: Source; readonly section: PasteSection };
}

/** A section as read for one reference to it. */
export interface SectionSettings {
  readonly source: Source;
  readonly section: PasteSection;
  /** `[DEFAULT]`, the values handed in, and the section's `set` options; later ones win. */
  readonly globalConf: Map<string, string>;
  readonly localConf: Map<string, Setting>;
  /** The section's own `set` options, which sections that take it through `use` repeat. */
  readonly additions: ReadonlyMap<string, string>;
  /** True if an option could not be read, and is omitted. */
  readonly incomplete: boolean;
}

/** Place of a part of a value, and the options through which interpolation put it there. */
export interface ValueOrigin {
  readonly origin: Origin;
  readonly via: readonly PasteReference[];
}

/** A default: as written in `[DEFAULT]`, or passed by code or the including file. */
interface Default {
  readonly raw: string;
  readonly option?: PasteOption;
}

/** Takes an error; reading continues. */
type Report = (error: unknown) => void;

/** One file, opened once for each reference to it. */
export class Source {
  readonly document: PasteDocument;
  /** Absolute. */
  readonly path: string;
  readonly #usage: Usage;
  readonly #defaults = new Map<string, Default>();
  /** Defaults that act in every section: `set x` and `get x`, from `[DEFAULT]` or handed in. */
  readonly #acting: readonly PasteOption[];
  #resolved: ReadonlyMap<string, string> | undefined;

  /** `handedIn`: run-time values, or the including file's global_conf; they are defaults that the file does not have. */
  constructor(document: PasteDocument, path: string, handedIn: ReadonlyMap<string, string> | undefined, usage: Usage) {
    this.document = document;
    this.path = path;
    this.#usage = usage;
    const written = [...(document.defaults?.options.values() ?? [])];
    // A lone % in the path is not a reference. PasteDeploy reads it as one and fails to load from such a folder.
    this.#defaults.set('here', { raw: dirname(path).replaceAll('%', '%%') });
    this.#defaults.set('__file__', { raw: path.replaceAll('%', '%%') });
    for (const option of written) this.#defaults.set(option.name, { raw: option.value, option });
    for (const [name, raw] of handedIn ?? []) if (!this.#defaults.has(name)) this.#defaults.set(name, { raw });
    const [origin, pieces] = [this.start, [{ start: 0, origin: this.start }]];
    this.#acting = [...this.#defaults]
      .filter(([name]) => /^[sg]et /.test(name))
      .map(([name, { raw, option }]) => option ?? { name, origin, value: raw, pieces });
  }

  /** Returns the same file with other values handed in. */
  with(handedIn: ReadonlyMap<string, string>): Source {
    return new Source(this.document, this.path, handedIn, this.#usage);
  }

  /** The name of the file in messages. */
  get name(): string {
    return this.document.file;
  }

  /** The start of the file, for errors without a location in it. */
  get start(): Origin {
    return originAt(this.name, 1, 1, '');
  }

  /** Reports whether a name hides options of sections: one of `[DEFAULT]`, of the values handed in, or `here`, `__file__`. */
  isDefault(name: string): boolean {
    return this.#defaults.has(name);
  }

  /** Returns the option of a default; undefined for `here`, `__file__` and values handed in. */
  defaultOption(name: string): PasteOption | undefined {
    return this.#defaults.get(name)?.option;
  }

  /** Returns the global_conf on entry to the file: its defaults, overridden by the values handed in. */
  incoming(handedIn: ReadonlyMap<string, string> | undefined, report: Report): Map<string, string> {
    return new Map([...this.#resolvedDefaults(report), ...(handedIn ?? [])]);
  }

  /**
   * Returns all of `[DEFAULT]`, each value interpolated in the scope of `[DEFAULT]` alone. One bad value fails every load: it is passed
   * to `error`, the first time, and used as written.
   */
  #resolvedDefaults(report: Report): ReadonlyMap<string, string> {
    if (this.#resolved !== undefined) return this.#resolved;
    const resolved = new Map<string, string>();
    for (const [name, { raw, option }] of this.#defaults) {
      const value = attempt(() => this.#interpolate(name, raw, option), report);
      // An empty result leaves the value as written, as PasteDeploy's `interpolated or raw` does.
      resolved.set(name, value || raw);
    }
    this.#resolved = resolved;
    return resolved;
  }

  /**
   * Reads a section. An option whose name is also a default is ignored unread, because PasteDeploy takes it for a global one. `get`
   * comes after all `set`, and after all other options unless it replaces one. An option that cannot be read is passed to `reportError`
   * and omitted.
   */
  settings(section: PasteSection, incoming: ReadonlyMap<string, string>, reportError: Report): SectionSettings {
    let incomplete = false;
    const report: Report = (error) => {
      incomplete = true;
      reportError(error);
    };
    const localConf = new Map<string, Setting>();
    const additions = new Map<string, string>();
    const taken = new Map<string, Setting>();
    // The section's own options, then the `set` and `get` options of [DEFAULT].
    const others = this.#acting.filter(({ name }) => !section.options.has(name));
    for (const option of [...section.options.values(), ...others]) {
      const { name } = option;
      attempt(() => {
        if (name.startsWith('set ')) additions.set(strip(name.slice(4)), this.read(section, option).value);
        else if (name.startsWith('get ')) taken.set(strip(name.slice(4)), this.read(section, option));
        else if (!this.isDefault(name)) localConf.set(name, this.read(section, option));
      }, report);
    }
    const globalConf = new Map([...incoming, ...additions]);
    for (const [name, wanted] of taken) {
      const value = globalConf.get(wanted.value);
      if (value === undefined) report(missingKey(wanted, globalConf));
      else localConf.set(name, { value, option: wanted.option });
    }
    return { source: this, section, globalConf, localConf, additions, incomplete };
  }

  /** Returns the value of an option, read in `section`. */
  read(section: PasteSection, option: PasteOption): Setting {
    const value = this.#interpolate(option.name, option.value, option, section);
    return { value, option, scope: { source: this, section } };
  }

  /** Returns the location of the character at `offset` of a value read in `section`. */
  originWithinValue(section: PasteSection, option: PasteOption, offset: number): ValueOrigin {
    if (!option.value.includes('%')) return { origin: originWithin(option.pieces, offset), via: [] };
    const parts = interpolatedParts(this.#reading(option.name, option.value, option, section));
    const part = parts.findLast(({ start }) => start <= offset) ?? { start: offset, offset: 0 };
    if (part.name === undefined)
      return { origin: originWithin(option.pieces, part.offset + offset - part.start), via: [] };
    const referenced = section.options.get(part.name) ?? this.defaultOption(part.name);
    const via = referenced === undefined ? [] : [{ text: part.name, origin: referenced.origin }];
    return { origin: originWithin(option.pieces, part.offset), via };
  }

  #interpolate(name: string, raw: string, option: PasteOption | undefined, section?: PasteSection): string {
    return raw.includes('%') ? interpolate(this.#reading(name, raw, option, section)) : raw;
  }

  #reading(name: string, raw: string, option: PasteOption | undefined, section: PasteSection | undefined): Reading {
    return {
      raw,
      name,
      option,
      file: this.name,
      section: section?.name ?? 'DEFAULT',
      lookup: (wanted) => section?.options.get(wanted)?.value ?? this.#defaults.get(wanted)?.raw,
      written: (wanted) => section?.options.get(wanted) ?? this.defaultOption(wanted),
      names: () => [...(section?.options.keys() ?? []), ...this.#defaults.keys()],
      count: this.#usage.value(option?.origin ?? this.start),
    };
  }
}

/** Passes errors to `error`, except for a limit, which ends the load. */
function attempt<T>(work: () => T, report: Report): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof PasteLimit) throw error;
    report(error);
    return undefined;
  }
}

function missingKey(wanted: Setting, globalConf: ReadonlyMap<string, string>): PasteError {
  const { value } = wanted;
  const names = [...globalConf.keys()].filter((name) => name !== 'here' && name !== '__file__');
  const there = names.length === 0 ? 'It is empty.' : `It has: ${firstNames(names)}.`;
  return new PasteError('PORTICO_PASTE_MISSING_KEY', {
    message: `global_conf has no ${JSON.stringify(value)}.`,
    hint: `${didYouMean(value, names) ?? there} Define it in [DEFAULT] or with "set ${value} = …".`,
    origin: originOf(wanted).origin,
  });
}

/** Removes an option with a special meaning from a section's options and returns it. */
export function take({ localConf }: SectionSettings, name: string): Setting | undefined {
  const setting = localConf.get(name);
  localConf.delete(name);
  return setting;
}

/**
 * Returns the option that names the factory in sections such as heat's, whose `paste.filter_factory = heat.common.wsgi:filter_factory`
 * only calls the factory in `heat.filter_factory`.
 */
export function secondKey({ value }: Setting, { localConf }: SectionSettings): string | undefined {
  const [, project, kind] = /^(\w+)\.[\w.]+:(app_factory|filter_factory)$/.exec(value) ?? [];
  const name = `${project}.${kind}`;
  return project !== undefined && localConf.has(name) ? name : undefined;
}

/** Returns the location of a setting's value, or of the character at `offset` of it. */
export function originOf({ option, scope }: Setting, offset = 0): ValueOrigin {
  return scope === undefined
    ? { origin: originWithin(option.pieces, 0), via: [] }
    : scope.source.originWithinValue(scope.section, option, offset);
}

// `%(name)s` and `%%`, resolved as by configparser's basic interpolation, and the errors of values that cannot be interpolated: with the
// place of the `%`, the option, and the likely meaning.

/** A value to interpolate, and the meaning of its names. */
export interface Reading {
  readonly raw: string;
  /** The option of the value. */
  readonly name: string;
  /** Undefined for values that are not in a file. */
  readonly option: PasteOption | undefined;
  /** The name of the file in messages. */
  readonly file: string;
  /** The section whose names are used; `DEFAULT` if the option is read alone. */
  readonly section: string;
  /** Returns the raw value of an option by its exact name: from the section, then `[DEFAULT]`, then run-time values. */
  readonly lookup: (name: string) => string | undefined;
  /** Returns the option of such a name; undefined for a run-time value. */
  readonly written: (name: string) => PasteOption | undefined;
  /** Returns the names that can be looked up. */
  readonly names: () => string[];
  /** Called with the length of each piece of the result; may throw to stop. */
  readonly count: (length: number) => void;
}

/** Maximum length of a chain of values with a `%`, including the first value. */
const MAX_STEPS = 10;

/** A part of the result: its offset there, the offset in the raw value, and the option it comes from, if any. */
interface InterpolatedPart {
  readonly start: number;
  readonly offset: number;
  readonly name?: string;
}

/** Returns the interpolated value. Throws a {@link PasteError}. */
export function interpolate(reading: Reading): string {
  return reading.raw.includes('%') ? expand(reading.raw, reading, START) : reading.raw;
}

/** Returns the source of each part of `interpolate`'s result, to locate errors in it. */
export function interpolatedParts(reading: Reading): InterpolatedPart[] {
  const parts: InterpolatedPart[] = [];
  let start = 0;
  for (const { offset, text, name } of tokensOf(reading.raw, reading, START)) {
    parts.push({ start, offset, ...(name === undefined ? {} : { name }) });
    start += (name === undefined ? text : interpolate({ ...reading, raw: reading.lookup(name) ?? '' })).length;
  }
  return parts;
}

/** Location in a chain of references. */
interface Progress {
  readonly steps: number;
  /** Offset in the first value; set inside a referenced value. */
  readonly at?: number;
  /** The names followed from there, in order. */
  readonly chain: readonly string[];
}

const START: Progress = { steps: 1, chain: [] };

interface Token {
  readonly offset: number;
  readonly text: string;
  readonly name?: string;
}

function expand(raw: string, reading: Reading, progress: Progress): string {
  let result = '';
  for (const { offset, text, name } of tokensOf(raw, reading, progress)) {
    const value = name === undefined ? text : reading.lookup(name);
    if (name === undefined || value?.includes('%') === false) {
      reading.count(value!.length);
      result += value;
      continue;
    }
    const next = { steps: progress.steps + 1, at: progress.at ?? offset, chain: [...progress.chain, name] };
    if (value === undefined) {
      const { reading: at, ...where } = whereWritten(reading, { at: next.at, chain: progress.chain }, offset);
      throw missing(name, at, where.at, where.chain);
    }
    if (progress.steps >= MAX_STEPS) throw tooDeep(reading, next.at, next.chain);
    result += expand(value, reading, next);
  }
  return result;
}

/** A value with an error: its offset, and the names through which it is reached. */
interface Where {
  readonly at: number;
  readonly chain: readonly string[];
}

/**
 * Returns the value that has an error at this offset: one that is reached through others and written in the file is reported where it is
 * written, once for all of them.
 */
function whereWritten(reading: Reading, where: Where, offset: number): Where & { readonly reading: Reading } {
  const name = where.chain.at(-1);
  const option = name === undefined ? undefined : reading.written(name);
  if (option === undefined) return { reading, ...where };
  const section = option.origin.section ?? reading.section;
  return { reading: { ...reading, name: option.name, raw: option.value, option, section }, at: offset, chain: [] };
}

/** Splits a value at its `%` into literal text and the names it refers to. */
function* tokensOf(raw: string, reading: Reading, { at, chain }: Progress): Generator<Token> {
  let from = 0;
  while (from < raw.length) {
    const percent = raw.indexOf('%', from);
    if (percent < 0) {
      yield { offset: from, text: raw.slice(from) };
      return;
    }
    if (percent > from) yield { offset: from, text: raw.slice(from, percent) };
    if (raw[percent + 1] === '%') {
      yield { offset: percent, text: '%' };
      from = percent + 2;
      continue;
    }
    const close = raw[percent + 1] === '(' ? raw.indexOf(')', percent) : -1;
    if (close <= percent + 2 || raw[close + 1] !== 's') {
      const { reading: of, ...where } = whereWritten(reading, { at: at ?? percent, chain }, percent);
      throw badSyntax(raw.slice(percent), of, where.at, where.chain);
    }
    yield { offset: percent, text: '', name: raw.slice(percent + 2, close) };
    from = close + 2;
  }
}

function badSyntax(rest: string, reading: Reading, at: number, chain: readonly string[]): PasteError {
  const message = isHidden(reading, chain)
    ? 'a "%" is followed by neither "%" nor "(name)s"'
    : rest.startsWith('%(')
      ? `"${excerpt(rest)}" is not a reference of the form %(name)s`
      : `"%" must be followed by "%" or "(", not by "${excerpt(rest)}"`;
  const hint = 'Write "%%" for a percent sign, "%(name)s" for the value of an option.';
  const whole = `${message}${readIn(reading)}${wayOf(chain)}`;
  return refused('PORTICO_PASTE_INTERPOLATION_SYNTAX', reading, at, whole, hint);
}

/** Reports whether a value must not be shown because it is a secret, or is reached through one. */
function isHidden({ name }: Reading, chain: readonly string[]): boolean {
  return [name, ...chain].some((each) => isSecret(each, undefined));
}

function missing(name: string, reading: Reading, at: number, before: readonly string[]): PasteError {
  const { section } = reading;
  const known = reading.names();
  const shown = `Known names: ${firstNames(known)}.`;
  const owners = section === 'DEFAULT' ? '[DEFAULT] does not have' : `neither [${section}] nor [DEFAULT] has`;
  const [written, hint] = isHidden(reading, before)
    ? ['a "%(…)s"', `Write "%%" for a percent sign. ${shown}`]
    : known.includes(`set ${name}`)
      ? [`"%(${name})s"`, `"set ${name}" sets a value in global_conf, which interpolation does not see.`]
      : [
          `"%(${name})s"`,
          didYouMean(
            name,
            known.filter((each) => each !== reading.name),
          ) ?? shown,
        ];
  const message = `${written}${readIn(reading)} refers to an option that ${owners}${wayOf(before)}`;
  return refused('PORTICO_PASTE_INTERPOLATION_MISSING', reading, at, message, hint);
}

function tooDeep(reading: Reading, at: number, chain: readonly string[]): PasteError {
  const names = [reading.name, ...chain];
  const isCircle = new Set(names).size < names.length;
  const hint = isCircle ? 'The references form a cycle.' : 'Shorten the chain of references.';
  const chained = names.map((name) => JSON.stringify(name)).join(' refers to ');
  const message = `the value${readIn(reading)} cannot be resolved in ${MAX_STEPS} steps: ${chained}`;
  return refused('PORTICO_PASTE_INTERPOLATION_DEPTH', reading, at, message, hint);
}

function wayOf(chain: readonly string[]): string {
  return chain.length === 0 ? '' : `, reached through ${chain.map((name) => JSON.stringify(name)).join(', ')}`;
}

/** Names the section that reads the value, if it is another one than that of the option. */
function readIn({ option, section }: Reading): string {
  return option === undefined || option.origin.section === section ? '' : `, read in [${section}],`;
}

/** `at`: offset of the `%` in the first value. */
function refused(code: string, reading: Reading, at: number, message: string, hint: string): PasteError {
  const { raw, name, option, file, section } = reading;
  const value = isSecret(name, undefined) ? '' : ` (the value is ${JSON.stringify(excerpt(raw))})`;
  if (option === undefined) {
    return new PasteError(code, {
      message: `${file}: [${section}] ${name}: ${message}${value}.`,
      hint: 'The value comes from the application or from the including file; double each "%" in it.',
    });
  }
  return new PasteError(code, { message: `${message}${value}.`, origin: originWithin(option.pieces, at), hint });
}
