/**
 * JSON Schemas to functions that check bodies and queries, with Ajv.
 */
import { createRequire } from 'node:module';
import { isIPv4, isIPv6 } from 'node:net';
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import type ajvFormats from 'ajv-formats';
import type { FormatName } from 'ajv-formats';
import { Fault, quoteClient } from '../../app/index.js';
import type { JsonSchema } from './json-schema.js';

/** Throws a `Fault` 400 for a value the schema does not take; a query's values are coerced in place. */
export type Check = (value: unknown) => void;

/** Which draft schemas are written in. */
export type SchemaDraft = 'draft-07' | '2020-12';

/** Names whose values are left out of messages. */
const SECRET = /pass(?:word|wd)?$|secret|token|private|credential|adminpass/i;

/** The formats there are; any other in a schema is a mistake. */
const FORMATS: FormatName[] = ['date-time', 'uuid', 'uri', 'email', 'ipv4', 'ipv6'];

/** Compiles the schemas of one router. */
export class SchemaCompiler {
  readonly #draft: SchemaDraft;
  #bodies: Ajv | undefined;
  #queries: Ajv | undefined;

  constructor(draft: SchemaDraft = 'draft-07') {
    this.#draft = draft;
  }

  /** Bodies: nothing is coerced, removed or defaulted. Throws when the schema is broken. */
  body(schema: JsonSchema): Check {
    this.#bodies ??= createAjv(this.#draft, false);
    const validate = this.#bodies.compile(schema);
    return (value) => {
      if (!validate(value)) throw refusal('', validate);
    };
  }

  /** Queries: texts become numbers and booleans where the schema says so; a repeated key its last value. */
  query(schema: JsonSchema): Check {
    this.#queries ??= createAjv(this.#draft, true);
    const validate = this.#queries.compile(schema);
    const lists = listNames(schema);
    return (value) => {
      const query = value as Record<string, unknown>;
      for (const name of Object.keys(query)) {
        const given = query[name];
        if (lists.has(name)) query[name] = Array.isArray(given) ? given : [given];
        else if (Array.isArray(given) && lists.known.has(name)) query[name] = given.at(-1);
      }
      if (!validate(query)) throw refusal('query parameter ', validate);
    };
  }
}

function createAjv(draft: SchemaDraft, coerceTypes: boolean): Ajv {
  const options = {
    coerceTypes,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    strictTuples: false,
    allowUnionTypes: true,
  } as const;
  const { Validator, addFormats } = loadAjv(draft);
  const ajv = new Validator({ ...options, verbose: true });
  addFormats(ajv, { formats: FORMATS });
  ajv.addFormat('cidr', isCidr);
  ajv.addFormat('base64', /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
  return ajv;
}

/** Ajv is loaded with the first schema: a router without one starts 60 ms sooner. */
function loadAjv(draft: SchemaDraft): { Validator: typeof Ajv; addFormats: typeof ajvFormats.default } {
  const require = createRequire(import.meta.url);
  const { Ajv: Draft07 } = draft === 'draft-07' ? (require('ajv') as typeof import('ajv')) : { Ajv: undefined };
  const Validator = Draft07 ?? (require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')).Ajv2020;
  return { Validator, addFormats: require('ajv-formats') as typeof ajvFormats.default };
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/');
  if (more.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  return (isIPv4(address) && Number(bits) <= 32) || (isIPv6(address) && Number(bits) <= 128);
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
function refusal(prefix: string, validate: ValidateFunction): Fault {
  const error = validate.errors?.[0];
  if (error === undefined) return new Fault(400);
  const path = dottedPath(error);
  const field = path === '' ? '' : `${prefix}${path}: `;
  const shown = path === '' || isSecret(error, path) ? '' : ` Value: ${shownValue(error)}.`;
  const subject = field === '' && prefix !== '' ? `${prefix.trim()}: ` : field;
  return new Fault(400, {
    message: `Invalid input for ${subject === '' ? 'the body: ' : subject}${wanted(error)}.${shown}`,
  });
}

function dottedPath({ instancePath, keyword, params }: ErrorObject): string {
  const steps = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
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
  return keyword === 'required' || own?.writeOnly === true || path.split('.').some((step) => SECRET.test(step));
}

function shownValue({ data, keyword, params }: ErrorObject): string {
  const shown =
    keyword === 'additionalProperties' ? (data as Record<string, unknown>)[String(params.additionalProperty)] : data;
  try {
    return quoteClient(
      JSON.stringify(shown, (name, inner: unknown) => (SECRET.test(name) ? '…' : inner)) ?? 'undefined',
    );
  } catch {
    // As deep as JSON may be read, it cannot be written.
    return 'too deep to be shown';
  }
}
