/**
 * Data that may pass between managers, and between a manager and its drivers: it carries no behaviour.
 */

/**
 * The first thing in a value that is not plain data, as `args.image.save: a function`; undefined where all of it is.
 * Plain are null, booleans, strings, finite numbers (whole ones up to 2^53), dates, bytes, and arrays, maps, sets and simple objects of those.
 */
export function notPlain(value: unknown, path = 'value'): string | undefined {
  return look(value, path, new Set());
}

function look(value: unknown, path: string, above: Set<object>): string | undefined {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'string')
    return undefined;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return `${path}: ${value}`;
    // Whole numbers beyond these stand for their neighbours as well.
    const exact = !Number.isInteger(value) || Number.isSafeInteger(value);
    return exact ? undefined : `${path}: ${value}, a whole number beyond 2^53`;
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

/** Undefined for an instance of some class. */
function membersOf(value: object): Iterable<[unknown, unknown]> | undefined {
  if (value instanceof Map) return value as Map<unknown, unknown>;
  if (Array.isArray(value) || value instanceof Set) return [...(value as Iterable<unknown>)].entries();
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype ? Object.entries(value) : undefined;
}
