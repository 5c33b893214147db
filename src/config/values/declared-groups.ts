/**
 * Declared options by group, with the other names of each.
 */
import { PorticoError } from '../../errors/index.js';
import { sectionKey } from '../../ini/index.js';
import { type Argument, keyOf, type SourceFile } from '../state.js';
import { list } from '../types/collection-types.js';
import {
  checkDefault,
  defineOptions,
  locationOfDeclaration,
  optionIn,
  sameDeclaration,
} from '../types/define-options.js';
import { boolean } from '../types/number-types.js';
import {
  type Elsewhere,
  elsewhereOf,
  type Option,
  type OptionDeclarations,
  writtenElsewhere,
} from '../types/option.js';
import { path } from '../types/text-types.js';

/** Options of `[DEFAULT]` that every application has: sources of the configuration, and paths of files. */
export const configOptions = writtenElsewhere(
  defineOptions('DEFAULT', {
    other_names: list({
      help: 'Sections and options of other applications in these files, such as placement, DEFAULT.my_ip, vnc*. Any other unknown name is an error. * matches any text; cache.* matches the options of [cache], not the section itself.',
    }),
    os_env_compat: boolean({
      default: false,
      help: 'Also read environment variables OS_<GROUP>__<OPT>, as oslo.config does.',
      advanced: true,
    }),
    check_file_modes: boolean({
      default: true,
      help: 'Warn of files with secrets that others than their owner can read, and of files that all users can write.',
      advanced: true,
    }),
    state_path: path({ default: 'var', help: 'Directory for data that must survive a restart.' }),
    extensions: list({
      restart: true,
      help: 'Extensions in addition to those of Portico: packages that announce one, or files such as ./own.js. -portico/registry leaves one out.',
      advanced: true,
    }),
  }),
  {
    removed: {
      config_source:
        'configuration is read from files, the environment and the command line: fetch it before the start.',
      strict_config: 'a name without an owner is always refused.',
      lock_path: 'there are no lock files.',
      temp_dir: 'the directory for temporary files is that of the system; TMPDIR in the environment sets another.',
    },
  },
);

/** One name of an option. */
export interface Spelling {
  readonly group: string;
  readonly opt: string;
  /** Key of the values with this name. */
  readonly key: string;
  /** `name` and `alias` are equivalent; `deprecated` causes a warning, and the others take precedence. */
  readonly kind: 'name' | 'alias' | 'deprecated';
}

/** Returns one name of an option. */
export function spelling(group: string, opt: string, kind: Spelling['kind']): Spelling {
  return { group, opt, key: keyOf({ group, opt }), kind };
}

/** An option, its group, and its names, the proper one first. */
export interface DeclaredOption {
  readonly group: string;
  readonly opt: string;
  readonly option: Option;
  readonly spellings: readonly Spelling[];
}

/** `place`: the line of code that declares it. */
type Declaration = DeclaredOption & { readonly place: string };

/** Names in files and on the command line. */
interface Names {
  readonly files: readonly Pick<SourceFile, 'sections' | 'entries'>[];
  readonly arguments: readonly Pick<Argument, 'group' | 'opt'>[];
}

/** Declarations of a configuration. Groups grow: several parts of an application may declare options of `[DEFAULT]`. */
export class DeclaredGroups {
  readonly #groups = new Map<string, Map<string, Declaration>>();
  /** `api:` to the options of `[api:<name>]`. */
  readonly #templates = new Map<string, Map<string, Declaration>>();
  /** Groups in which every name is an option, with the declaration of all of them. */
  readonly #anyName = new Map<string, Declaration>();
  /** Sections to the names that they accept, each with its declaration. */
  readonly #spelled = new Map<string, Map<string, Declaration>>();
  /** Groups that these declarations were used for: a group may be read with every request. */
  readonly #seen = new WeakMap<OptionDeclarations, Set<string>>();
  /** Sections whose names other applications use too: their group, and hints for names of those applications. */
  readonly #elsewhere = new Map<string, Elsewhere & { readonly group: string }>();
  /** Groups whose values may be in sections of the paste file too: each such section reports its missing options. */
  readonly sectional = new Set<string>();
  /** Number of declared options. */
  #count = 0;
  readonly #namesOnly: boolean;

  /** `namesOnly`: only the names count, so that several owners may declare one option. */
  constructor(namesOnly = false) {
    this.#namesOnly = namesOnly;
  }

