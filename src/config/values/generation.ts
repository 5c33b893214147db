/**
 * One generation of a configuration: the written values, interpreted by the declarations. The value of an option results from choice,
 * interpolation and parsing, which collect all errors.
 */
import { type Diagnostic, ignoreErrors, type Location, suggestion } from '../../errors/index.js';
import { optionKey, sectionKey } from '../../ini/index.js';
import { OS_PREFIX } from '../../process/index.js';
import { looksSecret } from '../../text/index.js';
import { keyOf, type State, type Written } from '../state.js';
import { givesAway, maskLocation, maskText } from '../types/mask.js';
import { InvalidValue, type OptionDeclarations, unescapeDollars } from '../types/option.js';
import { string } from '../types/text-types.js';
import { type configOptions, type DeclaredGroups, type DeclaredOption, spelling } from './declared-groups.js';
import { hintFor } from './option-issues.js';
import {
  type Choice,
  chooseWritten,
  EXPOSED,
  type Layer,
  layerOf,
  layersOf,
  layerWithout,
  locationWithin,
  type Report,
  type Resolved,
  UNSET,
  variableName,
  writtenAsDefault,
  writtenInEnvironment,
} from './written.js';

/** A state and its options, each resolved once. */
export class Generation {
  readonly state: State;
  readonly groups: DeclaredGroups;
  readonly #resolved = new Map<DeclaredOption, Resolved>();
  /** Resolved options that may refer to others. */
  readonly #referring = new Set<DeclaredOption>();
  readonly #values = new Map<OptionDeclarations, Map<string, object>>();
  /** Result of {@link noted}, for this number of declared options. */
  #noted: { readonly of: number; readonly options: readonly DeclaredOption[] } | undefined;
  /** Keys of options whose values in files belong to other applications. */
  #given: readonly string[] | undefined;
  #ownLayers: readonly Layer[] | undefined;

