/**
 * Facts of the moment a line is written at, which every logger adds that was given none of its own: `src/app` tells the ids of
 * the current request, and a program without requests has none.
 */
import type { LogFields } from './log-arguments.js';

let told: () => LogFields = () => ({});

/** Takes the facts of each line from `facts` from now on. */
export function describeMoments(facts: () => LogFields): void {
  told = facts;
}

/** The facts of this moment. */
export function momentFacts(): LogFields {
  return told();
}
