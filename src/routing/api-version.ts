/**
 * API versions as two integers, and ranges of them: OpenStack's microversions.
 */
import { whatItIs, withCode } from '../errors/index.js';

/** A version such as 2.53. 2.9 is lower than 2.10. */
export class ApiVersion {
  readonly major: number;
  readonly minor: number;
  /** `2.53` */
  readonly text: string;

  constructor(major: number, minor: number) {
    this.major = major;
    this.minor = minor;
    this.text = `${major}.${minor}`;
  }

  /** Parses `X.Y` without leading zeros; returns null for anything else. */
  static parse(text: string): ApiVersion | null {
    const found = /^([1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/.exec(text);
    return found === null ? null : new ApiVersion(Number(found[1]), Number(found[2]));
  }

  /** Returns a version from code; throws a `RangeError` for an invalid text. */
  static of(version: ApiVersion | string): ApiVersion {
    // It may come from another copy of this package.
    if (typeof version === 'object') return version;
    const parsed = typeof version === 'string' ? ApiVersion.parse(version) : null;
    if (parsed !== null) return parsed;
    const written = typeof version === 'string' ? `"${version}"` : String(version);
    throw wrongVersion(`${written} is not a version: write 'X.Y', a text without leading zeros`);
  }

  /** Returns a negative number if this version is lower. */
  compare(other: ApiVersion): number {
    return this.major - other.major || this.minor - other.minor;
  }

  /** Reports whether this version is `version` or a later one. */
  atLeast(version: ApiVersion | string): boolean {
    return this.compare(known(version)) >= 0;
  }

  /** Reports whether this version is `version` or an earlier one. */
  atMost(version: ApiVersion | string): boolean {
    return this.compare(known(version)) <= 0;
  }

  /** Reports whether this version is within both bounds; an absent bound is open. */
  within({ from, to }: VersionRange): boolean {
    return (from === null || this.compare(from) >= 0) && (to === null || this.compare(to) <= 0);
  }

  toString(): string {
    return this.text;
  }
}

/** Returns the error for a version in code. */
export function wrongVersion(message: string): RangeError {
  return withCode(new RangeError(message), 'PORTICO_API_VERSION');
}

/** First and last version, both inclusive; null is open. */
export interface VersionRange {
  readonly from: ApiVersion | null;
  readonly to: ApiVersion | null;
}

/** A written range: `['2.1', '2.35']`, `['2.36']` for that and later ones, absent for all. */
export type WrittenRange = readonly [from: string | null, to?: string | null];

/** All versions. */
export const EVERY_VERSION: VersionRange = Object.freeze({ from: null, to: null });

/** Parses a range; throws a `RangeError` for an invalid version or a wrong order. */
export function readRange(written: WrittenRange | undefined): VersionRange {
  if (written === undefined) return EVERY_VERSION;
  if (!Array.isArray(written)) {
    const hint = "write versions: ['2.1', '2.35'], or ['2.36'] for all from there on";
    throw wrongVersion(`versions is ${whatItIs(written)}, not a list of the first and the last version: ${hint}`);
  }
  const [first, last] = written;
  const from = first === null ? null : ApiVersion.of(first);
  const to = last === null || last === undefined ? null : ApiVersion.of(last);
  if (from !== null && to !== null && from.compare(to) > 0) {
    throw wrongVersion(`versions from ${from.text} to ${to.text}: the first is above the last`);
  }
  return { from, to };
}

/** Returns a range as text: `2.1 to the last`. */
export function rangeText({ from, to }: VersionRange): string {
  return `${from === null ? 'the first' : from.text} to ${to === null ? 'the last' : to.text}`;
}

/** Reports whether two ranges overlap. */
export function rangesOverlap(a: VersionRange, b: VersionRange): boolean {
  const starts = (x: VersionRange, y: VersionRange): boolean =>
    x.from === null || y.to === null || x.from.compare(y.to) <= 0;
  return starts(a, b) && starts(b, a);
}

/** Parses a version from code. */
function known(version: ApiVersion | string): ApiVersion {
  if (typeof version !== 'string') return version;
  const dot = version.indexOf('.');
  // No cache: parsing two numbers is cheaper than a map lookup, and stores nothing.
  const major = Number(version.slice(0, dot));
  const minor = Number(version.slice(dot + 1));
  if (dot < 1 || !Number.isInteger(major) || !Number.isInteger(minor)) return ApiVersion.of(version);
  return new ApiVersion(major, minor);
}
