/** Hints for names without an owner: the nearest names with one, and the group of a name in another section. */
import { nearestNames, suggestion } from '../../errors/index.js';
import { entryOf } from '../types/option.js';
import type { DeclaredGroups } from './declared-groups.js';

/** Sections of paste files, which have no effect in other files. */
const PASTE_KINDS = ['app', 'application', 'composite', 'composit', 'pipeline', 'filter', 'filter-app', 'server'];
const MOVE =
  'a section of a paste file: move it to the file that [DEFAULT] api_paste_config names, by default api-paste.ini';

/**
 * Owned names, in the orders in which hints name them; made once for all names of a list. A hint names the nearest in the section, the nearest
 * elsewhere, another section, the paste file, another application, or another name of the same thing.
 */
export class NearestOwned {
  readonly names: DeclaredGroups;
  /** `DEFAULT`, and all groups. */
  readonly #sections: readonly string[];
  /** All groups, those of filters last. */
  readonly #groups: readonly string[];
  #options: ReadonlySet<string> | undefined;
  /** The groups of each option that was asked for: many sections have the same ones. */
  readonly #owners = new Map<string, readonly string[]>();

  constructor(names: DeclaredGroups) {
    this.names = names;
    this.#sections = [...new Set(['DEFAULT', ...names.groupNames()])].toSorted();
    const isOfFilter = (group: string): number => Number(names.sectional.has(group));
    this.#groups = names.groupNames().toSorted((a, b) => isOfFilter(a) - isOfFilter(b));
  }

  /** Returns a hint for a section by its name, else by its options; undefined if nothing is near. */
  section(group: string, options: readonly string[]): string | undefined {
    const [kind, name] = group.split(/:(.*)/s);
    if (group === 'portico:aliases' || (name !== undefined && PASTE_KINDS.includes(kind!))) return MOVE;
    const near = this.names.has(`api:${group}`)
      ? [`[api:${group}]`]
      : [...this.#ofTemplate(group), ...this.#similar(group, options).map((each) => `'${each}'`)];
    if (near.length > 0) return `did you mean ${near.join(' or ')}?`;
    if (name !== undefined && nearestNames(kind!, PASTE_KINDS).length > 0) return MOVE;
    // `[DFEAULTS] enabled_apis`: further away, but its options say which section it is.
    const owners = new Set(options.flatMap((opt) => this.#ownersOf(opt)));
    return suggestion(
      group,
      this.#groups.filter((each) => owners.has(each)),
    );
  }

  /** Returns the sections of nearly that name: two letters off, or one of a short word, only those that have one of its options. */
  #similar(group: string, options: readonly string[]): string[] {
    const shares = (each: string): boolean => options.some((opt) => this.names.find(each, opt) !== undefined);
    const certain = group.length > 3 || options.length === 0 ? nearestNames(group, this.#sections, 1) : [];
    return certain.length > 0 ? certain : nearestNames(group, this.#sections).filter(shares);
  }

  /** Returns what a section without a name may mean: `[service:<name>]` and `servicegroup` for `service`. */
  #ofTemplate(group: string): string[] {
    const [kind] = nearestNames(group, this.names.kinds());
    if (kind === undefined) return [];
    const longer = this.#sections.filter(
      (each) => kind === group && /^[a-z_]+$/.test(each.slice(group.length)) && each.startsWith(group),
    );
    return [`[${kind}:<name>]`, ...longer.map((each) => `'${each}'`)];
  }

  /** Returns a hint for an option; undefined if nothing is near. */
  option(group: string, opt: string): string | undefined {
    const own = suggestion(opt, this.names.spelledIn(group));
    if (own !== undefined) return own;
    // A wrong section and a wrong letter at once are another application's name.
    const isOpen = group === 'DEFAULT' || group.includes(':') || !this.names.hasSection(group);
    return isOpen || this.#ownersOf(opt).length > 0 ? this.elsewhere(opt, this.#likely(group)) : this.#meantIn(opt);
  }

  /** Reports whether a section has an option of nearly that name. */
  isMistyped(group: string, opt: string): boolean {
    return nearestNames(opt, this.names.spelledIn(group)).length > 0;
  }

  /** Returns the section of the API of that name, and those of nearly that name. */
  #likely(group: string): string[] {
    const isOwned = group === 'DEFAULT' || this.names.hasSection(group);
    return this.#sections.filter(
      (each) =>
        each === `api:${group}` || (!isOwned && nearestNames(group, [each, each.replace(/^api:/, '')]).length > 0),
    );
  }

  /** Returns the groups that have an option, under any of its names. */
  #ownersOf(opt: string): readonly string[] {
    const known = this.#owners.get(opt) ?? this.#groups.filter((group) => this.names.find(group, opt) !== undefined);
    this.#owners.set(opt, known);
    return known;
  }

  /** Returns a hint for an option of another section: of a likely one, else of any. */
  elsewhere(opt: string, likely: readonly string[] = []): string | undefined {
    const of = (name: string, groups: readonly string[]): string =>
      `did you mean '${name}' of ${groups.map((group) => `[${group}]`).join(' or ')}?`;
    for (const group of likely) {
      const [meant] =
        this.names.find(group, opt) === undefined ? nearestNames(opt, this.names.spelledIn(group)) : [opt];
      if (meant !== undefined) return of(meant, [group]);
    }
    const owners = this.#ownersOf(opt);
    if (owners.length > 0) return of(opt, owners.slice(0, 3));
    this.#options ??= new Set(this.names.all().map((each) => each.opt));
    const [near] = nearestNames(opt, this.#options);
    return near === undefined ? this.#meantIn(opt) : of(near, this.#ownersOf(near).slice(0, 1));
  }

  /** Returns the hint of a section that knows another application's name. */
  #meantIn(opt: string): string | undefined {
    for (const group of this.#groups) {
      const meant = entryOf(this.names.elsewhereIn(group)?.meant, opt);
      if (meant !== undefined) return `in [${group}]: ${meant}`;
    }
    return undefined;
  }
}
