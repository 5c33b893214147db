/**
 * Schemas that need no compiler to be known as sound, and values that their JSON text says all of.
 */

import { equalPair } from '../../app/internal.js';
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

/**
 * Tells whether a schema is made of nothing but keywords that stand for themselves, each with a value that it takes: of
 * such a schema it is certain that it compiles, in each draft and in Ajv's strict mode. Of all others only the compiler
 * can say: those with references, with keywords whose meaning depends on others, and those with a mistake.
 */
export function plainSchemas(formats: readonly string[]): (schema: unknown) => boolean {
  const isSchema: Test = (value) => typeof value === 'boolean' || isPlain(value);
  const keywords = new Map<string, Test>(
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
      format: (value: unknown) => formats.includes(value as string),
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
  const isPlain: Test = (schema) => {
    if (!isObject(schema)) return false;
    // Names that belong to both are a mistake, and which do only Ajv finds out.
    if (schema.properties !== undefined && schema.patternProperties !== undefined) return false;
    return Object.entries(schema).every(([keyword, value]) => keywords.get(keyword)?.(value) === true);
  };
  return isPlain;
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === 'string' && new RegExp(value, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

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
  // TypeBox marks its schemas by hidden members whose names no keyword has.
  const all = Object.getOwnPropertyNames(value).filter((name) => !/^~(?:kind|optional|readonly)$/.test(name));
  return all.length - names.length === (isList ? 1 : 0) ? names : undefined;
}
