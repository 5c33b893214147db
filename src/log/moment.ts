/**
 * Fields of the current moment, which every logger adds unless it has other ones: `src/app` sets the ids of the current
 * request; a program without requests has none.
 */
import type { LogFields } from './log-arguments.js';

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