  /**
   * Adds options to a group; an equal second declaration has no effect. A group that ends in `<name>` is a template: every section of that
   * form has these options. An option `<name>` stands for every name that is written in its group. `sectional`: sections of the paste file
   * may have the values too. Returns whether anything was new. Throws for two different declarations.
   */
  declare(groupName: string, options: OptionDeclarations, sectional = false): boolean {
    const group = sectionKey(groupName);
    if (sectional) this.sectional.add(group);
    const seen = this.#seen.get(options) ?? new Set();
    if (seen.has(group)) return false;
    const prefix = templatePrefix(group);
    const isTemplate = group.endsWith('<name>');
    const before = this.#count;
    for (const declaration of declarationsOf(group, options)) {
      const { opt } = declaration;
      if (opt === '<name>') this.#anyName.set(group, declaration);
      else if (!isTemplate) this.#add(declaration);
      if (prefix !== undefined && this.#templates.get(prefix)?.has(opt) !== true) {
        insert(this.#templates, prefix, declaration);
      }
    }
    if (!isTemplate && !this.#groups.has(group)) this.#groups.set(group, new Map());
    const elsewhere = elsewhereOf(options);
    if (elsewhere !== undefined) {
      for (const section of [group, elsewhere.section ?? group]) {
        const key = sectionKey(section);
        const { unused, removed, meant } = this.#elsewhere.get(key) ?? {};
        this.#elsewhere.set(key, {
          group,
          unused: { ...unused, ...elsewhere.unused },
          removed: { ...removed, ...elsewhere.removed },
          meant: { ...meant, ...elsewhere.meant },
        });
      }
    }
    this.#seen.set(options, seen.add(group));
    return this.#count > before;
  }

  /** Returns a copy, which shares the declarations. */
  copy(): DeclaredGroups {
    return new DeclaredGroups().add(this);
  }

