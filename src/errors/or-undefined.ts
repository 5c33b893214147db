/**
 * Work whose failure somebody else tells of.
 */

/** What the work gives; undefined where it throws. For what is found wrong, with its place, by those who need it. */
export function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
