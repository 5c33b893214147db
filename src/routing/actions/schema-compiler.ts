/**
 * JSON Schemas to functions that check bodies, queries and variables of paths, with Ajv.
 */
import type { Ajv, ValidateFunction } from 'ajv';
import type { FastifyServerOptions } from 'fastify';
import { type FaultIssue, quoteClient } from '../../app/index.js';
import {
  checkAll,
  compiledSchema,
  createAjv,
  FORMATS,
  isSecretName,
  jsonShown,
  judgeSchema,
  type RefusedValue,
  refusedValue,
  type SchemaDraft,
  SchemaMistake,
  tellsSecret,
  valueIssues,
} from '../../app/internal.js';
import { mayTellAll } from './all-issues.js';
import { InputRefused } from './input-refused.js';
import { isPlainData, plainSchemas } from './plain-schema.js';
import { refuseDefaults } from './refused-default.js';
import {
  isStandardSchema,
  type JsonSchema,
  jsonSchemaOf,
  type Schema,
  type StandardIssue,
  type StandardResult,
  type StandardSchema,
} from './schema.js';

/** Options of a router that say how its schemas are compiled. */
interface CompilerOptions {
  readonly schemaDraft?: SchemaDraft | undefined;
  readonly plugins?: readonly unknown[] | undefined;
  /** Settings of Ajv in place of the router's own, and the compiler of responses. */
  readonly fastify?: Pick<FastifyServerOptions, 'ajv' | 'schemaController'> | undefined;
}

/** Gives what the schema makes of a value, or a promise of it. Throws {@link InputRefused} for a value the schema does not take. */
export type Check = (value: unknown) => unknown;

const isPlain = plainSchemas(FORMATS);

/**
 * Makes the checks of one router, one for all actions with equal schemas. A schema that does not compile throws here; one
 * that certainly does is compiled, as it is now, when the first value comes, because most workers never see one for most
 * of their schemas: of the 62 of a compute API that is 11 MiB and 0.3 s of each worker's start. The first value pays 2 to
 * 50 ms.
 */
export class SchemaCompiler {
  readonly #options: CompilerOptions;
  readonly #ajvs = new Map<string, Ajv>();
  readonly #validators = new Map<string, () => ValidateFunction>();

  constructor(options: CompilerOptions = {}) {
    this.#options = options;
  }

  /** Bodies: by JSON Schema nothing is coerced, removed or defaulted. Throws when the schema is broken. */
  body(schema: Schema): Check {
    if (isStandardSchema(schema)) return (value) => checkByStandard(schema, value, 'body');
    return this.#check(schema as JsonSchema, false, 'body');
  }

  /**
   * Queries: by JSON Schema texts become numbers and booleans where it says so, and `default` is applied. A repeated key is its last value, or the
   * list where the schema takes one.
   */
  query(schema: Schema): Check {
    const check = isStandardSchema(schema)
      ? (value: unknown) => checkByStandard(schema, value, 'query')
      : this.#check(schema as JsonSchema, true, 'query');
    const lists = listNames(isStandardSchema(schema) ? queryJsonSchema(schema) : (schema as JsonSchema));
    return (value) => {
      const query = value as Record<string, unknown>;
      for (const name of Object.keys(query)) {
        const received = query[name];
        const isList = lists.get(name);
        if (isList === true && !Array.isArray(received)) query[name] = [received];
        if (isList === false && Array.isArray(received)) query[name] = received.at(-1);
      }
      return check(query);
    };
  }

  /** Variables of a path: by JSON Schema as {@link query}, in a table of the call's own. */
  params(schema: Schema): Check {
    if (isStandardSchema(schema)) return (value) => checkByStandard(schema, value, 'params');
    const check = this.#check(schema as JsonSchema, true, 'params');
    return (value) => check(Object.assign(Object.create(null) as object, value));
  }

  /** Header fields, in lower case, as {@link params}. Throws for a name that no field has. */
  headers(schema: Schema): Check {
    const { properties = {} } = (isStandardSchema(schema) ? queryJsonSchema(schema) : schema) as {
      properties?: object;
    };
    const wrong = Object.keys(properties).find((name) => name !== name.toLowerCase());
    if (wrong !== undefined)
      throw new SchemaMistake(`no header is called "${wrong}"`, `Write "${wrong.toLowerCase()}".`);
    if (isStandardSchema(schema)) return (value) => checkByStandard(schema, value, 'headers');
    const check = this.#check(schema as JsonSchema, true, 'headers');
    return (value) => check({ ...(value as object) });
  }

