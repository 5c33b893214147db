/**
 * JSON Schemas to functions that check bodies and queries, with Ajv.
 */
import type { Ajv, ValidateFunction } from 'ajv';
import {
  type AjvOptions,
  compiledSchema,
  createAjv,
  FORMATS,
  refusedValue,
  type SchemaDraft,
} from '../../app/internal.js';
import { type InputPart, refusalOf } from './invalid-input.js';
import type { JsonSchema } from './json-schema.js';
import { isPlainData, plainSchemas } from './plain-schema.js';
import {
  checkByStandard,
  isStandardSchema,
  jsonSchemaOf,
  type Schema,
  type StandardSchema,
} from './standard-schema.js';

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
        if (lists.has(name)) query[name] = Array.isArray(received) ? received : [received];
        else if (Array.isArray(received) && lists.known.has(name)) query[name] = received.at(-1);
      }
      return check(query);
    };
  }

  /** `coerceTypes`: values become what the schema says in place. */
  #check(schema: JsonSchema, coerceTypes: boolean, where: InputPart): Check {
    const validator = this.#validator(schema, coerceTypes);
    return (value) => {
      const validate = validator();
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

/** The names whose schema takes a list, and all names there are. */
function listNames(schema: JsonSchema): { has(name: string): boolean; readonly known: ReadonlySet<string> } {
  const properties = (typeof schema === 'object' ? schema.properties : undefined) as
    | Readonly<Record<string, JsonSchema>>
    | undefined;
  const entries = Object.entries(properties ?? {});
  const typed = entries.filter(([, property]) => typeof property === 'object' && property.type !== undefined);
  const lists = new Set(typed.filter(([, property]) => takesList(property)).map(([name]) => name));
  return { has: (name) => lists.has(name), known: new Set(typed.map(([name]) => name)) };
}

function takesList(property: JsonSchema): boolean {
  return typeof property === 'object' && [property.type].flat().includes('array');
}
