/**
 * From what was written to the value of an option: choice, interpolation, parsing, and everything wrong on the way.
 */
import { type Diagnostic, type Place, placeInFile } from '../../errors/index.js';
import { originWithin } from '../../ini/index.js';
import { BadReference, interpolate, type Reference } from '../sources/interpolate.js';
import { type Choice, chooseWritten, type Layers } from '../sources/precedence.js';
import { type Report, type Sources, variableName, type Written } from '../sources/sources.js';
import { InvalidValue, type Option } from '../types/option.js';
import { string } from '../types/text-types.js';
import type { DeclaredGroups } from './declared-groups.js';
import { suggestion } from './issue.js';
import { holdsSecret, maskLocation, maskText } from './mask.js';

/** What a resolver works on. */
export interface ResolverInputs extends Omit<Layers, 'sources' | 'osCompat'> {
  readonly groups: DeclaredGroups;
  /** For options that may change in a running process, and for all others: they differ after a mutate. */
  readonly sources: { readonly mutable: Sources; readonly fixed: Sources };
  /** `group.opt` to what counts whatever the sources say: options that only a restart changes. */
  readonly pinned: Readonly<Record<string, readonly Written[]>>;
}

/** What became of one option. */
export interface Resolved extends Choice {
  readonly group: string;
  readonly opt: string;
  readonly option: Option;
  /** Undefined also where the value was refused. */
  readonly value: unknown;
  readonly location: Place;
  readonly issues: readonly Diagnostic[];
}

/** Resolves options against one set of sources, each once. */
export class Resolver {
  readonly #inputs: ResolverInputs;
  readonly #resolved = new Map<string, Resolved>();

  constructor(inputs: ResolverInputs) {
    this.#inputs = inputs;
  }

  /** The value of an option. Never throws: problems are in `issues`. */
  resolve(group: string, opt: string, option: Option): Resolved {
    const key = `${group}.${opt}`;
    const known = this.#resolved.get(key);
    if (known?.option === option) return known;
    const resolved = this.#resolveAfresh(group, opt, option);
    this.#resolved.set(key, resolved);
    return resolved;
  }

  /** Forgets everything: an override changed, or another group was declared. */
  forget(): void {
    this.#resolved.clear();
  }

