/**
 * Lines of a deployment file that carry their rules, and the comparison of an existing file with them.
 */
import { type Diagnostic, UsageError } from 'portico/extension';
import type { Deployment } from './deployment.js';

/** A key of a file, after the blocks that it is in and dots; its value; its line, from 1. A block is an entry too, and the file is `''`. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** Reports whether a value fits; `wanted`: the generated one. */
export type Fits = (value: string, wanted: string, file: readonly Entry[]) => boolean;

/** A rule for the values of a key in an existing file. */
export interface Rule {
  /** The generated line; undefined: none. */
  readonly text?: string;
  /** The key, unless it is that of the line. */
  readonly key?: string;
  readonly fits: Fits;
  /** The reason; undefined: the comment above, which tells of the generated value. */
  readonly why?: string;
  /** The value of a key that is missing, if that can be. */
  readonly unset?: string | undefined;
  /** Advice in place of the generated line. */
  readonly hint?: string | undefined;
}

/** Generated lines: a string for a line that an existing file need not have. */
export type Lines = readonly (string | Rule | false | Lines)[];

/** Reports a part of a file that does not fit, by its line, from 1. */
export type Tell = (line: number, message: string, hint: string, severity?: 'error' | 'warning') => void;

/** A kind of file. */
export interface DeploymentFile {
  /** Returns the lines for a deployment; with the names that an existing file has chosen. */
  lines(deployment: Deployment, file?: readonly Entry[]): Lines;
  /** Reads a file, as far as it can be read. Without it a file is compared by `diff`. */
  read?(text: string): readonly Entry[];
  /** Tells what is wrong with an existing file; by default the rules of its lines do. */
  check?(text: string, deployment: Deployment, tell: Tell): void;
  /** Returns what an existing file sets beside the configuration files, for a deployment of these files alone. */
  settings?(
    deployment: Deployment,
    file: readonly Entry[],
  ): { readonly env: Readonly<Record<string, string>>; readonly set: readonly string[] };
  /** A file that must be in the working directory for this one. */
  beside?(deployment: Deployment): { readonly name: string; readonly text: string };
  /** Returns further steps that the file requires. */
  warnings?(deployment: Deployment): readonly Omit<Diagnostic, 'severity' | 'code'>[];
}

type Further = Pick<Rule, 'why' | 'unset' | 'hint'>;

/** Returns a line that has to be there, or another that fits. */
export const needs = (text: string, fits: Fits, more?: Further): Rule => ({ text, fits, ...more });

/** Returns a rule without a line, for a key that may be missing. */
export const rule = (key: string, fits: Fits, more?: Further): Rule => ({ key, fits, unset: '', ...more });

export const equal: Fits = (value, wanted) => value === wanted;
export const contains: Fits = (value, wanted) => value.split(/\s+/).includes(wanted);
export const never: Fits = () => false;

export function atLeast(least: number, parse: (value: string) => number): Fits {
  return (value) => !(parse(value) < least);
}

export function oneOf(...values: readonly string[]): Fits {
  return (value) => values.includes(value);
}

export function noneOf(...values: readonly string[]): Fits {
  return (value) => !values.includes(value);
}

/** Returns the last value of a key, or `''`. */
export const lastOf = (file: readonly Entry[], key: string): string =>
  file.findLast((each) => each.key === key)?.value ?? '';

const flat = (lines: Lines): (string | Rule)[] =>
  lines.flatMap((line) => (line === false ? [] : Array.isArray(line) ? flat(line) : (line as string | Rule)));

/** Returns the text of a file. */
export function textOf(lines: Lines): string {
  const all = flat(lines).flatMap((line) => (typeof line === 'string' ? line : (line.text ?? [])));
  // Options refuse line breaks in paths, but the name of a folder may have them: it would add lines to the file.
  const broken = all.find((text) => /[\r\n]/.test(text));
  if (broken === undefined) return all.join('\n');
  throw new UsageError(
    `a line would have a line break in the middle: ${JSON.stringify(broken)}`,
    'Rename the folder, or change the value.',
  );
}

/** A kind of file that can be checked. */
export interface CheckedFile extends DeploymentFile {
  read(text: string): readonly Entry[];
}

/** Tells which keys of an existing file do not fit a deployment. */
export function compare(kind: CheckedFile, text: string, deployment: Deployment, tell: Tell): void {
  const file = kind.read(text);
  const lines = flat(kind.lines(deployment, file));
  const written = textOf(lines).split('\n');
  const generated = kind.read(written.join('\n')).filter(({ key }) => key !== '');
  const lacking = new Set<string>();
  for (const [at, line] of lines.entries()) {
    if (typeof line === 'string') continue;
    const above = textOf(lines.slice(0, at + 1)).split('\n');
    const same = generated.filter((each) =>
      line.key === undefined ? each.line === above.length : each.key === line.key,
    );
    const write = same[0] && `Write: ${written[same[0].line - 1]!.trim()}`;
    const comment = above.findLast((each) => /^\s*#/.test(each))?.replace(/^[\s#]*|\.$/g, '');
    const wanted = line.key === undefined ? same : [{ key: line.key, value: same[0]?.value ?? '' }];
    for (const { key, value } of wanted) {
      const why = line.why === undefined ? `, not ${shown(value)}: ${comment}` : `: ${line.why}`;
      for (const wrong of misfits(file, key, value, line, lacking)) {
        // A block has no value to show.
        const isBlock = wrong.value === '' && file.some((each) => each.key.startsWith(`${key}.`));
        tell(
          wrong.line,
          `${key}${isBlock ? '' : ` is ${shown(wrong.value)}`}${why}`,
          line.hint ?? write ?? 'Leave it out.',
        );
      }
    }
  }
}

const shown = (value: string): string =>
  value.length > MOST_SHOWN ? `${value.slice(0, MOST_SHOWN)}…` : value || 'missing';

/** Number of characters of a value in a message. */
const MOST_SHOWN = 60;

/** Returns the values that do not fit. Of the keys of a block that is missing, the first is one. */
function misfits(
  file: readonly Entry[],
  key: string,
  wanted: string,
  { fits, unset }: Rule,
  lacking: Set<string>,
): readonly Entry[] {
  let given = file.filter((each) => each.key === key);
  if (given.length === 0) {
    const blocks = [...key.matchAll(/\./g)].map(({ index }) => key.slice(0, index));
    const lost = blocks.find((block) => !file.some((each) => each.key === block));
    if (lost !== undefined && (unset !== undefined || lacking.has(lost))) return [];
    lacking.add(lost ?? key);
    const { line } = file.findLast((each) => each.key === '' || blocks.includes(each.key))!;
    given = [{ key, value: unset ?? '', line }];
  }
  return given.filter(({ value }) => !fits(value, wanted, file));
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  sec: 1,
  m: 60,
  min: 60,
  h: 3600,
  hr: 3600,
  d: 86_400,
};

/** Parses a time as in systemd.time(7), in seconds: `90`, `1min 30s`, `1m30s`; a number without a unit is in seconds. */
export function secondsOf(text: string): number {
  let seconds = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)\s*([a-z]*)/g)) {
    seconds += Number(number) * (UNITS[unit === '' ? 's' : unit!] ?? 1);
  }
  return seconds;
}
