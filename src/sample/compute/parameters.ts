/** Schemas that several resources share. */

/** A JSON Schema (draft-07). */
export type Schema = Readonly<Record<string, unknown>>;
type Members = Readonly<Record<string, Schema>>;

/** An object with these members and no others; one whose name ends in `?` may be missing. */
export function object(members: Members): Schema {
  const entries = Object.entries(members).map(([key, schema]) => [key.replace('?', ''), schema] as const);
  const required = Object.keys(members).filter((key) => !key.endsWith('?'));
  return { type: 'object', properties: Object.fromEntries(entries), required, additionalProperties: false };
}

/** Several members of one kind; with texts, the parameters of a query. */
export function each(names: string, schema: Schema = anyText): Members {
  return Object.fromEntries(names.split(' ').map((name) => [name, schema]));
}

export const anyText: Schema = { type: 'string' };
export const text = (more: Schema = {}): Schema => ({ type: 'string', minLength: 1, maxLength: 255, ...more });
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });

/** Printable, and no space at either end. */
export const name = text({ pattern: '^(?!\\s)[^\\u0000-\\u001f\\u007f]*(?<!\\s)$' });
export const description = orNull({ type: 'string', maxLength: 255, pattern: '^[^\\u0000-\\u001f\\u007f]*$' });

/** A whole number of at least 0 or 1, or its digits; `Number` reads both. */
export function whole(least: 0 | 1): Schema {
  const pattern = least === 0 ? '^[0-9]{1,9}$' : '^0*[1-9][0-9]{0,8}$';
  return { type: ['integer', 'string'], minimum: least, maximum: 2_147_483_647, pattern };
}

const TRUE = 'true True TRUE 1 on On ON yes Yes YES'.split(' ');

/** A boolean, or a word for one. */
export const flag: Schema = { enum: [true, ...TRUE, false, ...'false False FALSE 0 off Off OFF no No NO'.split(' ')] };
export const isTrue = (value: unknown): boolean => value === true || TRUE.includes(value as string);

/** Keys, each with a value of one of the types. */
export function keyValues(...type: string[]): Schema {
  const patternProperties = { '^[a-zA-Z0-9\\-_:. ]{1,255}$': { type, maxLength: 255 } };
  return { type: 'object', patternProperties, additionalProperties: false };
}
