/**
 * Values as JSON text. `BigInt` is written as a decimal number.
 */
import { randomUUID } from 'node:crypto';

/** The JSON text of a value; `null` for what JSON has no form for. Throws a `TypeError` for a value with a cycle. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    if (!(error instanceof TypeError) || !/BigInt/.test(error.message)) throw error;
    return withBigInts(value);
  }
}

/** `JSON.stringify` writes a BigInt only as text; the mark around it, which nobody can guess, is taken off again. */
function withBigInts(value: unknown): string {
  const mark = randomUUID();
  const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${mark}${item}` : item));
  return text.replace(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
}
