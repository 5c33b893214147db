/**
 * Conditions of a route besides its path: method, sub-domain, and a function of the application's.
 */
import type { IncomingMessage } from 'node:http';
import { refuseUnknownOptions } from '../../errors/index.js';
import { translateRegex } from '../template/python-regex.js';

/** The part of a request that matching sees. */
export interface MatchRequest {
  /** Compared exactly. */
  readonly method: string;
  /** Host and port as the client wrote them; for sub-domains. */
  readonly host?: string | undefined;
  readonly headers?: IncomingMessage['headers'] | undefined;
  /** The request itself, where there is one. */
  readonly req?: IncomingMessage | undefined;
}

/** The values a route gives for a path: its variables and its defaults. Without prototype. */
export type Match = Record<string, unknown>;

/**
 * Called last, when path, method and sub-domain agree; a falsy result refuses the route. Its additions to the match are
 * in the result. `request` is null when only a path is matched. Must not be asynchronous.
 */
export type ConditionFunction = (request: MatchRequest | null, match: Match) => unknown;

/** Conditions of a route. All must hold. */
export interface Conditions {
  /** Methods, compared exactly; or a text that contains the method, as Routes has it. Absent: every method. */
  readonly method?: readonly string[] | string | undefined;
  /** `true` needs a sub-domain, a falsy value none, a list one of the list. */
  readonly subDomain?: unknown;
  readonly function?: ConditionFunction | undefined;
}

const NAMES: readonly (keyof Conditions)[] = ['method', 'subDomain', 'function'];

/** Throws `PORTICO_ROUTE_DEFINITION` for all unknown conditions at once: they would have no effect. */
export function checkConditions(conditions: Conditions | null | undefined): void {
  refuseUnknownOptions('PORTICO_ROUTE_DEFINITION', 'conditions', conditions ?? {}, NAMES);
}

/** How sub-domains are found. */
export interface SubDomainOptions {
  readonly subDomains: boolean;
  readonly subDomainsIgnore: readonly string[];
  /** A regular expression for the domain itself. */
  readonly domainMatch: string;
}

/** Whether a route's method condition takes a method. */
export function acceptsMethod(conditions: Conditions | null, method: string): boolean {
  const wanted = conditions?.method;
  return wanted === undefined || wanted.includes(method);
}

/** Whether a route's condition takes a sub-domain; null is none. */
export function acceptsSubDomain(conditions: Conditions, subDomain: string | null): boolean {
  const wanted = conditions.subDomain;
  if (wanted && subDomain === null) return false;
  if (!wanted && Object.hasOwn(conditions, 'subDomain') && subDomain !== null) return false;
  return !Array.isArray(wanted) || wanted.includes(subDomain);
}

/** The methods that a route names; null for all. A text takes the methods that are words in it, and oddities beside. */
export function namedMethods(conditions: Conditions | null): readonly string[] | null {
  const method = conditions?.method;
  return typeof method === 'string' ? method.split(/[^A-Za-z-]+/) : (method ?? null);
}

/**
 * Tells the sub-domain of a request: its host without domain and port; null when there is none, or one to be ignored.
 * Undefined where sub-domains are not looked at.
 */
export function subDomainReader({
  subDomains,
  subDomainsIgnore,
  domainMatch,
}: SubDomainOptions): ((request: MatchRequest | null) => string | null) | undefined {
  const pattern = new RegExp(translateRegex(`^(.+?)\\.${domainMatch}$`).source, 'gv');
  if (!subDomains) return undefined;
  return (request) => {
    const host = request?.host?.split(':', 1)[0];
    if (host === undefined) return null;
    const subDomain = host.replace(pattern, '$1');
    return subDomain !== host && !subDomainsIgnore.includes(subDomain) ? subDomain : null;
  };
}
