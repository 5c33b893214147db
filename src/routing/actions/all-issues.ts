/**
 * Schemas for which a check may collect all mistakes of a value.
 */
import { NAMED_SCHEMAS } from '../../app/internal.js';
import { isObject } from '../../errors/index.js';

const ANNOTATIONS = ['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples', 'deprecated'];
const DEFINITIONS = ['definitions', '$defs'];
/** Keywords with one check, whose cost is bounded by the size of the value. */
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
/** Keywords with an additional schema for a value or its parts. */
const COMBINED = new Set(
  [
    ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'contains', 'minContains', 'maxContains'],
    ['dependencies', 'dependentSchemas', 'unevaluatedItems', 'unevaluatedProperties'],
  ].flat(),
);
/** Keywords allowed beside `$ref`, which is then the only schema for the value. */
const BESIDE_REF = new Set([...ANNOTATIONS, ...DEFINITIONS, '$ref']);

/** Keywords anywhere in a schema. */
interface Found {
  expression: boolean;
  combination: boolean;
}

/**
 * Reports whether a check may continue after the first mistake. It must not if that protects an expression (`pattern`, `format`,
 * `patternProperties`) from a text for which it may take very long. So a schema may have expressions, or several schemas for one value, but
 * not both. An unknown keyword may be either.
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
    const inner = NAMED_SCHEMAS.has(keyword) || Array.isArray(value) ? Object.values(value) : [value];
    for (const one of inner) look(one, found);
  }
}

function note(keyword: string, value: unknown, beside: readonly string[], found: Found): void {
  if (keyword === 'pattern' || keyword === 'format') found.expression = true;
  // They are checked before the parts are.
  else if (keyword === 'enum' || keyword === 'const') found.combination ||= beside.some((other) => PARTS.has(other));
  else if (COMBINED.has(keyword)) found.combination = true;
  else if (keyword === '$ref' && String(value).startsWith('#')) {
    found.combination ||= !beside.every((other) => BESIDE_REF.has(other));
  } else if (!SIMPLE.has(keyword) && !PARTS.has(keyword) && !DEFINITIONS.includes(keyword)) {
    found.expression = true;
    found.combination = true;
  }
}
