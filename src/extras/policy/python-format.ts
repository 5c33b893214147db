/**
 * Python's `%` formatting of a text with a mapping, as in `project_id:%(project_id)s`. Rules use `%(name)s`; the other conversions are
 * there because a file may have them.
 */
import { codeEscape, exponentText, pythonRepr, pythonText } from './python-text.js';

/** A text that cannot be formatted: the reference raises a ValueError or a TypeError each time. */
export class FormatError extends Error {}

/** A conversion of a format: `%(size)08.3f` has key, flags, width and precision. */
interface Conversion {
  readonly key: string | undefined;
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly type: string;
}

/** Parts of a format in their order: a text, a conversion, or the error that is raised when formatting comes that far. */
type Part = string | Conversion | FormatError;

/** A parsed format. */
export type Format = readonly Part[];

const CONVERSION = /([-#0 +]*)(\d*)(?:\.(\d*))?[hlL]?(.?)/suy;

/** Parses a format. It never throws: what is wrong is a part. */
export function parseFormat(text: string): Format {
  const parts: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const percent = text.indexOf('%', at);
    if (percent !== at) parts.push(text.slice(at, percent < 0 ? undefined : percent));
    if (percent < 0) break;
    const end = keyEnd(text, percent + 1);
    if (end === undefined) return [...parts, new FormatError(`"${text.slice(percent)}" lacks a closing bracket`)];
    CONVERSION.lastIndex = end;
    const [whole, flags, width, precision, type] = CONVERSION.exec(text)!;
    at = end + whole.length;
    const shown = text.slice(percent, at);
    if (type === '') return [...parts, new FormatError(`"${shown}" ends before the letter of its conversion`)];
    if (type === '%') parts.push('%');
    else if (!'sradiuoxXcfFeEgG'.includes(type!)) {
      return [...parts, new FormatError(`"${shown}" is no conversion: write %(name)s, or %% for a percent sign`)];
    } else {
      parts.push({
        key: end === percent + 1 ? undefined : text.slice(percent + 2, end - 1),
        flags: flags!,
        width: Number(width),
        precision: precision === undefined ? undefined : Number(precision),
        type: type!,
      });
    }
  }
  return parts;
}

/** Returns the index after a key in brackets, which may have brackets inside; undefined if it does not end. */
function keyEnd(text: string, start: number): number | undefined {
  if (text[start] !== '(') return start;
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return at + 1;
  }
  return undefined;
}

/** Returns the first error of a format, whatever the target has. */
export function formatProblem(format: Format): string | undefined {
  const wrong = format.find((part) => part instanceof FormatError);
  return wrong instanceof FormatError ? wrong.message : undefined;
}

/**
 * Returns the formatted text; undefined if the target lacks a key. Throws a {@link FormatError} for what is wrong before that key, in the
 * format or for the value.
 */
export function formatWith(format: Format, target: Readonly<Record<string, unknown>>): string | undefined {
  let text = '';
  let takesWhole = true;
  for (const part of format) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    if (part instanceof FormatError) throw part;
    const { key } = part;
    if (key !== undefined && !Object.hasOwn(target, key)) return undefined;
    // A conversion without a key formats the whole mapping, once.
    if (key === undefined && !takesWhole) throw new FormatError(`"%${part.type}" needs a name: %(name)${part.type}`);
    takesWhole = false;
    text += converted(part, key === undefined ? target : target[key]);
  }
  return text;
}

function converted(conversion: Conversion, value: unknown): string {
  const { type, flags, width, precision } = conversion;
  if ('sra'.includes(type)) {
    const whole = type === 's' ? pythonText(value) : pythonRepr(value);
    const text = type === 'a' ? whole.replace(/[^\0-\x7f]/gu, (each) => codeEscape(each.codePointAt(0)!)) : whole;
    return padded(precision === undefined ? text : Array.from(text).slice(0, precision).join(''), width, flags);
  }
  if (type === 'c' && typeof value === 'string' && Array.from(value).length === 1) return padded(value, width, flags);
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number !== 'number' || (type === 'c' && !Number.isInteger(number))) {
    throw new FormatError(`"%(${conversion.key ?? ''})${type}" needs a number, not ${pythonRepr(value)}`);
  }
  if (type === 'c') return padded(String.fromCodePoint(number), width, flags);
  const digits = 'diuoxX'.includes(type) ? integerDigits(conversion, number) : floatDigits(conversion, number);
  const sign = number < 0 ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  if (!flags.includes('0') || flags.includes('-')) return padded(sign + digits, width, flags);
  const [, prefix, rest] = /^(0[xXo])?(.*)$/s.exec(digits)!;
  const before = sign + (prefix ?? '');
  return before + rest!.padStart(width - before.length, '0');
}

function padded(text: string, width: number, flags: string): string {
  const missing = ' '.repeat(Math.max(0, width - Array.from(text).length));
  return flags.includes('-') ? text + missing : missing + text;
}

function integerDigits({ type, flags, precision = 0 }: Conversion, value: number): string {
  const isDecimal = 'diu'.includes(type);
  if (!Number.isFinite(value) || (!isDecimal && !Number.isInteger(value))) {
    throw new FormatError(`"%${type}" needs a whole number, not ${pythonRepr(value)}`);
  }
  const base = isDecimal ? 10 : type === 'o' ? 8 : 16;
  const digits = BigInt(Math.trunc(Math.abs(value)))
    .toString(base)
    .padStart(precision, '0');
  const shown = type === 'X' ? digits.toUpperCase() : digits;
  return flags.includes('#') && !isDecimal ? `0${type}${shown}` : shown;
}

function floatDigits({ type, flags, precision = 6 }: Conversion, value: number): string {
  const isUpper = type === type.toUpperCase();
  const text = ((): string => {
    const size = Math.abs(value);
    if (!Number.isFinite(size)) return Number.isNaN(size) ? 'nan' : 'inf';
    const kind = type.toLowerCase();
    if (kind === 'f') return size.toFixed(Math.min(precision, 100));
    const exponential = (digits: number): readonly [string, number] => {
      const [mantissa, power] = size.toExponential(Math.min(digits, 100)).split('e') as [string, string];
      return [mantissa, Number(power)];
    };
    if (kind === 'e') {
      const [mantissa, power] = exponential(precision);
      return `${mantissa}e${exponentText(power)}`;
    }
    const significant = Math.max(precision, 1);
    const [mantissa, power] = exponential(significant - 1);
    const short = (digits: string): string =>
      flags.includes('#') || !digits.includes('.') ? digits : digits.replace(/\.?0+$/, '');
    if (power >= -4 && power < significant) return short(size.toFixed(significant - 1 - power));
    return `${short(mantissa)}e${exponentText(power)}`;
  })();
  return isUpper ? text.toUpperCase() : text;
}
