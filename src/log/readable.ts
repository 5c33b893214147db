/**
 * Log lines as text for people at a terminal.
 */
import { createRequire } from 'node:module';
import { ignoreErrors } from '../errors/index.js';
import { printable, printableLines } from '../text/index.js';

/** Name of the field before diagnostics, each of which has its severity. */
const DOUBLE = /\n {4}error: (?=(?:.*?: )?(?:error|warning): )/;

/**
 * Returns a function that makes text of a JSON line; undefined without pino-pretty. `levels`: all levels by name.
 * The package is optional and loaded on demand: only a terminal needs it, and it takes longer to load than pino itself.
 */
export function readable(levels: Readonly<Record<string, number>>): ((line: string) => string) | undefined {
  const require = createRequire(import.meta.url);
  if (ignoreErrors(() => require.resolve('pino-pretty')) === undefined) return undefined;
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
  return (line) =>
    pretty(JSON.parse(line, asShown) as object)
      ?.replace(' \n', '\n')
      .replace(DOUBLE, '\n    ') ?? '';
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
