/**
 * The declared options, by group, and the other names of each.
 */
import { PorticoError } from '../../errors/index.js';
import { sectionKey } from '../../ini/index.js';
import { placeOfDeclaration, sameDeclaration } from '../types/define-options.js';
import type { Option, OptionDeclarations } from '../types/option.js';

/** One name an option may be written under. */
export interface Spelling {
  readonly group: string;
  readonly opt: string;
  /** `name` and `alias` mean the same; `deprecated` warns and gives way to them. */
  readonly kind: 'name' | 'alias' | 'deprecated';
}

/** An option and where it belongs. */
export interface DeclaredOption {
  readonly group: string;
  readonly opt: string;
  readonly option: Option;
}

/** What is written in files and on the command line. */
export interface Written {
  readonly files: readonly {
    readonly sections: readonly { readonly name: string }[];
    readonly entries: readonly { readonly section: string; readonly name: string }[];
  }[];
  readonly arguments: readonly { readonly group: string; readonly opt: string }[];
}

interface Declaration extends DeclaredOption {
  readonly place: string;
  readonly spellings: readonly Spelling[];
}

/** The declarations of a configuration. Groups grow: several parts of a program may declare options of `[DEFAULT]`. */
export class DeclaredGroups {
  readonly #groups = new Map<string, Map<string, Declaration>>();
  /** `api:` to the options of `[api:<name>]`. */
  readonly #templates = new Map<string, Map<string, Declaration>>();
  /** Groups in which every name is an option, with the declaration of all of them. */
  readonly #anyName = new Map<string, Declaration>();
  /** Every spelling, as `group.opt`, to the declaration it belongs to. */
  readonly #spelled = new Map<string, Declaration>();
  /** Which groups these declarations were made for: a group may be asked for with every request. */
  readonly #seen = new WeakMap<OptionDeclarations, Set<string>>();
  /** Groups whose values may stand in sections of the paste file as well: what each section lacks is told there. */
  readonly sectional = new Set<string>();
  /** How many options are declared. */
  #count = 0;

