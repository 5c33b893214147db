/** Views as tables: which members an answer has, for whom and in which microversions. */
import type { Call } from './call.js';

/** A function from record and call to JSON. `change`: it is the answer to a change. */
export type View<R> = (record: R, call: Call, form?: 'change') => Record<string, unknown>;

/**
 * A view from a table, one range a line: who and when, then the members. `2.55+` is from that microversion on, `-2.46`
 * up to it, `admin` for administrators, `change2.75+` not in answers to a change before. `name=other` takes its value
 * from another name. Values are the record's own, and those that `more` works out.
 */
export function view<R extends object>(table: string, more: (record: R, call: Call) => object = () => ({})): View<R> {
  const fields = table.split('\n').flatMap(readLine);
  return (record, call, form) => {
    const values = { ...record, ...more(record, call) } as Record<string, unknown>;
    const shown = fields.filter(({ from, to, admin, changeFrom }) => {
      return (!admin || call.who.isAdmin) && call.within(from, to) && (form === undefined || call.within(changeFrom));
    });
    return Object.fromEntries(shown.map(({ name, source }) => [name, values[source]]));
  };
}

function readLine(line: string) {
  const words = line.split(' ').filter(Boolean);
  const first = words.findIndex((word) => !/^(admin|-\d\S+|(change)?\d\S+\+)$/.test(word));
  const range = words.slice(0, first);
  const version = (form: RegExp): string | undefined => range.map((word) => form.exec(word)?.[1]).find(Boolean);
  const [from, to, changeFrom] = [version(/^(\d.*)\+$/), version(/^-(.*)$/), version(/^change(.*)\+$/)];
  return words.slice(first).map((word) => {
    const [name = '', source = name] = word.split('=');
    return { name, source, from, to, changeFrom, admin: range.includes('admin') };
  });
}
