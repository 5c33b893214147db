/** Validation errors of a value, in a form for its sender. */
import type { ErrorObject, ValidateFunction } from 'ajv';
import { looksSecret } from '../../text/index.js';
import { quoteClient } from '../faults/client-text.js';

/** A part of a value that fails validation. */
export interface RefusedValue {
  /** The steps from the checked value to the part, separated by dots; empty: the whole value. */
  readonly path: string;
  /** The requirement of the schema. */
  readonly wanted: string;
  /** The part as JSON; undefined for the whole value, and for a secret. */
  readonly shown: string | undefined;
}

/** Reports whether values with this name are left out of messages. */
export const isSecretName = (name: string): boolean =>
  looksSecret(name) || /secret|token|private|credential/i.test(name);

/** Returns the first error of a failed check. */
export function refusedValue({ errors }: ValidateFunction, value: unknown): RefusedValue | undefined {
  const error = errors?.[0];
  if (error === undefined) return undefined;
  const steps = refusedSteps(error);
  const shown = steps.length === 0 || isSecret(error, steps) ? undefined : shownValue(error, value);
  return { path: quoteClient(steps.join('.')), wanted: wanted(error), shown };
}

/** A validation error in one part of a value. */
export interface ValueIssue {
  /** Names and indexes, from the checked value to the part. */
  readonly path: readonly (string | number)[];
  /** The end of a sentence that begins with the name of the part: `is required`, `must be string`. */
  readonly message: string;
  /** A keyword of JSON Schema. */
  readonly keyword: string;
}

/** More issues are of no use to a client. */
const MOST_ISSUES = 100;

/** Returns all errors of a failed check, each once; at most 100. */
export function valueIssues({ errors }: Pick<ValidateFunction, 'errors'>, value: unknown): readonly ValueIssue[] {
  const issues = new Map<string, ValueIssue>();
  for (const error of errors ?? []) {
    if (issues.size === MOST_ISSUES) break;
    const issue = { path: pathOf(refusedSteps(error), value), message: told(error), keyword: error.keyword };
    issues.set(JSON.stringify(issue), issue);
  }
  return [...issues.values()];
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

function wanted({ keyword, params, message = 'is not valid' }: ErrorObject): string {
  if (keyword === 'additionalProperties') return 'additional properties are not allowed';
  if (keyword === 'required') return 'it is required';
  if (keyword === 'enum') return `must be one of ${quoteClient(JSON.stringify(params.allowedValues))}`;
  if (keyword === 'const') return `must be ${quoteClient(JSON.stringify(params.allowedValue))}`;
  return message;
}

function isSecret({ parentSchema, keyword }: ErrorObject, steps: readonly string[]): boolean {
  const own = parentSchema as Readonly<Record<string, unknown>> | undefined;
  return keyword === 'required' || own?.writeOnly === true || steps.some(isSecretName);
}

function shownValue(error: ErrorObject, value: unknown): string {
  const { keyword, params, propertyName } = error;
  const steps = keyword === 'additionalProperties' ? [...stepsTo(error), params.additionalProperty] : stepsTo(error);
  const refused = steps.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[String(step)], value);
  return jsonShown(propertyName ?? refused);
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
export function jsonShown(value: unknown): string {
  try {
    return quoteClient(
      JSON.stringify(value, (name, inner: unknown) => (isSecretName(name) ? '…' : inner)) ?? 'undefined',
    );
  } catch {
    // JSON may be nested too deeply to stringify.
    return 'too deep to be shown';
  }
}
