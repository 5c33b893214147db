/** Errors in schemas, in terms of the author: the location, the text there, and the nearest valid name. */
import type { Ajv, AnySchemaObject, ErrorObject, ValidateFunction } from 'ajv';
import { didYouMean, isObject, nearestNames, whatItIs } from '../../errors/index.js';
import { createAjv } from './create-ajv.js';
import { depthError, type RefusedValue, refusedValue, stepsTo } from './refused-value.js';

/** An error in a schema. */
export class SchemaError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/**
 * Compiles a schema. `drafts`: the Ajv that checks the schema against its draft, if an instance other than `ajv` has compiled the
 * draft's own schema. Throws a {@link SchemaMistake} for an invalid schema, or the error of Ajv.
 */
export function compiledSchema(schema: AnySchemaObject | boolean, ajv: Ajv, drafts = ajv): ValidateFunction {
  checkDraft(schema, drafts);
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw betterSaid(error as Error, schema, ajv);
  }
}

function checkDraft(schema: unknown, ajv: Ajv): void {
  if (schema === null) throw noSchema(schema);
  if (ajv.validateSchema(schema as object) === true) return;
  // The deepest errors cause the outer ones. An `enum` error comes first, because it lists the values that the author may have meant.
  const errors = (ajv.errors ?? []).toSorted((a, b) => depth(b) - depth(a));
  const deepest = errors.filter((error) => depth(error) === depth(errors[0]!));
  const error = deepest.find(({ keyword }) => keyword === 'enum') ?? deepest[0]!;
  const steps = stepsTo(error);
  const value = steps.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], schema);
  const where = steps.length === 0 ? 'it' : steps.join('.');
  throw new SchemaError(`${where} is ${whatItIs(value)}, and ${wanted(error)}`, nearest(value, error));
}

/** Keywords of drafts after draft-07 (JSON Schema 2019-09 and 2020-12). */
const LATER_KEYWORDS =
  '$anchor $dynamicAnchor $dynamicRef $recursiveAnchor $recursiveRef $vocabulary contentSchema dependentRequired ' +
  'dependentSchemas deprecated maxContains minContains prefixItems unevaluatedItems unevaluatedProperties';

/**
 * Throws a {@link SchemaMistake} for an error that another compiler ignores: a keyword that neither any draft nor `ajv` knows, or a
 * value that draft-07 does not allow. `mayDiffer`: the schema may use other keywords than JSON Schema, so only a misspelt keyword is an
 * error.
 */
export function validateSchema(schema: unknown, ajv: Ajv, mayDiffer: boolean): void {
  if (!isObject(schema) && typeof schema !== 'boolean') throw noSchema(schema);
  if (ajv.opts.strictSchema === true) {
    const known = [...Object.keys(ajv.RULES.keywords), ...LATER_KEYWORDS.split(' ')];
    const isWrong = (keyword: string): boolean =>
      !known.includes(keyword) && !keyword.startsWith('x-') && (!mayDiffer || isMisspelt(keyword, known));
    const found = findKeywords(schema, isWrong);
    if (found.length > 0) throw noKeywords(found, ajv);
  }
  // The compiler reads every draft the same way.
  if (!mayDiffer) checkDraft(isObject(schema) ? { ...schema, $schema: undefined } : schema, ajv);
}

/** Reports whether a keyword is near to a known one. A name of several words with a known one among them, such as `tsType`, is another's. */
function isMisspelt(keyword: string, known: readonly string[]): boolean {
  const words = keyword.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  return nearestNames(keyword, known).some((near) => words.length === 1 || !words.includes(near));
}

function noSchema(value: unknown): SchemaError {
  return new SchemaError(`it is ${whatItIs(value)}, and must be object or boolean`);
}

/** Returns one error for all keywords that do not exist. */
function noKeywords(found: readonly FoundKeyword[], ajv: Ajv): SchemaError {
  const known = Object.keys(ajv.RULES.keywords);
  const told = found.map(({ keyword, steps }) => {
    const at = steps.length === 0 ? '' : `${steps.join('.')}: `;
    return `${at}there is no keyword "${keyword}"`;
  });
  const proposals = found.flatMap(({ keyword }) => {
    const [near] = nearestNames(keyword, known);
    return near === undefined ? [] : [`"${near}" for "${keyword}"`];
  });
  const several = proposals.length === 0 ? undefined : `Write ${proposals.join(', ')}.`;
  return new SchemaError(told.join('; '), found.length === 1 ? didYouMean(found[0]!.keyword, known) : several);
}