  /**
   * Responses, whose serialisers Fastify compiles, by draft-07 whatever the router's; it ignores keywords that it does not know. Throws for
   * a mistake in the schema. A compiler that the application brings may take any schema, and a plugin may set one.
   */
  response(schema: Schema): void {
    const { fastify, plugins = [] } = this.#options;
    if (fastify?.schemaController?.compilersFactory?.buildSerializer !== undefined) return;
    if (isStandardSchema(schema) || (isPlainData(schema) && isPlain(schema))) return;
    judgeSchema(schema, this.#ajv(false, false, false, 'draft-07'), plugins.length > 0);
  }

  /** `coerceTypes`: values become what the schema says in place, and those that are not there its `default`. */
  #check(schema: JsonSchema, coerceTypes: boolean, where: InputPart): Check {
    const validator = this.#validator(schema, coerceTypes, false);
    if (coerceTypes) refuseDefaults(schema, this.#ajv(true, true, false));
    let validate: ValidateFunction | undefined;
    // As it is now: the author may change it. Anything but plain data cannot be kept, and tells the first mistake alone.
    const written = isPlainData(schema) && mayTellAll(schema) ? JSON.stringify(schema) : undefined;
    let validateAll: ValidateFunction | undefined;
    return (value) => {
      validate ??= validator();
      if (validate(value)) return value;
      const refused = refusedValue(validate, value);
      const first = valueIssues(validate, value);
      const isTooMuch = first.some(({ keyword }) => keyword === 'maxItems' || keyword === 'maxProperties');
      if (written === undefined || isTooMuch || !isSmall(value)) throw refusalOf(where, refused, first);
      // Most values are taken, so the check that looks for everything is a second one, compiled for the first that is not.
      validateAll ??= this.#validator(JSON.parse(written) as JsonSchema, coerceTypes, true)();
      throw refusalOf(where, refused, checkAll(validateAll, value) ? first : valueIssues(validateAll, value));
    };
  }

  #validator(schema: JsonSchema, coerceTypes: boolean, allErrors: boolean): () => ValidateFunction {
    // Only of plain data the text says all, so only such may be shared and kept as text.
    if (!isPlainData(schema)) return this.#compiled(schema, this.#ajv(coerceTypes, true, allErrors));
    const written = JSON.stringify(schema);
    const key = `${coerceTypes} ${allErrors} ${written}`;
    const known = this.#validators.get(key);
    if (known !== undefined) return known;
    // Errors with their schema make twice the code, and only `writeOnly` is looked for there. Schemas that may know each
    // other share an instance.
    const ajv = this.#ajv(coerceTypes, /"(?:writeOnly|\$ref|\$id)"/.test(written), allErrors);
    let validate: ValidateFunction | undefined;
    const validator = isPlain(schema)
      ? () => (validate ??= ajv.compile(JSON.parse(written) as JsonSchema))
      : this.#compiled(JSON.parse(written) as JsonSchema, ajv);
    this.#validators.set(key, validator);
    return validator;
  }

