/**
 * Objects without members that are undefined, for types that distinguish them from absent ones.
 */

/** Returns the object without members that are undefined. */
export function present<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as ReturnType<typeof present<T>>;
}
