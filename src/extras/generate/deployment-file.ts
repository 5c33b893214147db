/**
 * A kind of deployment file: its lines, and what it needs beside it. An existing file is compared with `diff`.
 */

import { type Diagnostic, UsageError } from 'portico/extension';
import type { Deployment } from './deployment.js';

/** Generated lines. */
export type Lines = readonly (string | false | Lines)[];

/** A kind of file. */
export interface DeploymentFile {
  lines(deployment: Deployment): Lines;
  /** A file that must be in the working directory for this one. */
  beside?(deployment: Deployment): { readonly name: string; readonly text: string };
  /** Returns further steps that the file requires. */
  warnings?(deployment: Deployment): readonly Omit<Diagnostic, 'severity' | 'code'>[];
}

const flat = (lines: Lines): string[] =>
  lines.flatMap((line) => (line === false ? [] : typeof line === 'string' ? line : flat(line)));

/** Returns the text of a file. */
export function textOf(lines: Lines): string {
  const all = flat(lines);
  // Options refuse line breaks in paths, but the name of a folder may have them: it would add lines to the file.
  const broken = all.find((text) => /[\r\n]/.test(text));
  if (broken === undefined) return all.join('\n');
  throw new UsageError(
    `a line would have a line break in the middle: ${JSON.stringify(broken)}`,
    'Rename the folder, or change the value.',
  );
}