  /**
   * Adds options to a group; declaring the same option again in the same way does nothing. A group that ends in
   * `<name>` is a template: every section of that form has these options. An option `<name>` stands for every name that is written
   * in its group. Gives whether anything was new. Throws on two different declarations.
   */
  declare(groupName: string, options: OptionDeclarations): boolean {
    const group = sectionKey(groupName);
    const seen = this.#seen.get(options);
    if (seen?.has(group) === true) return false;
    const prefix = templatePrefix(group);
    const isTemplate = group.endsWith('<name>');
    const before = this.#count;
    for (const [opt, option] of Object.entries(options)) {
      const declaration = {
        group,
        opt,
        option,
        place: placeOfDeclaration(options),
        spellings: spellings(group, opt, option),
      };
      if (opt === '<name>') this.#anyName.set(group, declaration);
      else if (!isTemplate) this.#add(declaration);
      if (prefix !== undefined && this.#templates.get(prefix)?.has(opt) !== true) {
        insert(this.#templates, prefix, opt, { ...declaration, group: `${prefix}<name>` });
      }
    }
    if (!isTemplate && !this.#groups.has(group)) this.#groups.set(group, new Map());
    this.#seen.set(options, (seen ?? new Set()).add(group));
    return this.#count > before;
  }

  /** Gives what is written, and stands for nothing but itself, options of its own: `[api:compute]` is a group like others then. */
  instantiate({ files, arguments: written }: Written): void {
    for (const { sections, entries } of files) {
      for (const { name } of sections) this.#instantiateSection(name);
      for (const { section, name } of entries) this.#instantiateName(section, name);
    }
    for (const { group, opt } of written) {
      this.#instantiateSection(group);
      this.#instantiateName(group, opt);
    }
  }

  #instantiateName(group: string, opt: string): void {
    const any = this.#anyName.get(group);
    if (any !== undefined) this.#add({ ...any, opt, spellings: spellings(group, opt, any.option) });
  }

  #instantiateSection(section: string): void {
    if (this.#groups.has(section)) return;
    for (const [prefix, template] of this.#templates) {
      if (!section.startsWith(prefix) || section === prefix) continue;
      for (const { opt, option, place } of template.values()) {
        this.#add({ group: section, opt, option, place, spellings: spellings(section, opt, option) });
      }
      return;
    }
  }

  /** The section that a name outside it would belong to: `api:web` for `web_workers` of `[DEFAULT]`, were there a web. */
  sectionOfSpelling(group: string, opt: string): string | undefined {
    for (const [prefix, template] of this.#templates) {
      const names = [...template.values()].flatMap(({ option }) => [...option.aliases, ...option.deprecated]);
      for (const name of names.filter((each) => each.includes('<name>'))) {
        const [before = '', after = ''] = name.split('<name>');
        const full = `${group}.${opt}`;
        const fits = full.startsWith(before) && full.endsWith(after) && full.length > before.length + after.length;
        if (fits) return `${prefix}${full.slice(before.length, full.length - after.length)}`;
      }
    }
    return undefined;
  }

  has(group: string): boolean {
    return this.#groups.has(group);
  }

  option(group: string, opt: string): Option | undefined {
    return this.#groups.get(group)?.get(opt)?.option;
  }

  /** Every option, in the order of declaration. */
  *all(): Generator<DeclaredOption> {
    for (const group of this.#groups.values()) yield* group.values();
  }

  groupNames(): string[] {
    return [...this.#groups.keys()];
  }

  optionNames(group: string): string[] {
    return [...(this.#groups.get(group)?.keys() ?? [])];
  }

  /** The names an option may be written under, its own first. */
  spellings(group: string, opt: string): readonly Spelling[] {
    return this.#groups.get(group)?.get(opt)?.spellings ?? [{ group, opt, kind: 'name' }];
  }

  /** The option that a name in a section means, under any of its spellings. */
  find(group: string, opt: string): DeclaredOption | undefined {
    return this.#spelled.get(`${group}.${opt}`);
  }

  /** Names that would be accepted in a section, whatever group the option belongs to. */
  spelledIn(group: string): string[] {
    const before = `${group}.`;
    return [...this.#spelled.keys()].filter((name) => name.startsWith(before)).map((name) => name.slice(before.length));
  }

  #add(declaration: Declaration): void {
    const known = this.#groups.get(declaration.group)?.get(declaration.opt);
    if (known !== undefined) {
      if (sameDeclaration(known.option, declaration.option)) return;
      throw new PorticoError('PORTICO_CONFIG_DECLARED_TWICE', {
        message: `option ${declaration.opt} of [${declaration.group}] is declared in two ways, at ${known.place} and at ${declaration.place}`,
        hint: 'Declare it once and import the declaration where else it is needed.',
      });
    }
    insert(this.#groups, declaration.group, declaration.opt, declaration);
    this.#count++;
    for (const { group, opt, kind } of declaration.spellings) {
      // A real name wins over another option's alias of the same name.
      if (kind === 'name' || !this.#spelled.has(`${group}.${opt}`)) this.#spelled.set(`${group}.${opt}`, declaration);
    }
  }
}

function insert(
  map: Map<string, Map<string, Declaration>>,
  outer: string,
  inner: string,
  declaration: Declaration,
): void {
  const group = map.get(outer) ?? new Map<string, Declaration>();
  map.set(outer, group.set(inner, declaration));
}

/** `api:` of `api:compute`, `cors.` of `cors.<name>`; undefined for a group that is not one of many. */
function templatePrefix(group: string): string | undefined {
  return /^([^:]+:|.+\.(?=<name>$))./.exec(group)?.[1];
}

function spellings(group: string, opt: string, option: Option): Spelling[] {
  const name = group.replace(group.includes(':') ? /^[^:]*:/ : /^[^.]*\./, '').replaceAll('-', '_');
  const spelled = (written: string, kind: Spelling['kind']): Spelling => {
    const full = written.replaceAll('<name>', name);
    const dot = full.lastIndexOf('.');
    const [where, what] = dot < 0 ? [group, full] : [sectionKey(full.slice(0, dot)), full.slice(dot + 1)];
    return { group: where, opt: what === '*' ? opt : what, kind };
  };
  return [
    { group, opt, kind: 'name' },
    ...option.aliases.map((alias) => spelled(alias, 'alias')),
    ...option.deprecated.map((old) => spelled(old, 'deprecated')),
  ];
}
