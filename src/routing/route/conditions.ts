/**
 * Conditions of a route besides its path: method, sub-domain, and a function of the application.
 */
import type { IncomingMessage } from 'node:http';
import { refuseUnknownOptions } from '../../errors/index.js';
import { translateRegex } from '../template/python-regex.js';

/** The part of a request that matching uses. */
export interface MatchRequest {
  /** Compared exactly. */
  readonly method: string;
  /** Host and port as sent by the client; for sub-domains. */
  readonly host?: string | undefined;
  readonly headers?: IncomingMessage['headers'] | undefined;
  /** The request itself, if there is one. */
  readonly req?: IncomingMessage | undefined;
}

/** Values of a route for a path: its variables and its defaults. Without a prototype. */
export type Match = Record<string, unknown>;

/**
 * Called last, when path, method and sub-domain match; a falsy result refuses the route. Its additions to the match are in the result.
 * `request` is null if only a path is matched. Must not be asynchronous.
 */
export type ConditionFunction = (request: MatchRequest | null, match: Match) => unknown;

/** Conditions of a route. All must hold. */
export interface Conditions {
  /** Methods, compared exactly; or a text that contains the method, as in Routes. Absent: every method. */
  readonly method?: readonly string[] | string | undefined;
  /** `true` requires a sub-domain, a falsy value none, a list one of the list. */
  readonly subDomain?: unknown;
  readonly function?: ConditionFunction | undefined;
}

const NAMES: readonly (keyof Conditions)[] = ['method', 'subDomain', 'function'];

/** Throws `PORTICO_ROUTE_DEFINITION` for all unknown conditions at once: they would have no effect. */
export function checkConditions(conditions: Conditions | null | undefined): void {
  refuseUnknownOptions('PORTICO_ROUTE_DEFINITION', 'conditions', conditions ?? {}, NAMES);
}

/** Options of sub-domains. */
export interface SubDomainOptions {
  readonly subDomains: boolean;
  readonly subDomainsIgnore: readonly string[];
  /** Regular expression of the domain itself. */
  readonly domainMatch: string;
}

/** Reports whether a route's method condition accepts a method. */
export function acceptsMethod(conditions: Conditions | null, method: string): boolean {
  const wanted = conditions?.method;
  return wanted === undefined || wanted.includes(method);
}

/** Reports whether a route's condition accepts a sub-domain; null is none. */
export function acceptsSubDomain(conditions: Conditions, subDomain: string | null): boolean {
  const wanted = conditions.subDomain;
  if (wanted && subDomain === null) return false;
  if (!wanted && Object.hasOwn(conditions, 'subDomain') && subDomain !== null) return false;
  return !Array.isArray(wanted) || wanted.includes(subDomain);
}

/** Returns the methods that a route names; null for all. For a text, its words; matching itself accepts any substring. */
export function namedMethods(conditions: Conditions | null): readonly string[] | null {
  const method = conditions?.method;
  return typeof method === 'string' ? method.split(/[^A-Za-z-]+/) : (method ?? null);
}

/**
 * Returns the reader of a request's sub-domain: its host without domain and port; null if there is none, or it is ignored. Undefined if
 * sub-domains are not used.
 */
export function subDomainReader({
  subDomains,
  subDomainsIgnore,
  domainMatch,
}: SubDomainOptions): ((request: MatchRequest | null) => string | null) | undefined {
  if (!subDomains) return undefined;
  const pattern = new RegExp(translateRegex(`^(.+?)\\.${domainMatch}$`).source, 'gv');
  return (request) => {
    const host = request?.host?.split(':', 1)[0];
    if (host === undefined) return null;
    const subDomain = host.replace(pattern, '$1');
    return subDomain !== host && !subDomainsIgnore.includes(subDomain) ? subDomain : null;
  };
}
