/**
 * How much a worker may say to its parent. The worker keeps to it, whatever the application gives; the parent ends a worker
 * that does not.
 */

/** The largest message; and what a worker may send at once that nobody has asked for. */
export const MOST_BYTES = 32 * 1024 * 1024;
/** It may send as much a second for ever. One that does as it should sends some hundred bytes. */
export const BYTES_PER_SECOND = 1024 * 1024;
/** The largest answer: it leaves room for what else is under way. */
export const ANSWER_BYTES = 24 * 1024 * 1024;
/** The longest text, in characters; a refused configuration may be told in many lines. */
export const TEXT = 1024 * 1024;
/** The most elements of a list or a map. */
export const ELEMENTS = 100_000;
/** What comes with a sign of life once a second: so many bytes, this deep and this many values. */
export const FACTS_BYTES = 128 * 1024;
export const FACTS_DEPTH = 16;
export const FACTS_VALUES = 10_000;

/**
 * How many values there are in the facts; infinity for too many, or too deep ones. Walks level by level: it needs no stack,
 * and ends for a value that contains itself.
 */
export function countValues(facts: object): number {
  let level: object[] = [facts];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth >= FACTS_DEPTH) return Number.POSITIVE_INFINITY;
    const below: object[] = [];
    for (const each of level) {
      const inner: unknown[] = Object.values(each);
      values += inner.length;
      if (values > FACTS_VALUES) return Number.POSITIVE_INFINITY;
      for (const one of inner) if (typeof one === 'object' && one !== null) below.push(one);
    }
    level = below;
  }
  return values;
}
