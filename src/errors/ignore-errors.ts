/**
 * Work whose failure is reported elsewhere.
 */

/** What the work returns; undefined where it throws. For files and values whose mistakes are reported where they are used. */
export function ignoreErrors<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
