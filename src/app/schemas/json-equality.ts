/**
 * Equality of JSON values, whatever names a client gives to its members and however deep they are.
 */

type Members = Readonly<Record<string, unknown>>;

/** Equal as JSON Schema has it (Core §4.2.2): lists in their order, objects in any, numbers by their value. */
export function areEqual(left: unknown, right: unknown): boolean {
  // No recursion: as deep as JSON may be read, the stack is not.
  const pending: [unknown, unknown][] = [[left, right]];
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    const [a, b] = pair;
    if (a === b) continue;
    if (!isHolder(a) || !isHolder(b) || Array.isArray(a) !== Array.isArray(b)) return false;
    const names = Object.keys(a);
    if (names.length !== Object.keys(b).length || !names.every((name) => Object.hasOwn(b, name))) return false;
    for (const name of names) pending.push([a[name], b[name]]);
  }
  return true;
}

/** Whether a value equals one of the list. */
export function equalsOneOf(value: unknown, list: readonly unknown[]): boolean {
  return list.some((one) => areEqual(value, one));
}

/** The indexes of two equal values; undefined where all differ. Takes time by the length of the list, not its square. */
export function equalPair(list: readonly unknown[]): readonly [number, number] | undefined {
  const indexesOf = new Map<string, number[]>();
  for (const [index, value] of list.entries()) {
    const text = sortedText(value);
    const indexes = indexesOf.get(text) ?? [];
    const twin = indexes.find((earlier) => areEqual(list[earlier], value));
    if (twin !== undefined) return [twin, index];
    indexes.push(index);
    indexesOf.set(text, indexes);
  }
  return undefined;
}

/** The same for equal values, and hardly ever for others. */
function sortedText(value: unknown): string {
  try {
    return JSON.stringify(value, (_, inner: unknown) =>
      isHolder(inner) && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    );
  } catch {
    // Too deep to be written; a body holds few such.
    return '';
  }
}

function isHolder(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}
