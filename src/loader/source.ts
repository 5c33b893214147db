/**
 * A paste file as one load sees it: its sections, and its defaults with what the loading side handed in.
 */
import { dirname } from 'node:path';
import type { Origin } from '../errors/index.js';
import { originAt, originWithin, type PasteDocument, type PasteOption, type PasteSection } from '../ini/index.js';
import { InterpolationProblem, interpolate, interpolatedParts, interpolationError } from './interpolate.js';
import { isLimit, type Usage } from './limits.js';
import { PasteError, type PasteReference, refuse } from './paste-error.js';

/** One value as a section was read: the text, and the option it came from. */
export interface Setting {
  readonly value: string;
  readonly option: PasteOption;
  /** The file and section whose names the value was interpolated with; undefined when the value is used as it stands. */
  readonly scope?: { readonly source: Source; readonly section: PasteSection };
}

/** Where something in a value stands, and what led there when it was put in by interpolation. */
export interface ValueOrigin {
  readonly origin: Origin;
  readonly via: readonly PasteReference[];
}

/** A default: as written in `[DEFAULT]`, or handed in by the program or the including file. */
interface Default {
  readonly raw: string;
  readonly option?: PasteOption;
}

const NOTHING: ReadonlyMap<string, string> = new Map();

/** One file, opened once for each reference to it. */
export class Source {
  readonly document: PasteDocument;
  /** Absolute. */
  readonly path: string;
  readonly usage: Usage;
  readonly #defaults = new Map<string, Default>();
  #resolved: ReadonlyMap<string, string> | undefined;
  #acting: readonly PasteOption[] | undefined;

  /** `handedIn`: run-time values, or the including file's global_conf: defaults where the file has none. */
  constructor(document: PasteDocument, path: string, handedIn: ReadonlyMap<string, string> | undefined, usage: Usage) {
    this.document = document;
    this.path = path;
    this.usage = usage;
    // A lone % in the path is no reference. PasteDeploy reads it as one, and loads nothing from such a folder.
    this.#defaults.set('here', { raw: dirname(path).replaceAll('%', '%%') });
    this.#defaults.set('__file__', { raw: path.replaceAll('%', '%%') });
    for (const [name, option] of document.defaults?.options ?? [])
      this.#defaults.set(name, { raw: option.value, option });
    for (const [name, raw] of handedIn ?? NOTHING) if (!this.#defaults.has(name)) this.#defaults.set(name, { raw });
  }

  /** How messages call the file. */
  get name(): string {
    return this.document.file;
  }

  /** True for a name that hides section options: one of `[DEFAULT]`, of the values handed in, or `here`, `__file__`. */
  isDefault(name: string): boolean {
    return this.#defaults.has(name);
  }

  /** Where a default stands in the file; undefined for `here`, `__file__` and values handed in. */
  defaultOption(name: string): PasteOption | undefined {
    return this.#defaults.get(name)?.option;
  }

  /**
   * All of `[DEFAULT]`, each value interpolated in the scope of `[DEFAULT]` alone. One bad value fails every load: it is
   * given to `mistake`, the first time, and taken as written.
   */
  defaults(mistake: (error: unknown) => void): ReadonlyMap<string, string> {
    if (this.#resolved !== undefined) return this.#resolved;
    const resolved = new Map<string, string>();
    for (const [name, { raw, option }] of this.#defaults) {
      const value = this.#default(raw, name, option, mistake);
      // An empty result leaves the value as written: PasteDeploy says `interpolated or raw`.
      resolved.set(name, value === '' ? raw : value);
    }
    this.#resolved = resolved;
    return resolved;
  }

  #default(raw: string, name: string, option: PasteOption | undefined, mistake: (error: unknown) => void): string {
    try {
      return this.#interpolate(raw, undefined, name, option);
    } catch (error) {
      if (isLimit(error)) throw error;
      mistake(error);
      return raw;
    }
  }

  /** The value of an option as `section` reads it. */
  read(section: PasteSection, option: PasteOption): Setting {
    const value = this.#interpolate(option.value, section, option.name, option);
    return { value, option, scope: { source: this, section } };
  }

  /** Options of `[DEFAULT]` that act in every section: `set x` and `get x`. */
  acting(): readonly PasteOption[] {
    this.#acting ??= [...(this.document.defaults?.options.values() ?? [])].filter(
      ({ name }) => name.startsWith('set ') || name.startsWith('get '),
    );
    return this.#acting;
  }

  /** Where the character at `offset` of a value read in `section` stands. */
  originWithinValue(section: PasteSection, option: PasteOption, offset: number): ValueOrigin {
    if (!option.value.includes('%')) return { origin: originWithin(option.pieces, offset), via: [] };
    const parts = interpolatedParts(option.value, (name) => this.#raw(section, name), this.usage.value());
    const part = parts.findLast(({ start }) => start <= offset);
    if (part === undefined) return { origin: originWithin(option.pieces, 0), via: [] };
    if (part.name === undefined)
      return { origin: originWithin(option.pieces, part.offset + offset - part.start), via: [] };
    const referenced = section.options.get(part.name) ?? this.#defaults.get(part.name)?.option;
    const via = referenced === undefined ? [] : [{ text: part.name, origin: referenced.origin }];
    return { origin: originWithin(option.pieces, part.offset), via };
  }

  /** The start of the file, for errors about something that stands nowhere in it. */
  get start(): Origin {
    return originAt(this.name, 1, 1, '');
  }

  #raw(section: PasteSection | undefined, name: string): string | undefined {
    return section?.options.get(name)?.value ?? this.#defaults.get(name)?.raw;
  }

  #interpolate(raw: string, section: PasteSection | undefined, name: string, option: PasteOption | undefined): string {
    try {
      return interpolate(raw, (wanted) => this.#raw(section, wanted), this.usage.value());
    } catch (error) {
      if (error instanceof PasteError) throw refuse('limit', limitAt(error, option, this));
      if (!(error instanceof InterpolationProblem)) throw error;
      throw interpolationError(error, {
        file: this.name,
        section: section?.name ?? 'DEFAULT',
        name,
        raw,
        option,
        candidates: () => [...(section?.options.keys() ?? []), ...this.#defaults.keys()],
      });
    }
  }
}

function limitAt(error: PasteError, option: PasteOption | undefined, source: Source) {
  return { message: error.message, hint: error.hint, origin: option?.origin ?? source.start };
}

/** Where a setting's value, or the character at `offset` of it, stands. */
export function originOf({ option, scope }: Setting, offset = 0): ValueOrigin {
  return scope === undefined
    ? { origin: option.origin, via: [] }
    : scope.source.originWithinValue(scope.section, option, offset);
}
