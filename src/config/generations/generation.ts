/**
 * One generation of a configuration: what was written, and its values seen through the declarations.
 */
import { type Diagnostic, inOrder, type Place, placeInFile } from '../../errors/index.js';
import type { SourcePaths } from '../sources/default-files.js';
import { type AcceptedFile, AcceptedFiles } from '../sources/read-files.js';
import { noSources, type Sources, type Written } from '../sources/sources.js';
import { multi } from '../types/collection-types.js';
import { defineOptions } from '../types/define-options.js';
import { boolean } from '../types/number-types.js';
import type { OptionDeclarations } from '../types/option.js';
import { path } from '../types/text-types.js';
import type { DeclaredGroups } from '../values/declared-groups.js';
import { type Resolved, Resolver } from '../values/resolver.js';
import { unknownNames } from '../values/unknown-names.js';

/** A generation. Replaced as a whole, never changed, but for files that are remembered when they are first read. */
export interface State {
  /** For options that may change in a running process. */
  readonly mutable: Sources;
  /** For all others; differs from `mutable` after a mutate. */
  readonly fixed: Sources;
  /** `group.opt` of options that only a restart changes, to what counted when the process started. */
  readonly pinned: Readonly<Record<string, readonly Written[]>>;
  readonly paths: SourcePaths;
  readonly files: AcceptedFiles;
  /** Grows by one with each accepted change. */
  readonly generation: number;
  /** What is wrong with the sources themselves. */
  readonly issues: readonly Diagnostic[];
}

/** A state and the values that code set, as JSON. Made by `config.snapshot()`; its fields are private. */
export interface ConfigSnapshot {
  readonly format: 1;
  readonly generation: number;
  readonly mutable: Sources;
  /** Absent where it is the same as `mutable`. */
  readonly fixed?: Sources;
  readonly pinned: State['pinned'];
  readonly paths: SourcePaths;
  readonly files: readonly AcceptedFile[];
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Warnings that are in the log. */
  readonly told?: readonly string[];
}

/** A state in which nothing is written. */
export function emptyState(): State {
  return {
    mutable: noSources,
    fixed: noSources,
    pinned: {},
    paths: { files: [], dirs: [], searched: [] },
    files: new AcceptedFiles(),
    generation: 1,
    issues: [],
  };
}

/** The state as JSON, with the values from code, which are JSON already. */
export function toSnapshot(
  state: State,
  overrides: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
): ConfigSnapshot {
  const { generation, mutable, fixed, pinned, paths, files } = state;
  const separate = fixed === mutable ? {} : { fixed };
  return { format: 1, generation, mutable, ...separate, pinned, paths, files: files.toJSON(), overrides, defaults };
}

/** The state of a snapshot. */
export function fromSnapshot(snapshot: ConfigSnapshot): State {
  const { mutable, pinned, paths, generation } = snapshot;
  const files = AcceptedFiles.from(snapshot.files);
  return { mutable, fixed: snapshot.fixed ?? mutable, pinned, paths, files, generation, issues: [] };
}

/** Options of `[DEFAULT]` that every program has: how the configuration is read, and where files go. */
export const configOptions = defineOptions({
  strict_config: boolean({
    default: false,
    parent: true,
    help: 'Refuse unknown sections and variables instead of warning about them.',
  }),
  os_env_compat: boolean({
    default: false,
    help: 'Read OS_<GROUP>__<OPT> from the environment as well, as oslo.config does.',
  }),
  check_file_modes: boolean({
    default: true,
    parent: true,
    help: 'Warn when a file that sets a secret may be read by others than its owner.',
  }),
  state_path: path({ default: 'var', help: 'Folder for what outlives the process.' }),
  lock_path: path({ help: 'Folder for lock files. Default: below state_path.' }),
  temp_dir: path({ help: 'Folder for what a process needs while it runs. Default: the one of the system.' }),
  config_source: multi({
    help: 'Names of groups that say where more configuration is read from; files win over it.',
    advanced: true,
  }),
});

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
    groups.instantiate(this.state.fixed);
    return [...groups.all()].map(({ group, opt, option }) => this.resolver.resolve(group, opt, option));
  }

  /** The sections that files have, in their order, each once. */
  sections(): string[] {
    return [...new Set(this.state.mutable.files.flatMap(({ sections }) => sections.map(({ name }) => name)))];
  }

  /** The names that files have in a section, each once. */
  namesIn(section: string): string[] {
    const entries = this.state.mutable.files.flatMap((file) => file.entries);
    return [...new Set(entries.filter((entry) => entry.section === section).map(({ name }) => name))];
  }

  /** Where a section begins first; undefined for one that no file has. */
  sectionPlace(section: string): Place | undefined {
    for (const { kind, sections } of this.state.mutable.files) {
      const found = sections.find(({ name }) => name === section);
      if (found !== undefined) return placeInFile(found.origin, kind);
    }
    return undefined;
  }

  /** What is wrong with files, values and names, in the order of the files. `complete`: see {@link unknownNames}. */
  problems(complete: boolean): Diagnostic[] {
    const { sectional } = this.#declared.groups;
    const values = this.resolved().flatMap(({ group, issues }) =>
      sectional.has(group) ? issues.filter(({ code }) => code !== 'PORTICO_CONFIG_REQUIRED') : issues,
    );
    return inOrder(
      [...this.state.issues, ...values.filter((issue) => this.#isWanted(issue)), ...this.unknown({ complete })],
      [...this.state.mutable.files.map(({ name }) => name), undefined],
    );
  }

  /** Undeclared names; `only`: in one section. */
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
