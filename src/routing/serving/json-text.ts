/**
 * The JSON text of the value of an action.
 */
import { randomUUID } from 'node:crypto';

/**
 * Returns the JSON text of a value; `null` for a value without a JSON form. A `BigInt` is written as a decimal number. Throws a `TypeError`
 * for a cyclic value, and for one of which nothing would be left.
 */
export function jsonText(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? 'null';
    if (text === '{}') refuseLoss(value);
    return text;
  } catch (error) {
    if (!(error instanceof TypeError) || !/BigInt/.test(error.message)) throw error;
    return withBigInts(value);
  }
}

/** Values of bytes that are not sent as such, and the value to return instead. */
const BYTES: ReadonlyMap<string, string> = new Map([
  ['ArrayBuffer', 'new Uint8Array(value)'],
  ['Blob', 'value.stream()'],
  ['File', 'value.stream()'],
]);

/** Refuses a value whose members are not properties, such as a Map or a Blob: its text is that of an empty object. */
export function refuseLoss(value: unknown): void {
  // A response schema writes any value as the object that it has.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const { toJSON, [Symbol.iterator]: iterate } = value as Readonly<Record<string | symbol, unknown>>;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  const bytes = BYTES.get(name);
  if (typeof toJSON === 'function' || (typeof iterate !== 'function' && bytes === undefined)) return;
  throw new TypeError(
    bytes === undefined
      ? `JSON has no form for the members of a value of ${name}: write [...values], or Object.fromEntries(values)`
      : `JSON has no form for the bytes of a value of ${name}: write ${bytes}`,
  );
}

/** `JSON.stringify` can write a BigInt only as text; the mark around it, which a client cannot guess, is removed again. */
function withBigInts(value: unknown): string {
  const mark = randomUUID();
  const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${mark}${item}` : item));
  return text.replace(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
}
