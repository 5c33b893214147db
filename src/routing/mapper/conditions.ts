/**
 * Conditions of a route besides its path: method, sub-domain, and a function of the application's.
 */
import type { IncomingMessage } from 'node:http';
import { refuseUnknownOptions } from '../../errors/index.js';

/** What matching sees of a request. */
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
 * Called last, when path, method and sub-domain agree; a falsy result refuses the route. What it adds to the match is
 * in the result. `request` is null when only a path is matched. Must not be asynchronous.
 */
export type ConditionFunction = (request: MatchRequest | null, match: Match) => unknown;

/** What a route asks of a request. All must hold. */
export interface Conditions {
  /** Methods, compared exactly; or a text that contains the method, as Routes has it. Absent: every method. */
  readonly method?: readonly string[] | string | undefined;
  /** `true` needs a sub-domain, a falsy value none, a list one of the list. */
  readonly subDomain?: unknown;
  readonly function?: ConditionFunction | undefined;
}

const NAMES: Readonly<Record<keyof Conditions, true>> = { method: true, subDomain: true, function: true };

/** Throws `PORTICO_ROUTE_DEFINITION` for all unknown conditions at once: they would have no effect. */
export function checkConditions(conditions: Conditions | null | undefined): void {
  refuseUnknownOptions('PORTICO_ROUTE_DEFINITION', 'conditions', conditions ?? {}, Object.keys(NAMES));
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

/** The host without its domain and port; null when there is none, or one to be ignored. */
export function subDomainOf(request: MatchRequest | null, options: CompiledSubDomains): string | null {
  if (!options.enabled || request?.host === undefined) return null;
  const host = request.host.split(':', 1)[0]!;
  const subDomain = host.replace(options.pattern, '$1');
  return subDomain !== host && !options.ignore.includes(subDomain) ? subDomain : null;
}

/** {@link SubDomainOptions}, with the domain as an expression over a whole host. */
export interface CompiledSubDomains {
  readonly enabled: boolean;
  readonly ignore: readonly string[];
  readonly pattern: RegExp;
}
