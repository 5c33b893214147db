/**
 * Members of members: `task.state`.
 */

/** The value at a path of names; null where a member on the way is missing or null. */
export function valueAt(record: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown> | null)?.[name] ?? null, record);
}