  /** Adds the declarations of another one. */
  add(other: DeclaredGroups): this {
    for (const [name, options] of other.#groups) {
      if (!this.#groups.has(name)) this.#groups.set(name, new Map());
      for (const declaration of options.values()) this.#add(declaration);
    }
    for (const [prefix, options] of other.#templates) {
      for (const each of options.values()) {
        if (this.#templates.get(prefix)?.has(each.opt) !== true) insert(this.#templates, prefix, each);
      }
    }
    for (const [group, each] of other.#anyName) if (!this.#anyName.has(group)) this.#anyName.set(group, each);
    for (const [section, each] of other.#elsewhere)
      if (!this.#elsewhere.has(section)) this.#elsewhere.set(section, each);
    for (const group of other.sectional) this.sectional.add(group);
    return this;
  }

  /** Gives sections of templates their own options: `[api:compute]` is then a group like others. */
  instantiate({ files, arguments: said }: Names): void {
    for (const { sections } of files) for (const { name } of sections) this.#instantiateSection(name);
    for (const { group } of said) this.#instantiateSection(group);
    for (const [group, { option, place }] of this.#anyName) {
      for (const { entries } of files)
        for (const { section, name } of entries)
          if (section === group) this.#add(declarationOf(group, name, option, place));
      for (const each of said) if (each.group === group) this.#add(declarationOf(group, each.opt, option, place));
    }
  }

  #instantiateSection(section: string): void {
    if (this.#groups.has(section)) return;
    for (const { opt, option, place } of this.#templates.get(this.#templateOf(section))?.values() ?? []) {
      this.#add(declarationOf(section, opt, option, place));
    }
  }

  /** Returns the prefix of a section's template; empty if it has none. */
  #templateOf(section: string): string {
    return [...this.#templates.keys()].find((each) => section.startsWith(each) && section !== each) ?? '';
  }

  /** Number of declared options. */
  get size(): number {
    return this.#count;
  }

  has(group: string): boolean {
    return this.#groups.has(group);
  }

  /** Returns the group whose options a section has: itself, or the one that it is another name of; undefined for an unknown section. */
  groupOf(section: string): string | undefined {
    return this.#elsewhere.get(section)?.group ?? (this.has(section) ? section : undefined);
  }

  /** Returns the sections that have the options of a group: itself, and those that are other names of it. */
  sectionsOf(group: string): ReadonlySet<string> {
    const sections = new Set([group]);
    for (const [section, each] of this.#elsewhere) if (each.group === group) sections.add(section);
    return sections;
  }

  /** Reports whether anybody has options in a section, under any of their names. */
  hasSection(section: string): boolean {
    return this.groupOf(section) !== undefined || this.#spelled.has(section);
  }

  /** Returns how other applications write the options of a section. */
  elsewhereIn(section: string): Elsewhere | undefined {
    return this.#elsewhere.get(section) ?? this.#elsewhere.get(`${this.#templateOf(section)}<name>`);
  }

  /**
   * Returns what is known of a name that nobody declares: what {@link elsewhereIn} has of its section, or the removed option of `[api:<name>]`
   * that a flat name of `[DEFAULT]` means, such as `compute_listen_backlog`.
   */
  elsewhereOf(group: string, opt: string): Elsewhere | undefined {
    return (group === 'DEFAULT' ? this.#removedFlat(opt) : undefined) ?? this.elsewhereIn(group);
  }

  #removedFlat(opt: string): Elsewhere | undefined {
    for (const [section, { removed = {} }] of this.#elsewhere) {
      const name = section.endsWith(':<name>') && Object.keys(removed).find((each) => opt.endsWith(`_${each}`));
      if (name) return { removed: { [opt]: removed[name]! } };
    }
    return undefined;
  }

  /** Returns the names in each section that have no effect, with what is known of the section. */
  unused(): { readonly group: string; readonly opt: string; readonly elsewhere: Elsewhere }[] {
    return [...this.#elsewhere].flatMap(([group, elsewhere]) =>
      Object.keys({ ...elsewhere.unused, ...elsewhere.removed }).map((opt) => ({ group, opt, elsewhere })),
    );
  }

  /** Returns the option of this name. */
  option(group: string, opt: string): DeclaredOption | undefined {
    return this.#groups.get(group)?.get(opt);
  }

  /** Returns every option, in the order of declaration. */
  all(): readonly DeclaredOption[] {
    const all: DeclaredOption[] = [];
    for (const group of this.#groups.values()) all.push(...group.values());
    return all;
  }

  /** Returns the words before the colon in the names of sections that there may be several of: `api`, `service`. */
  kinds(): string[] {
    return [...this.#templates.keys()].flatMap((prefix) => (prefix.endsWith(':') ? [prefix.slice(0, -1)] : []));
  }

  groupNames(): string[] {
    return [...this.#groups.keys()];
  }

  /** Returns the option of a name in a section, under any of its spellings. */
  find(group: string, opt: string): DeclaredOption | undefined {
    return this.#spelled.get(group)?.get(opt);
  }

  /** Returns the names that a section accepts, whatever group the option belongs to; undefined if there are none. */
  namesIn(section: string): ReadonlyMap<string, DeclaredOption> | undefined {
    return this.#spelled.get(section);
  }

  /** Returns them as a list. */
  spelledIn(section: string): string[] {
    return [...(this.namesIn(section)?.keys() ?? [])];
  }

  #add(declaration: Declaration): void {
    const known = this.#groups.get(declaration.group)?.get(declaration.opt);
    if (known === declaration) return;
    if (known !== undefined) {
      if (this.#namesOnly || sameDeclaration(known.option, declaration.option)) return;
      throw new PorticoError('PORTICO_CONFIG_DECLARED_TWICE', {
        message: `option ${declaration.opt} of [${declaration.group}] has two different declarations, at ${known.place} and at ${declaration.place}`,
        hint: 'Declare it once and import the declaration elsewhere.',
      });
    }
    insert(this.#groups, declaration.group, declaration);
    this.#count++;
    for (const { group, opt, kind } of declaration.spellings) {
      // A proper name takes precedence over another option's alias.
      if (kind === 'name' || this.find(group, opt) === undefined) {
        const names = this.#spelled.get(group) ?? new Map<string, Declaration>();
        this.#spelled.set(group, names.set(opt, declaration));
      }
    }
  }
}

/** Returns the declarations that every configuration starts with. */
export function declaredByAll(): DeclaredGroups {
  const groups = new DeclaredGroups();
  groups.declare('DEFAULT', configOptions);
  return groups;
}

function insert(map: Map<string, Map<string, Declaration>>, name: string, declaration: Declaration): void {
  map.set(name, (map.get(name) ?? new Map<string, Declaration>()).set(declaration.opt, declaration));
}

/** Returns `api:` for `api:compute`, `cors.` for `cors.<name>`; undefined for a group that is not one of many. */
function templatePrefix(group: string): string | undefined {
  return /^([^:]+:|.+\.(?=<name>$))./.exec(group)?.[1];
}

/** The declarations of options by group: the same in every configuration, and every copy of one. */
const declared = new WeakMap<OptionDeclarations, Map<string, readonly Declaration[]>>();

function declarationsOf(group: string, options: OptionDeclarations): readonly Declaration[] {
  const known = declared.get(options) ?? new Map<string, readonly Declaration[]>();
  declared.set(options, known);
  const found = known.get(group);
  if (found !== undefined) return found;
  const place = locationOfDeclaration(options);
  for (const [opt, option] of Object.entries(options)) checkDefault(optionIn(group, opt), option);
  const made = Object.entries(options).map(([opt, option]) => declarationOf(group, opt, option, place));
  known.set(group, made);
  return made;
}

function declarationOf(group: string, opt: string, option: Option, place: string): Declaration {
  const name = (): string => group.replace(group.includes(':') ? /^[^:]*:/ : /^[^.]*\./, '').replaceAll('-', '_');
  const spelled = (written: string, kind: Spelling['kind']): Spelling => {
    const full = written.replaceAll('<name>', name);
    const dot = full.lastIndexOf('.');
    const [where, what] = dot < 0 ? [group, full] : [sectionKey(full.slice(0, dot)), full.slice(dot + 1)];
    return spelling(where, what === '*' ? opt : what, kind);
  };
  const spellings: Spelling[] = [
    spelling(group, opt, 'name'),
    ...option.aliases.map((alias) => spelled(alias, 'alias')),
    ...option.deprecated.map((old) => spelled(old, 'deprecated')),
  ];
  return { group, opt, option, place, spellings };
}
