/** Values of requests and responses, as data beside their names in texts: which difference is about a value is not read from its text. */

/**
 * The part of a request or a response (`path`, `query`, `header`, `body`, `response`), and the names and indexes from there. Null in it: any
 * item of an array, or any member that no schema names.
 */
export type ValuePath = readonly (string | number | null)[];

/** A value with its name in texts: `body.tags[]`. */
export interface NamedValue {
  readonly name: string;
  readonly path: ValuePath;
}

/** Returns a value by the names on its path: `query.limit`. */
export function namedValue(...names: readonly string[]): NamedValue {
  return { name: names.join('.'), path: names };
}

/** Returns a member of a value, or with an index an item. */
export function within({ name, path }: NamedValue, step: string | number): NamedValue {
  return { name: typeof step === 'number' ? `${name}[${step}]` : `${name}.${step}`, path: [...path, step] };
}

/** Returns any item of a value, or those of its members that `what` describes: `.*`. */
export function anyWithin({ name, path }: NamedValue, what: '[]' | `.${string}`): NamedValue {
  return { name: `${name}${what}`, path: [...path, null] };
}

/** Reports whether a value is another one, or a part of it. */
export function isWithin(inner: ValuePath, outer: ValuePath): boolean {
  return outer.every((step, at) => (step === null ? at < inner.length : step === inner[at]));
}
