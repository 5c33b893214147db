/**
 * Negotiation of the version of a request by a header: OpenStack's microversions, with the words of nova or of microversion-parse.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { Fault, quoteClient } from '../app/index.js';
import { joinVary } from '../app/internal.js';
import {
  FUNCTION,
  OBJECT,
  type OptionKind,
  oneOf,
  refuseUnknownOptions,
  refuseWrongValues,
  TEXT,
} from '../errors/index.js';
import { ApiVersion, wrongVersion } from './api-version.js';

/** Facts of a refused version. */
export interface RefusedVersion {
  /** As the client has written it, short and printable. */
  readonly asked: string;
  /** Lowest version, such as `2.1`. */
  readonly min: string;
  /** Highest version. */
  readonly max: string;
}

/** Status and message of a refusal. */
export interface VersionRefusal {
  /** From 400 to 499. */
  readonly status?: number | undefined;
  /** A sentence for the client. */
  readonly message?: ((version: RefusedVersion) => string) | undefined;
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
  /** Name of the header. Default `OpenStack-API-Version`. */
  readonly header?: string | undefined;
  /** Header of older clients, which has only the version, such as nova's `X-OpenStack-Nova-API-Version`. Default: none. */
  readonly legacyHeader?: string | null;
  /** Statuses and words of refusals that are not written: those of `nova`, or of the library `microversion-parse`. Default `nova`. */
  readonly like?: keyof typeof PRESETS | undefined;
  /** For a version in which the action does not exist. */
  readonly missing?: VersionRefusal | undefined;
  /** For a version below `min` or above `max`. */
  readonly outOfRange?: VersionRefusal | undefined;
  /** For a text that is no version. */
  readonly malformed?: VersionRefusal | undefined;
}

type Refusals = Readonly<Record<'missing' | 'outOfRange' | 'malformed', Required<VersionRefusal>>>;

const NO_ACTION = 'The resource could not be found in this version of the API.';

const PRESETS = {
  nova: {
    missing: { status: 404, message: () => NO_ACTION },
    outOfRange: {
      status: 406,
      message: ({ asked, min, max }) =>
        `Version ${asked} is not supported by the API. Minimum is ${min} and maximum is ${max}.`,
    },
    malformed: {
      status: 400,
      message: ({ asked }) => `API Version String ${asked} is of invalid format. Must be of format MajorNum.MinorNum.`,
    },
  },
  'microversion-parse': {
    missing: { status: 404, message: () => NO_ACTION },
    outOfRange: {
      status: 406,
      message: ({ asked }) => `Invalid microversion: Unacceptable version header: ${asked}`,
    },
    malformed: { status: 400, message: ({ asked }) => `Invalid microversion: invalid version string: ${asked}` },
  },
} as const satisfies Readonly<Record<string, Refusals>>;

const REFUSED: OptionKind = { ...OBJECT, noun: 'an object with status and message' };

const KINDS: Readonly<Record<keyof VersionOptions, OptionKind>> = {
  serviceType: TEXT,
  min: TEXT,
  max: TEXT,
  default: TEXT,
  header: TEXT,
  legacyHeader: TEXT,
  like: oneOf(...Object.keys(PRESETS)),
  missing: REFUSED,
  outOfRange: REFUSED,
  malformed: REFUSED,
};

const REFUSAL_KINDS: Readonly<Record<keyof VersionRefusal, OptionKind>> = {
  status: {
    noun: 'a status from 400 to 499',
    has: (value) => Number.isInteger(value) && Number(value) >= 400 && Number(value) <= 499,
  },
  message: FUNCTION,
};

const CODE = 'PORTICO_ROUTER_OPTION';

/** Name of the header of a router's versions. */
export const headerOf = ({ header = 'OpenStack-API-Version' }: Pick<VersionOptions, 'header'>): string => header;

/** Negotiates versions for one router. */
export class VersionNegotiation {
  readonly min: ApiVersion;
  readonly max: ApiVersion;
  readonly #default: ApiVersion;
  readonly #serviceType: string;
  readonly #header: string;
  readonly #key: string;
  readonly #legacyHeader: string | null;
  readonly #legacyKey: string | null;
  readonly #vary: readonly string[];
  readonly #refusals: Refusals;

  /** Throws a `RangeError` for an invalid version, or a default out of bounds; `PORTICO_ROUTER_OPTION` for other options. */
  constructor(options: VersionOptions) {
    refuseUnknownOptions(CODE, "a Router's versions", options, Object.keys(KINDS));
    // Versions have their own check, which says how to write one.
    const { min, max, default: usual = min, ...others } = options;
    refuseWrongValues(CODE, "a Router's versions", others, KINDS);
    this.#refusals = refusalsOf(options);
    const { serviceType, legacyHeader = null } = options;
    this.min = ApiVersion.of(min);
    this.max = ApiVersion.of(max);
    if (this.min.compare(this.max) > 0) {
      throw wrongVersion(`versions: min ${this.min.text} is above max ${this.max.text}`);
    }
    this.#default = ApiVersion.of(usual);
    if (!this.#default.within({ from: this.min, to: this.max })) {
      const bounds = `${this.min.text} and ${this.max.text}`;
      throw wrongVersion(`versions: the default ${this.#default.text} is not between ${bounds}`);
    }
    this.#serviceType = serviceType;
    this.#header = headerOf(options);
    this.#key = this.#header.toLowerCase();
    this.#legacyHeader = legacyHeader;
    this.#legacyKey = legacyHeader?.toLowerCase() ?? null;
    this.#vary = legacyHeader === null ? [this.#header] : [this.#header, legacyHeader];
  }

  /**
   * Returns the version of a request, and sets the response headers. Throws a `Fault` for an invalid version, and for one out of bounds,
   * whose response has only `Vary`.
   */
  negotiate(asked: string | undefined, res: ServerResponse): ApiVersion {
    const version = asked === undefined ? this.#default : this.#parse(asked);
    const present = res.getHeader('vary');
    res.setHeader('Vary', present === undefined ? this.#vary.join(', ') : joinVary(present, this.#vary));
    if (!version.within({ from: this.min, to: this.max })) throw this.refusal('outOfRange', version.text);
    res.setHeader(this.#header, `${this.#serviceType} ${version.text}`);
    if (this.#legacyHeader !== null) res.setHeader(this.#legacyHeader, version.text);
    return version;
  }

  /** Returns the refusal of a version. */
  refusal(reason: keyof Refusals, asked: string): Fault {
    const { status, message } = this.#refusals[reason];
    const version: RefusedVersion = { asked, min: this.min.text, max: this.max.text };
    return new Fault(status!, { message: message!(version), kind: 'version', data: { reason, ...version } });
  }

  /** Returns the version text for our service type; the last one of several. */
  asked(headers: IncomingHttpHeaders): string | undefined {
    const header = headers[this.#key] as string | undefined;
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
    throw this.refusal('malformed', quoteClient(text));
  }
}

/** Returns the written refusals, and those of the preset where none is written. */
function refusalsOf(options: VersionOptions): Refusals {
  const preset: Refusals = PRESETS[options.like ?? 'nova'];
  const made = (['missing', 'outOfRange', 'malformed'] as const).map((reason) => {
    const written = options[reason] ?? {};
    const what = `${reason} of a Router's versions`;
    refuseUnknownOptions(CODE, what, written, Object.keys(REFUSAL_KINDS));
    refuseWrongValues(CODE, what, written, REFUSAL_KINDS);
    const { status = preset[reason].status, message = preset[reason].message } = written;
    return [reason, { status, message }] as const;
  });
  return Object.fromEntries(made) as unknown as Refusals;
}
