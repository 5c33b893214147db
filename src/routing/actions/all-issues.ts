/**
 * Schemas of which all mistakes of a value may be looked for.
 */
import { isObject } from '../../errors/index.js';

const ANNOTATIONS = ['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples', 'deprecated'];
const DEFINITIONS = ['definitions', '$defs'];
/** Keywords that ask for one thing, at a cost that the size of the value bounds. */
const SIMPLE = new Set(
  [
    ANNOTATIONS,
    ['readOnly', 'writeOnly', 'type', 'enum', 'const', 'required', 'nullable', 'multipleOf', 'uniqueItems'],
    ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength', 'minItems', 'maxItems'],
    ['minProperties', 'maxProperties', 'dependentRequired'],
  ].flat(),
);
/** Keywords with one schema for each part of a value. */
const PARTS = new Set(['properties', 'additionalProperties', 'items', 'prefixItems', 'additionalItems']);
/** Keywords with a further schema for a value or its parts. */
const COMBINED = new Set(
  [
    ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'contains', 'minContains', 'maxContains'],
    ['dependencies', 'dependentSchemas', 'unevaluatedItems', 'unevaluatedProperties'],
  ].flat(),
);
/** Keywords with schemas by name. */
const BY_NAME = new Set([...DEFINITIONS, 'properties', 'dependencies', 'dependentSchemas']);
/** Keywords that may be beside `$ref`, which is the one schema for the value then. */
const BESIDE_REF = new Set([...ANNOTATIONS, ...DEFINITIONS, '$ref']);

/** Keywords of a schema, anywhere in it. */
interface Found {
  expression: boolean;
  combination: boolean;
}

/**
 * Tells whether a check may go on behind the first mistake. It must not where that keeps a text from an expression (`pattern`,
 * `format`, `patternProperties`), which may take for ever with a text that it is not written for. So a schema has expressions, or
 * several schemas for one value, but not both. A keyword that is not known may be either.
 */
export function mayTellAll(schema: unknown): boolean {
  const found: Found = { expression: false, combination: false };
  look(schema, found);
  return !(found.expression && found.combination);
}

function look(schema: unknown, found: Found): void {
  if (!isObject(schema)) return;
  const keywords = Object.keys(schema);
  for (const [keyword, value] of Object.entries(schema)) {
    note(keyword, value, keywords, found);
    if (SIMPLE.has(keyword) || typeof value !== 'object' || value === null) continue;
    const inner = BY_NAME.has(keyword) || Array.isArray(value) ? Object.values(value) : [value];
    for (const one of inner) look(one, found);
  }
}

function note(keyword: string, value: unknown, beside: readonly string[], found: Found): void {
  if (keyword === 'pattern' || keyword === 'format') found.expression = true;
  // They are judged before the parts are.
  else if (keyword === 'enum' || keyword === 'const') found.combination ||= beside.some((other) => PARTS.has(other));
  else if (COMBINED.has(keyword)) found.combination = true;
  else if (keyword === '$ref' && String(value).startsWith('#')) {
    found.combination ||= !beside.every((other) => BESIDE_REF.has(other));
  } else if (!SIMPLE.has(keyword) && !PARTS.has(keyword) && !DEFINITIONS.includes(keyword)) {
    found.expression = true;
    found.combination = true;
  }
}
