/** Checks of values by JSON Schemas, for protocols other than HTTP. */
import type { Ajv } from 'ajv';
import { createAjv } from './create-ajv.js';
import { depthError, type RefusedValue, refusedValue } from './refused-value.js';
import { compiledSchema } from './schema-error.js';

/** Compiles schemas (draft-07), as a Router does those of bodies: the same formats, and nothing is converted. */
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
