/** Schemas that several resources share. */

/** A JSON Schema (draft-07). */
export type Schema = Readonly<Record<string, unknown>>;

/** An object with these members and no others; one whose name ends in `?` may be missing. */
export function object(members: Readonly<Record<string, Schema>>): Schema {
  const properties = Object.fromEntries(
    Object.entries(members).map(([key, schema]) => [key.replace(/\?$/, ''), schema]),
  );
  const required = Object.keys(members).filter((key) => !key.endsWith('?'));
  return { type: 'object', properties, required, additionalProperties: false };
}

export const text = (more: Schema = {}): Schema => ({ type: 'string', minLength: 1, maxLength: 255, ...more });
export const anyText: Schema = { type: 'string' };
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });

/** Printable, and no space at either end. */
export const name = text({ pattern: '^(?!\\s)[^\\u0000-\\u001f\\u007f]*(?<!\\s)$' });
export const description = orNull({ type: 'string', maxLength: 255, pattern: '^[^\\u0000-\\u001f\\u007f]*$' });

const TRUE = 'true True TRUE 1 on On ON yes Yes YES'.split(' ');

/** A boolean, or a word for one. */
export const flag: Schema = { enum: [true, ...TRUE, false, ...'false False FALSE 0 off Off OFF no No NO'.split(' ')] };
export const isTrue = (value: unknown): boolean => value === true || TRUE.includes(value as string);

/** A whole number of at least 0 or 1, or its digits; `Number` reads both. */
export function whole(least: 0 | 1): Schema {
  const pattern = least === 0 ? '^[0-9]{1,9}$' : '^0*[1-9][0-9]{0,8}$';
  return { type: ['integer', 'string'], minimum: least, maximum: 2_147_483_647, pattern };
}

/** Keys, each with a value of that type. */
export function keyValues(...type: string[]): Schema {
  const patternProperties = { '^[a-zA-Z0-9\\-_:. ]{1,255}$': { type, maxLength: 255 } };
  return { type: 'object', patternProperties, additionalProperties: false };
}

/** Query parameters by name; of a repeated one the last counts. */
export function parameters(names: string, others: Record<string, Schema> = {}): Record<string, Schema> {
  return { ...Object.fromEntries(names.split(' ').map((key) => [key, anyText])), ...others };
}
