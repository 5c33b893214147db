/** Views as tables: each member of an answer is one declaration, with the microversions that have it. */
import type { Call } from './call.js';

type Value<R> = (record: R, call: Call) => unknown;

/** A member, in a range of microversions (`changeFrom`: in answers to a change). No value: the record's own member. */
type Field<R> = { value?: Value<R>; from?: string; to?: string; admin?: boolean; changeFrom?: string };
type Declared<R> = Value<R> | Field<R>;

const field = <R>(declared: Declared<R>): Field<R> => (typeof declared === 'function' ? { value: declared } : declared);
export const since = <R>(from: string, declared: Declared<R> = {}): Field<R> => ({ ...field(declared), from });
export const until = <R>(to: string, declared: Declared<R> = {}): Field<R> => ({ ...field(declared), to });
export const forAdmin = <R>(declared: Declared<R> = {}): Field<R> => ({ ...field(declared), admin: true });
export const changeSince = <R>(changeFrom: string, declared: Declared<R>): Field<R> => ({
  ...field(declared),
  changeFrom,
});

/** A function from record and call to JSON. `change`: it is the answer to a change. */
export type View<R> = (record: R, call: Call, form?: 'change') => Record<string, unknown>;

/** `own`: names of members that are the record's, always. A member in several forms has a list of declarations. */
export function view<R>(own: string, declared: Record<string, Declared<R> | Field<R>[]>): View<R> {
  const own_ = own
    .split(' ')
    .filter(Boolean)
    .map((name) => ({ name }) as Field<R> & { name: string });
  const others = Object.entries(declared).flatMap(([name, forms]) =>
    [forms].flat().map((form) => ({ ...field(form), name })),
  );
  return (record, call, form) => {
    const shown = [...own_, ...others].filter(({ from, to, admin, changeFrom }) => {
      if (admin === true && !call.who.isAdmin) return false;
      return call.within(from, to) && (form !== 'change' || call.within(changeFrom));
    });
    return Object.fromEntries(
      shown.map(({ name, value }) => [name, value ? value(record, call) : record[name as keyof R]]),
    );
  };
}
