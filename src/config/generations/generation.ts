/**
 * One state of a configuration seen through the declarations: values, and everything that is wrong.
 */

import type { Diagnostic } from '../../errors/index.js';
import { configOptions } from '../own-options.js';
import type { OptionDeclarations } from '../types/option.js';
import type { DeclaredGroups } from '../values/declared-groups.js';
import { type Resolved, Resolver } from '../values/resolver.js';
import { unknownNames } from '../values/unknown-names.js';
import type { State } from './state.js';

/** What all generations of one configuration share. */
export interface Declared {
  readonly groups: DeclaredGroups;
  /** `group.opt` to a value from code. */
  readonly overrides: Map<string, unknown>;
  readonly defaults: Map<string, unknown>;
}

/** A state and its resolved options. */
export class Generation {
  readonly state: State;
  readonly resolver: Resolver;
  readonly #declared: Declared;
  readonly #groups = new Map<OptionDeclarations, Map<string, object>>();

  constructor(state: State, declared: Declared) {
    this.state = state;
    this.#declared = declared;
    this.resolver = new Resolver({
      groups: declared.groups,
      sources: { mutable: state.mutable, fixed: state.fixed },
      pinned: state.pinned,
      overrides: declared.overrides,
      defaults: declared.defaults,
      readFile: (path) => state.files.read(path),
    });
  }

  /** The values of a group as `make` made them the first time; made again only after {@link Generation.forget}. */
  remembered<T extends object>(group: string, options: OptionDeclarations, make: () => T): T {
    const known = this.#groups.get(options)?.get(group);
    if (known !== undefined) return known as T;
    const made = make();
    this.#groups.set(options, (this.#groups.get(options) ?? new Map()).set(group, made));
    return made;
  }

  /** Forgets all values: one from code changed, or more options were declared. */
  forget(): void {
    this.resolver.forget();
    this.#groups.clear();
  }

  /** Every declared option, in the order of declaration; the sections of templates are groups of their own. */
  resolved(): Resolved[] {
    const { groups } = this.#declared;
    for (const file of this.state.fixed.files) for (const { name } of file.sections) groups.instantiate(name);
    for (const { group } of this.state.fixed.arguments) groups.instantiate(group);
    return [...groups.all()].map(({ group, opt, option }) => this.resolver.resolve(group, opt, option));
  }

  /** What is wrong with files, values and names, in the order of the files. `complete`: see {@link unknownNames}. */
  problems(complete: boolean): Diagnostic[] {
    const { sectional } = this.#declared.groups;
    const values = this.resolved().flatMap(({ group, issues }) =>
      sectional.has(group) ? issues.filter(({ code }) => code !== 'PORTICO_CONFIG_REQUIRED') : issues,
    );
    return inOrder(
      [...this.state.issues, ...values.filter((issue) => this.#isWanted(issue)), ...this.unknown({ complete })],
      this.state,
    );
  }

  /** Names that nobody declared; `only`: in one section. */
  unknown(scope: { complete: boolean; only?: string }): Diagnostic[] {
    const { groups } = this.#declared;
    return unknownNames({ groups, sources: this.state.mutable, strict: this.#own('strict_config'), ...scope });
  }

  #isWanted(issue: Diagnostic): boolean {
    return (
      issue.code !== 'PORTICO_CONFIG_EXPOSED' || issue.place?.kind === 'command_line' || this.#own('check_file_modes')
    );
  }

  #own(opt: keyof typeof configOptions): boolean {
    return this.resolver.resolve('DEFAULT', opt, configOptions[opt]).value === true;
  }
}

/** As an operator reads them: file by file and line by line, then the rest. One mistake is told once. */
function inOrder(issues: readonly Diagnostic[], state: State): Diagnostic[] {
  const rank = new Map(state.mutable.files.map(({ name }, index) => [name, index]));
  const rankOf = ({ place }: Diagnostic) => {
    const origin = place?.origin;
    return origin === undefined ? [rank.size, 0, 0] : [rank.get(origin.file) ?? rank.size, origin.line, origin.column];
  };
  const told = new Set<string>();
  const once = issues.filter((issue) => {
    const key = JSON.stringify([issue.code, issue.section, issue.option, issue.place?.detail, issue.message]);
    return !told.has(key) && told.add(key);
  });
  return once.toSorted((a, b) => {
    const [fileA = 0, lineA = 0, columnA = 0] = rankOf(a);
    const [fileB = 0, lineB = 0, columnB = 0] = rankOf(b);
    return fileA - fileB || lineA - lineB || columnA - columnB;
  });
}
