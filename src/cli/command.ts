/**
 * Common parts of commands: their declaration, their values, and the output of their results.
 */
import { relative } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../config/internal.js';
import { didYouMean, nearestOrAll, type Origin } from '../errors/index.js';
import { printable, printableJson, printableLines } from '../text/index.js';
import { addConfigurationOptions } from './command-line.js';

/** Adds a command that reads a configuration to another one. `line` is the example at the end of its help. */
export function addCommand(parent: Command, words: string, description: string, line: string): Command {
  return addConfigurationOptions(parent.command(words).description(description).addHelpText('after', example(line)));
}

/** The example at the end of a command's help. */
export const example = (line: string): string => `\nExample:\n  ${line}`;

/** A parser that takes these words and nothing else, and completion offers; a wrong one is a usage error with the nearest. */
export function choice<T extends string>(
  option: string,
  words: readonly T[],
): ((text: string) => T) & { readonly words: readonly T[] } {
  const parse = (text: string): T => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new UsageError(`${option} is one of ${words.join(', ')}, not ${text}`, didYouMean(text, words));
  };
  return Object.assign(parse, { words });
}

/** A parser of decimal digits, `min` or more; anything else is a usage error. */
export function wholeNumber(option: string, min = 0): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text) && Number(text) >= min) return Number(text);
    throw new UsageError(`${option} is a whole number${min === 0 ? '' : ` of at least ${min}`}, not ${text}`);
  };
}

/** A usage error for a name that is not there, with the nearest that is. */
export function unknownName(message: string, wanted: string, names: readonly string[]): UsageError {
  return new UsageError(message, nearestOrAll(wanted, names));
}

/** Prints a document, or the text that stands for it; control characters, which may be of others, as escapes. */
export function print(args: { readonly json?: boolean }, document: unknown, text: () => string): void {
  const printed = args.json === true ? printableJson(JSON.stringify(document, undefined, 2)) : printableLines(text());
  process.stdout.write(`${printed}\n`);
}

/** Rows with their columns aligned; a line end in a cell, which may be of others, makes no further row. */
export function columns(table: readonly (readonly string[])[]): string[] {
  const rows = table.map((row) => row.map(printable));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** File and line, as seen from the working directory; `-` for what is in no file. */
export function placeText(origin: Origin | undefined): string {
  return origin === undefined ? '-' : `${relative('', origin.file)}:${origin.line}`;
}
