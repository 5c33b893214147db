/**
 * Log lines as text for people at a terminal.
 */
import { createRequire } from 'node:module';
import { printable, printableLines } from '../text/index.js';

/** Name of the field before diagnostics, each of which has its severity. */
const DOUBLE = /\n {4}error: (?=(?:.*?: )?(?:error|warning): )/;

/**
 * Returns a destination for JSON lines that writes each as text to another one. `levels`: all levels by name.
 * pino-pretty is loaded on demand: only a terminal needs it, and it takes longer to load than pino itself.
 */
export function readable(
  destination: { write(line: string): void },
  levels: Readonly<Record<string, number>>,
): { write(line: string): void } {
  const require = createRequire(import.meta.url);
  const { prettyFactory } = require('pino-pretty') as {
    prettyFactory(options: object): (line: object) => string | undefined;
  };
  const pretty = prettyFactory({
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    // With custom levels, it does not know the built-in ones.
    customLevels: levels,
    customPrettifiers: { error: errorText },
  });
  const text = (line: string): string | undefined => pretty(JSON.parse(line, asShown) as object);
  return { write: (line) => destination.write(text(line)?.replace(' \n', '\n').replace(DOUBLE, '\n    ') ?? '') };
}

/** pino-pretty writes most texts as JSON, and these unchanged. */
function asShown(this: { readonly error?: unknown }, name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  // An empty field.
  if (value === '' && name !== 'msg') return undefined;
  if (name === 'stack') return printableLines(value);
  // The error at the end of the message is shown below it.
  if (name === 'msg' && typeof this.error === 'string' && value.endsWith(`: ${this.error}`)) {
    return printable(value.slice(0, -`: ${this.error}`.length));
  }
  return name === 'msg' || name === 'name' ? printable(value) : value;
}

function errorText(value: unknown): string {
  return typeof value === 'string' ? printableLines(value) : JSON.stringify(value, null, 2);
}
