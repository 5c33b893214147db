/** Option types for amounts with a unit: sizes and durations. */
import { type Declare, declareType } from './declare.js';
import { type Bounds, within } from './number-types.js';
import { InvalidValue } from './option.js';

const sizes: Readonly<Record<string, number>> = { K: 1, M: 2, G: 3, T: 4, P: 5 };

/**
 * A size in bytes: a whole number, alone or with `B`, `K KiB M MiB G GiB T TiB P PiB` (powers of 1024) or
 * `KB MB GB TB PB` (powers of 1000), as the GNU tools read them. The value is a number of bytes.
 */
export const bytes: Declare<number, Bounds> = declareType('bytes', (spec: Bounds) => ({
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
  /** What a bare number means, and what the value counts. Default `s`; an option in `ms` has that in its name. */
  readonly unit?: DurationUnit;
}

/** Node turns the delay of a timer above this into 1 ms. */
const longestTimerMs = 2_147_483_647;

/**
 * A duration: a whole or decimal number, alone or with `ms s m h d`. The value is a number **in the option's `unit`,
 * seconds by default**, fractions included. Without a `max` of its own an option accepts what a Node timer can wait,
 * 24.8 days.
 */
export const duration: Declare<number, DurationSpec> = declareType('duration', (spec: DurationSpec) => {
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
