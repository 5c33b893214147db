/**
 * Objects as tables: names such as `constructor` and `__proto__` are ordinary keys.
 */

/** The value of an own property; undefined for inherited ones. */
export function getOwn<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Sets an own property, `__proto__` included. */
export function setOwn<T>(table: Record<string, T>, name: string, value: T): void {
  if (name === '__proto__') {
    Object.defineProperty(table, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    table[name] = value;
  }
}

/** A table without a prototype. */
export function emptyTable<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}
