/**
 * Compiles JSON Schemas into functions that check bodies, queries and path variables, with Ajv.
 */
import type { Ajv, ValidateFunction } from 'ajv';
import type { FastifyServerOptions } from 'fastify';
import { type FaultIssue, quoteClient } from '../../app/index.js';
import {
  checkAll,
  compiledSchema,
  createAjv,
  depthError,
  NAMED_SCHEMAS,
  type RefusedValue,
  refusedValue,
  type SchemaDraft,
  SchemaError,
  tellsSecret,
  validateSchema,
  valueIssues,
  withValue,
  writeOnlyNames,
} from '../../app/internal.js';
import { ignoreErrors, isObject } from '../../errors/index.js';
import { isSecretName } from '../../text/index.js';
import type { InputPart } from './action.js';
import { isPlainData, isPlainSchema } from './plain-schema.js';
import { formsOf, inForm } from './query-lists.js';
import {
  isStandardSchema,
  type JsonSchema,
  jsonSchemaOf,
  type Schema,
  type StandardIssue,
  type StandardResult,
  type StandardSchema,
} from './schema.js';
import type { Check } from './taken-types.js';

/** Options of a router for its schemas. */
interface CompilerOptions {
  readonly schemaDraft?: SchemaDraft | undefined;
  readonly plugins?: readonly unknown[] | undefined;
  /** Settings of Ajv in place of the router's own, and the compiler of responses. */
  readonly fastify?: Pick<FastifyServerOptions, 'ajv' | 'schemaController'> | undefined;
}

/**
 * Creates the checks of one router, shared by actions with equal schemas. A schema that does not compile throws here; one that certainly
 * does is compiled, from a copy, when the first value arrives, because most workers never use most of their schemas: for the 62 of a
 * compute API that saves 11 MiB and 0.3 s of each worker's start. The first value takes 2 to 50 ms longer.
 */
export class SchemaCompiler {
  readonly #options: CompilerOptions;
  readonly #ajvs = new Map<string, Ajv>();
  readonly #validators = new Map<string, () => ValidateFunction>();

  constructor(options: CompilerOptions = {}) {
    this.#options = options;
  }

  /**
   * Returns the check of one part of a request. In a body JSON Schema coerces, removes and defaults nothing; in other parts it converts texts
   * to numbers and booleans, and applies `default`; so it does in a form. A repeated key of a query or form is its last value, or a list if
   * the schema says so. Throws for an invalid schema, and for a header in upper case.
   */
  check(schema: Schema, part: InputPart, isForm = false): Check {
    if (part === 'headers') refuseUpperCase(schema);
    const isStandard = isStandardSchema(schema);
    const check: Check = isStandard
      ? (value) => checkByStandard(schema, value, part)
      : this.#check(schema as JsonSchema, part, part !== 'body' || isForm);
    if (part === 'query' || isForm) {
      const formOf = formsOf(schema);
      return (value) => check(inForm(value as Record<string, unknown>, formOf));
    }
    if (isStandard || part === 'body') return check;
    // A copy, because values are converted in place.
    return (value) => check(Object.assign(part === 'params' ? (Object.create(null) as object) : {}, value));
  }

