/**
 * Common parts of commands: their declaration, their values, and their output.
 */
import { relative } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../config/internal.js';
import { didYouMean, nearestOrAll, type Origin } from '../errors/index.js';
import { printable, printableJson, printableLines } from '../text/index.js';
import { addConfigurationOptions } from './command-line.js';

/** Adds a command that reads a configuration to another command. `line`: the example at the end of its help. */
export function addCommand(parent: Command, words: string, description: string, line: string): Command {
  return addConfigurationOptions(parent.command(words).description(description).addHelpText('after', example(line)));
}

/** Returns the example at the end of a command's help. */
export const example = (line: string): string => `\nExample:\n  ${line}`;

/** Returns a parser that accepts only these words; another word is a usage error with the nearest one. */
export function choice<T extends string>(option: string, words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new UsageError(`${option} must be one of ${words.join(', ')}; got ${text}`, didYouMean(text, words));
  };
}

/** Returns a parser of decimal digits, `min` or more; anything else is a usage error. */
export function wholeNumber(option: string, min = 0): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text) && Number(text) >= min) return Number(text);
    throw new UsageError(`${option} must be a whole number${min === 0 ? '' : ` of at least ${min}`}; got ${text}`);
  };
}

/** Returns a usage error for an unknown name, with the nearest of `names`, or all of them after `label`. */
export function unknownName(message: string, wanted: string, names: readonly string[], label: string): UsageError {
  return new UsageError(message, nearestOrAll(wanted, names, label));
}

/** Prints a document, or its text; control characters, which may come from elsewhere, are escaped. */
export function print(args: { readonly json?: boolean }, document: unknown, text: () => string): void {
  const printed = args.json === true ? printableJson(JSON.stringify(document, undefined, 2)) : printableLines(text());
  process.stdout.write(`${printed}\n`);
}

/** Returns rows with aligned columns; a line end in a cell, which may come from elsewhere, adds no row. */
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

/** Returns file and line, relative to the working directory; `-` if there is no file. */
export function placeText(origin: Origin | undefined): string {
  return origin === undefined ? '-' : `${relative('', origin.file)}:${origin.line}`;
}