  /** `from`: a generation of the same state and declarations, whose results are taken over. */
  constructor(state: State, groups: DeclaredGroups, from?: Generation) {
    this.state = state;
    this.groups = groups;
    if (from === undefined) return;
    this.#noted = from.#noted;
    for (const [wanted, resolved] of from.#resolved) this.#resolved.set(wanted, resolved);
    for (const wanted of from.#referring) this.#referring.add(wanted);
    for (const [options, values] of from.#values) this.#values.set(options, new Map(values));
  }

  /** Returns the value of an option. Never throws: problems are in `issues`. */
  resolve(wanted: DeclaredOption): Resolved {
    const known = this.#resolved.get(wanted);
    if (known !== undefined) return known;
    const resolved = this.#resolveAfresh(wanted);
    this.#resolved.set(wanted, resolved);
    return resolved;
  }

  /** Returns every declared option, in the order of declaration; sections of templates are separate groups. */
  resolveAll(): Resolved[] {
    this.groups.instantiate(this.state.sources);
    return [...this.groups.all()].map((wanted) => this.resolve(wanted));
  }

  /**
   * Returns the options with written values, and those that may be wrong without one: required ones, and defaults that depend on the
   * machine. In the order of declaration.
   */
  noted(): readonly DeclaredOption[] {
    this.groups.instantiate(this.state.sources);
    if (this.#noted?.of === this.groups.size) return this.#noted.options;
    const found: DeclaredOption[] = [];
    for (const wanted of this.groups.all()) {
      const { required, spec } = wanted.option;
      if (required || typeof spec.default === 'function' || this.#isWritten(wanted)) found.push(wanted);
    }
    this.#noted = { of: this.groups.size, options: found };
    return found;
  }

  /** Returns the values as they are written: those that wait for a restart count. Most configurations have none, and it is the same. */
  asWritten(): Generation {
    for (const _ in this.state.pinned) return new Generation({ ...this.state, pinned: {} }, this.groups);
    return this;
  }

  /** Returns the value of a boolean option that every application has. */
  says(opt: keyof typeof configOptions): boolean {
    return this.resolve(this.groups.option('DEFAULT', opt)!).value === true;
  }

  /** Returns the values of a group from its first reading; undefined before that, and after one was forgotten. */
  known(group: string, options: OptionDeclarations): object | undefined {
    return this.#values.get(options)?.get(group);
  }

  remember(group: string, options: OptionDeclarations, values: object): void {
    this.#values.set(options, (this.#values.get(options) ?? new Map()).set(group, values));
  }

  /** Forgets all values: one from code has changed. */
  forget(): void {
    this.#resolved.clear();
    this.#referring.clear();
    this.#values.clear();
    this.#noted = undefined;
    this.#given = undefined;
    this.#ownLayers = undefined;
  }

  /** Forgets the values that may refer to an option that was declared after they were resolved. */
  forgetReferring(): void {
    if (this.#referring.size === 0) return;
    for (const wanted of this.#referring) this.#resolved.delete(wanted);
    this.#referring.clear();
    this.#values.clear();
  }

  #resolveAfresh(wanted: DeclaredOption): Resolved {
    const { group, opt, option } = wanted;
    if (!option.required && typeof option.spec.default !== 'function' && !this.#isWritten(wanted)) {
      return { group, opt, option, value: option.default, location: UNSET, written: [], shadowed: [], issues: [] };
    }
    const issues: Diagnostic[] = [];
    const report: Report = (severity, code, written, rest) => {
      if (code === EXPOSED && written?.exposed === true && !this.says('check_file_modes')) return;
      const subject = { section: written?.group ?? group, option: written?.opt ?? opt, location: written?.location };
      issues.push({ severity, code, ...subject, ...rest });
    };
    const choice = this.#choose(wanted, report);
    const last = choice.written.at(-1);
    const location: Location = last?.location ?? UNSET;
    const value =
      last === undefined ? this.#default(wanted, report) : this.#parse(wanted, choice.written, last, report);
    if (value === undefined && option.required && !issues.some(({ severity }) => severity === 'error')) {
      report('error', 'PORTICO_CONFIG_REQUIRED', last, { message: 'value required', hint: this.#whereToSet(wanted) });
    }
    return { group, opt, option, value, location, ...choice, issues };
  }

  /** Returns false only if no source sets it, and its default refers to no other option. */
  #isWritten({ group, opt, option, spellings }: DeclaredOption): boolean {
    if (option.referringDefault !== undefined) return true;
    const { sources, pinned, overrides, defaults } = this.state;
    const key = `${group}.${opt}`;
    if (key in pinned || overrides.has(key) || defaults.has(key)) return true;
    for (const _ in sources.environment) return true;
    for (const layer of this.#layers()) {
      for (const { key: name } of spellings) if (layer.has(name)) return true;
    }
    return false;
  }

  /** Returns the values of the command line and of each file, without those that `other_names` gives to other applications by name. */
  #layers(): readonly Layer[] {
    const layers = layersOf(this.state.sources);
    if (this.#given === undefined) {
      // `other_names` itself, and what its value refers to, belong to this application.
      this.#given = [];
      const names = this.resolve(this.groups.option('DEFAULT', 'other_names')!).value;
      this.#given = givenNames((names ?? []) as readonly string[]);
    }
    const given = this.#given;
    if (given.length === 0) return layers;
    const [said, ...inFiles] = layers;
    this.#ownLayers ??= [said!, ...inFiles.map((layer) => layerWithout(layer, given))];
    return this.#ownLayers;
  }

  #parse(wanted: DeclaredOption, written: readonly Written[], last: Written, report: Report): unknown {
    const { option } = wanted;
    if (written.some(({ text }) => text.includes('$'))) this.#referring.add(wanted);
    try {
      // An empty number or path means the default.
      const value =
        last.typed === undefined
          ? (this.parsed(wanted, written) ?? this.parsed(wanted))
          : option.check(last.typed.value);
      const warning = value === undefined ? undefined : option.warning?.(value, last.location.origin?.file);
      if (warning !== undefined) report('warning', 'PORTICO_CONFIG_VALUE', last, { message: warning });
      this.#checkDollars(wanted, last, report);
      return value;
    } catch (error) {
      const isReference = error instanceof BadReference;
      // The wrong reference may be in the value of another option, which this one refers to.
      const [at, { opt, option }] = (isReference && error.within) || [last, wanted];
      report('error', isReference ? 'PORTICO_CONFIG_REFERENCE' : 'PORTICO_CONFIG_VALUE', at, {
        message: (error as Error).message,
        got: maskText(opt, option, at.text),
        hint: hintFor(error, option, at.text, at.entry?.quoted),
        location: maskLocation(opt, option, isReference ? locationWithin(error.offset, at) : at.location),
      });
      return error instanceof InvalidValue ? error.meant : undefined;
    }
  }

  /** Parses written values, or a default that refers to other options. Throws if one is refused. */
  parsed(wanted: DeclaredOption, written: readonly Written[] = writtenAsDefault(wanted)): unknown {
    return wanted.option.parseAll(written.map((each) => this.#interpolated(each, wanted, { keys: [], count: 0 })));
  }

  /** A default that depends on the machine may be one that the option itself would refuse. */
  #default(wanted: DeclaredOption, report: Report): unknown {
    try {
      return wanted.option.default;
    } catch (error) {
      const message = `the default of this machine ${(error as Error).message}`;
      report('error', 'PORTICO_CONFIG_VALUE', undefined, { message, hint: this.#whereToSet(wanted) });
      return undefined;
    }
  }

  /** Chooses by precedence, highest first: override, command line, environment, files, default from code. */
  #choose(wanted: DeclaredOption, report: Report): Choice {
    const { group, opt } = wanted;
    const { sources, pinned, files, overrides, defaults } = this.state;
    const key = `${group}.${opt}`;
    const kept = pinned[key];
    if (kept !== undefined) return { written: kept, shadowed: [] };
    const fromCode = (kind: 'override' | 'set_default', values: ReadonlyMap<string, unknown>): Written[] => {
      if (!values.has(key)) return [];
      const value = values.get(key);
      const location = { kind, detail: kind.replace('_', ' ') };
      return [{ group, opt, text: String(value), location, typed: { value } }];
    };
    // The option `os_env_compat` itself is not looked up there.
    const osCompat = opt !== 'os_env_compat' && this.says('os_env_compat');
    const { environment, envPrefix } = sources;
    const prefixes = osCompat ? [envPrefix, OS_PREFIX] : [envPrefix];
    const variables = { environment, prefixes, files, groups: this.groups };
    const [said, ...inFiles] = this.#layers();
    const layers = [
      layerOf(fromCode('override', overrides)),
      said!,
      layerOf(writtenInEnvironment(variables, wanted, report)),
      ...inFiles,
      layerOf(fromCode('set_default', defaults)),
      layerOf(writtenAsDefault(wanted)),
    ];
    return chooseWritten(layers, wanted, report);
  }

  /**
   * Returns the text of a value with its references expanded. In a secret a `$` is a `$`, and so is `$$`; the content of a `…_FILE` file is
   * unchanged.
   */
  #interpolated(written: Written, wanted: DeclaredOption, path: ReferencePath): string {
    const { group, opt } = wanted;
    const secret = holdsSecret(wanted);
    if (secret && written.verbatim === true) return written.text;
    if (secret && !written.text.startsWith(MARKER)) return unescapeDollars(written.text);
    const key = `${group}.${opt}`;
    const { keys } = path;
    if (keys.includes(key)) {
      const cycle = [...keys.slice(keys.indexOf(key)), key];
      throw Object.assign(new BadReference(`refers to itself: ${cycle.join(' → ')}`, 0), { isOfWhole: true });
    }
    const refer = (reference: Reference): string => {
      const next = { keys: [...keys, key], count: path.count + 1 };
      const text = next.count > MOST_REFERENCES ? '' : this.#referred(reference, { group, opt, secret }, next);
      path.count = next.count;
      return text;
    };
    try {
      const text = interpolate(secret ? written.text.slice(MARKER.length) : written.text, refer, (name) =>
        this.#isGroup(name),
      );
      if (path.count <= MOST_REFERENCES && text.length <= LONGEST_TEXT) return text;
      const limit = path.count > MOST_REFERENCES ? `${MOST_REFERENCES} references` : `${LONGEST_TEXT} characters`;
      const message = `has more than ${limit}, with those of the options that it refers to`;
      throw Object.assign(new BadReference(message, 0), { isOfWhole: true });
    } catch (error) {
      if (error instanceof BadReference && !error.isOfWhole) error.within ??= [written, wanted];
      throw error;
    }
  }

  /**
   * Warns of `sqlite:///$state_path/x.db`: a path with a literal `$`, probably by accident. A user or a query may be a secret that contains
   * one.
   */
  #checkDollars({ group, option }: DeclaredOption, last: Written, report: Report): void {
    if (!option.secret || option.type !== 'uri' || last.typed !== undefined) return;
    if (last.verbatim === true || last.text.startsWith(MARKER)) return;
    let hasReference = false;
    const look = (reference: Reference): string => {
      hasReference ||= this.#declared(reference, group) !== undefined;
      return '';
    };
    ignoreErrors(() => interpolate(last.text, look, (name) => this.#isGroup(name)));
    if (!hasReference) return;
    report(givesAway(option, last.text) ? 'warning' : 'error', 'PORTICO_CONFIG_REFERENCE', last, {
      message: 'has the name of an option after a $, which is not replaced: this option may hold a password',
      hint: `write ${MARKER} in front of the value to have it replaced, or $$ for a dollar sign`,
    });
  }

  #isGroup(name: string): boolean {
    const { files } = this.state.sources;
    return this.groups.has(name) || files.some(({ sections }) => sections.some((each) => each.name === name));
  }

  /** Returns the text of a referenced option. An undeclared one counts if it is written. */
  #referred(reference: Reference, from: { group: string; opt: string; secret: boolean }, path: ReferencePath): string {
    const places = reference.group === undefined ? [from.group, 'DEFAULT'] : [reference.group];
    const name = optionKey(reference.opt);
    for (const place of new Set(places)) {
      const declared = this.groups.find(place, name);
      const target = declared ?? undeclaredOption(place, name);
      const { group, opt, option } = target;
      const last = this.#choose(target, () => undefined).written.at(-1);
      if (last === undefined && declared === undefined) continue;
      if (holdsSecret(target) && !from.secret) {
        throw new BadReference(`refers to the secret [${group}] ${opt}, which would reveal it`, reference.offset);
      }
      if (last === undefined) return option.default === undefined ? '' : option.format(option.default);
      if (last.typed !== undefined) return String(last.typed.value);
      return this.#interpolated(last, target, path);
    }
    const written = reference.group === undefined ? reference.opt : `${reference.group}.${reference.opt}`;
    const near = suggestion(
      name,
      places.flatMap((place) =>
        this.groups.spelledIn(place).filter((spelled) => {
          const { group, opt } = this.groups.find(place, spelled)!;
          return group !== from.group || opt !== from.opt;
        }),
      ),
    );
    const message = `unknown option '${written}' referenced by [${from.group}] ${from.opt}`;
    throw new BadReference(message, reference.offset, near ?? 'write $$ for a dollar sign');
  }

  /** Returns the declared option that a reference in a group names. */
  #declared({ group, opt }: Reference, from: string): DeclaredOption | undefined {
    const name = optionKey(opt);
    return this.groups.find(group ?? from, name) ?? this.groups.find('DEFAULT', name);
  }

  #whereToSet({ group, opt, option }: DeclaredOption): string {
    const variable = variableName(this.state.sources.envPrefix, group, opt);
    const other = option.secret ? `${variable}_FILE` : `--set ${group}.${opt}=…`;
    return `set it in section [${group}] of a configuration file, with ${variable}, or with ${other}`;
  }
}

/** Returns the keys of the whole names of options among the patterns of `other_names`. */
function givenNames(patterns: readonly string[]): string[] {
  return patterns.flatMap((pattern) => {
    const dot = pattern.lastIndexOf('.');
    if (dot < 1 || pattern.includes('*')) return [];
    return keyOf({ group: sectionKey(pattern.slice(0, dot)), opt: optionKey(pattern.slice(dot + 1)) });
  });
}

/** Prefix of a secret with references. */
const MARKER = 'interpolate:';

// `$name`, `${name}`, `$group.name` and `${group.name}` in values; `$$` and `\$` are a dollar sign.

/** A reference to another option, at an offset in the text. */
interface Reference {
  readonly group: string | undefined;
  readonly opt: string;
  readonly offset: number;
}

/** Limits of a value with all that it refers to: options that refer twice to the next one double it each time. */
const MOST_REFERENCES = 1000;
const LONGEST_TEXT = 1_048_576;

/** The way to a value by references, and the number of references that were followed for the whole. */
interface ReferencePath {
  /** Options that lead here. */
  readonly keys: readonly string[];
  count: number;
}

/** An error in one reference, with its location in the text. */
class BadReference extends InvalidValue {
  readonly offset: number;
  /** True for an error of a value with all that it refers to. */
  readonly isOfWhole: boolean = false;
  /** The value that has the reference, and its option; unset for an error of several. */
  within: readonly [Written, DeclaredOption] | undefined;

  constructor(message: string, offset: number, hint?: string) {
    super(message, hint);
    this.name = 'BadReference';
    this.offset = offset;
  }
}

// A dollar sign before anything but a name or a brace is literal: `^a$`, `5$`, `$1`. Without braces a hyphen ends the name: `$host-$port`.
const pattern = /\$\$|\\\$|\$\{([^}]*)\}|\$\{|\$([a-z_]\w*)(?:\.([a-z_]\w*))?/gi;

/**
 * Expands references. `lookUp` returns the text of an option; `isGroup` reports whether `a` of `$a.b` is a group, because otherwise
 * `$host.example.org` is `$host` followed by text.
 */
function interpolate(
  text: string,
  lookUp: (reference: Reference) => string,
  isGroup: (name: string) => boolean,
): string {
  if (!text.includes('$')) return text;
  return text.replaceAll(pattern, (...found: unknown[]) => {
    const [whole, braced, first, second] = found as [string, string?, string?, string?];
    const offset = found.find((part) => typeof part === 'number') as number;
    if (whole === '$$' || whole === '\\$') return '$';
    if (braced !== undefined) return lookUp(bracedReference(braced, offset));
    if (first === undefined)
      throw new BadReference('a reference without a closing brace', offset, 'write $$ for a dollar sign');
    if (second === undefined) return lookUp({ group: undefined, opt: first, offset });
    if (isGroup(first)) return lookUp({ group: first, opt: second, offset });
    return `${lookUp({ group: undefined, opt: first, offset })}.${second}`;
  });
}

function bracedReference(inside: string, offset: number): Reference {
  const name = inside.trim();
  const dot = name.lastIndexOf('.');
  const opt = name.slice(dot + 1);
  if (!/^[a-z_][\w-]*$/i.test(opt)) {
    throw new BadReference(`\${${inside}} names no option`, offset, 'write $$ for a dollar sign');
  }
  return { group: dot < 0 ? undefined : name.slice(0, dot), opt, offset };
}

/** Option for a name that is written but not declared. */
const undeclared = string({ default: '' });

/** Returns the option of a name that is written but not declared. */
function undeclaredOption(group: string, opt: string): DeclaredOption {
  return { group, opt, option: undeclared, spellings: [spelling(group, opt, 'name')] };
}

/** Reports whether a value must neither be interpolated nor referenced. The declaration decides, without one the name. */
function holdsSecret({ opt, option }: DeclaredOption): boolean {
  return option === undeclared ? looksSecret(opt) : option.secret;
}
