/**
 * Two orders of arguments for a log line: Portico's, with the message before its fields, and pino's, with an error or
 * the fields first, and values for the placeholders of the message; and the fields of errors.
 */
import { isNativeError } from 'node:util/types';
import { ignoreErrors } from '../errors/index.js';
import { maskUris } from '../text/index.js';

/** Fields of a log line, as JSON values; an Error may be the value of `err` or of any other field. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes one line. Declared as a method, so that an application's logger may implement only one of the orders. */
export type LogMethod = LineWriter['write'];

interface LineWriter {
  /** The message and its fields: a single plain object after a message never fills a placeholder. */
  write(message: string, fields?: LogFields): void;
  /**
   * The message with placeholders: `%s`, `%d`, `%i`, `%f`, `%j`, `%o`, `%O`, and `%%` for a percent sign. Values
   * without a placeholder are kept: an error becomes the line's `err`, an object at the end its fields, others are
   * appended to the message.
   */
  write(message: string, ...values: unknown[]): void;
  /** pino's order: an error or fields, the message, and its values. The default message is that of the error. */
  write(fields: unknown, ...rest: unknown[]): void;
}

const PLACEHOLDER = /%[sdifjoO%]/g;

/** Parts of one line. */
export type LineParts = readonly [fields: LogFields, message: string];

/** Returns the parts of a line from the arguments of a {@link LogMethod}. Rethrows errors of getters. */
export function lineParts(first: unknown, rest: readonly unknown[]): LineParts {
  if (typeof first === 'string') {
    if (rest.length === 0) return [{}, first];
    if (rest.length === 1 && (rest[0] === undefined || isPlain(rest[0]))) return [rest[0] ?? {}, first];
    return filled({}, first, rest);
  }
  if ((first === undefined || first === null) && rest.length > 0) return lineParts(rest[0], rest.slice(1));
  if (typeof first !== 'object' || first === null) return lineParts(String(first), rest);
  const fields = isError(first) ? { err: first } : factsOf(first);
  const [message, ...values] = rest;
  return typeof message === 'string' ? filled(fields, message, values) : filled(fields, '', rest);
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

function filled(fields: LogFields, message: string, values: readonly unknown[]): LineParts {
  let next = 0;
  const fill = (placeholder: string): string => {
    if (placeholder === '%%') return '%';
    return next < values.length ? shown(placeholder, values[next++]) : placeholder;
  };
  const text = values.length === 0 ? message : message.replace(PLACEHOLDER, fill);
  const err = values.find(isError);
  const left = values.slice(next).filter((value) => value !== err && value !== undefined);
  const more = isFacts(left.at(-1)) ? factsOf(left.pop() as object) : {};
  const { msg, ...all } = { ...(err === undefined ? {} : { err }), ...more, ...fields } as LogFields;
  const whole = [text, ...left.map(asText)].filter((part) => part !== '').join(' ');
  // Without a message, uses that of the fields, else of the error, as pino does.
  if (whole !== '' && msg !== undefined) return [{ ...all, msg }, whole];
  return [all, whole || asText(msg ?? (isError(all.err) ? all.err.message : ''))];
}

/** Reduces requests and responses to the fields that identify them: their headers hold secrets. */
function factsOf(value: object): LogFields {
  try {
    const { method, headers, socket, url, setHeader, statusCode } = value as Record<string, unknown>;
    if (method && headers && socket) return { req: { method, url } };
    if (typeof setHeader === 'function') return { res: { statusCode } };
  } catch {
    // A request has no getter that throws; a getter of a field throws again when the line is written.
  }
  return value as LogFields;
}

function isPlain(value: unknown): value is LogFields {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Returns false for a list, a date or a set, which have no named members. */
function isFacts(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isError(value)) return false;
  return Object.keys(value).length > 0;
}

function shown(placeholder: string, value: unknown): string {
  switch (placeholder) {
    case '%d':
    case '%f':
      return asText(value === null || value === undefined ? value : asNumber(value));
    case '%i':
      return asText(value === null || value === undefined ? value : Math.trunc(asNumber(value)));
    case '%s':
      return asText(value);
    default:
      return json(value) ?? asText(value);
  }
}

/** `Number` throws for a symbol, and only for that. */
function asNumber(value: unknown): number {
  return typeof value === 'symbol' ? Number.NaN : Number(value);
}

function asText(value: unknown): string {
  if (typeof value !== 'object' || value === null || isError(value)) return String(value);
  const own = (value as { toString?: unknown }).toString;
  const said = typeof own === 'function' && own !== Object.prototype.toString && !Array.isArray(value);
  return said ? String(value as Date) : (json(value) ?? '');
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

/** Reports whether JSON would show nothing of a field: it is an error, and the serializer applies to the name `err` only. */
export function isLostError(name: string, value: unknown): boolean {
  return typeof value === 'object' && isError(value) && name !== 'err';
}

/** Returns the fields with their errors as plain data. */
export function withErrors(fields: LogFields): Record<string, unknown> {
  const of = (name: string, value: unknown): unknown => (isLostError(name, value) ? errorFields(value) : value);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, of(name, value)]));
}