  /**
   * Checks a response schema, whose serialiser Fastify compiles, as draft-07 whatever the router's draft; it ignores unknown keywords.
   * Throws for an error in the schema. A compiler of the application may accept any schema, and a plugin may set one.
   */
  response(schema: Schema): void {
    const { fastify, plugins = [] } = this.#options;
    // Fastify takes it for schemas by media type, whatever its compiler.
    if (isObject(schema) && schema.content !== undefined) {
      throw new SchemaError(
        'it has "content", schemas by media type',
        'Write the schema of its application/json alone; other media types are written by serializers of the Router.',
      );
    }
    if (fastify?.schemaController?.compilersFactory?.buildSerializer !== undefined) return;
    if (isStandardSchema(schema) || (isPlainData(schema) && isPlainSchema(schema))) return;
    validateSchema(schema, this.#ajv(false, false, false, 'draft-07'), plugins.length > 0);
  }

  #check(schema: JsonSchema, part: InputPart, coerceTypes: boolean): Check {
    const validator = this.#validator(schema, coerceTypes, false);
    if (coerceTypes) refuseDefaults(schema, this.#ajv(true, true, false));
    let validate: ValidateFunction | undefined;
    // A copy: the author may change it. Only plain data can be copied; other schemas report the first error only.
    const written = isPlainData(schema) && mayTellAll(schema) ? JSON.stringify(schema) : undefined;
    let validateAll: ValidateFunction | undefined;
    let hidden: ReadonlySet<string> | undefined;
    return (value) => {
      validate ??= validator();
      try {
        if (validate(value)) return value;
      } catch (error) {
        validate.errors = [depthError(error)];
      }
      const refused = refusedValue(validate, value);
      hidden ??= writeOnlyNames(schema);
      const first = valueIssues(validate, value, hidden);
      const isTooMuch = first.some(({ keyword }) => TOO_MUCH.has(keyword));
      if (written === undefined || isTooMuch || !isSmall(value)) throw refusalOf(part, refused, first);
      // Most values are valid, so the check that collects all errors is separate, compiled for the first invalid value.
      validateAll ??= this.#validator(JSON.parse(written) as JsonSchema, coerceTypes, true)();
      throw refusalOf(part, refused, checkAll(validateAll, value) ? first : valueIssues(validateAll, value, hidden));
    };
  }

  #validator(schema: JsonSchema, coerceTypes: boolean, allErrors: boolean): () => ValidateFunction {
    // Only plain data is represented completely by its text, so only it can be shared and stored as text.
    if (!isPlainData(schema)) return this.#compiled(schema, this.#ajv(coerceTypes, true, allErrors));
    const written = JSON.stringify(schema);
    const key = `${coerceTypes} ${allErrors} ${written}`;
    const known = this.#validators.get(key);
    if (known !== undefined) return known;
    // Errors with their schema double the code, and only `writeOnly` is read there. Schemas that may refer to each other share an instance.
    const ajv = this.#ajv(coerceTypes, /"(?:writeOnly|\$ref|\$id)"/.test(written), allErrors);
    let validate: ValidateFunction | undefined;
    const validator = isPlainSchema(schema)
      ? () => (validate ??= ajv.compile(JSON.parse(written) as JsonSchema))
      : this.#compiled(JSON.parse(written) as JsonSchema, ajv);
    this.#validators.set(key, validator);
    return validator;
  }

  #compiled(schema: JsonSchema, ajv: Ajv): () => ValidateFunction {
    // One instance checks all schemas against the draft: each would compile the draft's own schema again.
    const validate = compiledSchema(schema, ajv, this.#ajv(false, false, false));
    return () => validate;
  }

  #ajv(
    coerceTypes: boolean,
    verbose: boolean,
    allErrors: boolean,
    draft: SchemaDraft = this.#options.schemaDraft ?? 'draft-07',
  ): Ajv {
    const key = `${draft} ${coerceTypes} ${verbose} ${allErrors}`;
    const ajv =
      this.#ajvs.get(key) ?? createAjv(draft, { coerceTypes, verbose, allErrors }, this.#options.fastify?.ajv);
    this.#ajvs.set(key, ajv);
    return ajv;
  }
}

/** Keywords of errors after which the others are not collected. */
const TOO_MUCH: ReadonlySet<string> = new Set(['maxItems', 'maxProperties', 'depth']);

/** Most parts of a value for which all errors are collected: for a list of a million wrong items the first is enough. */
const MOST_PARTS = 10_000;

function isSmall(value: unknown): boolean {
  const pending = [value];
  let parts = 0;
  for (const each of pending) {
    if (typeof each !== 'object' || each === null) continue;
    const inner = Object.values(each);
    parts += inner.length;
    if (parts > MOST_PARTS) return false;
    for (const one of inner) pending.push(one);
  }
  return true;
}

