/**
 * Values that their JSON text says all of.
 */

/** The deepest and the largest that a compiler surely has the stack for: Ajv nests its code member by member. */
const DEEPEST = 50;
const MOST_VALUES = 500;

/**
 * Tells whether a value is the same as what is read back from its JSON text: objects and lists without a prototype of
 * their own, their members own and enumerable, finite numbers, no `undefined`, no `toJSON`; at most 50 levels and 500
 * values of it. So it can be kept as text, and equal texts mean the same.
 */
export function isPlainData(value: unknown): boolean {
  let count = 0;
  const isData = (inner: unknown, depth: number): boolean => {
    count += 1;
    if (depth > DEEPEST || count > MOST_VALUES) return false;
    if (typeof inner !== 'object' || inner === null) return isScalar(inner);
    const names = memberNames(inner);
    return names?.every((name) => isData((inner as Record<string, unknown>)[name], depth + 1)) === true;
  };
  return isData(value, 1);
}

function isScalar(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

/** The names of all members; undefined where some are not written to JSON, or others than these are. */
function memberNames(value: object): readonly string[] | undefined {
  const isList = Array.isArray(value);
  if (Object.getPrototypeOf(value) !== (isList ? Array.prototype : Object.prototype)) return undefined;
  if ('toJSON' in value) return undefined;
  const names = Object.keys(value);
  if (isList && (names.length !== value.length || names.some((name, index) => name !== String(index))))
    return undefined;
  const hidden = Object.getOwnPropertyNames(value).length - names.length;
  return hidden === (isList ? 1 : 0) ? names : undefined;
}
