/**
 * API versions as two integers, and ranges of them: OpenStack's microversions.
 */

import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { Fault, quoteClient } from '../app/index.js';
import { joinVary } from '../app/internal.js';
import { refuseUnknownOptions, whatItIs, withCode } from '../errors/index.js';

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

function wrongVersion(message: string): RangeError {
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

/** Versions that a router serves. */
export interface VersionOptions {
  /** Name of the API in the header: `OpenStack-API-Version: compute 2.53`. */
  readonly serviceType: string;
  /** Lowest version, such as `2.1`. */
  readonly min: string;
  /** Highest version, such as `2.79`. */
  readonly max: string;
  /** Version of requests without one. Default: `min`. */
  readonly default?: string;
  /** Header of older clients, which has only the version, such as nova's `X-OpenStack-Nova-API-Version`. Default: none. */
  readonly legacyHeader?: string | null;
}

const VERSION_NAMES: readonly (keyof VersionOptions)[] = ['serviceType', 'min', 'max', 'default', 'legacyHeader'];

const HEADER = 'OpenStack-API-Version';

/** Negotiates versions for one router. */
export class VersionNegotiation {
  readonly min: ApiVersion;
  readonly max: ApiVersion;
  readonly #default: ApiVersion;
  readonly #serviceType: string;
  readonly #legacyHeader: string | null;
  readonly #legacyKey: string | null;
  readonly #vary: readonly string[];

  /** Throws a `RangeError` for an invalid version, or a default out of bounds. */
  constructor(options: VersionOptions) {
    refuseUnknownOptions('PORTICO_ROUTER_OPTION', "a Router's versions", options, VERSION_NAMES);
    const { serviceType, min, max, legacyHeader = null } = options;
    this.min = ApiVersion.of(min);
    this.max = ApiVersion.of(max);
    if (this.min.compare(this.max) > 0) {
      throw wrongVersion(`versions: min ${this.min.text} is above max ${this.max.text}`);
    }
    this.#default = ApiVersion.of(options.default ?? min);
    if (!this.#default.within({ from: this.min, to: this.max })) {
      const bounds = `${this.min.text} and ${this.max.text}`;
      throw wrongVersion(`versions: the default ${this.#default.text} is not between ${bounds}`);
    }
    this.#serviceType = serviceType;
    this.#legacyHeader = legacyHeader;
    this.#legacyKey = legacyHeader?.toLowerCase() ?? null;
    this.#vary = legacyHeader === null ? [HEADER] : [HEADER, legacyHeader];
  }

  /**
   * Returns the version of a request, and sets the response headers. Throws a `Fault`: 400 for an invalid version, 406 for one out of
   * bounds, whose response has only `Vary`.
   */
  negotiate(headers: IncomingHttpHeaders, res: ServerResponse): ApiVersion {
    const asked = this.#asked(headers);
    const version = asked === undefined ? this.#default : this.#parse(asked);
    const present = res.getHeader('vary');
    res.setHeader('Vary', present === undefined ? this.#vary.join(', ') : joinVary(present, this.#vary));
    if (!version.within({ from: this.min, to: this.max })) {
      throw new Fault(406, {
        message:
          `Version ${version.text} is not supported by the API. ` +
          `Minimum is ${this.min.text} and maximum is ${this.max.text}.`,
      });
    }
    res.setHeader(HEADER, `${this.#serviceType} ${version.text}`);
    if (this.#legacyHeader !== null) res.setHeader(this.#legacyHeader, version.text);
    return version;
  }

  /** Returns the version text for our service type; the last one of several. */
  #asked(headers: IncomingHttpHeaders): string | undefined {
    const header = headers['openstack-api-version'] as string | undefined;
    let asked: string | undefined;
    for (const item of header?.split(',') ?? []) {
      const [type = '', version, ...more] = item.trim().split(/[ \t]+/);
      if (type.toLowerCase() === this.#serviceType.toLowerCase()) asked = [version ?? '', ...more].join(' ');
    }
    if (asked !== undefined || this.#legacyKey === null) return asked;
    return (headers[this.#legacyKey] as string | undefined)?.trim();
  }

  #parse(text: string): ApiVersion {
    if (text.toLowerCase() === 'latest') return this.max;
    const version = ApiVersion.parse(text);
    if (version !== null) return version;
    throw new Fault(400, {
      message: `API Version String ${quoteClient(text)} is of invalid format. Must be of format MajorNum.MinorNum.`,
    });
  }
}
