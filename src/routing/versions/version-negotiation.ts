/**
 * Which version of the API a request is for, and the headers that say which it got.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { Fault, quoteClient } from '../../app/index.js';
import { ApiVersion } from './api-version.js';

/** The versions a router serves. */
export interface VersionOptions {
  /** Names the API in the header: `OpenStack-API-Version: compute 2.53`. */
  readonly serviceType: string;
  /** The lowest version, such as `2.1`. */
  readonly min: string;
  /** The highest version, such as `2.79`. */
  readonly max: string;
  /** For requests that name none. Default: `min`. */
  readonly default?: string;
  /** A header of older clients, with the version alone, such as nova's `X-OpenStack-Nova-API-Version`. Default: none. */
  readonly legacyHeader?: string | null;
}

const HEADER = 'OpenStack-API-Version';

/** Negotiates versions for one router. */
export class VersionNegotiation {
  readonly min: ApiVersion;
  readonly max: ApiVersion;
  readonly #default: ApiVersion;
  readonly #serviceType: string;
  readonly #legacyHeader: string | null;
  readonly #legacyKey: string | null;
  readonly #vary: string;

  /** Throws a `RangeError` for a text that is not a version, or a default out of bounds. */
  constructor(options: VersionOptions) {
    const { serviceType, min, max, legacyHeader = null } = options;
    this.min = ApiVersion.of(min);
    this.max = ApiVersion.of(max);
    this.#default = ApiVersion.of(options.default ?? min);
    if (!this.#default.within({ from: this.min, to: this.max })) {
      throw new RangeError(
        `versions: the default ${this.#default.text} is not between ${this.min.text} and ${this.max.text}`,
      );
    }
    this.#serviceType = serviceType;
    this.#legacyHeader = legacyHeader;
    this.#legacyKey = legacyHeader?.toLowerCase() ?? null;
    this.#vary = legacyHeader === null ? HEADER : `${HEADER}, ${legacyHeader}`;
  }

  /**
   * The version for a request, announced in the answer's headers. Throws a `Fault`: 400 for what is no version, 406
   * for one out of bounds, whose answer carries `Vary` alone.
   */
  negotiate(headers: IncomingHttpHeaders, res: ServerResponse): ApiVersion {
    const asked = this.#asked(headers);
    const version = asked === undefined ? this.#default : this.#parse(asked);
    appendVary(res, this.#vary);
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

  /** The version text for our service type; the last one of ours counts. */
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

/** Adds names to `Vary`, whatever is there already. */
function appendVary(res: ServerResponse, names: string): void {
  const present = res.getHeader('vary');
  res.setHeader('Vary', present === undefined ? names : joinVary(String(present), names));
}

/** Two lists of names as one, each name once. */
export function joinVary(present: string, names: string): string {
  const known = new Set(present.toLowerCase().split(/\s*,\s*/));
  const added = names.split(/\s*,\s*/).filter((name) => !known.has(name.toLowerCase()));
  return [present, ...added].join(', ');
}
