/** A difference between two states, and what it means for clients. */
import { isDeepStrictEqual } from 'node:util';
import { CLASSES, type DifferenceClass, RULES, type RuleName } from './rules.js';
import type { Place } from './state.js';
import type { ValuePath } from './value-path.js';

export interface Difference {
  readonly class: DifferenceClass;
  readonly change: 'added' | 'removed' | 'changed';
  /** Name of the rule that gives the class. */
  readonly rule: RuleName;
  readonly api: string | null;
  /** `POST /bookings`, `pipeline bookings`, `[wsgi] max_queue` */
  readonly subject: string;
  /** {@link routeKey} of a route. */
  readonly route: string | null;
  readonly text: string;
  /** The value of a request or a response that it is about. */
  readonly value: ValuePath | null;
  /** For an option, and for code that a reload does not load again: when it takes effect. */
  readonly effect: 'applied by a reload' | 'needs a restart' | null;
  /** Its location before, and after. */
  readonly old: Place;
  readonly new: Place;
}

/** The subject of a difference, with its locations. */
export interface About {
  readonly api: string | null;
  readonly subject: string;
  /** {@link routeKey} of a route. */
  readonly route?: string | null;
  readonly old: Place;
  readonly new: Place;
}

/** Returns the difference of a rule. */
export function difference(
  { api, subject, route = null, old, new: now }: About,
  rule: RuleName,
  text: string,
  { change = 'changed', value = null, effect = null }: Partial<Pick<Difference, 'change' | 'value' | 'effect'>> = {},
): Difference {
  return { class: RULES[rule].class, change, rule, api, subject, route, text, value, effect, old, new: now };
}

/** Returns a difference with this rule, if that is worse than its own. */
export function atWorst(one: Difference, rule: RuleName): Difference {
  const { class: is } = RULES[rule];
  return CLASSES.indexOf(is) < CLASSES.indexOf(one.class) ? { ...one, class: is, rule } : one;
}

/** Returns what has the same key in both, and what only one has. */
export function pairs<T>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (one: T) => string,
): readonly (readonly [T | undefined, T | undefined])[] {
  const [old, now] = [
    new Map(before.map((each) => [keyOf(each), each])),
    new Map(after.map((each) => [keyOf(each), each])),
  ];
  return [...new Set([...old.keys(), ...now.keys()])].map((key) => [old.get(key), now.get(key)]);
}

/** Returns the values that are equal to none of the others. */
export function without<T>(some: readonly T[], others: readonly T[]): T[] {
  return some.filter((each) => !others.some((other) => isDeepStrictEqual(each, other)));
}

/** Returns differences with the worst ones first; otherwise in their order, each once. */
export function sorted(differences: readonly Difference[]): Difference[] {
  const byText = new Map(differences.map((each) => [JSON.stringify({ ...each, api: null }), each]));
  const rank = ({ class: is }: Difference): number => CLASSES.indexOf(is);
  return [...byText.values()].toSorted((a, b) => rank(a) - rank(b));
}

/** One line of a list: a difference, or the same one of many routes. */
export interface Line {
  readonly first: Difference;
  /** Subjects of all; one if it is not about many routes. */
  readonly subjects: readonly string[];
}

/** Number of routes from which on the same difference of each is one line: a filter around them makes it. */
const MANY = 4;

/** Rules whose differences each have their line. */
const APART: ReadonlySet<RuleName> = new Set(['route-removed', 'route-added', 'replay-refused']);

/** Returns the lines of a list. A difference for which `isApart` has its own line. */
export function linesOf(differences: readonly Difference[], isApart: (difference: Difference) => boolean): Line[] {
  const byText = new Map<string, Difference[]>();
  const keyOf = ({ rule, api, text, route }: Difference): string => (route === null ? '' : `${rule} ${api} ${text}`);
  for (const each of differences) byText.set(keyOf(each), [...(byText.get(keyOf(each)) ?? []), each]);
  return differences.flatMap((each): Line[] => {
    const alike = isApart(each) ? [each] : byText.get(keyOf(each))!.filter((other) => !isApart(other));
    if (each.route === null || alike.length < MANY || APART.has(each.rule))
      return [{ first: each, subjects: [each.subject] }];
    return alike[0] === each ? [{ first: each, subjects: alike.map(({ subject }) => subject) }] : [];
  });
}

/** Returns the number of differences of each class. */
export function counted(differences: readonly Difference[]): Readonly<Record<DifferenceClass, number>> {
  const of = (wanted: DifferenceClass): number => differences.filter((each) => each.class === wanted).length;
  return { breaking: of('breaking'), 'to look at': of('to look at'), compatible: of('compatible') };
}

/** Status of a comparison whose differences break clients. */
export const STATUS_BREAKING = 3;
