/**
 * JSON Schemas to functions that check bodies and queries, with Ajv.
 */
import type { Ajv, ValidateFunction } from 'ajv';
import { Fault, quoteClient } from '../../app/index.js';
import {
  type AjvOptions,
  compiledSchema,
  createAjv,
  FORMATS,
  isSecretName,
  jsonShown,
  type RefusedValue,
  refusedValue,
  type SchemaDraft,
  tellsSecret,
} from '../../app/internal.js';
import { isPlainData, plainSchemas } from './plain-schema.js';
import {
  isStandardSchema,
  type JsonSchema,
  jsonSchemaOf,
  type Schema,
  type StandardIssue,
  type StandardResult,
  type StandardSchema,
} from './schema.js';

/** Gives what the schema makes of a value, or a promise of it. Throws a `Fault` 400 for a value the schema does not take. */
export type Check = (value: unknown) => unknown;

const isPlain = plainSchemas(FORMATS);

/**
 * Makes the checks of one router, one for all actions with equal schemas. A schema that does not compile throws here; one
 * that certainly does is compiled, as it is now, when the first value comes, because most workers never see one for most
 * of their schemas: of the 62 of a compute API that is 11 MiB and 0.3 s of each worker's start. The first value pays 2 to
 * 50 ms.
 */
export class SchemaCompiler {
  readonly #draft: SchemaDraft;
  readonly #options: AjvOptions;
  readonly #ajvs = new Map<string, Ajv>();
  readonly #validators = new Map<string, () => ValidateFunction>();

  /** `options`: in place of the router's own settings of Ajv. */
  constructor(draft: SchemaDraft = 'draft-07', options: AjvOptions = {}) {
    this.#draft = draft;
    this.#options = options;
  }

  /** Bodies: by JSON Schema nothing is coerced, removed or defaulted. Throws when the schema is broken. */
  body(schema: Schema): Check {
    if (isStandardSchema(schema)) return (value) => checkByStandard(schema, value, 'body');
    return this.#check(schema as JsonSchema, false, 'body');
  }

  /**
   * Queries: by JSON Schema texts become numbers and booleans where it says so. A repeated key is its last value, or the
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

  /** `coerceTypes`: values become what the schema says in place. */
  #check(schema: JsonSchema, coerceTypes: boolean, where: InputPart): Check {
    const validator = this.#validator(schema, coerceTypes);
    let validate: ValidateFunction | undefined;
    return (value) => {
      validate ??= validator();
      if (!validate(value)) throw refusalOf(where, refusedValue(validate, value));
      return value;
    };
  }

  #validator(schema: JsonSchema, coerceTypes: boolean): () => ValidateFunction {
    // Only of plain data the text says all, so only such may be shared and kept as text.
    if (!isPlainData(schema)) return this.#compiled(schema, this.#ajv(coerceTypes, true));
    const written = JSON.stringify(schema);
    const key = `${coerceTypes} ${written}`;
    const known = this.#validators.get(key);
    if (known !== undefined) return known;
    // Errors with their schema make twice the code, and only `writeOnly` is looked for there. Schemas that may know each
    // other share an instance.
    const ajv = this.#ajv(coerceTypes, /"(?:writeOnly|\$ref|\$id)"/.test(written));
    let validate: ValidateFunction | undefined;
    const validator = isPlain(schema)
      ? () => (validate ??= ajv.compile(JSON.parse(written) as JsonSchema))
      : this.#compiled(JSON.parse(written) as JsonSchema, ajv);
    this.#validators.set(key, validator);
    return validator;
  }

  #compiled(schema: JsonSchema, ajv: Ajv): () => ValidateFunction {
    // One instance checks schemas against the draft for all: each would compile the draft's own schema again.
    const validate = compiledSchema(schema, ajv, this.#ajv(false, false));
    return () => validate;
  }

  #ajv(coerceTypes: boolean, verbose: boolean): Ajv {
    const key = `${coerceTypes} ${verbose}`;
    const ajv = this.#ajvs.get(key) ?? createAjv(this.#draft, { coerceTypes, verbose }, this.#options);
    this.#ajvs.set(key, ajv);
    return ajv;
  }
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
 * What the schema makes of a value, with its coercions, transformations and defaults; a promise where the schema is
 * asynchronous. Throws, or rejects with, the refusal of a value that it does not take.
 */
function checkByStandard(schema: StandardSchema, value: unknown, part: InputPart): unknown {
  const taken = (result: StandardResult): unknown => {
    if (result.issues === undefined) return result.value;
    throw refusalOf(part, refusedByIssue(result.issues[0], value));
  };
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then(taken) : taken(result);
}

function refusedByIssue(issue: StandardIssue | undefined, value: unknown): RefusedValue {
  // A path may be a list of the library's own, whose methods are not an Array's.
  const steps = Array.from(issue?.path ?? [], (step) => String(typeof step === 'object' ? step.key : step));
  const isSecret = steps.some(isSecretName);
  const refused = steps.reduce<unknown>((inner, step) => (inner as Record<string, unknown> | null)?.[step], value);
  // A library may write the value into its message.
  const isUntold = issue === undefined || isSecret || tellsSecret(issue.message, refused);
  return {
    path: quoteClient(steps.join('.')),
    wanted: isUntold ? 'it is not valid' : quoteClient(issue.message.replace(/\.$/, '')),
    shown: steps.length === 0 || isSecret || refused === undefined ? undefined : jsonShown(refused),
  };
}

/** Which part of a request is checked. */
type InputPart = 'body' | 'query';

/** The first error only, as nova has it: the field, what the schema wanted, and the value. */
function refusalOf(part: InputPart, refused: RefusedValue | undefined): Fault {
  if (refused === undefined) return new Fault(400);
  const { path, wanted, shown } = refused;
  const whole = part === 'query' ? 'query parameter' : 'the body';
  const subject = path === '' ? whole : part === 'query' ? `${whole} ${path}` : path;
  const tail = shown === undefined ? '' : ` Value: ${shown}.`;
  return new Fault(400, { message: `Invalid input for ${subject}: ${wanted}.${tail}` });
}
