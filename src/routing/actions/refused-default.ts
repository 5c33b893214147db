/**
 * Defaults of a schema's members that the schema itself refuses: each request without the member would be refused.
 */
import type { Ajv, ValidateFunction } from 'ajv';
import { refusedValue, SchemaMistake } from '../../app/internal.js';
import { isObject } from '../../errors/index.js';
import type { JsonSchema } from './schema.js';

/** Throws a {@link SchemaMistake} for the first such member. `ajv` applies defaults; the schema must compile. */
export function refuseDefaults(schema: JsonSchema, ajv: Ajv): void {
  if (!isObject(schema) || !isObject(schema.properties)) return;
  const { definitions, $defs } = schema;
  const shared = { ...(definitions === undefined ? {} : { definitions }), ...($defs === undefined ? {} : { $defs }) };
  for (const [name, property] of Object.entries(schema.properties)) {
    if (!isObject(property) || property.default === undefined) continue;
    const validate = compiled({ ...shared, type: 'object', properties: { [name]: property } }, ajv);
    const value = {};
    if (validate === undefined || validate(value) !== false) continue;
    const wanted = refusedValue(validate, value)?.wanted ?? 'it is not valid';
    throw new SchemaMistake(
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
