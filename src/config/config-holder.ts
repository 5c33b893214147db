/**
 * Holder of a configuration's values, and of the parts that all configurations of a process share.
 */
import { type Diagnostic, ignoreErrors, isObject, PorticoError, printDiagnostic, whole } from '../errors/index.js';
import { optionKey, sectionKey } from '../ini/index.js';
import type { Logger } from '../log/index.js';
import { notImported } from './extensions.js';
import { optionNamed } from './sources/command-line-values.js';
import { type ConfigSnapshot, newState, type State } from './state.js';
import { loadedGroups } from './types/define-options.js';
import type { OptionDeclarations } from './types/option.js';
import { type DeclaredGroups, declaredByAll } from './values/declared-groups.js';
import { Generation } from './values/generation.js';
import type { OptionIssue } from './values/option-issues.js';
import { absentGroups, ofOtherPrograms } from './values/owners.js';
import { isUnknownName, problemsOf, type Scope, valuesOfOthers } from './values/unknown-names.js';
import type { Resolved } from './values/written.js';

/** Parts that a configuration and the next ones share. */
export class Lasting {
  /** Declared options, of the first configuration and all later ones. */
  readonly groups: DeclaredGroups;
  /** Checks over several options, each run with the generation that is checked. */
  readonly checks = new Map<unknown, (checked: ConfigHolder) => readonly Diagnostic[]>();
  /** Log for warnings and changes. */
  log: Logger | undefined;
  /** Gives the log the level of a configuration that was accepted. */
  followLevel: ((accepted: ConfigHolder) => void) | undefined;
  /** True if another process logs the same warnings. */
  readonly quiet: boolean;
  /** True after a check of the whole: from then on, all code that declares options is loaded. */
  validated = false;

  constructor(groups = declaredByAll(), log?: Logger, quiet = false) {
    this.groups = groups;
    this.log = log;
    this.quiet = quiet;
  }
}

/** Holds the values of a configuration: the present one, or the next one, which a reload reads and validates. */
export class ConfigHolder {
  readonly lasting: Lasting;
  /** The next configuration has a copy: if it is refused, its declarations must leave nothing behind. */
  groups: DeclaredGroups;
  generation: Generation;
  /** Warnings that are in the log, or wait for one. */
  readonly warned: Set<string>;
  /** Warnings that arrived before there was a logger. */
  readonly #untold: { readonly text: string; readonly code: string }[] = [];
  /** Warnings of the next configuration, and those of {@link warn} since. Some may be in the log already. */
  given: Diagnostic[] | undefined;
  /** True during a check: findings of checks are among the issues. */
  #validating = false;
  #found: { readonly of: readonly unknown[]; readonly diagnostics: readonly Diagnostic[] } | undefined;
  /**
   * In a copy that is asked for all problems in the end: locations of names that groups would have refused, so that the code behind them goes on
   * to its other errors.
   */
  readonly #noted: Set<string> | undefined;
  /** Groups whose values were read. */
  readonly inUse = new Set<string>();

  /** `told`: warnings that are in the log already. */
  constructor(
    state: State = newState(),
    lasting = new Lasting(),
    told: Iterable<string> = [],
    groups = lasting.groups,
    noted?: Set<string>,
  ) {
    this.#noted = noted;
    this.warned = new Set(told);
    this.lasting = lasting;
    this.groups = groups;
    this.generation = new Generation(state, groups);
  }

  /** Returns a holder of the same values, declarations and checks, which leaves these as they are. */
  copy(noted?: Set<string>): ConfigHolder {
    const lasting = new Lasting(this.groups.copy());
    for (const [find, check] of this.lasting.checks) lasting.checks.set(find, check);
    const copy = new ConfigHolder(this.generation.state, lasting, [], undefined, noted);
    copy.generation = new Generation(this.generation.state, copy.groups, this.generation);
    return copy;
  }

  declare(group: string, options: OptionDeclarations, sectional?: boolean): void {
    if (this.groups.declare(group, options, sectional)) this.generation.forgetReferring();
  }

  /** Adds a value from code to others of its kind, or removes it. Throws for a bad value. */
  set(kind: 'overrides' | 'defaults', group: string, opt: string, value: unknown): void {
    const [section, name] = [sectionKey(group), optionKey(opt)];
    const values = this.generation.state[kind];
    if (value === undefined) values.delete(`${section}.${name}`);
    else {
      this.groups.option(section, name)?.option.check(value);
      values.set(`${section}.${name}`, value);
    }
    this.generation.forget();
    this.#found = undefined;
  }

  /** Returns one option with its value. Throws for an undeclared one. */
  resolve(group: string, opt: string): Resolved {
    const option = this.groups.option(group, opt);
    if (option !== undefined) return this.generation.resolve(option);
    const message = `no option ${opt} is declared in [${group}]`;
    throw new PorticoError('PORTICO_CONFIG_NO_SUCH_OPTION', { message });
  }

  problems(names: Scope): readonly Diagnostic[] {
    const waiting = notImported(this.generation);
    const known = problemsOf(this.generation, names);
    // Until they are imported, an unknown name may be of an extension.
    const issues = waiting.length === 0 ? known : [...waiting, ...known.filter(({ uncertain }) => uncertain !== true)];
    // Values are all known if only names are refused.
    const knowsValues = issues.every((issue) => issue.severity !== 'error' || isUnknownName(issue));
    const found = this.#checked(knowsValues);
    // A check may return the refusal of a value that it needs.
    const all = knowsValues
      ? [...issues, ...found]
      : whole(
          issues,
          found.filter((each) => !issues.includes(each)),
        );
    return valuesOfOthers(all, this.generation);
  }

