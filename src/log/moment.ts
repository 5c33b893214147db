/**
 * Facts of the moment a line is written at, which every logger adds that was given none of its own: `src/app` tells the ids of
 * the current request, and a program without requests has none.
 */
import type { LogFields } from './log-arguments.js';

let told: () => LogFields = () => ({});
let toldOfRequest: () => LogFields = () => ({});

/** Takes the facts of each line from `facts` from now on, and from `ofRequest` those of a line about an error that no code handles. */
export function describeMoments(facts: () => LogFields, ofRequest: () => LogFields): void {
  told = facts;
  toldOfRequest = ofRequest;
}

/** The facts of this moment. */
export function momentFacts(): LogFields {
  return told();
}

/** Method and path of the request that this moment belongs to; none where it belongs to no request. */
export function requestOfMoment(): LogFields {
  return toldOfRequest();
}
