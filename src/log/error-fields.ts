/**
 * What a line of the log has of an error.
 */
import { isNativeError } from 'node:util/types';
import { maskUris } from '../text/index.js';

/** True for errors of another realm as well, as of `node:vm`. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value);
}

/**
 * An error in the form of pino's serializer: its kind, its message and stack with those of its causes, and its own facts, errors
 * among these included. Passwords of URIs are masked. Any other value as it is.
 */
export function errorFields(error: unknown, above: readonly unknown[] = []): unknown {
  if (!isError(error)) return error;
  // It is shown already, around this place.
  if (above.includes(error)) return undefined;
  const around = [...above, error];
  const chain = causesOf(error);
  const { errors, cause: _, ...facts } = error as { errors?: unknown; cause?: unknown };
  const several = Array.isArray(errors) ? { aggregateErrors: errors.map((each) => errorFields(each, around)) } : {};
  return {
    type: error.constructor?.name ?? error.name,
    message: maskUris(chain.map((each) => each.message).join(': ')),
    stack: maskUris(chain.map((each) => each.stack).join('\ncaused by: ')),
    ...several,
    ...Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, errorFields(value, around)])),
  };
}

function causesOf(error: Error): readonly Error[] {
  const chain = new Set<Error>();
  for (let each: unknown = error; isError(each) && !chain.has(each); each = each.cause) chain.add(each);
  return [...chain];
}
