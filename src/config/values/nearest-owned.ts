/** Hints for names without an owner: the nearest names with one, and the group of a name in another section. */
import { nearestNames } from '../../errors/index.js';
import type { DeclaredGroups } from './declared-groups.js';
import { suggestion } from './mistakes.js';

/** Sections of OpenStack's services that nothing here reads, each with a hint. */
export const FOREIGN: ReadonlyMap<string, string> = new Map([
  [
    'oslo_middleware',
    'write its options in the sections of the filters: max_request_body_size of sizelimit, trusted_proxies of proxy_headers, user_file of basic_auth',
  ],
  ['paste_deploy', 'write config_file as [DEFAULT] api_paste_config, and name the pipeline of the flavor as its API'],
  ['oslo_policy', 'remove it: the application decides by the roles of its RequestContext'],
]);

/** Owned names, in the orders in which hints name them; made once for all names of a list. */
export class NearestOwned {
  readonly #names: DeclaredGroups;
  /** `DEFAULT`, and all groups. */
  readonly #sections: readonly string[];
  /** All groups, those of filters last. */
  readonly #groups: readonly string[];
  #options: ReadonlySet<string> | undefined;
  /** The groups of each option that was asked for: many sections have the same ones. */
  readonly #owners = new Map<string, readonly string[]>();

  constructor(names: DeclaredGroups) {
    this.#names = names;
    this.#sections = [...new Set(['DEFAULT', ...names.groupNames()])].toSorted();
    const isOfFilter = (group: string): number => Number(names.sectional.has(group));
    this.#groups = names.groupNames().toSorted((a, b) => isOfFilter(a) - isOfFilter(b));
  }

  /** Returns a hint for a section with these options; undefined if nothing is near. */
  section(group: string, written: readonly string[]): string | undefined {
    if (/^(?:api|service):$/.test(group)) return `write [${group}<name>]`;
    if (this.#names.has(`api:${group}`)) return `did you mean [api:${group}]?`;
    const near = nearestNames(group, this.#sections).map((name) => `'${name}'`);
    if (near.length > 0) return `did you mean ${near.join(' or ')}?`;
    // `[DFEAULTS] enabled_apis`: further away, but its options say which section it is.
    const owners = new Set(written.flatMap((opt) => this.#ownersOf(opt)));
    return owners.size === 0
      ? undefined
      : suggestion(
          group,
          this.#groups.filter((each) => owners.has(each)),
        );
  }

  /** Returns a hint for an option; undefined if nothing in its section is near. */
  option(group: string, opt: string): string | undefined {
    return (
      this.#names.adviceFor(group, 'meant', opt) ??
      suggestion(opt, this.#names.spelledIn(group)) ??
      this.#nearSection(group, opt)
    );
  }

  /** Returns the option of the API of that name, or of a group of nearly that name: `api:hello.port` for `hello.port`. */
  #nearSection(group: string, opt: string): string | undefined {
    const isOwned = group === 'DEFAULT' || this.#names.hasSection(group);
    const near = this.#sections.filter(
      (each) =>
        each === `api:${group}` || (!isOwned && nearestNames(group, [each, each.replace(/^api:/, '')]).length > 0),
    );
    for (const each of near) {
      const [meant] =
        this.#names.find(each, opt) === undefined ? nearestNames(opt, this.#names.spelledIn(each)) : [opt];
      if (meant !== undefined) return `did you mean ${each}.${meant}?`;
    }
    return undefined;
  }

  /** Returns the groups that have an option, under any of its names. */
  #ownersOf(opt: string): readonly string[] {
    const known = this.#owners.get(opt);
    if (known !== undefined) return known;
    const owners = this.#groups.filter((group) => this.#names.find(group, opt) !== undefined);
    this.#owners.set(opt, owners);
    return owners;
  }

  /** Returns the groups that have an option, under any of its names; else the options of nearly that name, each with a group. */
  elsewhere(opt: string): string | undefined {
    const owners = this.#ownersOf(opt);
    if (owners.length > 0) {
      const shown = owners.slice(0, 3).map((group) => `[${group}]`);
      return `'${opt}' is an option of ${shown.join(', ')}`;
    }
    this.#options ??= new Set(this.#names.all().map((each) => each.opt));
    const near = nearestNames(opt, this.#options).map((name) => {
      const owner = this.#groups.find((group) => this.#names.option(group, name) !== undefined);
      return `'${name}' of [${owner}]`;
    });
    if (near.length > 0) return `did you mean ${near.join(' or ')}?`;
    for (const group of this.#groups) {
      const advice = this.#names.adviceFor(group, 'meant', opt);
      if (advice !== undefined) return advice.replace(/\?$/, ` of [${group}]?`);
    }
    return undefined;
  }
}
