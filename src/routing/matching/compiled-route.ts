/**
 * A route with its expression, and the answer it gives for a path.
 */
import {
  acceptsMethod,
  acceptsSubDomain,
  type CompiledSubDomains,
  type Match,
  type MatchRequest,
  subDomainOf,
} from '../mapper/conditions.js';
import { isTruthy, type Route } from '../mapper/route.js';
import { emptyTable, setOwn } from '../template/own-property.js';
import { translateRegex } from '../template/python-regex.js';
import { hasManyWays, ShortestParts } from './shortest-parts.js';

/** The text of each variable; undefined for an optional one that is not there. */
export type Captured = readonly (string | undefined)[];

/** A route of a compiled table. */
export class CompiledRoute {
  readonly route: Route;
  /** Its place among the routes of the table that can match, in the order they were defined. */
  readonly index: number;
  /** Literal text in front of the first variable: a path must begin with it. */
  readonly prefix: string;
  /** Names of the captured values: the variables in the order of the path, then named groups of requirements. */
  readonly names: readonly string[];
  /** Its place in the order in which routes are tried. Given by the table. */
  rank = -1;
  /** More than path and method decide: the conditions have to be asked. */
  readonly conditional: boolean;
  readonly #controllers: readonly string[];
  #regex: RegExp | undefined;
  /** Instead of the expression, where that could take long. */
  readonly #parted: ShortestParts | null;

  constructor(route: Route, index: number, controllers: readonly string[]) {
    this.route = route;
    this.index = index;
    this.prefix = route.literalPrefix;
    this.#controllers = controllers;
    this.names = [...route.variables.keys()];
    this.#parted = hasManyWays(route.parts, route.patternSource(controllers)) ? new ShortestParts(route.parts) : null;
    // A route whose expression can only be broken by a name need not have it compiled before it is wanted, and the
    // tree decides most routes without it.
    if (!hasPlainNames(route)) {
      const translated = translateRegex(route.wholePattern(controllers));
      this.#regex = new RegExp(translated.source, 'v');
      this.names = [...this.names, ...translated.names.filter((name) => !route.variables.has(name))];
    }
    const { conditions } = route;
    this.conditional =
      conditions !== null && (conditions.function !== undefined || Object.hasOwn(conditions, 'subDomain'));
  }

  /** Over the whole path, with a group for each name. */
  get regex(): RegExp {
    this.#regex ??= new RegExp(translateRegex(this.route.wholePattern(this.#controllers)).source, 'v');
    return this.#regex;
  }

  /** The values for a whole path; null when it is not this route's. Conditions are not asked. */
  capture(path: string): Captured | null {
    if (!path.startsWith(this.prefix)) return null;
    if (this.#parted !== null) return this.#parted.values(path, 0, path.length, true);
    const groups = this.regex.exec(path);
    if (groups === null) return null;
    return this.names.map((name) => groups.groups?.[name]);
  }

  /** Whether a whole path is this route's. */
  takes(path: string): boolean {
    if (this.#parted !== null) return this.capture(path) !== null;
    return path.startsWith(this.prefix) && this.regex.test(path);
  }

  /** Whether method, sub-domain and function accept the request. The function may add to the match. */
  accepts(request: MatchRequest | null, subDomain: string | null, match: () => Match): boolean {
    const { conditions } = this.route;
    if (conditions === null) return true;
    if (request !== null && !acceptsMethod(conditions, request.method)) return false;
    if (!acceptsSubDomain(conditions, subDomain)) return false;
    return conditions.function === undefined || isTruthy(conditions.function(request, match()));
  }

  /** The match: variables, then defaults. A default stands in for a value that is empty. */
  matchOf(captured: Captured): Match {
    const match: Match = emptyTable();
    for (const [place, name] of this.names.entries()) {
      const value = captured[place] ?? null;
      const fallback = value ? undefined : this.route.defaults.get(name);
      setOwn(match, name, isTruthy(fallback) ? fallback : value);
    }
    for (const [name, value] of this.route.defaults) if (!Object.hasOwn(match, name)) setOwn(match, name, value);
    return match;
  }
}

/** Names that are identifiers, once each, and no requirement that could have group names of its own. */
function hasPlainNames({ parts, variables, requirements, minimize }: Route): boolean {
  if (minimize || parts.filter((part) => typeof part !== 'string').length !== variables.size) return false;
  for (const name of variables.keys()) if (!/^[A-Za-z_]\w*$/.test(name)) return false;
  return !Object.values(requirements).some((requirement) => requirement.includes('(?P'));
}

/** What a lookup found: the route and its values; the match is made when it is asked for. */
export class Found {
  readonly compiled: CompiledRoute;
  readonly captured: Captured;
  /** Undefined: the table does not look at sub-domains. */
  readonly subDomain: string | null | undefined;
  #match: Match | undefined = undefined;

  constructor(compiled: CompiledRoute, captured: Captured, subDomain: string | null | undefined) {
    this.compiled = compiled;
    this.captured = captured;
    this.subDomain = subDomain;
  }

  get match(): Match {
    if (this.#match === undefined) {
      this.#match = this.compiled.matchOf(this.captured);
      if (this.subDomain !== undefined) this.#match.sub_domain = this.subDomain;
    }
    return this.#match;
  }
}

/** The route's answer for values it captured, once its conditions accept; else null. */
export function acceptFound(
  compiled: CompiledRoute,
  captured: Captured,
  request: MatchRequest | null,
  subDomains: CompiledSubDomains,
): Found | null {
  const subDomain = subDomains.enabled ? subDomainOf(request, subDomains) : undefined;
  const found = new Found(compiled, captured, subDomain);
  return compiled.accepts(request, subDomain ?? null, () => found.match) ? found : null;
}