/** Returns a clearer error than Ajv's if the cause is known. */
function betterSaid(error: Error, schema: unknown, ajv: Ajv): Error {
  const keyword = /^strict mode: unknown keyword: "(.*)"$/s.exec(error.message)?.[1];
  if (keyword !== undefined) {
    const found = findKeywords(schema, (name) => !Object.hasOwn(ajv.RULES.keywords, name));
    return noKeywords(found.length === 0 ? [{ keyword, steps: [] }] : found, ajv);
  }
  const [, format, path] = /^unknown format "(.*)" ignored in schema at path "#(.*)"$/s.exec(error.message) ?? [];
  if (format === undefined || path === undefined) return error;
  const steps = stepsTo({ instancePath: path });
  const formats = Object.keys(ajv.formats);
  return new SchemaError(
    `${[...steps, 'format'].join('.')} is the text "${format}", which is not a known format`,
    didYouMean(format, formats) ?? `Formats: ${formats.join(', ')}.`,
  );
}

const depth = ({ instancePath }: ErrorObject): number => instancePath.split('/').length;

function wanted({ keyword, params, message = 'is not valid' }: ErrorObject): string {
  if (keyword === 'enum') return `must be one of ${(params.allowedValues as unknown[]).join(', ')}`;
  return keyword === 'type' ? message.replaceAll(',', ' or ') : message;
}

function nearest(value: unknown, { keyword, params }: ErrorObject): string | undefined {
  if (keyword !== 'enum' || typeof value !== 'string') return undefined;
  return didYouMean(value, (params.allowedValues as unknown[]).map(String));
}

/** Keywords that map names chosen by the author to schemas. */
export const NAMED_SCHEMAS = new Set([
  'properties',
  'patternProperties',
  'definitions',
  '$defs',
  'dependencies',
  'dependentSchemas',
]);
/** Keywords whose value is a schema or a list of schemas. */
const SCHEMAS = new Set(
  (
    'items prefixItems additionalItems unevaluatedItems contains additionalProperties unevaluatedProperties propertyNames ' +
    'not if then else allOf anyOf oneOf'
  ).split(' '),
);

/** A keyword in a schema, and the path to the schema that contains it. */
interface FoundKeyword {
  readonly keyword: string;
  readonly steps: readonly string[];
}

/** Returns the matching keywords in a schema, those of outer schemas first. */
function findKeywords(
  schema: unknown,
  isWanted: (keyword: string) => boolean,
  steps: readonly string[] = [],
): readonly FoundKeyword[] {
  if (!isObject(schema)) return [];
  const wanted = Object.keys(schema).filter((name) => schema[name] !== undefined && isWanted(name));
  const found: FoundKeyword[] = wanted.map((keyword) => ({ keyword, steps }));
  for (const [name, value] of Object.entries(schema)) {
    if (!NAMED_SCHEMAS.has(name) && !SCHEMAS.has(name)) continue;
    const isOne = SCHEMAS.has(name) && !Array.isArray(value);
    const inner = isOne ? [[name, value] as const] : Object.entries(Object(value) as object);
    for (const [step, one] of inner)
      found.push(...findKeywords(one, isWanted, isOne ? [...steps, step] : [...steps, name, step]));
  }
  return found;
}

/**
 * Checks of values by JSON Schemas, for protocols other than HTTP. Schemas (draft-07) are compiled as a Router does those of bodies: the
 * same formats, and nothing is converted.
 */
export class SchemaChecks {
  /** Loaded with the first schema. */
  #ajv: Ajv | undefined;

  /**
   * Returns a check, which returns the first error of a value, and undefined for a valid one. Throws for a schema that does not compile, an
   * error with a `hint` if the author may have meant another name.
   */
  compile(schema: Readonly<Record<string, unknown>>): (value: unknown) => RefusedValue | undefined {
    this.#ajv ??= createAjv('draft-07', { coerceTypes: false, verbose: true });
    const validate = compiledSchema(schema, this.#ajv);
    return (value) => {
      try {
        if (validate(value)) return undefined;
      } catch (error) {
        validate.errors = [depthError(error)];
      }
      return refusedValue(validate, value);
    };
  }
}
