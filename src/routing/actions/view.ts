/**
 * Views as tables: which members an answer has, for whom, and in which versions.
 */
import type { RequestContext } from '../../app/index.js';
import { ApiVersion, readRange, type VersionRange } from '../versions/api-version.js';
import { valueAt } from './member-path.js';

/** What a view looks at: who asks, and for which version. An `ActionRequest` is one. */
export interface Viewer {
  readonly apiVersion: ApiVersion;
  readonly context: RequestContext | undefined;
}

/** A function from record and request to JSON. `form` names a kind of answer that may have other members. */
export type View<R, V extends Viewer = Viewer> = (record: R, viewer: V, form?: string) => Record<string, unknown>;

interface Field {
  readonly name: string;
  /** The value of the record and of what was worked out. */
  readonly read: (values: Readonly<Record<string, unknown>>) => unknown;
  readonly range: VersionRange;
  readonly adminOnly: boolean;
  /** Left out of answers of that form before that version. */
  readonly late?: { readonly form: string; readonly from: ApiVersion };
}

/**
 * A view from a table, one range a line: who and when, then the members.
 *
 * ```ts
 * const flavorView = view<Flavor>(
 *   `id name disabled=false
 *    -2.46 size=ram
 *    2.55+ description
 *    admin 2.3+ host`,
 * );
 * ```
 *
 * `2.55+` is from that version on, `-2.46` up to it, `admin` for administrators; `change2.75+` is from that version on in
 * answers of the form `change`, and always in others. `name=other` takes its value from the record's member `other`,
 * `name=other.member` from a member of it (null where there is none); `name="x"`, `name=0`, `name={}` is that JSON value,
 * written without spaces. Values are the record's own, and those that `more` works out. Throws a `RangeError` for a
 * version that is none.
 */
export function view<R extends object, V extends Viewer = Viewer>(
  table: string,
  more: (record: R, viewer: V) => object = () => ({}),
): View<R, V> {
  const fields = table.split('\n').flatMap(readLine);
  return (record, viewer, form) => {
    // Not spread: on Node 20 each object of two spreads gets a hidden class of its own, which outlives the request.
    const values = Object.assign({}, record, more(record, viewer)) as Record<string, unknown>;
    const { apiVersion, context } = viewer;
    const answer: Record<string, unknown> = {};
    for (const { name, read, adminOnly, late, range } of fields) {
      if (adminOnly && context?.isAdmin !== true) continue;
      if (late !== undefined && late.form === form && !apiVersion.atLeast(late.from)) continue;
      if (!apiVersion.within(range)) continue;
      answer[name] = read(values);
    }
    return answer;
  };
}

const CONDITIONS = {
  admin: /^(admin)$/,
  to: /^-(\d+\.\d+)$/,
  from: /^(\d+\.\d+)\+$/,
  late: /^([a-z]+)(\d+\.\d+)\+$/,
};

function readLine(line: string): Field[] {
  const words = line.split(' ').filter(Boolean);
  const isCondition = (word: string): boolean => Object.values(CONDITIONS).some((form) => form.test(word));
  const first = words.findIndex((word) => !isCondition(word));
  if (first < 0 && words.length > 0) throw new RangeError(`view: "${line.trim()}" names no member`);
  const conditions = words.slice(0, Math.max(first, 0));
  const said = (name: keyof typeof CONDITIONS) =>
    conditions.flatMap((word) => CONDITIONS[name].exec(word)?.slice(1) ?? []);
  const [[from = null], [to = null], [form, late]] = [said('from'), said('to'), said('late')];
  const shown = {
    range: readRange([from, to]),
    adminOnly: said('admin').length > 0,
    ...(form !== undefined && late !== undefined && { late: { form, from: ApiVersion.of(late) } }),
  };
  return words.slice(conditions.length).map((word) => {
    const [, name = word, source = word] = /^([^=]+)=(.*)$/.exec(word) ?? [];
    return { name, read: word === name ? (values) => values[name] : reading(source), ...shown };
  });
}

function reading(source: string): Field['read'] {
  if (/^(["[{\d-]|true$|false$|null$)/.test(source)) {
    const constant: unknown = JSON.parse(source);
    return () => constant;
  }
  const path = source.split('.');
  return path.length === 1 ? (values) => values[source] : (values) => valueAt(values, path);
}
