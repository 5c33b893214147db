/**
 * Lines that every request writes. Their facts come as JSON, in a fixed order, and those of one turn of the loop go out together.
 */
import { printableJson } from '../text/index.js';
import { errorFields, json, type LogFields } from './log-arguments.js';

/** Writes one line. `members` are JSON, each behind a comma: `,"status":200,"bytes":5`. */
export type WriteRecord = (level: 'info' | 'warn', message: string, members: string) => void;

/** Makes the writer of lines whose members have these names: of them the facts of the moment give none. */
type RecordWriter = (names: ReadonlySet<string>) => WriteRecord;

/** On a logger of `createLogger`: the maker of its record writers. */
export const RECORDS: unique symbol = Symbol('portico.log.records');

/** The writer of a logger; undefined for one that `createLogger` has not made. */
export function recordWriter(log: object, names: ReadonlySet<string>): WriteRecord | undefined {
  return (log as { readonly [RECORDS]?: RecordWriter })[RECORDS]?.(names);
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** A text as JSON, fit for a terminal. */
export function jsonString(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : printableJson(JSON.stringify(text));
}

/** Facts as members, but for those of these names. */
export function membersOf(facts: LogFields, names?: ReadonlySet<string>): string {
  let members = '';
  for (const name in facts) {
    if (names?.has(name) === true) continue;
    const value = facts[name];
    const text = value === undefined ? undefined : json(errorFields(value));
    if (text !== undefined) members += `,${jsonString(name)}:${printableJson(text)}`;
  }
  return members;
}