/** Returns the schemas of a part's names; empty if the library provides none. */
function namedParts(schema: Schema): Readonly<Record<string, JsonSchema>> {
  const made = ignoreErrors(() => jsonSchemaOf(schema, 'input', 'draft-07'));
  const { properties } = Object(made) as { properties?: Record<string, JsonSchema> };
  return properties ?? {};
}

/** Throws for a name that no header field has. */
function refuseUpperCase(schema: Schema): void {
  const wrong = Object.keys(namedParts(schema)).find((name) => name !== name.toLowerCase());
  if (wrong !== undefined) throw new SchemaError(`no header is called "${wrong}"`, `Write "${wrong.toLowerCase()}".`);
}

/**
 * Returns the schema's result for a value, with its coercions, transformations and defaults; a promise if the schema is asynchronous.
 * Throws, or rejects with, the refusal of a value.
 */
function checkByStandard(schema: StandardSchema, value: unknown, part: InputPart): unknown {
  const taken = (result: StandardResult): unknown => {
    if (result.issues === undefined) return result.value;
    const refused = result.issues.slice(0, MOST_STANDARD_ISSUES).map((issue) => refusedByIssue(issue, value));
    const hidden = writeOnlyNames(ignoreErrors(() => jsonSchemaOf(schema, 'input', 'draft-07')));
    const issues = refused.map(({ steps, told, keyword, params, keys }) =>
      withValue({ path: steps, message: told, keyword, params }, value, keys, hidden),
    );
    throw refusalOf(part, refused[0], issues);
  };
  const failed = (error: unknown): unknown => taken({ issues: [depthError(error)] });
  try {
    const result = schema['~standard'].validate(value);
    return 'then' in result ? Promise.resolve(result).then(taken, failed) : taken(result);
  } catch (error) {
    return failed(error);
  }
}

/** The same limit as for JSON Schema. */
const MOST_STANDARD_ISSUES = 100;

/** One issue, with its code in the library. */
interface RefusedByIssue extends Omit<RefusedValue, 'steps' | 'shown'> {
  readonly steps: readonly (string | number)[];
  /** As in the value: those of `steps` are short and printable. */
  readonly keys: readonly PropertyKey[];
  /** Message of the issue. */
  readonly told: string;
  readonly params: Readonly<Record<string, unknown>>;
}

function refusedByIssue(issue: StandardIssue, value: unknown): RefusedByIssue {
  // A path may be a list of the library's own class, whose methods differ from Array's.
  const path = Array.from(issue.path ?? [], (step) => (typeof step === 'object' ? step.key : step));
  const steps = path.map((step) => (typeof step === 'number' ? step : quoteClient(String(step))));
  const isSecret = path.some((step) => isSecretName(String(step)));
  const refused = path.reduce<unknown>((inner, step) => (inner as Record<PropertyKey, unknown> | null)?.[step], value);
  // A library may write the value into its message.
  const isUntold = isSecret || tellsSecret(issue.message, refused);
  // No client sends undefined: Zod and Valibot use it for an absent value.
  const isAbsent = refused === undefined && /\breceived undefined$/.test(issue.message);
  const told = isUntold ? 'is not valid' : isAbsent ? 'is required' : undefined;
  const text = quoteClient(withoutSubject(refused === undefined ? issue.message : withoutValue(issue.message), path));
  const { code, type } = issue as { readonly code?: unknown; readonly type?: unknown };
  return {
    path: quoteClient(path.map(String).join('.')),
    steps,
    wanted: told === undefined ? text : `it ${told}`,
    told: told ?? text,
    keys: path,
    keyword: [code, type].find((name) => typeof name === 'string') ?? 'invalid',
    params: isUntold ? {} : factsOf(issue),
  };
}

/** Returns the plain members of an issue of a library, without the refused value under any of its names. */
function factsOf(issue: StandardIssue): Readonly<Record<string, unknown>> {
  const plain = (value: unknown): boolean => value !== null && typeof value !== 'object' && typeof value !== 'function';
  const isFact = ([name, value]: readonly [string, unknown]): boolean =>
    !NO_FACTS.has(name) && (plain(value) || (Array.isArray(value) && value.every(plain)));
  return Object.fromEntries(Object.entries(issue).filter(isFact));
}

