/**
 * Lines that every request writes. Their fields arrive as JSON, in a fixed order, and those of one turn of the event
 * loop are written together.
 */
import { printableJson } from '../text/index.js';
import { errorFields, json, type LogFields } from './log-arguments.js';

/** Writes one line. `members`: JSON, each member after a comma: `,"status":200,"bytes":5`. */
export type WriteRecord = (level: 'info' | 'warn', message: string, members: string) => void;

/**
 * Returns the writer of lines whose members have these names; fields of the current moment with these names are left
 * out.
 */
type RecordWriter = (names: ReadonlySet<string>) => WriteRecord;

/** Key of a logger's function that creates record writers; set by `createLogger`. */
export const RECORDS: unique symbol = Symbol('portico.log.records');

/** Returns the writer of a logger; undefined if `createLogger` has not created it. */
export function recordWriter(log: object, names: ReadonlySet<string>): WriteRecord | undefined {
  return (log as { readonly [RECORDS]?: RecordWriter })[RECORDS]?.(names);
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** Returns a text as JSON that is safe for a terminal. */
export function jsonString(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : printableJson(JSON.stringify(text));
}

/** Returns fields as members, without those of these names. */
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

// Fields of the current moment, which every logger adds unless it has other ones: `src/app` sets the ids of the current
// request; a program without requests has none.

let told: () => LogFields = () => ({});
/** Calls a function that writes the line of an unhandled error. */
type OfUnhandled = <T>(tell: (request: LogFields) => T) => T;

let ofUnhandled: OfUnhandled = (tell) => tell({});

/** Sets the function that returns the fields of each line, and the one that calls the writer of an unhandled error. */
export function describeMoments(facts: () => LogFields, unhandled: OfUnhandled): void {
  told = facts;
  ofUnhandled = unhandled;
}

/** Returns the fields of this moment. */
export function momentFacts(): LogFields {
  return told();
}

/** Calls `tell` with method and path of the request that an unhandled error belongs to; without any if there is no such request. */
export function tellUnhandled<T>(tell: (request: LogFields) => T): T {
  return ofUnhandled(tell);
}
