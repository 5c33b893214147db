/** Names that `[DEFAULT] other_names` gives to other programs: `vnc`, `cache.*`, `DEFAULT.my_ip`; `*` is any text. */
import { type Diagnostic, locationText, nearestNames } from '../../errors/index.js';
import type { Generation } from './generation.js';
import { locationOfItem } from './option-issues.js';
import type { Owned } from './owners.js';

/** A name as written: of an option, or without `opt` of a section. */
export interface Name {
  readonly group: string;
  readonly opt?: string | undefined;
}

/** Recognizes names. */
export type NameTest = (name: Name) => boolean;

/** Returns the patterns that the operator has written. */
export function otherNames(generation: Generation): readonly string[] {
  return (listed(generation).value ?? []) as readonly string[];
}

/** Returns the lines of the patterns for a message, or another place of theirs: `line 4 of portico.ini`; undefined if there are none. */
export function locationOfOtherNames(generation: Generation): string | undefined {
  const { location, written } = listed(generation);
  const { origin } = location;
  if (origin === undefined) return locationText(location) || undefined;
  const last = written.at(-1)?.entry?.pieces.at(-1)?.origin.line ?? origin.line;
  return `${last > origin.line ? `lines ${origin.line} to ${last}` : `line ${origin.line}`} of ${origin.file}`;
}

/** Returns a function that recognizes names of other programs: those of the patterns, and `x-…`. */
export function ofOtherPrograms(generation: Generation): NameTest {
  return matching(['x-*', ...otherNames(generation)]);
}

/**
 * Returns a warning for each pattern that covers names with an owner, where unknown ones would be silent, and for each that matches nothing
 * that is written. `*` alone is meant to cover all.
 */
export function oddPatterns(generation: Generation, written: readonly Name[], owned: Owned): Diagnostic[] {
  const found = (pattern: string, message: string, hint: string): Diagnostic => ({
    severity: 'warning',
    code: 'PORTICO_CONFIG_OTHER_NAMES',
    section: 'DEFAULT',
    option: 'other_names',
    location: locationOfItem(listed(generation), pattern),
    message,
    hint,
  });
  return otherNames(generation).flatMap((pattern) => {
    if (pattern === '*') return [];
    const isMatched = matching([pattern]);
    const matched = written.filter(isMatched);
    if (matched.length === 0) {
      const [near] = nearestNames(pattern, new Set(written.flatMap(({ group, opt }) => [group, `${group}.${opt}`])));
      const hint = near === undefined ? 'remove it' : `did you mean ${near}?`;
      return [found(pattern, `${pattern} matches no section, option or variable`, hint)];
    }
    const covered = matched.flatMap(({ group, opt }) => {
      // An API or service of that name may be another program's.
      if (group.includes(':')) return [];
      if (isMatched({ group })) return group === 'DEFAULT' || owned.hasSection(group) ? [`[${group}]`] : [];
      // A whole name hides no other one.
      return pattern.includes('*') && owned.find(group, opt!) !== undefined ? [`[${group}] ${opt}`] : [];
    });
    if (covered.length === 0) return [];
    const [first, ...more] = new Set(covered);
    const shown = more.length === 0 ? first : `${first} and ${more.length} more`;
    const message = `${pattern} covers ${shown}, which this program reads: unknown options there are not reported`;
    return [found(pattern, message, 'write the names of the other programs, such as DEFAULT.my_ip')];
  });
}

function listed(generation: Generation) {
  return generation.resolve(generation.groups.option('DEFAULT', 'other_names')!);
}

/** Returns a test for whole names that one of the patterns gives. */
function matching(patterns: readonly string[]): NameTest {
  const quoted = patterns.map((each) => each.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*'));
  const any = new RegExp(`^(?:${quoted.join('|')})$`, 'i');
  return ({ group, opt }) => any.test(group) || (opt !== undefined && any.test(`${group}.${opt}`));
}
