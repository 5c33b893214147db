/**
 * Short words for the JSON Schemas that bodies and queries are made of; nova's `parameter_types`.
 */
import type { JsonSchema } from './json-schema.js';

/** A schema that says something. */
type SchemaObject = Exclude<JsonSchema, boolean>;

/** Members of an object by name; a name that ends in `?` may be missing. */
export type Members = Readonly<Record<string, JsonSchema>>;

/** An object with these members and no others; one whose name ends in `?` may be missing. */
export function object(members: Members): SchemaObject {
  const required = Object.keys(members).filter((key) => !key.endsWith('?'));
  return { type: 'object', properties: properties(members), required, additionalProperties: false };
}

/** Several members of one kind: `members('ram vcpus swap?', wholeNumber())`. Any text, when nothing is said. */
export function members(names: string, schema: JsonSchema = anyText): Members {
  return Object.fromEntries(names.split(' ').map((name) => [name, schema]));
}

/** Objects by the version from which they hold. Each has the members of the one before, and its own; null removes one. */
export type MembersSince = Readonly<Record<string, Readonly<Record<string, JsonSchema | null>>>>;

/**
 * Bodies by version, for `action({ body })`; `within` puts each into something.
 *
 * ```ts
 * objectSince({ '2.1': { name: text() }, '2.19': { 'description?': text() } }, (server) => object({ server }))
 * ```
 */
export function objectSince(
  versions: MembersSince,
  within: (schema: JsonSchema) => JsonSchema = (schema) => schema,
): Readonly<Record<string, JsonSchema>> {
  return mapMembers(versions, (known) => within(object(known)));
}

/** Queries by version, for `action({ query })`: unknown parameters are ignored before `strictFrom` and refused from there. */
export function querySince(versions: MembersSince, strictFrom: string): Readonly<Record<string, JsonSchema>> {
  const open = mapMembers(versions, (known) => ({ type: 'object', properties: properties(known) }));
  const last = Object.values(open).at(-1);
  return last === undefined ? {} : { ...open, [strictFrom]: { ...(last as object), additionalProperties: false } };
}

/** A text of 1 to 255 characters, unless `more` says otherwise. */
export function text(more: Readonly<Record<string, unknown>> = {}): JsonSchema {
  return { type: 'string', minLength: 1, maxLength: 255, ...more };
}

/** Any text. */
export const anyText: JsonSchema = Object.freeze({ type: 'string' });

/** A list of such items. */
export function listOf(items: JsonSchema, more: Readonly<Record<string, unknown>> = {}): JsonSchema {
  return { type: 'array', items, ...more };
}

/** What the schema takes, or null. */
export function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** A whole number, or its digits, which `Number` reads as well; at least 0, or 1. */
export function wholeNumber(least: 0 | 1 = 0): JsonSchema {
  const pattern = least === 0 ? '^[0-9]{1,9}$' : '^0*[1-9][0-9]{0,8}$';
  return { type: ['integer', 'string'], minimum: least, maximum: 2_147_483_647, pattern };
}

const TRUE = ['true', 'True', 'TRUE', '1', 'on', 'On', 'ON', 'yes', 'Yes', 'YES'];
const FALSE = ['false', 'False', 'FALSE', '0', 'off', 'Off', 'OFF', 'no', 'No', 'NO'];

/** A boolean, or a word for one, which {@link isTrue} reads. */
export const flag: JsonSchema = Object.freeze({ enum: [true, ...TRUE, false, ...FALSE] });

/** Whether a value that {@link flag} takes means yes. */
export function isTrue(value: unknown): boolean {
  return value === true || TRUE.includes(value as string);
}

/** Keys of letters, digits, space and `-_:.`, each with a value of one of the types. */
export function keyValuePairs(...type: string[]): SchemaObject {
  const patternProperties = { '^[a-zA-Z0-9\\-_:. ]{1,255}$': { type, maxLength: 255 } };
  return { type: 'object', patternProperties, additionalProperties: false };
}

function properties(members: Members): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(members).map(([key, schema]) => [key.replace(/\?$/, ''), schema]));
}

function mapMembers(versions: MembersSince, make: (known: Members) => JsonSchema): Record<string, JsonSchema> {
  let known: Record<string, JsonSchema> = {};
  const made = Object.entries(versions).map(([version, changes]): [string, JsonSchema] => {
    const named = new Set(Object.keys(changes).map((key) => key.replace(/\?$/, '')));
    const kept = Object.entries(known).filter(([key]) => !named.has(key.replace(/\?$/, '')));
    const added = Object.entries(changes).filter((entry): entry is [string, JsonSchema] => entry[1] !== null);
    known = Object.fromEntries([...kept, ...added]);
    return [version, make(known)];
  });
  return Object.fromEntries(made);
}
