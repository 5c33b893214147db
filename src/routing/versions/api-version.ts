/**
 * API versions as two integers, and ranges of them: OpenStack's microversions.
 */

/** A version such as 2.53. 2.9 is below 2.10. */
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

  /** From `X.Y` without leading zeros; null for anything else. */
  static parse(text: string): ApiVersion | null {
    const found = /^([1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/.exec(text);
    return found === null ? null : new ApiVersion(Number(found[1]), Number(found[2]));
  }

  /** From a version in code; throws a `RangeError` for a text that is not a version. */
  static of(version: ApiVersion | string): ApiVersion {
    const parsed = typeof version === 'string' ? ApiVersion.parse(version) : version;
    if (parsed === null)
      throw new RangeError(
        `"${typeof version === 'string' ? version : version.text}" is no version: X.Y without leading zeros`,
      );
    return parsed;
  }

  /** Negative when this version is the lower one. */
  compare(other: ApiVersion): number {
    return this.major - other.major || this.minor - other.minor;
  }

  /** Whether this version is `version` or a later one. */
  atLeast(version: ApiVersion | string): boolean {
    return this.compare(known(version)) >= 0;
  }

  /** Whether this version is `version` or an earlier one. */
  atMost(version: ApiVersion | string): boolean {
    return this.compare(known(version)) <= 0;
  }

  /** Whether this version is within both bounds; an absent one is open. */
  within({ from, to }: VersionRange): boolean {
    return (from === null || this.compare(from) >= 0) && (to === null || this.compare(to) <= 0);
  }

  toString(): string {
    return this.text;
  }
}

/** First and last version, both included; null is open. */
export interface VersionRange {
  readonly from: ApiVersion | null;
  readonly to: ApiVersion | null;
}

/** A range as it is written: `['2.1', '2.35']`, `['2.36']` from there on, absent for all. */
export type WrittenRange = readonly [from: string | null, to?: string | null];

/** All versions. */
export const EVERY_VERSION: VersionRange = Object.freeze({ from: null, to: null });

/** Reads a range; throws a `RangeError` when an end is no version or they stand the wrong way round. */
export function readRange(written: WrittenRange | undefined): VersionRange {
  if (written === undefined) return EVERY_VERSION;
  const [first, last] = written;
  const from = first === null ? null : ApiVersion.of(first);
  const to = last === null || last === undefined ? null : ApiVersion.of(last);
  if (from !== null && to !== null && from.compare(to) > 0) {
    throw new RangeError(`versions from ${from.text} to ${to.text}: the first is above the last`);
  }
  return { from, to };
}

/** Whether two ranges have a version in common. */
export function rangesOverlap(a: VersionRange, b: VersionRange): boolean {
  const starts = (x: VersionRange, y: VersionRange): boolean =>
    x.from === null || y.to === null || x.from.compare(y.to) <= 0;
  return starts(a, b) && starts(b, a);
}

/** Versions in code are parsed once for each text, not once for each request. */
function known(version: ApiVersion | string): ApiVersion {
  if (typeof version !== 'string') return version;
  const dot = version.indexOf('.');
  // No table: two numbers are cheaper to read than a map is to look up, and nothing has to be kept.
  const major = Number(version.slice(0, dot));
  const minor = Number(version.slice(dot + 1));
  if (dot < 1 || !Number.isInteger(major) || !Number.isInteger(minor)) return ApiVersion.of(version);
  return new ApiVersion(major, minor);
}