const NO_FACTS: ReadonlySet<string> = new Set(['message', 'path', 'input', 'received', 'actual', 'data']);

/** Removes the refused value that ArkType and Valibot append: a response must not repeat what it refuses, such as the number of a card. */
function withoutValue(message: string): string {
  return message.replace(/ \(was .*\)$|(?: but received|: Received) .*$/s, '');
}

/** Removes the part of a message that {@link refusalOf} adds: Zod's "Invalid input: ", and the name, as in ArkType. */
function withoutSubject(message: string, path: readonly PropertyKey[]): string {
  const name = path.map(String).join('.');
  const told = message.replace(/^Invalid (?:input|type|value): /, '').replace(/\.$/, '');
  return name !== '' && told.startsWith(`${name} `) ? told.slice(name.length + 1) : told;
}

/** Names of parts in messages: of a part with names, and of the whole. */
const SUBJECTS: Readonly<Record<InputPart, string>> = {
  body: 'the body',
  query: 'query parameter',
  params: 'path parameter',
  headers: 'header',
};

/** Creates the refusal, with the first error in nova's form, but without the value: the field, and the schema's requirement. */
function refusalOf(
  where: InputPart,
  refused: Pick<RefusedValue, 'path' | 'wanted'> | undefined,
  issues: readonly Omit<FaultIssue, 'where'>[],
): InputRefused {
  // Not spread: a value is copied when it is read.
  const placed = issues.map((issue) => Object.assign(issue, { where }));
  const { path, wanted } = refused ?? { path: '', wanted: 'it is not valid' };
  const whole = SUBJECTS[where];
  const subject = path === '' ? whole : where === 'body' ? path : `${whole} ${path}`;
  return new InputRefused(`Invalid input for ${subject}: ${wanted}.`, placed);
}

// Schemas for which a check may collect all errors of a value.

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
 * Reports whether a check may continue after the first error. It must not if that protects an expression (`pattern`, `format`,
 * `patternProperties`) from a text for which it may take very long. So a schema may have expressions, or several schemas for one value, but
 * not both. An unknown keyword may be either.
 */
function mayTellAll(schema: unknown): boolean {
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

// Defaults of a schema's members that the schema itself refuses: each request without the member would be refused.

/** Throws a {@link SchemaMistake} for the first such member. `ajv` applies defaults; the schema must compile. */
function refuseDefaults(schema: JsonSchema, ajv: Ajv): void {
  if (!isObject(schema) || !isObject(schema.properties)) return;
  const { definitions, $defs } = schema;
  const shared = { ...(definitions === undefined ? {} : { definitions }), ...($defs === undefined ? {} : { $defs }) };
  for (const [name, property] of Object.entries(schema.properties)) {
    if (!isObject(property) || property.default === undefined) continue;
    const validate = compiled({ ...shared, type: 'object', properties: { [name]: property } }, ajv);
    const value = {};
    if (validate === undefined || validate(value) !== false) continue;
    const wanted = refusedValue(validate, value)?.wanted ?? 'it is not valid';
    throw new SchemaError(
      `${name}.default is ${JSON.stringify(property.default)}, which its own schema refuses: ${wanted}`,
      `Change the default of ${name}, or what its schema takes.`,
    );
  }
}

/** Returns undefined for a member that does not compile without the others. */
function compiled(schema: Record<string, unknown>, ajv: Ajv): ValidateFunction | undefined {
  try {
    return ajv.compile(schema);
  } catch {
    return undefined;
  } finally {
    // Ajv would keep the function forever.
    ajv.removeSchema(schema);
  }
}

// A part of a request that its schema refuses.

/** Thrown by checks. It becomes a `Fault` with the API's `invalid_input_status`. */
export class InputRefused extends Error {
  readonly issues: readonly FaultIssue[];

  constructor(message: string, issues: readonly FaultIssue[]) {
    super(message);
    this.issues = issues;
  }
}
