/**
 * Arguments of a call: checked by the JSON Schema of their method, and shown in the log without secrets.
 */
import { quoteClient, type RefusedValue, SchemaChecks } from 'portico/app';
import { didYouMean, isSecretName, masked, maskUris, PorticoError } from 'portico/extension';
import { BadArguments } from '../errors.js';

/** A JSON Schema of the object of a method's arguments. */
export type ArgumentSchema = Readonly<Record<string, unknown>>;

/** Throws `BadArguments` for arguments that the schema refuses. */
export type ArgumentCheck = (args: Readonly<Record<string, unknown>>) => void;

/** Creates the checks of one server. */
export class ArgumentChecks {
  readonly #schemas = new SchemaChecks();

  /** `method`: `Images.resize`. Throws `PORTICO_RPC_METHOD` for a schema that does not compile. */
  check(method: string, schema: ArgumentSchema): ArgumentCheck {
    const find = this.#compiled(method, { type: 'object', additionalProperties: false, ...schema });
    const names = Object.keys((schema.properties ?? {}) as object);
    const secrets = writeOnlyNames(schema);
    return (args) => {
      const refused = find(args);
      if (refused !== undefined) throw refusal(method, refused, { names, secrets });
    };
  }

  #compiled(method: string, schema: ArgumentSchema): ReturnType<SchemaChecks['compile']> {
    try {
      return this.#schemas.compile(schema);
    } catch (cause) {
      const { message, hint } = cause as Error & { readonly hint?: string };
      throw new PorticoError('PORTICO_RPC_METHOD', { message: `the schema of ${method}: ${message}`, hint, cause });
    }
  }
}

/** Returns the first error. The nearest name is in the message, because only that is sent to the caller. */
function refusal(
  method: string,
  { path, steps, keyword, wanted, shown }: RefusedValue,
  { names, secrets }: { readonly names: readonly string[]; readonly secrets: ReadonlySet<string> },
): BadArguments {
  const [name = '', ...further] = steps;
  if (keyword === 'additionalProperties' && further.length === 0) {
    const known = didYouMean(name, names) ?? `There are: ${names.join(', ') || 'none'}.`;
    return new BadArguments({ message: `${method} has no argument "${quoteClient(name)}". ${known}` });
  }
  const isSecret = ['', ...path.split('.')].some((step) => secrets.has(step));
  const value = shown === undefined || isSecret ? '' : `, not ${shown}`;
  return new BadArguments({ message: `${method}: ${path === '' ? 'the arguments' : path}: ${wanted}${value}` });
}

/** Longest text in characters. */
const LONGEST = 2000;

/**
 * Returns JSON with `****` for values that the schema marks `writeOnly`, and for values with the name of a secret, at any depth; URIs
 * without their passwords. 2000 characters at most.
 */
export function shownArguments(
  args: Readonly<Record<string, unknown>>,
  schema: ArgumentSchema | undefined = {},
): string {
  const secrets = writeOnlyNames(schema);
  const isSecret = (name: string): boolean => secrets.has(name) || isSecretName(name);
  try {
    const text = JSON.stringify(shown('', args, isSecret));
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  } catch (error) {
    if (error instanceof RangeError) return 'too deep to be shown';
    throw error;
  }
}

function shown(name: string, value: unknown, isSecret: (name: string) => boolean): unknown {
  if (isSecret(name)) return masked;
  if (typeof value === 'string') return maskUris(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((each) => shown('', each, isSecret));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shown(key, each, isSecret)]));
}

/**
 * Returns the names of properties whose schema, or a part of it for the same value, is `writeOnly`; the empty name for the arguments as a
 * whole. A name is secret at any depth: masking too much is better than showing a secret.
 */
function writeOnlyNames(schema: ArgumentSchema): ReadonlySet<string> {
  const names = new Set<string>();
  const seen = new Map<unknown, Set<string>>();
  const visit = (part: unknown, name: string): void => {
    if (typeof part !== 'object' || part === null) return;
    const visited = seen.get(part) ?? new Set();
    if (visited.has(name)) return;
    seen.set(part, visited.add(name));
    for (const [keyword, value] of Object.entries(part)) {
      if (keyword === 'writeOnly' && value === true) names.add(name);
      else if (keyword === '$ref') visit(referred(schema, value), name);
      else if (keyword === 'properties')
        for (const [inner, each] of Object.entries(value as object)) visit(each, inner);
      // These are visited through their references.
      else if (keyword !== 'definitions' && keyword !== '$defs') visit(value, name);
    }
  };
  visit(schema, '');
  return names;
}

/** Returns the part of the schema at a pointer. */
function referred(schema: ArgumentSchema, pointer: unknown): unknown {
  if (typeof pointer !== 'string' || !pointer.startsWith('#')) return undefined;
  const steps = decodeURIComponent(pointer).split('/').slice(1);
  return steps
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((part, step) => (part as Readonly<Record<string, unknown>> | undefined)?.[step], schema);
}
