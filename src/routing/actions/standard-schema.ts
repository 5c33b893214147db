/**
 * Standard Schemas (https://standardschema.dev), as Zod, Valibot and ArkType make them: checks, types and JSON Schema.
 */
import { quoteClient } from '../../app/index.js';
import { isSecretName, jsonShown, type RefusedValue, tellsSecret } from '../../app/internal.js';
import { type InputPart, refusalOf } from './invalid-input.js';
import type { JsonSchema } from './json-schema.js';

/** A schema of any library that follows the standard. */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): StandardResult | Promise<StandardResult>;
    /** Never there at run time. */
    readonly types?: { readonly input: unknown; readonly output: unknown } | undefined;
    /** Standard JSON Schema: Zod from 4.2, ArkType from 2.1.28, Valibot's `toStandardJsonSchema(schema)`. */
    readonly jsonSchema?: Readonly<Record<Side, (options: { readonly target: Draft }) => Record<string, unknown>>>;
  };
}

/** Before a schema's coercions, transformations and defaults, or after. */
type Side = 'input' | 'output';
type Draft = 'draft-07' | 'draft-2020-12';

type StandardResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A schema of TypeBox 1: JSON Schema whose type has no index signature. */
export interface TypeBoxSchema {
  readonly '~kind': string;
}

/** What an action takes for a schema. */
export type Schema = JsonSchema | TypeBoxSchema | StandardSchema;

export function isStandardSchema(schema: unknown): schema is StandardSchema {
  const isObject = (typeof schema === 'object' && schema !== null) || typeof schema === 'function';
  return isObject && '~standard' in schema;
}

/**
 * What the schema makes of a value, with its coercions, transformations and defaults; a promise where the schema is
 * asynchronous. Throws, or rejects with, the refusal of a value that it does not take.
 */
export function checkByStandard(schema: StandardSchema, value: unknown, part: InputPart): unknown {
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

/** The JSON Schema of a schema. Throws an `Error` that says why there is none. */
export function jsonSchemaOf(schema: Schema, side: Side, draft: Draft): JsonSchema {
  if (!isStandardSchema(schema)) return schema as JsonSchema;
  const { vendor, jsonSchema } = schema['~standard'];
  if (jsonSchema === undefined) throw new Error(`this schema of ${vendor} has no Standard JSON Schema`);
  const { $schema: _, ...made } = jsonSchema[side]({ target: draft });
  return made;
}

/** What a document says of a schema; of one that has no JSON Schema, why. */
export function documentedSchema(schema: Schema, side: Side): JsonSchema {
  try {
    return jsonSchemaOf(schema, side, 'draft-2020-12');
  } catch (error) {
    return { description: `No JSON Schema: ${(error as Error).message}.` };
  }
}
