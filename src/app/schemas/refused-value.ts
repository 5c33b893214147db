/** Validation errors of a value, in a form for its sender. */
import type { ErrorObject, ValidateFunction } from 'ajv';
import { isSecretName, masked } from '../../text/index.js';
import { quoteClient } from '../faults/client-text.js';

/** A part of a value that fails validation. */
export interface RefusedValue {
  /** The steps from the checked value to the part, separated by dots, as text that is safe in a message; empty: the whole value. */
  readonly path: string;
  /** The same steps, as sent: names of members, and indexes. */
  readonly steps: readonly string[];
  /** The keyword of JSON Schema that refuses it: `additionalProperties` for a name that the schema does not have. */
  readonly keyword: string;
  /** The requirement of the schema. */
  readonly wanted: string;
  /** The part as JSON, for callers that are services; undefined for the whole value, for a name, and for a secret. */
  readonly shown: string | undefined;
}

/** Returns the first error of a failed check. */
export function refusedValue({ errors }: ValidateFunction, value: unknown): RefusedValue | undefined {
  const error = errors?.[0];
  if (error === undefined) return undefined;
  const steps = refusedSteps(error);
  const refused = steps.reduce<unknown>((inner, step) => (inner as Record<string, unknown> | undefined)?.[step], value);
  const isUnshown = steps.length === 0 || error.propertyName !== undefined || isSecret(error, steps);
  const shown = isUnshown ? undefined : jsonShown(refused);
  return { path: quoteClient(steps.join('.')), steps, keyword: error.keyword, wanted: wanted(error), shown };
}

/**
 * Returns the validation error of a value that is nested too deeply, from what its check has thrown: the recursion of a schema overflows
 * the stack, and a sender chooses the depth. Throws any other error.
 */
export function depthError(thrown: unknown): ErrorObject & { readonly message: string } {
  if (!(thrown instanceof RangeError && thrown.message.startsWith('Maximum call stack'))) throw thrown;
  return { instancePath: '', schemaPath: '', keyword: 'depth', params: {}, message: 'must not be nested so deeply' };
}

/** A validation error in one part of a value. */
export interface ValueIssue {
  /** Names and indexes, from the checked value to the part. */
  readonly path: readonly (string | number)[];
  /** The end of a sentence that begins with the name of the part: `is required`, `must be string`. */
  readonly message: string;
  /** A keyword of JSON Schema. */
  readonly keyword: string;
  /** The refused value, without secrets. */
  readonly value: unknown;
  /** Facts of the keyword. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The location of the keyword in the schema. */
  readonly schemaPath: string;
}

/** More issues are of no use to a client. */
const MOST_ISSUES = 100;

/** Returns all errors of a failed check, each once; at most 100. `hidden`: names of values that must not be shown. */
export function valueIssues(
  { errors }: Pick<ValidateFunction, 'errors'>,
  value: unknown,
  hidden: ReadonlySet<string> = NO_NAMES,
): readonly ValueIssue[] {
  const issues = new Map<string, ValueIssue>();
  for (const error of errors ?? []) {
    if (issues.size === MOST_ISSUES) break;
    const steps = refusedSteps(error);
    const { keyword, params, schemaPath } = error;
    const seen = { path: pathOf(steps, value), message: told(error), keyword };
    issues.set(JSON.stringify(seen), withValue({ ...seen, params, schemaPath }, value, steps, hidden));
  }
  return [...issues.values()];
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** Adds the value at a location, without secrets. It is copied when it is read: most renderers do not, and a client chooses its size. */
export function withValue<T extends object>(
  issue: T,
  whole: unknown,
  steps: readonly PropertyKey[],
  hidden: ReadonlySet<string>,
): T & { readonly value: unknown } {
  const isHidden = (name: string): boolean => hidden.has(name) || isSecretName(name);
  const read = (): unknown => {
    const refused = steps.reduce<unknown>((inner, step) => (inner as Members | null | undefined)?.[step], whole);
    if (refused === undefined) return undefined;
    if (steps.some((step) => isHidden(String(step)))) return masked;
    if (typeof refused !== 'object' || refused === null) return refused;
    try {
      const text = JSON.stringify(refused, (name, inner: unknown) => (isHidden(name) ? masked : inner));
      return JSON.parse(text) as unknown;
    } catch {
      // JSON may be nested too deeply to stringify.
      return undefined;
    }
  };
  return Object.defineProperty(issue, 'value', { get: read, enumerable: true }) as T & { readonly value: unknown };
}

type Members = Readonly<Record<PropertyKey, unknown>>;

/** Returns the names of members that a schema calls `writeOnly`, at any depth. */
export function writeOnlyNames(schema: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const seen = new Set<object>();
  const pending: unknown[] = [schema];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    for (const [name, inner] of Object.entries(next)) {
      if (typeof inner !== 'object' || inner === null) continue;
      if ((inner as Members).writeOnly === true) names.add(name);
      pending.push(inner);
    }
  }
  return names;
}

