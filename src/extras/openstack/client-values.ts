/** Reads and formats values of clients: booleans, regular expressions, and times (ISO 8601). */
import { createRequire } from 'node:module';
import { Fault, quoteClient } from 'portico/app';
import type { RE2JS } from 're2js';

/** The words of oslo's `bool_from_string` in strict mode. */
const [YES, NO] = [/^\s*(?:1|t|true|on|y|yes)\s*$/i, /^\s*(?:0|f|false|off|n|no)\s*$/i];

/** Parses a client's flag: `true`, `1`, `on`, `yes`, `no` and so on, in any case. Throws a `Fault` 400 for anything else. */
export function clientFlag(text: string, { name = 'flag' }: { readonly name?: string } = {}): boolean {
  if (YES.test(text)) return true;
  if (NO.test(text)) return false;
  throw new Fault(400, { message: `Invalid ${name} filter [${quoteClient(text)}]` });
}

/** Options of {@link clientPattern}. */
export interface ClientPatternOptions {
  /** Name of the parameter, for the fault. Default `pattern`. */
  readonly name?: string;
  /** Maximum length, in characters. Default 255. */
  readonly maxLength?: number;
}

/** Maximum size of a compiled expression, in compiled steps. */
const MOST_STEPS = 1000;
/** Maximum product of all repetition counts; expanding more takes too long. */
const MOST_REPETITIONS = 10_000;

/**
 * Returns a function that searches a text for a client's regular expression, in RE2's syntax: Perl's without look-around and
 * backreferences. Search time is linear in the length of the text for every expression. Throws a `Fault` 400 if the pattern is too long;
 * the returned function throws it if the pattern is invalid or too large.
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

/** Compiles a pattern. Loads the engine on first use, which takes 20 ms, because few clients send patterns. */
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

/** Formats a time as `2013-07-23T11:33:21Z`. */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Formats a time as `2013-07-23T11:33:21.000000`: microseconds, in UTC without a zone. */
export function isoMicros(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000`;
}

/** The formats of Python's iso8601: from a year to fractions of a second, with or without dashes and colons. */
const TIME = new RegExp(
  '^(?<year>\\d{4})(?:(?:-(?<month>\\d\\d?)|(?<plainMonth>\\d\\d)(?!$))' +
    '(?:(?:-(?<day>\\d\\d?)|(?<plainDay>\\d\\d))' +
    '(?:[ T](?<hour>\\d\\d)(?::?(?<minute>\\d\\d))?(?::?(?<second>\\d\\d?)(?:[.,](?<fraction>\\d+))?)?' +
    '(?:Z|(?<sign>[+-])(?<zoneHour>\\d\\d):?(?<zoneMinute>\\d\\d)?)?)?)?)?$',
);

/**
 * Parses a client's time to milliseconds; UTC if it has no zone. ISO 8601: `2013-07-23T11:33:21Z`, `20130723T113321+0200`, `2013-07-23`.
 * Throws a `Fault` 400 for any other text or a day that does not exist.
 */
export function clientTime(text: string): number {
  const parts = TIME.exec(text)?.groups;
  const number = (name: string): number => Number(parts?.[name] ?? 0);
  const month = Number(parts?.month ?? parts?.plainMonth ?? 1);
  const day = Number(parts?.day ?? parts?.plainDay ?? 1);
  const [year, hour, minute, second] = [number('year'), number('hour'), number('minute'), number('second')];
  const [zoneHour, zoneMinute] = [number('zoneHour'), number('zoneMinute')];
  const date = new Date(0);
  // Not Date.UTC, which reads the year 13 as 1913.
  date.setUTCFullYear(year, month - 1, day);
  const isDay = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (parts === undefined || !isDay || hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59) {
    throw new Fault(400, { message: `Invalid time: ${quoteClient(text)}` });
  }
  const zone = (zoneHour * 60 + zoneMinute) * (parts.sign === '-' ? -1 : 1);
  const ms = Math.floor(Number(`0.${parts.fraction ?? 0}`) * 1000);
  return date.setUTCHours(hour, minute - zone, second, ms);
}
