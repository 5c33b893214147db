/**
 * Holder of a configuration's generation, and of the parts that outlive a reload.
 */
import { setTimeout as later } from 'node:timers/promises';
import { type Diagnostic, isObject, printDiagnostic } from '../errors/index.js';
import { optionKey, sectionKey } from '../ini/index.js';
import type { Logger } from '../log/index.js';
import type { ConfigChanges } from './changes.js';
import { optionNamed } from './sources/command-line.js';
import { type ConfigSnapshot, newState, type State } from './state.js';
import type { OptionDeclarations } from './types/option.js';
import { type DeclaredGroups, declaredByAll } from './values/declared-groups.js';
import { Generation } from './values/generation.js';
import { isUnknownName, isUnknownSection, problemsOf, type Scope } from './values/problems.js';

/** Parts that are shared by all generations. */
export class Lasting {
  /** Those of the generation in force. */
  groups: DeclaredGroups;
  /** Checks over several options, each run with the generation that is checked. */
  readonly checks = new Map<unknown, (judged: ConfigHolder) => readonly Diagnostic[]>();
  /** Called with each accepted change, in the order of registration. */
  readonly hooks = new Set<(current: ConfigHolder, changes: ConfigChanges) => unknown>();
  /** Log for warnings and changes. */
  log: Logger | undefined;
  /** True if another process logs the same warnings. */
  readonly quiet: boolean;

  constructor(groups = declaredByAll(), log?: Logger, quiet = false) {
    this.groups = groups;
    this.log = log;
    this.quiet = quiet;
  }

  /** Adds a hook. The returned function removes it. */
  onChange(hook: (current: ConfigHolder, changes: ConfigChanges) => unknown): () => void {
    this.hooks.add(hook);
    return () => this.hooks.delete(hook);
  }
}

/** Time limit of one hook before the next one runs, in milliseconds. */
const hookTimeoutMs = 5000;

/** Holds a generation: the one in force, which a reload replaces, or one that a reload prepares and checks. */
export class ConfigHolder {
  readonly lasting: Lasting;
  /** A prepared configuration has a copy: if it is refused, its declarations must leave nothing behind. */
  groups: DeclaredGroups;
  generation: Generation;
  /** Holder that accepted this prepared one. */
  acceptedBy: ConfigHolder | undefined;
  /** Warnings that are in the log, or wait for one. */
  readonly warned: Set<string>;
  /** Warnings that arrived before there was a logger. */
  readonly #untold: { readonly text: string; readonly code: string }[] = [];
  /** Warnings of a prepared configuration, and those of {@link warn} since. Some may be in the log already. */
  given: Diagnostic[] | undefined;
  /** True during a check: findings of checks are among the issues. */
  #judging = false;
  #found: { readonly of: readonly unknown[]; readonly diagnostics: readonly Diagnostic[] } | undefined;
  /** Whether the last check was complete; undefined before it. */
  complete: boolean | undefined;
  /** Groups whose values were read. */
  readonly inUse = new Set<string>();

  /** `told`: warnings that are in the log already. */
  constructor(
    state: State = newState(),
    lasting = new Lasting(),
    told: Iterable<string> = [],
    groups = lasting.groups,
  ) {
    this.warned = new Set(told);
    this.lasting = lasting;
    this.groups = groups;
    this.generation = new Generation(state, groups);
  }

  /** Returns a holder of the same values, declarations and checks, which leaves these as they are. */
  copy(): ConfigHolder {
    const lasting = new Lasting(this.groups.copy());
    for (const [find, check] of this.lasting.checks) lasting.checks.set(find, check);
    const copy = new ConfigHolder(this.generation.state, lasting);
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

  problems(scope: Scope): readonly Diagnostic[] {
    const issues = problemsOf(this.generation, scope);
    // The checks read values, which are all known if only names are refused.
    if (issues.some((issue) => issue.severity === 'error' && !isUnknownName(issue))) return issues;
    const found = this.#checked();
    // A check's mistake about a whole section is more precise than that it is unknown.
    const judged = new Set(found.filter(({ option }) => option === undefined).map(({ place }) => place?.detail));
    return [...issues.filter((issue) => !isUnknownSection(issue) || !judged.has(issue.place?.detail)), ...found];
  }

  /** Findings of the checks, which run once for the files and declarations of a configuration. */
  #checked(): readonly Diagnostic[] {
    const { checks } = this.lasting;
    const of = [this.generation, checks.size, this.groups.size] as const;
    if (this.#found === undefined || of.some((each, at) => each !== this.#found!.of[at])) {
      this.#found = { of, diagnostics: [...checks.values()].flatMap((check) => check(this)) };
    }
    return this.#found.diagnostics;
  }

  /** Returns the problems of a configuration that is not in force; logs nothing. */
  judge(complete: boolean | undefined): readonly Diagnostic[] {
    this.#judging = true;
    try {
      return this.problems({ complete: complete ?? false });
    } finally {
      this.#judging = false;
    }
  }

  /** Logs warnings, each once: another hint makes no difference. */
  warn(issues: readonly Diagnostic[]): void {
    if (this.#judging) return;
    this.given?.push(...issues.filter(({ severity }) => severity === 'warning'));
    for (const issue of issues) {
      const said = withoutHint(issue);
      if (issue.severity !== 'warning' || this.warned.has(said)) continue;
      this.warned.add(said);
      this.#untold.push({ text: inOneLine(issue), code: issue.code });
    }
    this.#tell();
  }

  /** Sets the log for warnings, including those that arrived before. */
  useLogger(log: Logger): void {
    this.lasting.log = log;
    this.#tell();
  }

  #tell(): void {
    const { log, quiet } = this.lasting;
    if (log === undefined) return;
    for (const { text, code } of this.#untold.splice(0)) if (!quiet) log.warn({ code }, text);
  }

  /** Runs the hooks, one after another; a failure or a hang is logged. Never rejects. */
  async runHooks(changes: ConfigChanges): Promise<void> {
    const { log, hooks } = this.lasting;
    if (changes.size === 0) return;
    for (const hook of hooks) {
      const waiting = new AbortController();
      const tooLate = later(hookTimeoutMs, 'late', { signal: waiting.signal, ref: false }).catch(() => 'done');
      try {
        const ended = await Promise.race([tooLate, (async () => hook(this, changes))()]);
        if (ended === 'late') log?.warn({ hookTimeoutMs }, 'a hook for configuration changes takes too long');
      } catch (error) {
        log?.error({ err: error }, 'a hook for configuration changes failed');
      } finally {
        waiting.abort();
      }
    }
  }

  snapshot(): ConfigSnapshot {
    const { generation, mutable, fixed, pinned, paths, files, issues, ...code } = this.generation.state;
    return {
      format: 1,
      generation,
      mutable,
      ...(fixed === mutable ? {} : { fixed }),
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
