/**
 * Arguments of a log line, in pino's order: an error or fields, the message, and values for its placeholders; and the fields of errors.
 */
import { format } from 'node:util';
import { isNativeError } from 'node:util/types';
import { ignoreErrors } from '../errors/index.js';
import { withSourceLines } from '../process/index.js';
import { maskUris } from '../text/index.js';

/** Fields of a log line, as JSON values; an Error may be the value of `err` or of any other field. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes one line. Declared as a method, so that functions with fewer parameters fit. */
export type LogMethod = LineWriter['write'];

interface LineWriter {
  /**
   * The message, with values for its placeholders (`util.format`: `%s`, `%d`, `%j`, …). Values without a placeholder are appended; an
   * error among them is the `err` of the line too.
   */
  write(message: string, ...values: unknown[]): void;
  /** An error or fields before the message and its values. Default message: that of the error. */
  write(fields: unknown, ...rest: unknown[]): void;
}

/** Parts of one line. */
export type LineParts = readonly [fields: LogFields, message: string];

/** Returns the parts of a line from the arguments of a {@link LogMethod}. Rethrows errors of getters. */
export function lineParts(first: unknown, rest: readonly unknown[]): LineParts {
  if (typeof first === 'string' && rest.length === 0) return [{}, first];
  const isFields = typeof first === 'object' && first !== null;
  const given: LogFields = !isFields ? {} : isError(first) ? { err: first } : factsOf(first);
  const [message, ...values] = isFields ? rest : [first, ...rest];
  const err = given.err === undefined ? rest.find(isError) : undefined;
  const fields = err === undefined ? given : { err, ...given };
  if (!isFields || (message !== undefined && !isError(message)))
    return [
      fields,
      typeof message === 'string' && values.length === 0 ? message : maskUris(format(message, ...values.map(shown))),
    ];
  // Without a message, uses that of the fields, else of the error, as pino does.
  const { msg = isError(fields.err) ? fields.err.message : '', ...others } = fields;
  return [others, String(msg)];
}

/** Errors as their names and messages; their stacks are in `err`. */
function shown(value: unknown): unknown {
  if (isError(value)) return String(value);
  return typeof value === 'object' && value !== null ? factsOf(value) : value;
}

/**
 * Returns the parts of a line that could not be written: its texts, the fields that are texts and numbers, and the
 * reason.
 */
export function readableParts(args: readonly unknown[], why: unknown): LineParts {
  const facts: Record<string, unknown> = {
    unreadable: ignoreErrors(() => String(why)) ?? 'what threw cannot be shown',
  };
  for (const value of args) {
    const names = ignoreErrors(() => (isPlain(value) ? Object.keys(value) : [])) ?? [];
    for (const name of names) {
      const fact = ignoreErrors(() => (value as LogFields)[name]);
      if (isText(fact)) facts[name] = fact;
    }
  }
  return [facts, args.filter((value) => isText(value)).join(' ')];
}

function isText(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Reduces requests and responses to the fields that identify them, also as members: their headers hold secrets. */
function factsOf(value: object): LogFields {
  const reduced = reducedOf(value);
  if (reduced !== undefined) return reduced.req === undefined ? { res: reduced.res } : { req: reduced.req };
  const members = isPlain(value)
    ? Object.keys(value).flatMap((name) => {
        const member = ignoreErrors(() => value[name]);
        const kept = typeof member === 'object' && member !== null ? reducedOf(member) : undefined;
        return kept === undefined ? [] : [[name, kept.req ?? kept.res] as const];
      })
    : [];
  return members.length === 0 ? (value as LogFields) : { ...(value as LogFields), ...Object.fromEntries(members) };
}

function reducedOf(value: object): { readonly req?: object; readonly res?: object } | undefined {
  try {
    const { method, headers, socket, url, setHeader, statusCode } = value as Record<string, unknown>;
    if (method && headers && socket) return { req: { method, url } };
    if (typeof setHeader === 'function') return { res: { statusCode } };
  } catch {
    // A request has no getter that throws; a getter of a field throws again when the line is written.
  }
  return undefined;
}

function isPlain(value: unknown): value is LogFields {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Returns the JSON of a value; undefined if it has none, such as an object that contains itself. The line is written
 * regardless.
 */
export function json(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_name, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
  } catch (error) {
    return JSON.stringify(`[not JSON: ${String(error).split('\n', 1)[0]}]`);
  }
}

/** Reports whether a value is an error, also of another realm, such as `node:vm`. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value);
}

/**
 * Returns an error in the form of pino's serializer: type, message and stack with those of its causes, and its own
 * fields, including errors among these. Passwords in URIs are masked. Returns other values unchanged.
 */
export function errorFields(error: unknown, above: readonly unknown[] = []): unknown {
  if (!isError(error)) return error;
  // It is already shown at an outer level.
  if (above.includes(error)) return undefined;
  const around = [...above, error];
  const chain = causesOf(error);
  const { errors, cause: _, ...facts } = error as { errors?: unknown; cause?: unknown };
  const several = Array.isArray(errors) ? { aggregateErrors: errors.map((each) => errorFields(each, around)) } : {};
  return {
    type: error.constructor?.name ?? error.name,
    message: maskUris(chain.map((each) => each.message).join(': ')),
    stack: maskUris(withSourceLines(chain.map((each) => each.stack).join('\ncaused by: '))),
    ...several,
    ...Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, errorFields(value, around)])),
  };
}

function causesOf(error: Error): readonly Error[] {
  const chain = new Set<Error>();
  for (let each: unknown = error; isError(each) && !chain.has(each); each = each.cause) chain.add(each);
  return [...chain];
}

/** Reports whether JSON would show nothing of a field: it is an error, and the serializer applies to the name `err` only. */
export function isLostError(name: string, value: unknown): boolean {
  return typeof value === 'object' && isError(value) && name !== 'err';
}

/** Returns the fields with their errors as plain data. */
export function withErrors(fields: LogFields): Record<string, unknown> {
  const of = (name: string, value: unknown): unknown => (isLostError(name, value) ? errorFields(value) : value);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, of(name, value)]));
}
