/**
 * JSON Schemas to functions that check bodies and queries, with Ajv.
 */
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import { Fault, quoteClient } from '../../app/index.js';
import { looksSecret } from '../../text/index.js';
import { type AjvOptions, createAjv, FORMATS, type SchemaDraft } from './create-ajv.js';
import type { JsonSchema } from './json-schema.js';
import { isPlainData, plainSchemas } from './plain-schema.js';
import { betterSaid, checkDraft } from './schema-mistake.js';

/** Throws a `Fault` 400 for a value the schema does not take; a query's values are coerced in place. */
export type Check = (value: unknown) => void;

/** Names whose values are left out of messages. */
const isSecretName = (name: string): boolean => looksSecret(name) || /secret|token|private|credential/i.test(name);

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

  /** Bodies: nothing is coerced, removed or defaulted. Throws when the schema is broken. */
  body(schema: JsonSchema): Check {
    const validator = this.#validator(schema, false);
    return (value) => {
      const validate = validator();
      if (!validate(value)) throw refusal('', validate, value);
    };
  }

  /** Queries: texts become numbers and booleans where the schema says so; a repeated key its last value. */
  query(schema: JsonSchema): Check {
    const validator = this.#validator(schema, true);
    const lists = listNames(schema);
    return (value) => {
      const query = value as Record<string, unknown>;
      for (const name of Object.keys(query)) {
        const received = query[name];
        if (lists.has(name)) query[name] = Array.isArray(received) ? received : [received];
        else if (Array.isArray(received) && lists.known.has(name)) query[name] = received.at(-1);
      }
      const validate = validator();
      if (!validate(query)) throw refusal('query parameter ', validate, query);
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
    checkDraft(schema, this.#ajv(false, false));
    try {
      const validate = ajv.compile(schema);
      return () => validate;
    } catch (error) {
      throw betterSaid(error as Error, schema, ajv);
    }
  }

  #ajv(coerceTypes: boolean, verbose: boolean): Ajv {
    const key = `${coerceTypes} ${verbose}`;
    const ajv = this.#ajvs.get(key) ?? createAjv(this.#draft, { coerceTypes, verbose }, this.#options);
    this.#ajvs.set(key, ajv);
    return ajv;
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

/** The first error only, as nova has it: the field, the value, and what the schema wanted. */
function refusal(prefix: string, validate: ValidateFunction, value: unknown): Fault {
  const error = validate.errors?.[0];
  if (error === undefined) return new Fault(400);
  const path = dottedPath(error);
  const field = path === '' ? '' : `${prefix}${path}: `;
  const shown = path === '' || isSecret(error, path) ? '' : ` Value: ${shownValue(error, value)}.`;
  const subject = field === '' && prefix !== '' ? `${prefix.trim()}: ` : field;
  return new Fault(400, {
    message: `Invalid input for ${subject === '' ? 'the body: ' : subject}${wanted(error)}.${shown}`,
  });
}

/** From the value that was checked to the one that is refused. */
function stepsTo({ instancePath }: ErrorObject): string[] {
  const steps = instancePath.split('/').slice(1);
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function dottedPath(error: ErrorObject): string {
  const { keyword, params } = error;
  const steps = stepsTo(error);
  if (keyword === 'additionalProperties') steps.push(String(params.additionalProperty));
  if (keyword === 'required') steps.push(String(params.missingProperty));
  return quoteClient(steps.join('.'));
}

function wanted({ keyword, params, message = 'is not valid' }: ErrorObject): string {
  if (keyword === 'additionalProperties') return 'additional properties are not allowed';
  if (keyword === 'required') return 'it is required';
  if (keyword === 'enum') return `must be one of ${quoteClient(JSON.stringify(params.allowedValues))}`;
  if (keyword === 'const') return `must be ${quoteClient(JSON.stringify(params.allowedValue))}`;
  return message;
}

function isSecret({ parentSchema, keyword }: ErrorObject, path: string): boolean {
  const own = parentSchema as Readonly<Record<string, unknown>> | undefined;
  return keyword === 'required' || own?.writeOnly === true || path.split('.').some((step) => isSecretName(step));
}

function shownValue(error: ErrorObject, value: unknown): string {
  const { keyword, params, propertyName } = error;
  const steps = keyword === 'additionalProperties' ? [...stepsTo(error), params.additionalProperty] : stepsTo(error);
  const refused = steps.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[String(step)], value);
  const shown = propertyName ?? refused;
  try {
    return quoteClient(
      JSON.stringify(shown, (name, inner: unknown) => (isSecretName(name) ? '…' : inner)) ?? 'undefined',
    );
  } catch {
    // As deep as JSON may be read, it cannot be written.
    return 'too deep to be shown';
  }
}
