/**
 * Which origins may do what: the rules of cross-origin requests, apart from their headers.
 */
import { ConfigurationRefused, type Origin as Place } from '../errors/index.js';

/** What a set of origins may do. */
export interface CorsRules {
  /** `scheme://host[:port]`, `*`, or `regex:` and a pattern for the whole origin. */
  readonly allowedOrigin: readonly string[];
  readonly allowCredentials: boolean;
  readonly exposeHeaders: readonly string[];
  /** Seconds a browser may keep the answer to a preflight. */
  readonly maxAge: number;
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly allowPrivateNetwork: boolean;
}

interface RuleSet {
  readonly matches: (origin: string) => boolean;
  readonly rules: CorsRules;
}

/** Sets of origins with what each may do; the first set that has an origin decides. */
export class CorsPolicy {
  readonly #sets: RuleSet[] = [];

  /**
   * Adds a set. Throws for an entry that is no origin, and for `*` together with credentials: browsers refuse that, and
   * echoing every origin with credentials would open every session to every page.
   */
  add(rules: CorsRules, place?: Place): void {
    const checks = rules.allowedOrigin.map((entry) => matcherOf(entry, place));
    if (rules.allowCredentials && rules.allowedOrigin.includes('*')) {
      throw refused('allowed_origin * together with allow_credentials lets every page act for its visitor', place);
    }
    this.#sets.push({ matches: (origin) => checks.some((check) => check(origin)), rules });
  }

  /** What an origin may do; undefined when nothing. */
  rulesFor(origin: string): CorsRules | undefined {
    return this.#sets.find(({ matches }) => matches(origin))?.rules;
  }
}

function matcherOf(entry: string, place: Place | undefined): (origin: string) => boolean {
  if (entry === '*') return () => true;
  if (entry.startsWith('regex:')) {
    const pattern = wholePattern(entry.slice(6), place);
    return (origin) => pattern.test(origin);
  }
  if (!/^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(entry)) {
    throw refused(`allowed_origin ${entry} is no origin`, place);
  }
  const wanted = entry.toLowerCase();
  return (origin) => origin === wanted;
}

function wholePattern(source: string, place: Place | undefined): RegExp {
  try {
    return new RegExp(`^(?:${source})$`, 'u');
  } catch (error) {
    throw refused(`allowed_origin regex:${source} is no pattern: ${(error as Error).message}`, place);
  }
}

function refused(message: string, origin: Place | undefined): ConfigurationRefused {
  return new ConfigurationRefused('PORTICO_CORS_ORIGIN', {
    message,
    hint: 'Write scheme://host or scheme://host:port, without path, slash at the end or user.',
    origin,
  });
}
