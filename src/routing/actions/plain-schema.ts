/**
 * Schemas that are known to compile without a compiler, and values that their JSON text represents completely.
 */

import { equalPair, FORMATS } from '../../app/internal.js';
import { isObject } from '../../errors/index.js';

type Test = (value: unknown) => boolean;

const TYPES: readonly unknown[] = ['null', 'boolean', 'object', 'array', 'number', 'string', 'integer'];

const isText: Test = (value) => typeof value === 'string';
const isFlag: Test = (value) => typeof value === 'boolean';
const isNumber: Test = (value) => Number.isFinite(value);
const isCount: Test = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isType: Test = (value) => TYPES.includes(value);
const listOf =
  (test: Test, least: number): Test =>
  (value) =>
    Array.isArray(value) && value.length >= least && value.every(test) && equalPair(value) === undefined;
const valuesOf =
  (test: Test): Test =>
  (value) =>
    isObject(value) && Object.values(value).every(test);

const isSchema: Test = (value) => typeof value === 'boolean' || isPlainSchema(value);
/** Independent keywords. */
const KEYWORDS = new Map<string, Test>(
  Object.entries({
    title: isText,
    description: isText,
    readOnly: isFlag,
    writeOnly: isFlag,
    type: (value: unknown) => isType(value) || listOf(isType, 1)(value),
    enum: listOf((value) => value !== undefined, 1),
    const: (value: unknown) => value !== undefined,
    minLength: isCount,
    maxLength: isCount,
    pattern: isPattern,
    format: (value: unknown) => FORMATS.includes(value as string),
    minimum: isNumber,
    maximum: isNumber,
    exclusiveMinimum: isNumber,
    exclusiveMaximum: isNumber,
    multipleOf: (value: unknown) => isNumber(value) && Number(value) > 0,
    items: isSchema,
    minItems: isCount,
    maxItems: isCount,
    uniqueItems: isFlag,
    properties: valuesOf(isSchema),
    patternProperties: (value: unknown) => valuesOf(isSchema)(value) && Object.keys(value as object).every(isPattern),
    additionalProperties: isSchema,
    required: listOf(isText, 0),
    minProperties: isCount,
    maxProperties: isCount,
    allOf: listOf(isSchema, 1),
    anyOf: listOf(isSchema, 1),
    oneOf: listOf(isSchema, 1),
    not: isSchema,
  }),
);

/**
 * Reports whether a schema consists only of independent keywords with valid values: such a schema certainly compiles, in each draft and in
 * Ajv's strict mode. For all others only the compiler knows: schemas with references, with keywords whose meaning depends on others, and with
 * errors.
 */
export function isPlainSchema(schema: unknown): boolean {
  if (!isObject(schema)) return false;
  // A name in both is an error, which only Ajv finds.
  if (schema.properties !== undefined && schema.patternProperties !== undefined) return false;
  return Object.entries(schema).every(([keyword, value]) => KEYWORDS.get(keyword)?.(value) === true);
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === 'string' && new RegExp(value, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/** Depth and size for which a compiler surely has enough stack: Ajv nests its code for each member. */
const DEEPEST = 50;
const MOST_VALUES = 500;

/**
 * Reports whether a value equals the result of parsing its JSON text: plain objects and lists with own enumerable members, finite numbers,
 * no `undefined`, no `toJSON`; at most 50 levels and 500 values. So it can be stored as text, and equal texts have the same meaning.
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

/** Returns the names of all members; undefined if JSON omits some, or writes others. */
function memberNames(value: object): readonly string[] | undefined {
  const isList = Array.isArray(value);
  if (Object.getPrototypeOf(value) !== (isList ? Array.prototype : Object.prototype)) return undefined;
  if ('toJSON' in value) return undefined;
  const names = Object.keys(value);
  if (isList && (names.length !== value.length || names.some((name, index) => name !== String(index))))
    return undefined;
  // TypeBox marks its schemas by hidden members whose names are not keywords.
  const all = Object.getOwnPropertyNames(value).filter((name) => !/^~(?:kind|optional|readonly)$/.test(name));
  return all.length - names.length === (isList ? 1 : 0) ? names : undefined;
}
