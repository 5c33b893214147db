/** Option types that hold numbers, plain or with a unit: sizes (`10M`), durations (`90s`, `2h`, `3d`); and the boolean type. */
import { type Declare, declareType, InvalidValue } from './option.js';

/** Lower and upper bound, both inclusive. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** Bounds, or the only accepted values. */
export interface NumberSpec extends Bounds {
  readonly choices?: readonly number[];
}

/** A whole number with an optional sign; must be a safe integer. An empty value means the default. */
export const integer: Declare<number, NumberSpec> = declareType('integer', 'min max choices', (spec: NumberSpec) => ({
  kind: 'number',
  plain: true,
  parse: (text) => within(spec, wholeNumber(text)),
}));

/** A decimal number, with exponent if need be; neither `nan` nor `inf`. An empty value means the default. */
export const float: Declare<number, NumberSpec> = declareType('float', 'min max choices', (spec: NumberSpec) => ({
  kind: 'number',
  plain: true,
  parse: (text) => {
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text.trim())) throw new InvalidValue('should be a number');
    const value = Number(text);
    if (!Number.isFinite(value)) throw new InvalidValue('should be a number that a double can represent');
    return within(spec, value);
  },
}));

/** A TCP port, 0 to 65535. An empty value means the default. */
export const port: Declare<number, NumberSpec> = declareType('port', 'min max choices', (spec: NumberSpec) => ({
  kind: 'number',
  plain: true,
  parse: (text) => within({ ...spec, min: spec.min ?? 0, max: spec.max ?? 65_535 }, wholeNumber(text)),
}));

const yes = new Set(['true', '1', 'yes', 'on']);
const no = new Set(['false', '0', 'no', 'off']);

/** `true 1 yes on` or `false 0 no off`, in any case. An empty value is refused. */
export const boolean: Declare<boolean, object> = declareType('boolean', '', () => ({
  kind: 'boolean',
  plain: true,
  empty: 'refused',
  parse: (text) => {
    const word = text.trim().toLowerCase();
    if (yes.has(word)) return true;
    if (no.has(word)) return false;
    throw new InvalidValue('should be a boolean: true, 1, yes, on, false, 0, no or off');
  },
}));

/** Both ends of a range, inclusive. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/** Two whole numbers, `3-7` or `-5-5`, or one that is both ends. An empty value is refused. */
export const range: Declare<NumberRange, Bounds> = declareType('range', 'min max', (spec: Bounds) => ({
  kind: 'object',
  plain: true,
  empty: 'refused',
  format: ({ min, max }) => `${min}-${max}`,
  parse: (text) => {
    const ends = /^\s*(-?\d+)\s*(?:-\s*(-?\d+)\s*)?$/.exec(text);
    if (ends === null) throw new InvalidValue('should be a range such as 3-7');
    const [first = '', second = first] = ends.slice(1);
    const [min, max] = [within(spec, wholeNumber(first)), within(spec, wholeNumber(second))];
    if (min > max) throw new InvalidValue('should be a range whose first number is not above the second');
    return { min, max };
  },
}));

/** Refuses a number outside its bounds or choices; the message names both bounds. */
function within({ min, max, choices }: NumberSpec, value: number, write: (n: number) => string = String): number {
  if (choices !== undefined && !choices.includes(value)) {
    throw new InvalidValue(`should be one of ${choices.map(write).join(', ')}`);
  }
  if ((min === undefined || value >= min) && (max === undefined || value <= max)) return value;
  const ends = [...(min === undefined ? [] : [`≥ ${write(min)}`]), ...(max === undefined ? [] : [`≤ ${write(max)}`])];
  throw new InvalidValue(`should be ${ends.join(' and ')}`);
}

function wholeNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text.trim())) throw new InvalidValue('should be an integer');
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new InvalidValue('should be an integer of at most 53 bits');
  return value;
}

const sizes: Readonly<Record<string, number>> = { K: 1, M: 2, G: 3, T: 4, P: 5 };

/**
 * A size in bytes: a whole number, alone or with `B`, `K KiB M MiB G GiB T TiB P PiB` (powers of 1024) or `KB MB GB TB PB` (powers of
 * 1000), as in the GNU tools. The value is a number of bytes.
 */
export const bytes: Declare<number, Bounds> = declareType('bytes', 'min max', (spec: Bounds) => ({
  kind: 'number',
  plain: true,
  parse: (text) => {
    const parts = /^([+-]?\d+)\s*(?:([KMGTP])(iB|B)?|B)?$/i.exec(text.trim());
    if (parts === null)
      throw new InvalidValue('should be a size: a whole number of bytes, or one with K, KiB, KB, M, …');
    const base = parts[3]?.toUpperCase() === 'B' ? 1000 : 1024;
    const value = Number(parts[1]) * base ** (sizes[parts[2]?.toUpperCase() ?? ''] ?? 0);
    if (!Number.isSafeInteger(value)) throw new InvalidValue('should be a size below 8 PiB');
    return within(spec, value);
  },
}));

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A unit of time. */
export type DurationUnit = keyof typeof milliseconds;

/** Bounds are in `unit`, as are the default and the value. */
export interface DurationSpec extends Bounds {
  /** Unit of a bare number and of the value. Default `s`; the name of an option in `ms` contains the unit. */
  readonly unit?: DurationUnit;
}

/** Node fires a timer with a delay above this after 1 ms. */
const longestTimerMs = 2_147_483_647;

/**
 * A duration: a whole or decimal number, alone or with `ms s m h d`. The value is a number **in the option's `unit`, seconds by default**,
 * fractions included. Without a `max`, an option accepts up to the longest timer of Node, 24.8 days.
 */
export const duration: Declare<number, DurationSpec> = declareType('duration', 'min max unit', (spec: DurationSpec) => {
  const unit = spec.unit ?? 's';
  const bounds = {
    min: spec.min ?? 0,
    max: spec.max ?? longestTimerMs / milliseconds[unit],
  };
  return {
    kind: 'number',
    plain: true,
    parse: (text) => {
      const parts = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*(ms|s|m|h|d)?$/i.exec(text.trim());
      if (parts === null) throw new InvalidValue('should be a duration: a number, alone or with ms, s, m, h or d');
      const written = (parts[2]?.toLowerCase() ?? unit) as DurationUnit;
      // Multiplied before it is divided: 60 s are exactly 1 m, and 250 ms exactly 0.25 s.
      const value =
        written === unit ? Number(parts[1]) : (Number(parts[1]) * milliseconds[written]) / milliseconds[unit];
      return within(bounds, value, (n) => `${n} ${unit}`);
    },
  };
});
