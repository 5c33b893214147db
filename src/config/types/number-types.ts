/** Option types that hold numbers, and the yes-or-no one. */
import { type Declare, declareType } from './declare.js';
import { InvalidValue } from './option.js';

/** Least and greatest value accepted; both inclusive. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** Bounds, or the only values accepted. */
export interface NumberSpec extends Bounds {
  readonly choices?: readonly number[];
}

/** A whole number with an optional sign; must be a safe integer. An empty value means the default. */
export const integer: Declare<number, NumberSpec> = declareType('integer', (spec: NumberSpec) => ({
  kind: 'number',
  plain: true,
  parse: (text) => within(spec, wholeNumber(text)),
}));

/** A decimal number, with exponent if need be; neither `nan` nor `inf`. An empty value means the default. */
export const float: Declare<number, NumberSpec> = declareType('float', (spec: NumberSpec) => ({
  kind: 'number',
  plain: true,
  parse: (text) => {
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text.trim())) throw new InvalidValue('should be a number');
    const value = Number(text);
    if (!Number.isFinite(value)) throw new InvalidValue('should be a number that a double can hold');
    return within(spec, value);
  },
}));

/** A TCP port, 0 to 65535. An empty value means the default. */
export const port: Declare<number, NumberSpec> = declareType('port', (spec: NumberSpec) => ({
  kind: 'number',
  plain: true,
  parse: (text) => within({ ...spec, min: spec.min ?? 0, max: spec.max ?? 65_535 }, wholeNumber(text)),
}));

const yes = new Set(['true', '1', 'yes', 'on']);
const no = new Set(['false', '0', 'no', 'off']);

/** `true 1 yes on` or `false 0 no off`, in any case. An empty value is refused. */
export const boolean: Declare<boolean, object> = declareType('boolean', () => ({
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

/** Two whole numbers, `3-7`, or one that is both ends. An empty value is refused. */
export const range: Declare<NumberRange, Bounds> = declareType('range', (spec: Bounds) => ({
  kind: 'object',
  plain: true,
  empty: 'refused',
  format: ({ min, max }) => `${min}-${max}`,
  parse: (text) => {
    const ends = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(text);
    if (ends === null) throw new InvalidValue('should be a range such as 3-7');
    const [min, max] = [within(spec, Number(ends[1])), within(spec, Number(ends[2] ?? ends[1]))];
    if (min > max) throw new InvalidValue('should be a range whose first end is not above the second');
    return { min, max };
  },
}));

/** Refuses a number outside its bounds or choices; the message names both ends. */
export function within(
  { min, max, choices }: NumberSpec,
  value: number,
  write: (n: number) => string = String,
): number {
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