  #resolveAfresh(group: string, opt: string, option: Option): Resolved {
    const issues: Diagnostic[] = [];
    const report: Report = (severity, code, written, rest) => {
      const subject = { section: written?.group ?? group, option: written?.opt ?? opt, place: written?.location };
      issues.push({ severity, code, ...subject, ...rest });
    };
    const choice = this.#choose(group, opt, option, report);
    const last = choice.written.at(-1);
    const location: Place = last?.location ?? { kind: 'default', detail: 'default' };
    const value = this.#parse(group, opt, option, choice.written, report);
    if (value === undefined && option.required && !issues.some(({ severity }) => severity === 'error')) {
      const hint = this.#whereToSet(group, opt);
      report('error', 'PORTICO_CONFIG_REQUIRED', last, { message: 'value required', hint });
    }
    return { group, opt, option, value, location, ...choice, issues };
  }

  #parse(group: string, opt: string, option: Option, written: readonly Written[], report: Report): unknown {
    const last = written.at(-1);
    if (last === undefined) return this.#default(group, opt, option, report);
    try {
      const value =
        last.typed === undefined
          ? option.parseAll(written.map((each) => this.#interpolated(each, group, opt, option, [])))
          : option.check(last.typed.value);
      const warning = value === undefined ? undefined : option.warning?.(value, last.location.origin?.file);
      if (warning !== undefined) report('warning', 'PORTICO_CONFIG_VALUE', last, { message: warning });
      return value;
    } catch (error) {
      const code = error instanceof BadReference ? 'PORTICO_CONFIG_REFERENCE' : 'PORTICO_CONFIG_VALUE';
      report('error', code, last, {
        message: (error as Error).message,
        got: maskText(opt, option, last.text),
        hint: hintFor(error, last, option),
        place: maskLocation(opt, option, error instanceof BadReference ? placeWithin(error, last) : last.location),
      });
      return undefined;
    }
  }

  /** A default that depends on the machine may be one that the option itself would refuse. */
  #default(group: string, opt: string, option: Option, report: Report): unknown {
    try {
      return option.default;
    } catch (error) {
      const message = `the default of this machine ${(error as Error).message}`;
      report('error', 'PORTICO_CONFIG_VALUE', undefined, { message, hint: this.#whereToSet(group, opt) });
      return undefined;
    }
  }

  #choose(group: string, opt: string, option: Option, report: Report): Choice {
    const { groups, sources, overrides, defaults, readFile, pinned } = this.#inputs;
    const kept = pinned[`${group}.${opt}`];
    if (kept !== undefined) return { written: kept, shadowed: [] };
    const layers: Layers = {
      sources: option.mutable ? sources.mutable : sources.fixed,
      overrides,
      defaults,
      readFile,
      osCompat: this.#osCompat(opt),
    };
    return chooseWritten(layers, { group, opt, option, spellings: groups.spellings(group, opt) }, report);
  }

  /** Whether `OS_<GROUP>__<OPT>` counts; the option that says so is itself not looked up there. */
  #osCompat(asking: string): boolean {
    const option = this.#inputs.groups.option('DEFAULT', 'os_env_compat');
    if (option === undefined || asking === 'os_env_compat') return false;
    return this.resolve('DEFAULT', 'os_env_compat', option).value === true;
  }

  /** The text of a value with its references put in. Secrets are taken as they are: a `$` in a password is a `$`. */
  #interpolated(
    written: Written,
    group: string,
    opt: string,
    option: Option | undefined,
    path: readonly string[],
  ): string {
    const marker = 'interpolate:';
    const secret = holdsSecret(opt, option);
    if (secret && !written.text.startsWith(marker)) return written.text;
    const key = `${group}.${opt}`;
    if (path.includes(key)) {
      const cycle = [...path.slice(path.indexOf(key)), key];
      throw new BadReference(`refers to itself: ${cycle.join(' → ')}`, 0);
    }
    return interpolate(
      secret ? written.text.slice(marker.length) : written.text,
      (reference) => this.#referred(reference, { group, opt, secret }, [...path, key]),
      (name) => this.#isGroup(name),
    );
  }

  #isGroup(name: string): boolean {
    const { groups, sources } = this.#inputs;
    return groups.has(name) || sources.fixed.files.some(({ sections }) => sections.some((each) => each.name === name));
  }

  /** The text of the option a reference means. An undeclared one counts when it is written. */
  #referred(
    reference: Reference,
    from: { group: string; opt: string; secret: boolean },
    path: readonly string[],
  ): string {
    const { groups } = this.#inputs;
    const places = reference.group === undefined ? [from.group, 'DEFAULT'] : [reference.group];
    const name = reference.opt.replaceAll('-', '_');
    for (const place of new Set(places)) {
      const target = groups.find(place, name);
      const { group, opt } = target ?? { group: place, opt: name };
      const last = this.#choose(group, opt, target?.option ?? undeclared, () => undefined).written.at(-1);
      if (last === undefined && target === undefined) continue;
      if (holdsSecret(opt, target?.option) && !from.secret) {
        throw new BadReference(`refers to the secret [${group}] ${opt}, which would show it`, reference.offset);
      }
      if (last === undefined)
        return target?.option.default === undefined ? '' : target.option.format(target.option.default);
      if (last.typed !== undefined) return String(last.typed.value);
      return this.#interpolated(last, group, opt, target?.option, path);
    }
    const written = reference.group === undefined ? reference.opt : `${reference.group}.${reference.opt}`;
    const near = suggestion(
      name,
      places.flatMap((place) => groups.spelledIn(place)),
    );
    const message = `unknown option '${written}' referenced by [${from.group}] ${from.opt}`;
    throw new BadReference(message, reference.offset, near ?? 'write $$ for a dollar sign');
  }

  #whereToSet(group: string, opt: string): string {
    const variable = variableName(this.#inputs.sources.fixed.envPrefix, group, opt);
    return `set it in section [${group}] of a configuration file, with ${variable}, or with --set ${group}.${opt}=…`;
  }
}

/** Stands for an option that is written and not declared. */
const undeclared = string({ default: '' });

function hintFor(error: unknown, written: Written, option: Option): string | undefined {
  if (option.plain && written.entry?.quoted !== true && /\s[#;]/.test(written.text)) {
    return 'inline comments are not supported: put the comment on a line of its own';
  }
  return error instanceof InvalidValue ? error.hint : undefined;
}

/** The place of a reference inside a value. */
function placeWithin(error: BadReference, { location, entry }: Written): Place {
  if (entry === undefined || location.kind === 'environment') return location;
  return placeInFile(originWithin(entry.pieces, error.offset), location.kind === 'source' ? 'source' : 'file');
}