  #compiled(schema: JsonSchema, ajv: Ajv): () => ValidateFunction {
    // One instance checks schemas against the draft for all: each would compile the draft's own schema again.
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

/** The most parts of a value in which all mistakes are looked for: of a list of a million wrong items the first is enough. */
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

/** For the names of a query; where the library gives none, no name is known. */
function queryJsonSchema(schema: StandardSchema): JsonSchema {
  try {
    return jsonSchemaOf(schema, 'input', 'draft-07');
  } catch {
    return {};
  }
}

/** The names whose schema has a type, and whether it takes a list. */
function listNames(schema: JsonSchema): ReadonlyMap<string, boolean> {
  const properties = (typeof schema === 'object' ? schema.properties : undefined) as
    | Readonly<Record<string, JsonSchema>>
    | undefined;
  const entries = Object.entries(properties ?? {}).flatMap(([name, property]) =>
    typeof property === 'object' && property.type !== undefined
      ? [[name, [property.type].flat().includes('array')] as const]
      : [],
  );
  return new Map(entries);
}

/**
 * The schema's result for a value, with its coercions, transformations and defaults; a promise where the schema is
 * asynchronous. Throws, or rejects with, the refusal of a value that it does not take.
 */
function checkByStandard(schema: StandardSchema, value: unknown, part: InputPart): unknown {
  const taken = (result: StandardResult): unknown => {
    if (result.issues === undefined) return result.value;
    const refused = result.issues.slice(0, MOST_STANDARD_ISSUES).map((issue) => refusedByIssue(issue, value));
    const issues = refused.map(({ steps, told, keyword }) => ({ path: steps, message: told, keyword }));
    throw refusalOf(part, refused[0], issues);
  };
  const result = schema['~standard'].validate(value);
  return 'then' in result ? Promise.resolve(result).then(taken) : taken(result);
}

/** As many as of JSON Schema. */
const MOST_STANDARD_ISSUES = 100;

/** One issue, with what its library calls it. */
interface RefusedByIssue extends RefusedValue {
  readonly steps: readonly (string | number)[];
  /** As the message of an issue. */
  readonly told: string;
  readonly keyword: string;
}

function refusedByIssue(issue: StandardIssue, value: unknown): RefusedByIssue {
  // A path may be a list of the library's own, whose methods are not an Array's.
  const path = Array.from(issue.path ?? [], (step) => (typeof step === 'object' ? step.key : step));
  const steps = path.map((step) => (typeof step === 'number' ? step : quoteClient(String(step))));
  const isSecret = path.some((step) => isSecretName(String(step)));
  const refused = path.reduce<unknown>((inner, step) => (inner as Record<PropertyKey, unknown> | null)?.[step], value);
  // A library may write the value into its message.
  const isUntold = isSecret || tellsSecret(issue.message, refused);
  // No client sends undefined: that is the word of Zod and Valibot for what is absent.
  const isAbsent = refused === undefined && /\breceived undefined$/.test(issue.message);
  const told = isUntold ? 'is not valid' : isAbsent ? 'is required' : undefined;
  const text = quoteClient(withoutSubject(issue.message, path));
  const { code, type } = issue as { readonly code?: unknown; readonly type?: unknown };
  return {
    path: quoteClient(path.map(String).join('.')),
    steps,
    wanted: told === undefined ? text : `it ${told}`,
    told: told ?? text,
    shown: path.length === 0 || isSecret || refused === undefined ? undefined : jsonShown(refused),
    keyword: [code, type].find((name) => typeof name === 'string') ?? 'invalid',
  };
}

/** A message without what {@link refusalOf} says in front of it: Zod's "Invalid input: ", and the name, as ArkType's. */
function withoutSubject(message: string, path: readonly PropertyKey[]): string {
  const name = path.map(String).join('.');
  const told = message.replace(/^Invalid (?:input|type|value): /, '').replace(/\.$/, '');
  return name !== '' && told.startsWith(`${name} `) ? told.slice(name.length + 1) : told;
}

/** Checked part of a request. */
type InputPart = FaultIssue['where'];

/** Names for messages: of a part that has names, and of the whole. */
const SUBJECTS: Readonly<Record<InputPart, string>> = {
  body: 'the body',
  query: 'query parameter',
  params: 'path parameter',
  headers: 'header',
};

/** The message has the first mistake, as nova has it: the field, what the schema wanted, and the value. */
function refusalOf(
  where: InputPart,
  refused: RefusedValue | undefined,
  issues: readonly Omit<FaultIssue, 'where'>[],
): InputRefused {
  const placed = issues.map((issue) => ({ where, ...issue }));
  const { path, wanted, shown } = refused ?? { path: '', wanted: 'it is not valid', shown: undefined };
  const whole = SUBJECTS[where];
  const subject = path === '' ? whole : where === 'body' ? path : `${whole} ${path}`;
  const tail = shown === undefined ? '' : ` Value: ${shown}.`;
  return new InputRefused(`Invalid input for ${subject}: ${wanted}.${tail}`, placed);
}
