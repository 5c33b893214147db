/**
 * Fields of the current moment, which every logger adds unless it has other ones: `src/app` sets the ids of the current
 * request; a program without requests has none.
 */
import type { LogFields } from './log-arguments.js';

let told: () => LogFields = () => ({});
let toldOfRequest: () => LogFields = () => ({});

/**
 * Sets the function that returns the fields of each line, and the one that returns those of a line about an unhandled
 * error.
 */
export function describeMoments(facts: () => LogFields, ofRequest: () => LogFields): void {
  told = facts;
  toldOfRequest = ofRequest;
}

/** Returns the fields of this moment. */
export function momentFacts(): LogFields {
  return told();
}

/** Returns method and path of the current request; none if there is no current request. */
export function requestOfMoment(): LogFields {
  return toldOfRequest();
}
