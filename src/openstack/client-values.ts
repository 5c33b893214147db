/**
 * Values that clients send and read: booleans, regular expressions, and times (ISO 8601).
 */
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { Fault, quoteClient } from '../app/index.js';

/** As oslo's `bool_from_string` reads them, strictly. */
const [YES, NO] = [/^\s*(?:1|t|true|on|y|yes)\s*$/i, /^\s*(?:0|f|false|off|n|no)\s*$/i];

/** Reads a client's flag: `true`, `1`, `on`, `yes`, `no` and so on, in any case. Throws a `Fault` 400 for anything else. */
export function clientFlag(text: string, { name = 'flag' }: { readonly name?: string } = {}): boolean {
  if (YES.test(text)) return true;
  if (NO.test(text)) return false;
  throw new Fault(400, { message: `Invalid ${name} filter [${quoteClient(text)}]` });
}

/** Limits of a client's expression. */
export interface ClientPatternOptions {
  /** Name of the parameter, for the fault. Default `pattern`. */
  readonly name?: string;
  /** Its longest text, in characters. Default 255. */
  readonly maxLength?: number;
}

/** How large an expression may be once its repetitions are written out, in steps of its program. */
const MOST_STEPS = 1000;
/** All its counts of repetition multiplied: what is larger takes too long to be written out. */
const MOST_REPETITIONS = 10_000;

/**
 * A search for a client's regular expression anywhere in a text, in RE2's syntax: Perl's without look-around and back
 * references. A search takes time by the length of the text, whatever the expression. Throws a `Fault` 400 for one that is
 * too long; the search throws it for one that is invalid, or repeats too often.
 */
export function clientPattern(pattern: string, options: ClientPatternOptions = {}): (text: string) => boolean {
  const { name = 'pattern', maxLength = 255 } = options;
  if (pattern.length > maxLength) throw new Fault(400, { message: `${name} is longer than ${maxLength} characters` });
  let expression: RE2JS | undefined;
  return (text) => {
    expression ??= compiled(pattern, name);
    return expression.test(text);
  };
}

/** The engine is loaded with the first pattern, in 20 ms: a start does not pay for what few clients send. */
function compiled(pattern: string, name: string): RE2JS {
  const { RE2JS: Engine } = createRequire(import.meta.url)('re2js') as typeof import('re2js');
  try {
    if (repetitions(pattern) > MOST_REPETITIONS) throw new Error('it repeats too often');
    const expression = Engine.compile(pattern);
    if (expression.programSize() > MOST_STEPS) throw new Error('it is too large');
    return expression;
  } catch (cause) {
    throw new Fault(400, { message: `${name} is not a regular expression, or takes too long`, cause });
  }
}

function repetitions(pattern: string): number {
  let product = 1;
  for (const [, least = '', most] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g))
    product *= Math.max(1, Number(most || least));
  return product;
}

/** `2013-07-23T11:33:21Z`. */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** `2013-07-23T11:33:21.000000`: to the microsecond, in UTC without saying so. */
export function isoMicros(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000`;
}

/** As Python's iso8601 reads them: from the year alone to fractions of a second, with or without dashes and colons. */
const TIME = new RegExp(
  '^(?<year>\\d{4})(?:(?:-(?<month>\\d\\d?)|(?<plainMonth>\\d\\d)(?!$))' +
    '(?:(?:-(?<day>\\d\\d?)|(?<plainDay>\\d\\d))' +
    '(?:[ T](?<hour>\\d\\d)(?::?(?<minute>\\d\\d))?(?::?(?<second>\\d\\d?)(?:[.,](?<fraction>\\d+))?)?' +
    '(?:Z|(?<sign>[+-])(?<zoneHour>\\d\\d):?(?<zoneMinute>\\d\\d)?)?)?)?)?$',
);

/**
 * A client's time in milliseconds; UTC where it names no zone. ISO 8601: `2013-07-23T11:33:21Z`, `20130723T113321+0200`,
 * `2013-07-23`. Throws a `Fault` 400 for any other text, and for a day that does not exist.
 */
export function clientTime(text: string): number {
  const parts = TIME.exec(text)?.groups;
  const number = (name: string): number => Number(parts?.[name] ?? 0);
  const month = Number(parts?.month ?? parts?.plainMonth ?? 1);
  const day = Number(parts?.day ?? parts?.plainDay ?? 1);
  const [year, hour, minute, second] = [number('year'), number('hour'), number('minute'), number('second')];
  const [zoneHour, zoneMinute] = [number('zoneHour'), number('zoneMinute')];
  const date = new Date(0);
  // Not Date.UTC, which takes the year 13 for 1913.
  date.setUTCFullYear(year, month - 1, day);
  const isDay = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (parts === undefined || !isDay || hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59) {
    throw new Fault(400, { message: `Invalid time: ${quoteClient(text)}` });
  }
  const zone = (zoneHour * 60 + zoneMinute) * (parts.sign === '-' ? -1 : 1);
  const ms = Math.floor(Number(`0.${parts.fraction ?? 0}`) * 1000);
  return date.setUTCHours(hour, minute - zone, second, ms);
}