function pathOf(steps: readonly string[], value: unknown): readonly (string | number)[] {
  let inner = value;
  return steps.map((step) => {
    const isIndex = Array.isArray(inner);
    inner = (inner as Record<string, unknown> | null | undefined)?.[step];
    return isIndex ? Number(step) : quoteClient(step);
  });
}

/** Returns the path from the checked value to the refused one. */
export function stepsTo({ instancePath }: Pick<ErrorObject, 'instancePath'>): string[] {
  const steps = instancePath.split('/').slice(1);
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Returns the path to the reported part, which includes an additional or a missing property. */
function refusedSteps(error: ErrorObject): readonly string[] {
  const { keyword, params } = error;
  const steps = stepsTo(error);
  if (keyword === 'additionalProperties') steps.push(String(params.additionalProperty));
  if (keyword === 'required') steps.push(String(params.missingProperty));
  return steps;
}

function told(error: ErrorObject): string {
  if (error.keyword === 'required') return 'is required';
  return error.keyword === 'additionalProperties' ? 'is not allowed' : wanted(error);
}

function wanted({ keyword, params, propertyName, message = 'is not valid' }: ErrorObject): string {
  if (keyword === 'additionalProperties') return 'additional properties are not allowed';
  if (keyword === 'required') return 'it is required';
  if (keyword === 'enum') return `must be one of ${quoteClient(JSON.stringify(params.allowedValues))}`;
  if (keyword === 'const') return `must be ${quoteClient(JSON.stringify(params.allowedValue))}`;
  return propertyName === undefined ? message : `the name ${quoteClient(JSON.stringify(propertyName))} ${message}`;
}

function isSecret({ parentSchema, keyword }: ErrorObject, steps: readonly string[]): boolean {
  const own = parentSchema as Readonly<Record<string, unknown>> | undefined;
  return keyword === 'required' || own?.writeOnly === true || steps.some(isSecretName);
}

/** Reports whether a text contains a value that has the name of a secret anywhere in `value`. */
export function tellsSecret(text: string, value: unknown): boolean {
  // No recursion: JSON may be nested deeper than the stack allows.
  const pending: [name: string, inner: unknown][] = [['', value]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [name, inner] = next;
    if (typeof inner === 'object' && inner !== null) {
      for (const [key, each] of Object.entries(inner)) pending.push([isSecretName(name) ? name : key, each]);
    } else if (isSecretName(name) && (typeof inner === 'string' || typeof inner === 'number') && inner !== '') {
      if (text.includes(String(inner)) || text.includes(JSON.stringify(inner))) return true;
    }
  }
  return false;
}

/** Returns a value as JSON, truncated if long, without values that have names of secrets. */
function jsonShown(value: unknown): string {
  try {
    return quoteClient(
      JSON.stringify(value, (name, inner: unknown) => (isSecretName(name) ? '…' : inner)) ?? 'undefined',
    );
  } catch {
    // JSON may be nested too deeply to stringify.
    return 'too deep to be shown';
  }
}
