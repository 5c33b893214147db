/** Checks for plain data, which may pass between managers, and between a manager and its drivers: data without behavior. */

/**
 * Returns the first part of a value that is not plain data, such as `args.image.save: a function`; undefined if all of it is. Plain data
 * is null, undefined, booleans, strings, numbers (integers up to 2^53), bigints, dates, bytes, and arrays, maps, sets and plain objects of
 * these.
 */
export function notPlain(value: unknown, path = 'value'): string | undefined {
  return look(value, path, new Set());
}

function look(value: unknown, path: string, above: Set<object>): string | undefined {
  if (value === null || value === undefined || ['boolean', 'string', 'bigint'].includes(typeof value)) return undefined;
  if (typeof value === 'number') {
    // Larger integers are not exact.
    const exact = !Number.isInteger(value) || Number.isSafeInteger(value);
    return exact ? undefined : `${path}: ${value}, a whole number beyond 2^53: give a bigint`;
  }
  if (typeof value !== 'object') return `${path}: a ${typeof value}`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? `${path}: an invalid date` : undefined;
  if (value instanceof Uint8Array) return undefined;
  if (above.has(value)) return `${path}: a circle`;
  const members = membersOf(value);
  if (members === undefined) return `${path}: an instance of ${value.constructor.name}`;
  above.add(value);
  for (const [key, member] of members) {
    const found = look(member, `${path}.${String(key)}`, above);
    if (found !== undefined) return found;
  }
  above.delete(value);
  return undefined;
}

/** Returns the members of a collection or plain object; undefined for an instance of any other class. */
function membersOf(value: object): Iterable<[unknown, unknown]> | undefined {
  if (value instanceof Map) return value as Map<unknown, unknown>;
  if (Array.isArray(value) || value instanceof Set) return [...(value as Iterable<unknown>)].entries();
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype ? Object.entries(value) : undefined;
}
