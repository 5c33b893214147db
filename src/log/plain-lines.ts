/**
 * Lines of the log without pino: for a process that could not load it, as when no file can be opened any more.
 */
import { isNativeError } from 'node:util/types';

type Fields = Readonly<Record<string, unknown>>;

/** What a logger needs of the maker of its lines. */
export interface Lines {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
  notice(fields: Fields, message: string): void;
  child(fields: Fields): Lines;
}

/** The same JSON as pino's, slower: level, time, what every line has, the facts and the message. */
export class PlainLines implements Lines {
  readonly #write: (line: string) => void;
  readonly #base: Fields;
  readonly #facts: () => Fields;

  constructor(write: (line: string) => void, base: Fields, facts: () => Fields) {
    this.#write = write;
    this.#base = base;
    this.#facts = facts;
  }

  debug(fields: Fields, message: string): void {
    this.#line('debug', fields, message);
  }

  info(fields: Fields, message: string): void {
    this.#line('info', fields, message);
  }

  warn(fields: Fields, message: string): void {
    this.#line('warn', fields, message);
  }

  error(fields: Fields, message: string): void {
    this.#line('error', fields, message);
  }

  notice(fields: Fields, message: string): void {
    this.#line('notice', fields, message);
  }

  child(fields: Fields): PlainLines {
    return new PlainLines(this.#write, { ...this.#base, ...fields }, this.#facts);
  }

  #line(level: string, fields: Fields, message: string): void {
    this.#write(plainLine(level, { ...this.#base, ...this.#facts(), ...fields }, message));
  }
}

/** One line with its end. */
export function plainLine(level: string, fields: Fields, message: string): string {
  const all = Object.entries({ level, time: new Date().toISOString(), ...fields, msg: message });
  return `{${all.flatMap(([name, value]) => member(name, errorFields(value))).join(',')}}\n`;
}

/** A member of an object; none for what JSON leaves out. */
function member(name: string, value: unknown): string[] {
  const text = json(value);
  return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
}

/** What JSON has no form for must not cost the line: objects that contain themselves, say. */
export function json(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_name, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
  } catch (error) {
    return JSON.stringify(`[not JSON: ${String(error).split('\n', 1)[0]}]`);
  }
}

/**
 * An error as pino's serializer has it: its kind, its message and stack with those of its causes, and its own facts. Any
 * other value as it is.
 */
export function errorFields(error: unknown): unknown {
  if (!isNativeError(error) && !(error instanceof Error)) return error;
  const chain = causesOf(error);
  const type = error.constructor.name;
  const message = chain.map((each) => each.message).join(': ');
  const stack = chain.map((each) => each.stack).join('\ncaused by: ');
  const { errors } = error as { errors?: unknown };
  const several = Array.isArray(errors) ? { aggregateErrors: errors.map(errorFields) } : {};
  return {
    type,
    message,
    stack,
    ...several,
    ...Object.fromEntries(Object.entries(error).filter(([name]) => name !== 'cause')),
  };
}

function causesOf(error: Error): readonly Error[] {
  const chain = new Set<Error>();
  for (let each: unknown = error; each instanceof Error && !chain.has(each); each = each.cause) chain.add(each);
  return [...chain];
}