  /** Returns the problems with the options of all loaded modules, which this configuration need not have declared. */
  problemsOf(names: Scope): readonly Diagnostic[] {
    const problems = this.copy().declareLoaded().problems(names);
    const isNoted = (each: Diagnostic): boolean =>
      isUnknownName(each) && this.#noted?.has(each.location?.detail ?? '') === true;
    // A name that a group has refused is wrong for certain.
    return problems.map((each) => (isNoted(each) ? { ...each, uncertain: false } : each));
  }

  /** Returns the errors that refuse a group: all, or those that are not noted for the end. */
  withoutNoted(issues: readonly Diagnostic[]): readonly Diagnostic[] {
    if (this.#noted === undefined) return issues;
    const names = issues.filter((each) => each.severity === 'error' && isUnknownName(each));
    for (const { location } of names) this.#noted.add(location?.detail ?? '');
    return issues.filter((each) => !names.includes(each));
  }

  /** Declares the options of all loaded modules, but for those of filters: sections of the paste file may have their values. */
  declareLoaded(): this {
    const absent = absentGroups(this.generation);
    const ofPrograms = loadedGroups().filter(
      ({ group, sectional }) => !absent.has(group) && sectional !== true && !/^[^:]+<name>$/.test(group),
    );
    // Of two declarations, the one that is read counts.
    for (const { group, options } of ofPrograms) ignoreErrors(() => this.declare(group, options));
    return this;
  }

  /**
   * Returns the findings of the checks over several options, which run once for the same files and declarations. `knowsValues`: false if a
   * value is refused; errors that a check throws are then ignored.
   */
  #checked(knowsValues: boolean): readonly Diagnostic[] {
    const { checks } = this.lasting;
    const of = [this.generation, checks.size, this.groups.size] as const;
    if (this.#found === undefined || of.some((each, at) => each !== this.#found!.of[at])) {
      const isOthers = ofOtherPrograms(this.generation);
      const found = [...checks.values()].flatMap((check) =>
        knowsValues ? check(this) : (ignoreErrors(() => check(this)) ?? []),
      );
      // An option that has an owner is read, whatever else its section has; a whole section may belong to another application.
      const counts = ({ section = '', option }: Diagnostic): boolean =>
        (option !== undefined && this.groups.has(section)) || !isOthers({ group: section });
      this.#found = { of, diagnostics: found.filter(counts) };
    }
    return this.#found.diagnostics;
  }

  /** Returns the problems of a configuration that does not apply; logs nothing. */
  validate(): readonly Diagnostic[] {
    this.#validating = true;
    try {
      return this.problems(this.lasting.validated ? 'all' : 'owned');
    } finally {
      this.#validating = false;
    }
  }

  /** Logs warnings, each once: another hint makes no difference. Returns all that it was given. */
  warn(issues: readonly Diagnostic[]): readonly Diagnostic[] {
    if (this.#validating) return issues;
    this.given?.push(...issues.filter(({ severity }) => severity === 'warning'));
    for (const issue of issues) {
      if (issue.severity !== 'warning') continue;
      const said = withoutHint(issue);
      if (this.warned.has(said)) continue;
      this.warned.add(said);
      this.#untold.push({ text: inOneLine(issue), code: issue.code });
    }
    this.#tell();
    return issues;
  }

  /** Sets the log for warnings, including those that arrived before. `followLevel`: gives it the level of each accepted configuration. */
  useLogger(log: Logger, followLevel?: (accepted: ConfigHolder) => void): void {
    this.lasting.log = log;
    this.lasting.followLevel = followLevel ?? this.lasting.followLevel;
    this.#tell();
  }

  #tell(): void {
    const { log, quiet } = this.lasting;
    if (log === undefined) return;
    for (const { text, code } of this.#untold.splice(0)) if (!quiet) log.warn({ code }, text);
  }

  snapshot(): ConfigSnapshot {
    const { generation, sources, pinned, paths, files, issues, ...code } = this.generation.state;
    return {
      format: 1,
      generation,
      sources,
      pinned,
      paths,
      files: files.toJSON(),
      overrides: this.#asJson(code.overrides),
      defaults: this.#asJson(code.defaults),
      ...(issues.length === 0 ? {} : { issues }),
      told: [...this.warned],
    };
  }

  /** Returns values from code as JSON: objects are written as text. */
  #asJson(values: ReadonlyMap<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(
      [...values].map(([key, value]) => {
        const { group, opt } = optionNamed(key);
        const declared = isObject(value) ? this.groups.option(group, opt) : undefined;
        return [key, declared === undefined ? value : declared.option.format(value)];
      }),
    );
  }
}

/** Returns the text of a warning without its hint, which identifies it. */
export function withoutHint(diagnostic: Diagnostic): string {
  return inOneLine({ ...diagnostic, hint: undefined });
}

/** Formats a warning for the log: `portico.ini:3:1: warning: [crs] unknown section; did you mean 'cors'?`. */
export function inOneLine(diagnostic: Diagnostic): string {
  return printDiagnostic(diagnostic, { showLine: false }).replaceAll(
    /([.?!]?)\n\s*/g,
    (_, end: string) => `${end || ';'} `,
  );
}

/** A check of a configuration, by the members that it needs. */
type Check = Parameters<typeof crossCheck>[0];

const loaded = new Set<Check>();

/**
 * Adds a check over several options, which all configurations of this process run from then on. `find` gets the `Config` and returns an
 * error for each wrong option. A check that reads a refused value reports nothing.
 */
export function crossCheck(find: (config: never) => readonly OptionIssue[] | undefined): void {
  loaded.add(find);
}

/** Returns the checks of all modules that this process has loaded. */
export function loadedChecks(): Iterable<Check> {
  return loaded;
}
