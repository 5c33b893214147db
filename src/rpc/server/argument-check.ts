/**
 * What methods say of their arguments by JSON Schema, checked before they are called.
 */
import type { Ajv, ValidateFunction } from 'ajv';
import { quoteClient } from '../../app/index.js';
import { compiledSchema, createAjv, refusedValue, SchemaMistake } from '../../app/internal.js';
import { didYouMean, PorticoError } from '../../errors/index.js';
import { BadArguments } from '../errors.js';
import { writeOnlyNames } from './shown-arguments.js';

/** A JSON Schema of the object of a method's arguments. */
export type ArgumentSchema = Readonly<Record<string, unknown>>;

/** Throws `BadArguments` for arguments that the schema does not take. */
export type ArgumentCheck = (args: Readonly<Record<string, unknown>>) => void;

/** Makes the checks of one server. */
export class ArgumentChecks {
  /** Loaded with the first schema. */
  #ajv: Ajv | undefined;

  /** `method`: `Images.resize`. Throws `PORTICO_RPC_METHOD` for a schema that does not compile. */
  check(method: string, schema: ArgumentSchema): ArgumentCheck {
    this.#ajv ??= createAjv('draft-07', { coerceTypes: false, verbose: true });
    const validate = compiled(method, { type: 'object', additionalProperties: false, ...schema }, this.#ajv);
    const names = Object.keys((schema.properties ?? {}) as object);
    const secrets = writeOnlyNames(schema);
    return (args) => {
      if (!validate(args)) throw refusal(method, validate, args, { names, secrets });
    };
  }
}

function compiled(method: string, schema: ArgumentSchema, ajv: Ajv): ValidateFunction {
  try {
    return compiledSchema(schema, ajv);
  } catch (cause) {
    throw new PorticoError('PORTICO_RPC_METHOD', {
      message: `the schema of ${method}: ${(cause as Error).message}`,
      hint: cause instanceof SchemaMistake ? cause.hint : undefined,
      cause,
    });
  }
}

/** The first error. The nearest name is in the message, for that is what travels to the caller. */
function refusal(
  method: string,
  validate: ValidateFunction,
  args: Readonly<Record<string, unknown>>,
  { names, secrets }: { readonly names: readonly string[]; readonly secrets: ReadonlySet<string> },
): BadArguments {
  const { instancePath, keyword, params } = validate.errors![0]!;
  if (keyword === 'additionalProperties' && instancePath === '') {
    const name = String(params.additionalProperty);
    const known = didYouMean(name, names) ?? `There are: ${names.join(', ') || 'none'}.`;
    return new BadArguments({ message: `${method} has no argument "${quoteClient(name)}". ${known}` });
  }
  const { path, wanted, shown } = refusedValue(validate, args)!;
  const isSecret = ['', ...path.split('.')].some((step) => secrets.has(step));
  const value = shown === undefined || isSecret ? '' : `, not ${shown}`;
  return new BadArguments({ message: `${method}: ${path === '' ? 'the arguments' : path}: ${wanted}${value}` });
}
