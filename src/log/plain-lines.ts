/**
 * Lines of the log without pino: for a process that could not load it, as when no file can be opened any more.
 */
import { errorFields } from './error-fields.js';

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
